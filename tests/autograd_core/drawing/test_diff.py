"""The difference between two pictures."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.autograd_core.drawing import networks


def wider():
    rng = np.random.default_rng(0)
    model = networks.MLP()
    model.fc1, model.fc2 = nn.Linear(784, 32, rng=rng), nn.Linear(32, 16, rng=rng)
    x, y = rng.random((32, 784), np.float32), rng.random((32, 10), np.float32)
    return model, nn.mse_loss(np.exp(model(x)), y)


def test_added_removed_and_changed():
    _, loss = networks.mlp()
    model, other = wider()
    d = ag.draw(loss, level="modules").diff(ag.draw(other, level="modules"))
    assert d
    assert d.added == ["exp"]
    assert d.removed == []
    assert d.changed["fc1"] == [
        "spec 784 → 16, now 784 → 32",
        "note 12,560 params, now 25,120 params",
        "shape 32×16, now 32×32",
    ]
    assert "out" not in d.changed
    assert ("exp", "output") in d.arrows_added
    assert ("sigmoid_3", "output") in d.arrows_removed
    assert "+ exp" in repr(d)
    assert "~ fc1: spec 784 → 16, now 784 → 32" in repr(d)
    del model


def test_the_picture_has_marks_in_words():
    _, loss = networks.mlp()
    a, b = ag.draw(loss, level="modules"), ag.draw(wider()[1], level="ops")
    scene = a.diff(b).picture.graph
    marks = {box.mark for box in scene.boxes}
    assert {"+ added", "− removed"} <= marks
    assert scene.title.endswith("what changed")
    names = [box.id for box in scene.boxes]
    assert len(names) == len(set(names))
    assert a.diff(b).picture.dot.startswith("digraph")


def test_one_more_operation_renames_nothing(tmp_path):
    x = np.ones((2, 4), np.float32)
    before = ag.draw(lambda x: np.tanh(np.exp(np.tanh(x))), x)
    after = ag.draw(lambda x: np.tanh(np.exp(np.tanh(np.tanh(x)))), x)
    d = before.diff(after)
    assert (len(d.added), d.removed, d.changed) == (1, [], {})
    assert len(after.diff(before).removed) == 1
    assert len({b.id for b in after.diff(before).picture.graph.boxes}) == 6
    path = d.save(tmp_path / "diff.svg")
    assert "+ added" in (tmp_path / "diff.svg").read_text(encoding="utf-8")
    assert path.endswith("diff.svg")


def test_changed_boxes_say_what_they_were():
    _, loss = networks.mlp()
    model, other = wider()
    scene = ag.draw(loss, level="modules").diff(ag.draw(other, level="modules")).picture.graph
    (box,) = (b for b in scene.boxes if b.id == "fc1")
    assert box.absorbed == "was 784 → 16, 12,560 params"
    signs = {(a.source, a.target): (a.label, a.gradient) for a in scene.arrows}
    assert signs["exp", "output"] == ("+ ", True)
    assert signs["sigmoid_3", "output"] == ("− ", False)
    del model


def test_colours_are_told_apart_by_everybody():
    from itertools import combinations

    from autograd_core.drawing.diff import ADDED, CHANGED, REMOVED, SAME
    from tests.autograd_core.drawing.colour.test_accessibility import SIMULATED, distance

    for sight in SIMULATED:
        for one, other in combinations((ADDED, CHANGED, REMOVED, SAME), 2):
            assert distance(one, other, sight) > 20, (sight, one, other)


def test_no_change():
    _, loss = networks.mlp()
    d = ag.draw(loss).diff(ag.draw(loss))
    assert not d
    assert repr(d) == "no change"


def test_diff_refuses_what_is_no_picture():
    _, loss = networks.mlp()
    with pytest.raises(TypeError, match="compares two pictures, got Tensor"):
        ag.draw(loss).diff(loss)
