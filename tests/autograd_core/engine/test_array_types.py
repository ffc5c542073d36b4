"""Everything around the rules, on arrays that are not NumPy's: a strict one, and Dask's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.rules.strict import StrictArray, Waits

A = np.array([[0.3, -1.2, 0.5], [1.1, 0.4, -0.7]])
Make = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """An array type: how one is made, what it is, and how its values are seen."""

    make: Make
    type: type
    host: Make
    eager: bool  # may its values be asked for while a graph is made


def dask_kind(request: pytest.FixtureRequest) -> Kind:
    dask = pytest.importorskip("dask", reason="Dask is not installed")
    da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")

    def forbid(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was computed while the graph was still being made")

    setting = dask.config.set(scheduler=forbid)
    request.addfinalizer(lambda: setting.__exit__(None, None, None))

    def make(a: Any) -> Any:
        return da.from_array(np.array(a), chunks=tuple(max(1, (n + 1) // 2) for n in np.shape(a)))

    return Kind(make, da.Array, lambda a: a.compute(scheduler="sync"), False)


@pytest.fixture(params=["strict", "dask"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "dask":
        return dask_kind(request)
    return Kind(lambda a: StrictArray(np.array(a)), StrictArray, StrictArray.get, True)


def f(x):
    return np.sum(np.tanh(x) * x)


def leaf(a):
    return ag.tensor(a, requires_grad=True)


def pulled(fun):
    """The gradient that ``fun`` leaves in its argument."""

    def run(a):
        x = leaf(a)
        fun(x).backward()
        return x.grad

    return run


def assigned(index, value):
    def fun(x):
        y = x * 1.0
        y[index] = value(x)
        return np.sum(y * y)

    return fun


def augmented(x):
    y = x * 1.0
    y += 2.0
    y *= x
    return np.sum(y)


def hooked(a):
    x = leaf(a)
    y = np.tanh(x)
    y.register_hook(lambda g: g * 2)
    y.retain_grad()
    np.sum(y).backward()
    return x.grad, y.grad


def updated(a):
    w = leaf(a)
    f(w).backward()
    w.data -= 0.1 * w.grad.data
    w.zero_grad()
    f(w).backward()
    with ag.no_grad():
        w -= 0.1 * w.grad
        w[0] = 0.0
    return w


def twice(a):
    x = leaf(a)
    for _ in range(2):
        f(x).backward()
    return x.grad


def restored(a):
    vector, restore = ag.ravel({"a": a, "b": a[0]})
    return vector, restore(vector)["b"]


def seeded_by_a_list(a):
    x = leaf(a)
    np.sum(x, axis=1).backward([1.0, 2.0])
    return x.grad


def replaced(a):
    x = leaf(a)
    x.data = a + 1
    return x


CALLS = {
    "grad": ag.grad(f),
    "value_and_grad": ag.value_and_grad(f),
    "grad of grad": ag.grad(lambda x: np.sum(ag.grad(f)(x) ** 2)),
    "grad of a tree": lambda a: ag.grad(lambda p: np.sum(p["w"] * p["w"]))({"w": a})["w"],
    "elementwise_grad": ag.elementwise_grad(np.tanh),
    "vjp": lambda a: ag.vjp(np.tanh, a)[1](a),
    "vjp unused": lambda a: ag.vjp(lambda x, y: x * 1.0, a, a)[1](a),
    "jvp": lambda a: ag.jvp(np.tanh, [a], [a]),
    "jacobian": ag.jacobian(lambda x: x[0] * x[1]),
    "hessian": ag.hessian(f),
    "hvp": lambda a: ag.hvp(f, a, a),
    "ravel": restored,
    "backward": pulled(f),
    "backward twice": twice,
    "cotangent": lambda a: seeded(a),
    "cotangent in a list": seeded_by_a_list,
    "hooks": hooked,
    "augmented assignment": pulled(augmented),
    "assignment": pulled(assigned(0, lambda x: x[1] * 2)),
    "assignment by indices": pulled(assigned(([0, 1], [1, 2]), lambda x: x[0, :2])),
    "updates": updated,
    ".data": replaced,
    "checkpoint": pulled(lambda x: np.sum(ag.checkpoint(lambda x: np.tanh(x) * x)(x))),
    "detach": lambda a: leaf(a).detach() * 2,
    "dtype": lambda a: ag.tensor(a, dtype=np.float32),
    "below a mask": pulled(lambda x: np.sum(np.where(x > 0, np.log(x), x))),
    "ufunc methods": pulled(lambda x: np.sum(np.multiply.outer(x[0], x[1]))),
    "constants like": pulled(lambda x: np.sum(np.full_like(x, 2.0) * x + np.ones_like(x))),
    "array like": pulled(lambda x: np.sum(np.array([x[0, 0], 3.0], like=x) ** 2)),
    "stack": pulled(lambda x: np.sum(np.stack([x[0], x[1]]) ** 2)),
    "no axes": pulled(lambda x: np.max(x) * np.min(x)),
    "numbers": pulled(lambda x: np.sum(np.float64(2.0) * x - 1 + 2.0**x + abs(x) ** 3)),
    "iteration": pulled(lambda x: sum(np.sum(r * r) for r in x)),
    "one of two results": pulled(lambda x: np.sum(np.modf(x)[0])),
}


def seeded(a):
    x = leaf(a)
    np.tanh(x).backward(a)
    return x.grad


def flat(value):
    if isinstance(value, (list, tuple)):
        return [a for part in value for a in flat(part)]
    return [value.data if isinstance(value, ag.Tensor) else value]


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_engine_keeps_the_type(kind, call):
    found, expected = flat(call(kind.make(A))), flat(call(np.array(A)))
    for a, e in zip(found, expected, strict=True):
        assert isinstance(a, kind.type), type(a)
        assert (a.shape, a.dtype) == (np.shape(e), e.dtype)
        np.testing.assert_allclose(kind.host(a), e, rtol=1e-12)


def test_constants_of_the_type_on_either_side(kind):
    for fun in (
        lambda x, c: x * c + c * x,
        lambda x, c: c @ x.T,
        lambda x, c: np.concatenate([c, x]),
        lambda x, c: np.where(c > 0, x, c),
    ):
        g = pulled(lambda x, fun=fun: np.sum(fun(x, kind.make(A + 0.1)) ** 2))(kind.make(A))
        e = pulled(lambda x, fun=fun: np.sum(fun(x, A + 0.1) ** 2))(np.array(A))
        np.testing.assert_allclose(kind.host(g.data), e.data, rtol=1e-12)


def test_repr_shows_values_only_where_there_are_some(kind):
    shown = repr(leaf(kind.make(A)) * 2)
    assert "made by multiply" in shown
    assert ("2.2" in shown) == kind.eager


def test_gradients_share_no_memory():
    """What is written into one gradient is in no other, nor in the cotangent that was given."""
    x, y = leaf(StrictArray(A)), leaf(StrictArray(A))
    seed = StrictArray(np.ones_like(A))
    (x + y).backward(seed)
    x.grad.data[...] = 5.0
    assert (y.grad.data.get() == 1).all()
    assert (seed.get() == 1).all()
    x.zero_grad()
    np.sum(x).backward()
    x.grad.data[0] = 5.0
    assert x.grad.data.get()[1].tolist() == [1, 1, 1]


def test_recording_and_backward_do_not_wait_for_the_device():
    w, b = leaf(StrictArray(A)), leaf(StrictArray(A[0]))
    x = ag.tensor(StrictArray(A.T))
    before = Waits.count
    for _ in range(2):
        loss = np.mean(np.maximum(np.tanh(x @ w) + b, 0.1) ** 2)
        loss.backward()
        with ag.no_grad():
            w -= 0.1 * w.grad
            b -= 0.1 * b.grad
    assert Waits.count == before


@pytest.mark.parametrize("given", [{"get": 1.0}, [1.0, 2.0], 3, np.float32(2)])
def test_what_is_no_array_has_no_conversion_of_its_own(given):
    expected = np.asarray(given)
    found = ag.to_host(given)
    assert isinstance(found, np.ndarray)
    assert (found == expected).all()
