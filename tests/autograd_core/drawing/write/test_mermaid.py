"""Mermaid: complete, quoted, within its limits."""

import re

import pytest
from hypothesis import given, settings

from autograd_core.drawing.write import mermaid
from autograd_core.drawing.write.mermaid import to_mermaid
from tests.autograd_core.drawing import scenes

EVERY = (scenes.residual, scenes.ops, scenes.rnn, scenes.hostile)


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


def test_mermaid_keeps_its_limits_and_counts_the_rest():
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
