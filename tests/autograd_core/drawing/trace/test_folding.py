"""Repeated steps become one stack."""

import time

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.autograd_core.drawing import networks


def stacks(picture):
    return [b for b in picture.graph.boxes if b.repeats > 1]


@pytest.mark.parametrize("level", ["modules", "compact", "ops"])
def test_an_rnn_is_one_stack(level):
    _, loss = networks.rnn()
    picture = ag.draw(loss, level=level)
    (cell,) = stacks(picture)
    assert (cell.id, cell.title, cell.type, cell.repeats) == ("cell", "cell", "RNNCell", 20)
    assert cell.spec == "h ← tanh(x W + h U + b)"
    assert cell.note == "400 params, shared"
    notes = {b.id: b.note for b in picture.graph.boxes}
    assert notes["x"] == "input 4×20×8"
    assert notes["h₀"] == "zeros 4×16"
    loop = next(a for a in picture.graph.arrows if a.loop)
    assert (loop.source, loop.target) == ("cell", "cell")
    assert next(a.label for a in picture.graph.arrows if a.source == "x") == "4×8 a step"
    assert "one step drawn for 20" in picture.graph.subtitle


def test_without_folding_every_step_is_drawn():
    _, loss = networks.rnn(5)
    picture = ag.draw(loss, level="modules", fold=False)
    assert [b.title for b in picture.graph.boxes].count("cell") == 5


def plain_rnn(steps, weights=None):
    rng = np.random.default_rng(0)
    w, u = weights or [ag.tensor(rng.normal(size=(4, 4)), requires_grad=True, name=n) for n in "WU"]
    x, h = rng.normal(size=(2, steps, 4)), np.zeros((2, 4))
    for t in range(steps):
        h = np.tanh(x[:, t] @ w + h @ u)
    return np.sum(h)


def test_a_plain_loop_is_one_stack():
    picture = ag.draw(plain_rnn(6))
    (step,) = stacks(picture)
    assert (step.title, step.repeats, step.spec) == ("step", 6, "h ← tanh(x W + h U)")
    assert step.note == "32 params, shared"


def test_two_steps_are_not_folded():
    assert not stacks(ag.draw(plain_rnn(2)))


def test_the_steps_of_a_loop_of_operations():
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    y = x
    for _ in range(50):
        y = y * 2 + np.sin(y) * 0.1 - y**3
    (step,) = stacks(ag.draw(y))
    assert step.repeats == 50
    assert step.spec == "h ← h · 2 + sin(h) · 0.1 − h³"


def test_one_operation_again_and_again():
    x = ag.tensor([1.0], requires_grad=True, name="x")
    y = x
    for _ in range(2000):
        y = -y
    scene = ag.draw(y).graph
    assert [(b.title, b.repeats) for b in scene.boxes] == [
        ("x", 1),
        ("negate", 2000),
        ("output", 1),
    ]


def test_layers_with_their_own_weights_are_not_folded():
    _, loss = networks.deep(8)
    assert not stacks(ag.draw(loss, level="modules"))


def test_different_shapes_are_not_folded():
    x = ag.tensor(np.ones(8), requires_grad=True)
    y = x
    for _ in range(5):
        y = np.sin(y)[:-1]
    assert not stacks(ag.draw(y, level="full"))


def test_states_that_are_all_used_are_one_arrow_from_the_stack():
    rng = np.random.default_rng(0)
    w = ag.tensor(rng.normal(size=(4, 4)), requires_grad=True, name="W")
    h, states = np.ones((2, 4)), []
    for _ in range(8):
        h = np.tanh(h @ w)
        states.append(h)
    scene = ag.draw(np.sum(np.stack(states)), level="modules").graph
    (step,) = [b for b in scene.boxes if b.repeats > 1]
    assert len([a for a in scene.arrows if a.source == step.id and not a.loop]) == 1


def test_parameters_of_the_first_step_alone_have_a_box_each():
    rng = np.random.default_rng(0)
    w, h, c = (
        ag.tensor(rng.normal(size=(4, 4)), requires_grad=True, name=n) for n in ("W", "h0", "c0")
    )
    for _ in range(6):
        h = np.tanh(h @ w + c)
        c = c * 0.5 + h
    scene = ag.draw(np.sum(h) + np.sum(c), level="modules").graph
    (step,) = [b for b in scene.boxes if b.repeats > 1]
    assert {"h0", "c0"} <= {a.source for a in scene.arrows if a.target == step.id}


class TwoPart(nn.Module):
    """A cell whose parts are modules."""

    def __init__(self):
        self.inner, self.outer = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)

    def forward(self, x, h):
        return np.tanh(self.inner(x) + self.outer(h))


def test_a_cell_of_modules_is_a_stack_of_its_own_name():
    class Net(nn.Module):
        def __init__(self):
            self.cell = TwoPart()

        def forward(self, x):
            h = np.zeros((2, 3), np.float32)
            for t in range(7):
                h = self.cell(x[:, t], h)
            return h

    model = Net()
    y = model(np.ones((2, 7, 3), np.float32))
    for level in ("modules", "ops"):
        (cell,) = stacks(ag.draw(y, level=level))
        assert (cell.title, cell.type, cell.repeats) == ("cell", "TwoPart", 7), level
        assert cell.note == "24 params, shared"


def test_a_bidirectional_network_has_two_stacks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 4))
    ends = []
    for way in (range(5), reversed(range(5))):
        w, u = [ag.tensor(rng.normal(size=(4, 4)), requires_grad=True) for _ in range(2)]
        h = np.zeros((2, 4))
        for t in way:
            h = np.tanh(x[:, t] @ w + h @ u)
        ends.append(h)
    assert [b.repeats for b in stacks(ag.draw(np.sum(ends[0] * ends[1])))] == [5, 5]


@pytest.mark.parametrize("n", [10_000])
def test_ten_thousand_operations_are_drawn_in_seconds(n):
    x = ag.tensor(np.ones(3), requires_grad=True, name="x")
    rng = np.random.default_rng(0)
    functions = [np.sin, np.cos, np.tanh, np.arctan]
    y = x
    for i in rng.integers(0, 4, n):
        y = functions[i](y)
    start = time.process_time()
    picture = ag.draw(np.sum(y))
    assert len(picture.dot) > 1000
    assert time.process_time() - start < 5
    assert len(picture.graph.boxes) <= 310
    assert "oldest not drawn" in picture.graph.subtitle
    assert picture.graph.omitted > 9000


def test_a_deep_graph_needs_no_recursion():
    x = ag.tensor([1.0], requires_grad=True)
    y = x
    for _ in range(20_000):
        y = -y
    for color in ("kind", "grad", "memory"):
        assert len(ag.draw(y, color=color).graph.boxes) == 3
    assert len(ag.draw(y, fold=False, level="ops").graph.boxes) == 302  # one for the rest
