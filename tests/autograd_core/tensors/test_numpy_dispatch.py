"""Options by position and by keyword are one call, ``out`` included."""

import inspect

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.primitive import compositions, table
from autograd_core.engine.rule_record import signature_of

A = np.arange(12.0).reshape(3, 4) / 7 + 0.1


def leaf(a=A):
    return ag.tensor(a, requires_grad=True)


#: Calls by position with out last, each with the same call without it.
POSITIONAL = {
    "cumsum": (lambda x, b: np.cumsum(x, 0, None, b), lambda x: np.cumsum(x, 0)),
    "sum": (lambda x, b: np.sum(x, 0, None, b), lambda x: np.sum(x, 0)),
    "mean": (lambda x, b: np.mean(x, 0, None, b), lambda x: np.mean(x, 0)),
    "max": (lambda x, b: np.max(x, 0, b), lambda x: np.max(x, 0)),
    "clip": (lambda x, b: np.clip(x, 0, 9, b), lambda x: np.clip(x, 0, 9)),
    "dot": (lambda x, b: np.dot(x, x.T, b), lambda x: np.dot(x, x.T)),
    "take": (lambda x, b: np.take(x, [0, 2], 1, b), lambda x: np.take(x, [0, 2], 1)),
    "median": (lambda x, b: np.median(x, 0, b), lambda x: np.median(x, 0)),
    "outer": (lambda x, b: np.outer(x[0], x[1], b), lambda x: np.outer(x[0], x[1])),
    "sum method": (lambda x, b: x.sum(0, None, b), lambda x: x.sum(0)),
    "cumsum method": (lambda x, b: x.cumsum(0, None, b), lambda x: x.cumsum(0)),
    "max method": (lambda x, b: x.max(0, b), lambda x: x.max(0)),
    "clip method": (lambda x, b: x.clip(0, 9, b), lambda x: x.clip(0, 9)),
    "dot method": (lambda x, b: x.dot(A.T, b), lambda x: x.dot(A.T)),
}


@pytest.mark.parametrize("name", POSITIONAL)
def test_out_by_position(name):
    call, without = POSITIONAL[name]
    want = without(A)
    buffer = np.zeros_like(want)
    with pytest.raises(ag.InPlaceError, match="functional form"):
        call(leaf(), buffer)
    assert not buffer.any()
    assert call(ag.tensor(A), buffer) is buffer  # nothing records: NumPy's own
    np.testing.assert_array_equal(buffer, want)
    target = ag.tensor(np.zeros_like(want))
    assert call(ag.tensor(A), target) is target
    np.testing.assert_array_equal(target.numpy(), want)


def test_out_none_by_position_is_no_out():
    for call in (
        *(lambda x: np.sum(x, 0, None, None), lambda x: np.cumsum(x, 0, None, None)),
        *(lambda x: np.clip(x, 0, 1, None), lambda x: x.clip(0, 1, None)),
        *(lambda x: np.dot(x, x.T, None), lambda x: np.outer(x[0], x[1], None)),
        *(lambda x: np.trace(x, 0, 0, 1, None, None), lambda x: np.median(x, 0, None, False, True)),
        *(lambda x: np.ptp(x, 0, None, True), lambda x: np.quantile(x, 0.3, 0, None)),
    ):
        ag.assert_gradients(call, A, variants=False)


def test_every_function_with_out_finds_it_by_position():
    """Whatever the table gains: a buffer at out's own place is refused where something records."""
    found = 0
    for fun in {*table, *compositions}:
        if isinstance(fun, np.ufunc) or not hasattr(fun, "_implementation"):
            continue
        signature = signature_of(fun)
        names = signature.positional if signature is not None else ()
        if "out" not in names:
            continue
        between = []
        if fun not in (np.dot, np.concatenate, np.concat):  # some NumPys tell no signature of these
            parameters = inspect.signature(fun).parameters.values()
            between = [[0] if p.default is p.empty else p.default for p in parameters]
        between = between[1 : names.index("out")] or [0]
        with pytest.raises(ag.InPlaceError):
            fun([leaf()] if names[0] in ("arrays", "choices") else leaf(), *between, np.zeros(3))
        found += 1
    assert found > 20


@pytest.mark.parametrize(
    ("by_position", "by_keyword"),
    [
        (lambda x: np.sum(x, 0), lambda x: np.sum(x, axis=0)),
        (lambda x: np.sum(x, 1, None, None, True), lambda x: np.sum(a=x, axis=1, keepdims=True)),
        (lambda x: x.mean(1), lambda x: x.mean(axis=1)),
        (lambda x: np.reshape(x, (4, 3)), lambda x: np.reshape(x, shape=(4, 3))),
        (lambda x: np.swapaxes(x, 0, 1), lambda x: np.swapaxes(x, axis2=1, axis1=0)),
        (lambda x: np.take(x, [0, 2], 1), lambda x: np.take(a=x, indices=[0, 2], axis=1)),
        (lambda x: np.repeat(x, 2, 1), lambda x: np.repeat(x, repeats=2, axis=1)),
    ],
)
def test_an_option_by_position_and_by_keyword_is_the_same_call(by_position, by_keyword):
    if np.lib.NumpyVersion(np.__version__) < "2.1.0" and "shape=" in inspect.getsource(by_keyword):
        pytest.skip("np.reshape has no shape= before NumPy 2.1")
    one, other = by_position(leaf())._node, by_keyword(leaf())._node
    assert one.primitive is other.primitive
    assert len(one.args) == len(other.args)
    assert {k: v for k, v in one.kwargs.items() if v is not None} == other.kwargs
    np.testing.assert_array_equal(one.out, other.out)
    ag.assert_gradients(by_position, A, variants=False)
    ag.assert_gradients(by_keyword, A, variants=False)


def test_where_by_position_begins_a_mask():
    def f(x):
        return np.sum(np.sqrt(x), None, None, None, False, 0.0, np.array([False, True]))

    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(ag.grad(f)(np.array([0.0, 4.0])), [0.0, 0.25])
