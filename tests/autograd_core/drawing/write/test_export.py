"""JSON, text and graphs of networkx."""

import builtins
import json

import pytest

from autograd_core.drawing.write.export import to_json, to_networkx, to_text
from tests.autograd_core.drawing import scenes

EVERY = (scenes.residual, scenes.ops, scenes.rnn, scenes.hostile)


@pytest.mark.parametrize("make", EVERY)
def test_json_holds_everything(make):
    scene = make()
    read = json.loads(to_json(scene))
    assert [b["id"] for b in read["boxes"]] == [b.id for b in scene.boxes]
    assert len(read["arrows"]) == len(scene.arrows)
    assert read["clusters"] == [vars(c) for c in scene.clusters]


def test_text_has_a_line_per_box_and_aligned_columns():
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
