"""``checkpoint``: what it captures, and functions that do not repeat."""

import gc

import numpy as np
import pytest

import autograd_core as ag


def leaf(*values):
    return ag.tensor(list(values), requires_grad=True)


def test_a_function_of_nothing_but_what_it_captures():
    w = leaf(1.0, 2.0)
    ag.checkpoint(lambda: (w * w).sum())().backward()
    assert w.grad.tolist() == [2.0, 4.0]


def test_what_comes_by_keyword():
    w = leaf(1.0, 2.0)
    ag.checkpoint(lambda *, s: np.sin(np.sin(s)).sum())(s=w).backward()
    np.testing.assert_allclose(w.grad, np.cos(np.sin([1.0, 2.0])) * np.cos([1.0, 2.0]))


def test_a_captured_array_that_was_changed_raises():
    x, c = leaf(1.0, 2.0), ag.tensor([3.0, 4.0])
    y = ag.checkpoint(lambda x: (x * x * c).sum())(x)
    c += 1
    with pytest.raises(ag.MutationError, match="another value"):
        y.backward()


def test_a_random_function_raises():
    rng = np.random.default_rng(0)
    y = ag.checkpoint(lambda x: (x * rng.normal(size=2)).sum())(leaf(1.0, 2.0))
    with pytest.raises(ag.MutationError, match="seed"):
        y.backward()


# -- the same function ----------------------------------------------------------------------------

FUNCTIONS = {
    "an array": lambda v, w, b: np.tanh(v * w) * b,
    "a captured leaf": lambda v, w, b: w,
    "a captured value": lambda v, w, b: b,
    "its argument": lambda v, w, b: v,
    "a leaf and what was made of it": lambda v, w, b: v * w * b + w,
    "a tree": lambda v, w, b: {"y": np.sin(v) * b, "rest": (w, 3.0, None, v.sum())},
    "several outputs of one call": lambda v, w, b: np.split(v * w, 2),
    "an output that is not used": lambda v, w, b: (np.sin(v), np.sqrt(v - 100.0)),
    "an assignment": lambda v, w, b: _assigned(v * 1, w),
    "another checkpoint": lambda v, w, b: ag.checkpoint(lambda u: np.exp(u * w))(v * b),
    "a constant": lambda v, w, b: 2.0,
}


def _assigned(v, w):
    v[0] = w[1] * 2
    return v * v


def _first(value):
    """Return the sum of the first recorded leaf of a tree, and of all its Tensors but that."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, (list, tuple)):
        return sum(_first(v) for v in value[:1])
    return np.sum(np.sin(value))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_of_the_same_function(name, masked):
    fun = FUNCTIONS[name]
    found = []
    for wrapped in (fun, ag.checkpoint(fun)):
        w, v = leaf(2.0, 3.0), leaf(0.5, -1.5)
        with np.errstate(all="ignore"):
            value = _first(wrapped(v, w, w * 2))
            total = np.where(np.array(masked), 0.0, value) + np.sum(w) + np.sum(v)
            total.backward()
        found.append([float(total), *w.grad.tolist(), *v.grad.tolist()])
    assert found[0] == pytest.approx(found[1])
    assert np.isfinite(found[1]).all()


def test_below_a_mask():
    x = np.array([0.0, 4.0])
    with np.errstate(all="ignore"):
        for f in (np.sqrt, lambda v: np.log(v) * v, lambda v: (np.sqrt(v), v)[0]):
            bare = ag.grad(lambda v, f=f: np.sum(np.where(v > 0, f(v), 0.0)))(x)
            kept = ag.grad(lambda v, f=f: np.sum(np.where(v > 0, ag.checkpoint(f)(v), 0.0)))(x)
            np.testing.assert_allclose(kept, bare)
            assert np.isfinite(kept).all()


def test_second_derivatives_and_nesting():
    def f(v):
        return np.sum(np.sin(v) * np.exp(v))

    x = np.array([0.3, -0.7])
    np.testing.assert_allclose(ag.hessian(ag.checkpoint(f))(x), ag.hessian(f)(x))
    twice = ag.checkpoint(lambda v: ag.checkpoint(f)(v) * 2)
    np.testing.assert_allclose(ag.hessian(twice)(x), 2 * ag.hessian(f)(x))
    assert ag.gradcheck(ag.checkpoint(f), x)


def test_an_argument_that_is_rebound_later():
    w = leaf(2.0, 3.0)
    v = w * 1
    y = ag.checkpoint(lambda v: np.sum(v * v))(v)
    v += 10
    y.backward()
    assert w.grad.tolist() == [4, 6]


def test_another_tensor_in_the_second_run_raises():
    box = {"w": leaf(1.0, 2.0)}
    y = ag.checkpoint(lambda v: np.sum(v * box["w"]))(leaf(1.0, 1.0))
    box["w"] = leaf(1.0, 2.0)
    with pytest.raises(ag.MutationError, match="other Tensors"):
        y.backward()


def test_hooks_inside_run():
    seen = []

    def f(v):
        u = v * 2
        if u.requires_grad:
            u.register_hook(lambda g: seen.append(g.tolist()))
        return np.sum(u * u)

    ag.checkpoint(f)(leaf(1.0, 2.0)).backward()
    assert seen == [[4.0, 8.0]]


def test_no_cycles_and_no_memory():
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            v = leaf(*np.ones(1000))
            ag.checkpoint(lambda v: np.sum(np.sin(np.sin(v))))(v).backward()
            y = ag.checkpoint(np.sin)(v)
            del y, v
        assert gc.collect() == 0
    finally:
        gc.enable()


INNER = {
    "grad": lambda x: ag.grad(lambda y: np.sum(y**3))(x),
    "a factor": lambda x: x * ag.grad(lambda y: np.sum(y**3))(x),
    "jvp": lambda x: ag.jvp(lambda y: y**3, [x], [np.ones(2)])[1],
    "hvp": lambda x: ag.hvp(lambda y: np.sum(y**3), x, np.ones(2)),
    "elementwise_grad": lambda x: ag.elementwise_grad(np.sin)(x),
    "of a captured value": lambda x: ag.grad(lambda y: np.sum(np.tanh(y * x)))(np.ones(2)),
}


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_derivatives_inside(inner):
    x = np.array([0.5, -1.5])
    for outer in (ag.jacobian, lambda f: ag.grad(lambda x: np.sum(np.sin(f(x))))):
        np.testing.assert_allclose(outer(ag.checkpoint(inner))(x), outer(inner)(x), rtol=1e-12)


def test_a_leaf_that_is_overwritten_without_another_value():
    a, b = leaf(1.0, 1.0), leaf(0.0, 0.0)
    y = ag.checkpoint(lambda b: a * b)(b)
    a.data -= 1
    with pytest.raises(ag.MutationError):
        y.sum().backward()


def test_one_argument_twice():
    def f(s, t):
        s[0] = t[1] * 3
        return np.sum(s * t)

    for wrapped in (f, ag.checkpoint(f)):
        w = leaf(1.0, 2.0)
        t = w * 1
        wrapped(t, t).backward()
        assert w.grad.tolist() == [0.0, 40.0]
