"""Mermaid, JSON, text and networkx."""

import builtins
import json
import re

import pytest
from hypothesis import given, settings

from autograd_core.drawing.write import mermaid
from autograd_core.drawing.write.export import to_json, to_networkx, to_text
from autograd_core.drawing.write.mermaid import to_mermaid
from tests.autograd_core.drawing import scenes

EVERY = (scenes.residual, scenes.ops, scenes.rnn, scenes.hostile)


@pytest.mark.parametrize("make", EVERY)
def test_json_holds_everything(make):
    scene = make()
    read = json.loads(to_json(scene))
    assert [b["id"] for b in read["boxes"]] == [b.id for b in scene.boxes]
    assert len(read["arrows"]) == len(scene.arrows)
    assert read["clusters"] == [vars(c) for c in scene.clusters]


def test_text_has_a_line_a_box_and_aligned_columns():
    scene = scenes.ops()
    lines = to_text(scene).splitlines()
    assert lines[0] == "MLP"
    body = lines[3:]
    assert len(body) == len(scene.boxes)
    assert len({line.index("←") for line in body if "←" in line}) == 1
    assert "○ fc1.matmul" in to_text(scene)
    assert "← x, fc1.W" in to_text(scene)


def test_text_of_wide_characters_is_aligned():
    lines = to_text(scenes.hostile()).splitlines()
    assert all("\n" not in line and "\x1b" not in line for line in lines)


@pytest.mark.parametrize("make", EVERY)
def test_mermaid_names_every_box_and_arrow(make):
    scene = make()
    text = to_mermaid(scene)
    assert len(re.findall(r"^\s*n\d+[\[(]", text, re.M)) == len(scene.boxes)
    assert len(re.findall(r"^  n\d+ -\.?-?>", text, re.M)) == len(scene.arrows)
    assert text.count("subgraph ") == len(re.findall(r"^\s*end$", text, re.M))


@settings(max_examples=80, deadline=None)
@given(scene=scenes.random_scenes())
def test_mermaid_is_quoted(scene):
    for line in to_mermaid(scene).splitlines():
        if line.lstrip().startswith("%%"):
            continue
        assert line.count('"') % 2 == 0
        for inside in re.findall(r'"([^"]*)"', line):
            assert not set(inside.replace("<br/>", "")) & set('<>`\\"')


def test_mermaid_keeps_its_limits_and_says_so():
    text = to_mermaid(scenes.long(1000, 2))
    assert "700 older boxes" in text
    assert len(re.findall(r"^\s*n\d+[\[(]", text, re.M)) == mermaid.MOST_BOXES
    assert len(re.findall(r"-->", text)) <= mermaid.MOST_ARROWS
    scene = scenes.long(290)
    for b in scene.boxes:
        object.__setattr__(b, "title", "<" * 300)
    text = to_mermaid(scene)
    assert len(text) <= mermaid.MOST_CHARACTERS
    assert "older boxes" in text


@pytest.mark.parametrize(("text", "written"), [
    ("+", "#43;"), ("- a", "#45; a"), ("1. a", "1#46; a"), ("__init__", "#95;#95;init#95;#95;"),
    ("a*b", "a#42;b"), ("a`b", "a#96;b"), ("#35;", "#35;35#59;"), ("3.5", "3#46;5"),
    ("x[:, 0]", "x[:, 0]"), ("卷积 🧠", "卷积 🧠"),
])  # fmt: skip
def test_mermaid_takes_no_name_for_markdown(text, written):
    assert mermaid.quoted(text) == f'"{written}"'


def test_networkx_has_the_same_graph():
    pytest.importorskip("networkx")
    scene = scenes.residual()
    graph = to_networkx(scene)
    assert list(graph.nodes) == [b.id for b in scene.boxes]
    assert graph.number_of_edges() == len(scene.arrows)
    assert graph.nodes["conv1"]["type"] == "Conv2d"
    assert [d["label"] for _, _, d in graph.edges(data=True)].count("8×10") == 1


def test_without_networkx_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "networkx":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match="pip install networkx"):
        to_networkx(scenes.residual())
