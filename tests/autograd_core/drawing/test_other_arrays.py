"""Pictures and costs of graphs whose arrays are no ndarrays, across drawing and profiling."""

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.rules.strict import StrictArray

W, X = np.array([0.5, -1.0, 2.0]), np.arange(12.0).reshape(4, 3) / 7
COLOURS = ("kind", "grad", "value", "memory", "flops", "time", lambda node: node.out.ndim)


def by_hand(w, x):
    return np.mean(np.tanh(x @ w * 2.0) ** 2)


def mapped(w, x):
    scale = np.full(4, 2.0)  # a number for each example
    return np.mean(ag.vmap(lambda x, scale: np.tanh(x @ w * scale))(x, scale) ** 2)


def boxes(picture):
    """Return the facts of the boxes by their first name, without places in the file and times."""
    left_out = ("line", "argument", "code", "time, forward and backward", "value of")
    return {
        box.title: {k: v for k, v in box.facts if k not in left_out}
        for box in picture.graph.boxes
        if not box.title.startswith("batch")
    }


@pytest.mark.parametrize("colour", COLOURS, ids=str)
@pytest.mark.parametrize("level", ["ops", "modules", "compact", "blocks"])
def test_a_batch_is_drawn_as_the_array_that_it_is(colour, level):
    kind = {} if colour == "kind" else {"color": colour}
    for picture in (
        ag.draw(mapped, W, X, level=level, **kind),
        ag.draw(mapped(ag.tensor(W, requires_grad=True), X), level=level, **kind),
    ):
        assert "4×3" in picture.text
        assert picture.svg.count("NaN") == 0


@pytest.mark.parametrize("colour", ["grad", "value", "memory", "flops"])
def test_a_batch_has_the_numbers_of_the_same_code_by_hand(colour):
    ours, hand = (boxes(ag.draw(f, W, X, level="ops", color=colour)) for f in (mapped, by_hand))
    compared = 0
    for name, facts in hand.items():
        for key in ("rms", "min", "max", "rms of ∂L/∂result", "FLOPs, forward and backward"):
            if key in facts and name in ("tanh", "matmul"):
                expected = facts[key]
                if key.startswith("FLOPs"):  # the slopes of X are not asked for in either
                    assert ours[name][key] == expected
                assert ours[name].get(key) == expected, (name, key)
                compared += 1
    assert compared


def test_the_work_of_a_batch_is_that_of_all_examples():
    ours, hand = ({r.name: r.flops for r in ag.profile(f, W, X).rows} for f in (mapped, by_hand))
    assert ours == hand | {"batch_in": 0, "batch_out": 0}


@pytest.mark.parametrize("colour", COLOURS, ids=str)
def test_an_array_of_a_device_is_drawn(colour):
    kind = {} if colour == "kind" else {"color": colour}

    def drawn(w, x):
        return ag.draw(by_hand(ag.tensor(w, requires_grad=True), x), level="ops", **kind)

    picture = drawn(StrictArray(W), StrictArray(X))
    assert boxes(picture) == boxes(drawn(np.copy(W), np.copy(X)))
    assert "4×3" in picture.text


def test_arrays_in_a_dict_are_variables_too():
    def loss(p, x):
        return np.sum(np.tanh(x @ p["w"] + p["b"]) ** 2)

    p = {"w": W, "b": np.float64(0.5), "count": 3, "name": "x", "none": None}
    assert {r.name: r.backward_flops for r in ag.profile(loss, p, X).rows}["matmul"] == 2 * 2 * 12
    picture = ag.draw(loss, p, X, color="grad")
    facts = {b.title: dict(b.facts) for b in picture.graph.boxes}
    assert "w" in facts
    assert "rms of ∂L/∂result" in facts["matmul"]
    assert "of the inputs alone" in picture.text
