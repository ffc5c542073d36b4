"""Test what functions return, which differentiations are open, whose memory a result is, argnums."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import pickle
import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.runs import open_runs

X = np.array([1.0, 2.0, 3.0])


def leaf(values=X):
    return ag.tensor(values, requires_grad=True)


class Holder:
    def __init__(self, value):
        self.value = value


#: What a function may return by mistake, made of the Tensor that it should have returned.
MISTAKES = {
    "nothing": lambda t: None,
    "a dict": lambda t: {"loss": t},
    "a list": lambda t: [t],
    "a tuple": lambda t: (t, t),
    "a string": str,
    "a set": lambda t: {t},
    "a generator": lambda t: (u for u in (t,)),
    "an iterator": lambda t: iter([t]),
    "an object": Holder,
    "a boolean": lambda t: t > 0,
    "an array": lambda t: np.stack([t, t]),
    "an axis of length 1": lambda t: t.reshape(1),
    "a complex number": lambda t: t + 1j,
    "an array of objects": lambda t: np.array([1.0, None], object),
    "a masked array": lambda t: np.ma.masked_array([1.0], [True]),
    "a type": lambda t: np.float64,
}
SCALAR = {
    "grad": lambda f: ag.grad(f)(X),
    "value_and_grad": lambda f: ag.value_and_grad(f)(X),
    "has_aux": lambda f: ag.value_and_grad(lambda x: (f(x), 1), has_aux=True)(X),
    "hessian": lambda f: ag.hessian(f)(X),
    "hvp": lambda f: ag.hvp(f, X, X),
    "several": lambda f: ag.grad(lambda x, y: f(x), (0, 1))(X, X),
}
TREES = {
    "vjp": lambda f: ag.vjp(f, X),
    "jvp": lambda f: ag.jvp(f, [X], [X]),
    "jacobian": lambda f: ag.jacobian(f)(X),
    "gradcheck": lambda f: ag.gradcheck(f, X),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("transform", SCALAR)
def test_a_scalar_function_returns_one_number(transform, mistake):
    with pytest.raises(ag.GraphError, match=r"this one returned|the function returned"):
        SCALAR[transform](lambda x: MISTAKES[mistake](np.sum(x * x)))


@pytest.mark.parametrize("constant", [3, 3.0, np.float32(3), np.array(3.0), ag.tensor(3.0)])
def test_a_constant_is_a_number(constant):
    for transform in SCALAR.values():
        transform(lambda x: constant)
    assert ag.grad(lambda x: constant)(X).tolist() == [0, 0, 0]


@pytest.mark.parametrize("mistake", [m for m in MISTAKES if m not in ("an array", "a dict")])
@pytest.mark.parametrize("transform", TREES)
def test_leaves_of_a_returned_tree_are_numbers(transform, mistake):
    def f(x):
        return {"fine": x, "bad": [MISTAKES[mistake](np.sum(x * x))]}

    if mistake in ("a list", "a tuple", "an axis of length 1", "a complex number", "nothing"):
        TREES[transform](f)
        return
    with pytest.raises(ag.GraphError, match=r"\['bad'\]\[0\]"):
        TREES[transform](f)


@pytest.mark.parametrize("transform", TREES)
def test_a_function_that_returns_no_leaves(transform):
    for empty in (None, {}, (), [None]):
        if transform == "gradcheck":  # which has a report to say it in
            report = TREES[transform](lambda x, empty=empty: empty)
            assert report.verdict == "fail"
            assert "returns no floating-point array" in str(report)
            continue
        with pytest.raises(ag.GraphError, match="return"):
            TREES[transform](lambda x, empty=empty: empty)


def test_elementwise_grad_takes_one_array():
    for mistake in ("nothing", "a dict", "a list", "a string", "a set", "an object"):
        with pytest.raises(ag.GraphError, match="this one returned"):
            ag.elementwise_grad(lambda x, m=mistake: MISTAKES[m](np.sum(x)))(X)


def test_the_error_names_the_remedy():
    with pytest.raises(ag.GraphError, match="add the return statement"):
        ag.grad(lambda x: None)(X)
    with pytest.raises(ag.GraphError, match="has_aux=True") as caught:
        ag.grad(lambda x: {"loss": np.sum(x)})(X)
    assert "['loss']" in str(caught.value)
    gradient, aux = ag.grad(lambda x: (np.sum(x), {"loss": 1}), has_aux=True)(X)
    assert (gradient.tolist(), aux) == ([1, 1, 1], {"loss": 1})


# -- leaving the graph on the way -----------------------------------------------------------------


@pytest.mark.parametrize("leave", ["item", "tolist", "numpy"])
def test_a_value_that_left_the_graph_warns(leave):
    def f(x):
        return float(np.sum(getattr(np.sum(x * x), leave)()))

    with pytest.warns(UserWarning, match=rf"{leave}\(\) was called"):
        assert ag.grad(f)(X).tolist() == [0, 0, 0]
    with pytest.warns(UserWarning, match=r"has no part in the derivative.* t\.detach\(\) before"):
        assert ag.grad(lambda x: np.sum(x) * f(x))(X).tolist() == [14] * 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ag.grad(lambda x: np.sum(x) * f(x.detach()))(X)  # as the warning says
        f(leaf())
        ag.grad(lambda x: 3.0)(X)


# -- nested: which runs are open ------------------------------------------------------------------


def plain(tree):
    """Return whether no leaf of a tree is a Tensor."""
    if isinstance(tree, dict):
        return all(map(plain, tree.values()))
    if isinstance(tree, (list, tuple)):
        return all(map(plain, tree))
    return not isinstance(tree, ag.Tensor)


def test_plain_in_plain_out():
    w = leaf()
    model = nn.mlp([3, 4, 1])
    x32 = X.astype(np.float32)

    def closure(x):
        return np.sum(np.tanh(x * w))

    results = [
        ag.grad(lambda x: ag.grad(lambda x, y: x * y**2, 1)(x, 3.0))(2.0),
        ag.grad(lambda x: np.sum(model(x[None])))(x32),
        ag.vjp(closure, X)[0],
        ag.vjp(closure, X)[1](1.0),
        ag.jvp(closure, [X], [X]),
        ag.hessian(closure)(X),
        ag.hvp(closure, X, X),
        ag.jacobian(lambda x: x * w)(X),
        ag.value_and_grad(closure)(X),
        ag.value_and_grad(lambda x: (closure(x), {"w": w * x}), has_aux=True)(X),
        ag.elementwise_grad(np.tanh)(X),
    ]
    for i, result in enumerate(results):
        assert plain(result), i
    assert not open_runs


def test_tensors_in_recorded_tensors_out():
    w, x = leaf(), ag.tensor(X)
    g = ag.grad(lambda x: np.sum(np.tanh(x * w)))(x)
    np.sum(g * g).backward()
    expected = ag.grad(lambda w: np.sum(ag.grad(lambda x: np.sum(np.tanh(x * w)))(X) ** 2))(X)
    np.testing.assert_allclose(w.grad.numpy(), expected)


def test_every_tensor_that_is_given_is_watched():
    def cube(x):
        return x**3

    def of(t):
        return t.grad.item()

    for d, want in (
        (lambda t: ag.jvp(cube, [t], [1.0])[1], 12.0),
        (lambda t: ag.jvp(cube, [2.0], [t])[1], 12.0),
        (lambda t: ag.hvp(cube, 2.0, t), 12.0),
        (lambda t: ag.hvp(cube, t, 2.0), 12.0),
        (lambda t: ag.grad(lambda x, w: w * x**2)(2.0, t), 4.0),
        (lambda t: ag.grad(lambda x, p: p["w"] * x**2)(2.0, {"w": t}), 4.0),
        (lambda t: ag.vjp(cube, t)[1](1.0), 12.0),
        (lambda t: ag.vjp(lambda x: x * x * t, 2.0)[1](ag.tensor(2.0)), 8.0),
    ):
        t = leaf(2.0)
        (d(t) + t).backward()
        assert of(t) == want + 1


def test_recorded_gradients_inside_a_function_that_is_differentiated():
    x = np.array([1.0, 2.0])
    for f in (
        lambda x: np.sum(ag.gradients(np.sum(x**3), x)),
        lambda x: np.sum(ag.gradients([np.sum(x**3)], [x])[0]),
    ):
        np.testing.assert_array_equal(ag.grad(f)(x), 6 * x)

    def by_backward(x):
        w = ag.tensor(np.ones(2), requires_grad=True)
        np.sum(w * x**3).backward()
        return np.sum(w.grad)

    np.testing.assert_array_equal(ag.grad(by_backward)(x), 3 * x**2)


def test_jvp_calls_the_function_once():
    draws = iter(range(100))

    def f(x):
        return x * next(draws)

    assert ag.jvp(f, [1.0], [1.0]) == (0.0, 0.0)
    assert ag.jvp(f, [1.0], [1.0]) == (1.0, 1.0)


def test_only_what_an_open_run_reaches_stays_a_tensor():
    w, seen = leaf(), []

    def f(x):
        constant = ag.grad(lambda y: np.sum(np.tanh(y * w) * ag.grad(lambda z: z * z)(2.0)))(X)
        slope = ag.grad(lambda y: np.sum(y * y * x))(X)
        seen.append((type(constant), type(slope)))
        return np.sum(slope * constant)

    g = ag.grad(f)(X)
    assert seen == [(np.ndarray, ag.Tensor)]
    np.testing.assert_allclose(g, 2 * X * ag.grad(lambda y: 4 * np.sum(np.tanh(y * X)))(X))


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_every_order_of_nesting(depth):
    """Derivatives of a polynomial by nested transforms, each of its own kind."""
    kinds = [
        ag.grad,
        lambda f: lambda x: ag.jvp(f, [x], [1.0])[1],
        lambda f: lambda x: ag.vjp(f, x)[1](1.0),
        lambda f: lambda x: ag.jacobian(f)(x),
        lambda f: lambda x: ag.value_and_grad(f)(x)[1],
    ]
    p = np.polynomial.Polynomial([1.0, -2.0, 0.5, 3.0, -1.0, 0.25])
    for chosen in itertools.product(kinds, repeat=depth):
        f = lambda x: 1.0 + x * (-2.0 + x * (0.5 + x * (3.0 + x * (-1.0 + x * 0.25))))
        for k in chosen:
            f = k(f)
        value = f(0.7)
        assert plain(value)
        np.testing.assert_allclose(value, p.deriv(depth)(0.7), rtol=1e-12)


def test_a_training_loop_keeps_no_history():
    """Gradients of gradients inside a step: the parameters stay plain arrays."""

    def loss(p):
        def u(x):
            return np.sum(np.tanh(x * p["w"]) * p["v"])

        slope = ag.grad(u)(X)
        return np.sum((slope - 1.0) ** 2) + ag.hvp(u, X, X)[0]

    p = {"w": np.ones(3), "v": np.ones(3)}
    for _ in range(3):
        value, g = ag.value_and_grad(loss)(p)
        assert plain([value, g])
        p = {k: p[k] - 0.01 * g[k] for k in p}
    assert plain(p)


def test_an_error_in_a_function_closes_its_run():
    def broken(x):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ag.grad(broken)(X)
    assert not open_runs


# -- memory ---------------------------------------------------------------------------------------


def arrays(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        return [a for t in tree for a in arrays(t)]
    return [getattr(tree, "data", tree)]


def total(a, b):
    return np.sum(a + b) + np.sum(a.T) + np.sum(b.reshape(-1))


SHARING = {
    "grad": lambda x, s: ag.grad(total, (0, 1))(x, x),
    "a dict": lambda x, s: ag.grad(lambda d: total(d["a"], d["b"]))({"a": x, "b": x}),
    "value_and_grad": lambda x, s: ag.value_and_grad(total, (0, 1))(x, x)[1],
    "vjp": lambda x, s: ag.vjp(lambda a, b: a + b, x, x)[1](s),
    "vjp of one": lambda x, s: ag.vjp(lambda a: a, x)[1](s),
    "vjp value": lambda x, s: ag.vjp(lambda a: a, x)[0],
    "vjp twice": lambda x, s: (lambda pull: [pull(s), pull(s)])(ag.vjp(lambda a: a * 1, x)[1]),
    "jacobian": lambda x, s: ag.jacobian(lambda a, b: a + b, (0, 1))(x, x),
    "hvp": lambda x, s: ag.hvp(lambda d: np.sum(d["a"] * d["b"]), {"a": x, "b": x}, {"a": s, "b": s}),
    "jvp": lambda x, s: ag.jvp(lambda a: a + 0, [x], [s]),
    "gradients": lambda x, s: (
        lambda ts: ag.gradients(ts[0] + ts[1], ts, s)
    )([leaf(x), leaf(x)]),
    "gradients recorded": lambda x, s: (
        lambda ts: ag.gradients(ts[0] + ts[1], ts, s, create_graph=True)
    )([leaf(x), leaf(x)]),
    "backward": lambda x, s: (
        lambda ts: [(ts[0] + ts[1]).backward(s), *(t.grad for t in ts)][1:]
    )([leaf(x), leaf(x)]),
}  # fmt: skip


@pytest.mark.parametrize("call", SHARING.values(), ids=SHARING)
def test_memory_is_never_shared(call):
    x, s = np.ones((2, 2)), np.ones((2, 2))
    found = [*arrays(call(x, s)), x, s]
    for a, b in itertools.combinations(found, 2):
        assert not np.shares_memory(a, b)


def test_gradients_are_changed_one_by_one():
    ga, gb = ag.grad(total, (0, 1))(X, X)
    before = gb.copy()
    ga *= 0.5
    np.testing.assert_array_equal(gb, before)
    a, b = leaf(), leaf()
    ta, tb = ag.gradients(np.sum(a + b), [a, b], create_graph=True)
    ta *= 0.5
    assert tb.tolist() == [1, 1, 1]


def test_hooks_see_a_read_only_array():
    for hook, error in (
        (_in_place, ag.RuleError),
        (lambda g: g.data.__imul__(10), ValueError),
    ):
        a, b = leaf(), leaf()
        s = a + b
        a.register_hook(hook)
        with pytest.raises(error):
            np.sum(s).backward()
        assert b.grad is None
    a, b = leaf(), leaf()
    a.register_hook(lambda g: g * 10)
    np.sum(a + b).backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([10, 10, 10], [1, 1, 1])


def _in_place(g):
    g *= 10


def test_an_argument_that_is_changed_before_the_pull_back():
    for n in (3, 10_000):
        x = np.full(n, 3.0)
        y, pull = ag.vjp(lambda a: a * a, x)
        x[:] = 100.0
        assert (y[0], pull(np.ones(n))[0]) == (9.0, 6.0)


# -- copies ---------------------------------------------------------------------------------------


@dataclasses.dataclass
class Pair:
    w: object
    b: object = 0.0


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of a tree": lambda x: copy.deepcopy({"a": [x]})["a"][0],
    "asdict": lambda x: dataclasses.asdict(Pair(x))["w"],
    "replace": lambda x: dataclasses.replace(Pair(x), b=1.0).w,
    "method": lambda x: x.copy(),
    "np.copy": np.copy,
}


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_copies_stay_connected(make):
    assert ag.grad(lambda x: np.sum(make(x) ** 2))(X).tolist() == [2, 4, 6]
    value, _ = ag.value_and_grad(lambda x: np.sum(make(x) ** 2))(X)
    assert type(value) is np.float64
    np.testing.assert_array_equal(ag.hessian(lambda x: np.sum(make(x) ** 2))(X), 2 * np.eye(3))
    w = leaf()
    y = make(w * 1)
    np.sum(y * y).backward()
    assert w.grad.tolist() == [2, 4, 6]


def test_a_copy_is_a_value_of_its_own():
    y = leaf() * 1
    twin = copy.copy(y)
    twin += 1
    assert y.tolist() == [1, 2, 3]


def test_pickling_what_is_recorded_raises():
    for f in (lambda x: x, lambda x: x * 1):
        with pytest.raises(ag.GraphError, match="pickled"):
            ag.grad(lambda x, f=f: np.sum(pickle.loads(pickle.dumps(f(x))) ** 2))(X)
    assert pickle.loads(pickle.dumps(leaf())).requires_grad


def test_a_model_copies_its_own_leaves():
    model = nn.Linear(2, 1)
    twin = copy.deepcopy(model)
    assert twin.weight is not model.weight
    assert twin.weight.is_leaf
    np.sum(twin(np.ones((1, 2), np.float32))).backward()
    assert model.weight.grad is None


# -- argnums --------------------------------------------------------------------------------------


def test_argnums_of_jacobian_and_hessian():
    def f(a, b):
        return a * a * b

    ja, jb = ag.jacobian(f, (0, 1))(X, X + 1)
    np.testing.assert_array_equal(ja, np.diag(2 * X * (X + 1)))
    np.testing.assert_array_equal(jb, np.diag(X * X))
    (only,) = ag.jacobian(f, (0,))(X, X)
    np.testing.assert_array_equal(only, np.diag(2 * X * X))
    (aa, ab), (ba, bb) = ag.hessian(lambda a, b: np.sum(f(a, b)), (0, -1))(X, X + 1)
    np.testing.assert_array_equal(aa, np.diag(2 * (X + 1)))
    np.testing.assert_array_equal(ab, np.diag(2 * X))
    np.testing.assert_array_equal(ba, np.diag(2 * X))
    np.testing.assert_array_equal(bb, np.zeros((3, 3)))
    trees = ag.jacobian(lambda p: {"y": p["w"] * p["b"], "z": (p["w"].sum(),)})({"w": X, "b": 2.0})
    np.testing.assert_array_equal(trees["y"]["w"], 2 * np.eye(3))
    np.testing.assert_array_equal(trees["y"]["b"], X)
    np.testing.assert_array_equal(trees["z"][0]["w"], np.ones(3))


@pytest.mark.parametrize(
    "transform", [ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian, ag.elementwise_grad]
)
def test_argnums_that_mean_nothing(transform):
    def f(a, b):
        return np.sum(a * b)

    for wrong, message in (
        ((0, 0), "twice"),
        ((0, -2), "twice"),
        (2, "positional"),
        ("a", "integer"),
    ):
        with pytest.raises(TypeError, match=message):
            transform(f, wrong)(X, X)
    with pytest.raises(TypeError, match="our word is argnums="):
        transform(f, argnum=1)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'foo'$"):
        transform(f, foo=1)
    transform(f, np.int64(1))(X, X)


# -- complex numbers ------------------------------------------------------------------------------


def test_a_complex_value_has_no_single_gradient():
    z = 3.0 + 4.0j
    for call in (
        lambda: ag.grad(np.sin)(z),
        lambda: ag.value_and_grad(np.sin)(z),
        lambda: ag.elementwise_grad(np.sin)(np.array([z])),
        lambda: ag.grad(lambda t: np.exp(1j * t))(0.3),
        lambda: np.sin(leaf(z)).backward(),
        lambda: ag.gradients(np.sin(t := leaf(z)), t),
    ):
        with pytest.raises(ag.GraphError, match="complex"):
            call()
    t = leaf(z)
    np.sin(t).backward(gradient=1.0 + 0j)
    np.testing.assert_allclose(t.grad.numpy(), np.conj(np.cos(z)))
    np.testing.assert_allclose(ag.grad(lambda z: np.abs(z) ** 2)(z), 2 * z)


def test_jacobian_and_jvp_agree():
    z, v = np.array([0.3 + 0.4j, -0.2 + 0.9j]), np.array([1.0 - 1.0j, 0.5 + 2.0j])
    for f in (np.sin, np.exp, lambda z: z @ np.array([[1.0, 2j], [3.0, -1j]]), lambda z: 1 / z):
        _, along = ag.jvp(f, [z], [v])
        np.testing.assert_allclose(ag.jacobian(f)(z) @ v, along)
        step = 1e-6
        np.testing.assert_allclose(
            along, (f(z + step * v) - f(z - step * v)) / (2 * step), rtol=1e-8
        )

    def curve(t):
        return np.exp(1j * t) * t

    _, along = ag.jvp(curve, [X], [X])
    np.testing.assert_allclose(ag.jacobian(curve)(X) @ X, along)
    np.testing.assert_allclose(along, X * (1j * X + 1) * np.exp(1j * X))
    for f in (np.conj, lambda z: z.real + 0j, lambda z: z * np.abs(z)):
        with pytest.raises(ag.GraphError, match="holomorphic"):
            ag.jacobian(f)(z)
        _, along = ag.jvp(f, [z], [v])
        np.testing.assert_allclose(
            along, (f(z + step * v) - f(z - step * v)) / (2 * step), rtol=1e-7
        )
    np.testing.assert_allclose(ag.jacobian(np.abs)(z), np.diag(z / np.abs(z)))
    np.testing.assert_allclose(ag.hvp(lambda z: np.sum(np.abs(z) ** 2), z, v), 2 * v)


def test_a_cotangent_or_tangent_of_another_kind():
    with pytest.raises(ag.GraphError, match="real"):
        ag.vjp(np.sin, X)[1](X * 1j)
    with pytest.raises(ag.GraphError, match="real"):
        ag.jvp(np.sin, [X], [X * 1j])
