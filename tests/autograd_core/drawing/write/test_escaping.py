"""Texts that are safe inside each of the formats."""

import json

import pytest

from autograd_core.drawing.write.escaping import mermaid_text, script_json


def test_the_data_is_json_again():
    value = {"a": '</script><!--\u2028"\\&', "b": [1, None, True]}
    assert json.loads(script_json(value)) == value


@pytest.mark.parametrize(("text", "written"), [
    ("+", "#43;"), ("- a", "#45; a"), ("1. a", "1#46; a"), ("__init__", "#95;#95;init#95;#95;"),
    ("a*b", "a#42;b"), ("a`b", "a#96;b"), ("#35;", "#35;35#59;"), ("3.5", "3#46;5"),
    ("x[:, 0]", "x[:, 0]"), ("卷积 🧠", "卷积 🧠"),
])  # fmt: skip
def test_mermaid_takes_no_text_for_markdown(text, written):
    assert mermaid_text(text) == f'"{written}"'
