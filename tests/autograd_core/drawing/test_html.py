"""The HTML page as a text: self-contained, escaped, with a strict policy."""

import base64
import hashlib
import json
import re

import pytest

from autograd_core.drawing.html import embedded, to_html
from tests.autograd_core.drawing import scenes


def page(**more):
    given = {"modules": scenes.residual(), "ops": scenes.ops()}
    return to_html(given, "modules", **more)


def test_nothing_is_fetched():
    text = page()
    assert not re.findall(r"<(?:link|img|iframe|script\s+src)", text)
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}


def test_the_policy_lets_only_the_pages_own_script_and_style_run():
    text = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    body = text[text.index("<body>") : text.index("<script type")]
    assert not re.findall(r"<[^>]*\s(?:style|on\w+)=", body)


def test_hostile_names_stay_inside():
    text = to_html({"ops": scenes.hostile()}, "ops")
    assert text.count("<script") == text.count("</script") == 2
    assert "<img" not in text
    data = re.search(r'<script type="application/json" id="scenes">(.*?)</script>', text, re.S)[1]
    assert not set(data) & set("<>&\u2028\u2029")
    assert len(json.loads(data)["scenes"]["ops"]["boxes"]) == len(scenes.HOSTILE)
    text.encode()


def test_the_data_is_json_again():
    value = {"a": '</script><!--\u2028"\\&', "b": [1, None, True]}
    assert json.loads(embedded(value)) == value


def test_the_same_scenes_give_the_same_bytes():
    assert page() == page()


def test_the_levels_have_a_button_and_a_picture_each():
    text = page()
    assert re.findall(r'data-show="(\w+)"', text) == ["modules", "ops"]
    assert re.findall(r'data-level="(\w+)"', text) == ["modules", "ops"]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="level is one of modules, ops; got 'full'"):
        to_html({"modules": scenes.residual(), "ops": scenes.ops()}, "full")
    with pytest.raises(ValueError, match="theme is light, dark, auto; got 'pink'"):
        page(theme="pink")
