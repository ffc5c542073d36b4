"""ag.profile: what it counts; that nothing changes, and that the ordinary path is the same."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.diagnostics import tape
from autograd_core.engine.graph import RECORD, mode
from autograd_core.profiling.flops import backward_flops, forward_flops
from tests.autograd_core.drawing import networks


def test_every_operation_is_a_row():
    model = networks.MLP()
    x, y = np.ones((32, 784), np.float32), np.zeros((32, 10), np.float32)
    p = ag.profile(lambda: nn.mse_loss(model(x), y))
    assert [r.name for r in p.rows] == ["linear", "sigmoid"] * 3 + ["squared_error", "multiply"]
    first = p.rows[0]
    assert first.shape == (32, 16)
    assert first.flops == 2 * 32 * 784 * 16  # the bias begins the sum
    assert first.backward_flops == 2 * first.flops  # weight and bias; the input needs none
    assert first.result == 32 * 16 * 4
    assert first.saved == 32 * 784 * 4  # the input; parameters are there anyway
    assert all(r.forward > 0 and r.backward > 0 for r in p.rows)
    assert p.result.shape == ()


def test_times_add_up():
    p = ag.profile(
        lambda x: np.sum(np.tanh(x @ x)), ag.tensor(np.ones((64, 64)), requires_grad=True)
    )
    assert p.forward == sum(r.forward for r in p.rows)
    assert p.forward + p.backward + p.between == pytest.approx(p.wall)
    assert p.forward + p.backward <= p.wall
    names = [r.name for r in p.by_name()]
    assert sorted(names) == ["matmul", "sum", "tanh"]
    assert [r.seconds for r in p.by_name()] == sorted(
        (r.seconds for r in p.by_name()), reverse=True
    )


def test_the_table():
    w = ag.tensor(np.ones((30, 30)), requires_grad=True)
    lines = str(ag.profile(lambda: np.sum(np.exp(w) + np.exp(w)))).splitlines()
    assert lines[0].split() == [
        "operation",
        "calls",
        "forward",
        "backward",
        "share",
        "results",
        "held",
        "FLOPs",
    ]
    assert next(line for line in lines if line.startswith("exp")).split()[1] == "2"
    assert lines[-1].startswith("wall clock")
    assert lines[-3].startswith("all operations")


def test_nothing_is_left_behind():
    model, seen = networks.MLP(), []
    model.fc1.weight.register_hook(seen.append)
    x = np.ones((2, 784), np.float32)
    ag.profile(model, x)
    assert model.fc1.weight.grad is None
    assert seen == []
    assert mode.get() == RECORD
    assert tape.get() is None
    with pytest.raises(ZeroDivisionError):
        ag.profile(lambda: 1 / 0)
    assert mode.get() == RECORD
    assert tape.get() is None


def test_a_profiled_module_is_given_what_it_was_given():
    seen = []

    class Look(nn.Module):
        def forward(self, x):
            seen.append(type(x))
            return x

    ag.profile(Look(), np.ones((2, 4)))
    assert seen == [np.ndarray]


def test_the_gradients_of_a_profiled_function_are_right():
    w = ag.tensor(np.arange(4.0), requires_grad=True)
    loss = ag.profile(lambda: np.sum(np.concatenate(np.split(w, 2)) ** 2)).result
    loss.backward()
    assert w.grad.tolist() == [0, 2, 4, 6]


def test_several_outputs_lists_and_unrecorded_operations():
    w = ag.tensor(np.ones(6), requires_grad=True)

    def f():
        a, b, c = np.split(w, 3)
        with ag.no_grad():
            np.exp(w)
        return {"a": np.stack([a, b]), "rest": [np.sum(c, axis=0)]}

    p = ag.profile(f)
    assert [r.name for r in p.rows] == ["split", "exp", "stack", "sum"]
    assert p.rows[1].number == 0
    assert p.rows[0].backward > 0


def test_under_anomaly_detection_too():
    w = ag.tensor(np.ones(6), requires_grad=True)
    with ag.detect_anomaly():
        assert len(ag.profile(lambda: np.sum(w * 2)).rows) == 2


def test_without_backward():
    w = ag.tensor(np.ones(6), requires_grad=True)
    p = ag.profile(lambda: np.sum(w), backward=False)
    assert p.backward == 0


def test_a_function_of_plain_arrays_is_recorded():
    p = ag.profile(lambda x, n: np.sum(np.tanh(x) ** n), np.ones(6), 2)
    assert [(r.name, r.number > 0) for r in p.rows] == [
        ("tanh", True), ("power", True), ("sum", True)
    ]  # fmt: skip
    w = ag.tensor(np.ones(6), requires_grad=True)
    assert [r.name for r in ag.profile(lambda x: np.sum(w * np.tanh(x)), np.ones(6)).rows] == [
        "multiply", "sum"
    ]  # fmt: skip


def test_what_is_no_function():
    with pytest.raises(TypeError, match="got a Tensor"):
        ag.profile(ag.tensor(1.0))


@pytest.mark.parametrize(
    ("f", "shape", "flops"),
    [
        (lambda x: x @ np.ones((4, 5)), (3, 4), 2 * 3 * 4 * 5),
        (lambda x: np.ones((2, 3)) @ x, (7, 3, 4), 2 * 7 * 2 * 3 * 4),
        (lambda x: x @ np.ones(4), (3, 4), 2 * 3 * 4),
        (lambda x: np.einsum("ij,kj->ik", x, np.ones((5, 4))), (3, 4), 2 * 3 * 4 * 5),
        (lambda x: x.reshape(4, 3), (3, 4), 0),
        (lambda x: np.exp(x), (3, 4), 12),
        (lambda x: np.var(x), (3, 4), 48),
        (lambda x: np.linalg.inv(x + np.eye(3)), (3, 3), 54),
    ],
)
def test_formulas(f, shape, flops):
    x = ag.tensor(np.ones(shape), requires_grad=True)
    node = f(x)._node
    assert forward_flops(node) == flops
    assert backward_flops(node) == flops


def test_formulas_of_layers():
    conv, lstm = nn.Conv2d(2, 6, 5, padding=2, rng=0), nn.LSTM(3, 4, rng=0)
    rows = ag.profile(conv, np.ones((4, 2, 8, 8), np.float32)).rows
    assert rows[0].flops == 2 * (4 * 6 * 8 * 8) * (2 * 5 * 5)
    rows = ag.profile(lstm, np.ones((2, 5, 3), np.float32)).rows
    assert next(r for r in rows if r.name == "lstm").flops == 2 * (5 * 2) * (16 * 4)
