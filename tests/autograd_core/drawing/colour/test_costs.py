"""Colours by time, memory, FLOPs, value, and by a function of a node."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.drawing.colour import palette
from tests.autograd_core.drawing import networks


def by_id(picture):
    return {b.id: b for b in picture.graph.boxes}


def test_flops_of_an_mlp():
    _, loss = networks.mlp()
    picture = ag.draw(loss, level="modules", color="flops")
    boxes = by_id(picture)
    assert picture.graph.title == "MLP  —  where the arithmetic is"
    assert boxes["fc1"].mark in ("94 %", "95 %", "96 %")
    assert boxes["fc1"].fill == palette.COST[-1]
    assert boxes["fc1"].type == "Linear 784 → 16"
    assert picture.graph.scale.left == "share of FLOPs"


def test_memory_counts_an_array_once():
    x = ag.tensor(np.ones((100, 100)), requires_grad=True, name="x")
    y = np.exp(x)  # holds its result
    z = np.sum(y * y)  # the product holds the same array
    boxes = by_id(ag.draw(z, color="memory"))
    held = {i: dict(b.facts).get("held for backward") for i, b in boxes.items()}
    assert held["exp"] == "78 KiB"
    assert held["multiply"] == "0 B"


def test_time_of_a_run_and_of_a_recorded_graph():
    model, loss = networks.rnn(6)
    rerun = ag.draw(loss, level="modules", color="time")
    assert "each operation run again" in rerun.graph.subtitle
    run = ag.draw(model, np.ones((4, 6, 8), np.float32), level="modules", color="time")
    assert "run again" not in run.graph.subtitle
    for picture in (rerun, run):
        assert picture.graph.title.endswith("where the time goes")
        cell = by_id(picture)["cell"]
        assert len(cell.strip) == 6
        assert cell.mark.endswith("%")


def test_values():
    w = ag.tensor(np.full(4, 2.0), requires_grad=True, name="w")
    with np.errstate(all="ignore"):
        boxes = by_id(ag.draw(np.sum(np.log(w - 2.0)), color="value"))
    assert boxes["subtract"].hollow
    assert boxes["log"].mark == "✕ ∞"
    picture = ag.draw(np.sum(np.exp(w)), color="value")
    assert by_id(picture)["exp"].mark == "~7.39"
    assert picture.graph.subtitle == "rms of every result: from 7.39 to 29.6"


def test_a_function_of_a_node():
    _, loss = networks.mlp()

    def fan(node):
        return len(node.parents) if node.primitive.name == "linear" else None

    picture = ag.draw(loss, level="modules", color=fan)
    assert by_id(picture)["fc1"].mark == "3"
    assert picture.graph.title == "MLP  —  fan"
    assert by_id(picture)["sigmoid"].mark == ""
    named = ag.draw(loss, level="ops", color=lambda node: "#ff0000")
    assert by_id(named)["fc1.linear"].fill == "#FF0000"
    bad = ag.draw(loss, level="ops", color=lambda node: float("nan"))
    assert by_id(bad)["fc1.linear"].mark == "✕ NaN"


@pytest.mark.parametrize("color", ["time", "memory", "flops", "value", "grad"])
def test_a_freed_graph_is_drawn(color):
    _, loss = networks.mlp()
    loss.backward()
    assert len(ag.draw(loss, level="modules", color=color).graph.boxes) == 9


@pytest.mark.parametrize("color", ["time", "memory", "flops"])
def test_costs_of_a_batch_norm_that_backward_has_freed(color):
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4))
    loss = np.sum(model(np.random.default_rng(0).random((5, 3))) ** 3)
    loss.backward()
    assert ag.draw(loss, level="modules", color=color).graph.boxes
