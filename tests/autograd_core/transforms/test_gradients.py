"""Functions of functions: values against NumPy, nesting, trees."""

import dataclasses

import numpy as np
import pytest

import autograd_core as ag


def f(x):
    return np.sum(np.sin(x) * x**2)


def df(x):
    return np.cos(x) * x**2 + 2 * x * np.sin(x)


X = np.array([0.5, -1.0, 2.0])


def test_grad_of_arrays_gives_arrays_and_of_tensors_tensors():
    g = ag.grad(f)(X)
    assert type(g) is np.ndarray
    np.testing.assert_allclose(g, df(X))
    t = ag.grad(f)(ag.tensor(X))
    assert isinstance(t, ag.Tensor)
    assert not t.requires_grad
    assert ag.grad(lambda x: x * x)(3) == 6  # an integer is a number too


def test_perturbations_are_not_confused():
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(5.0) == 1
    assert ag.grad(lambda x: ag.grad(lambda y: x * y * y)(x))(3.0) == 12
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(1.0))(2.0) == 4


@pytest.mark.parametrize("order", range(1, 6))
def test_any_order(order):
    g = np.sin
    for _ in range(order):
        g = ag.grad(g)
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][order % 4](0.3)
    np.testing.assert_allclose(g(0.3), expected)


def test_value_and_grad_has_aux_and_argnums():
    (value, aux), g = ag.value_and_grad(lambda x, y: (np.sum(x * y), {"x": x}), 1, has_aux=True)(
        X, 2 * X
    )
    assert value == np.sum(2 * X * X)
    assert type(aux["x"]) is np.ndarray
    np.testing.assert_allclose(g, X)
    gx, gy = ag.grad(lambda x, y: np.sum(x * y), (0, 1))(X, 2 * X)
    np.testing.assert_allclose((gx, gy), (2 * X, X))
    with pytest.raises(TypeError, match="argnums"):
        ag.grad(f, 3)(X)
    with pytest.raises(TypeError, match="pair"):
        ag.grad(f, has_aux=True)(X)
    with pytest.raises(ag.GraphError, match="scalar"):
        ag.grad(np.sin)(X)


def test_gradient_of_what_does_not_depend_is_zero():
    assert ag.grad(lambda x: 3.0)(2.0) == 0
    assert ag.grad(lambda x: np.floor(x))(2.5) == 0
    np.testing.assert_array_equal(ag.grad(lambda x, y: np.sum(x), 1)(X, X), 0 * X)


def test_vjp_jvp_and_their_duality():
    def g(x):
        return np.stack([np.sum(x**2), np.prod(x)])

    v, u = np.array([1.0, -2.0]), np.array([0.3, 0.1, -0.2])
    y, pull = ag.vjp(g, X)
    y2, push = ag.jvp(g, [X], [u])
    np.testing.assert_allclose(y, g(X))
    np.testing.assert_allclose(y2, g(X))
    np.testing.assert_allclose(v @ push, pull(v) @ u)
    np.testing.assert_allclose(pull(v), pull(v))  # twice
    with pytest.raises(ag.GraphError, match="shape"):
        ag.jvp(g, [X], [np.ones(2)])
    with pytest.raises(TypeError, match="tangents"):
        ag.jvp(g, [X], [])


def test_jvp_is_differentiable():
    def slope(x):
        return np.sum(ag.jvp(np.sin, [x], [np.ones(3)])[1])

    np.testing.assert_allclose(ag.grad(slope)(X), -np.sin(X))


def test_jacobian_hessian_hvp():
    def g(x):
        return np.outer(x, x)

    assert ag.jacobian(g)(X).shape == (3, 3, 3)
    expected = np.zeros((3, 3, 3))
    for i in range(3):
        for j in range(3):
            expected[i, j, i] += X[j]
            expected[i, j, j] += X[i]
    np.testing.assert_allclose(ag.jacobian(g)(X), expected)
    h = ag.hessian(f)(X)
    diagonal = -np.sin(X) * X**2 + 4 * X * np.cos(X) + 2 * np.sin(X)
    np.testing.assert_allclose(h, np.diag(diagonal), atol=1e-12)
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(ag.hvp(f, X, v), h @ v)
    np.testing.assert_array_equal(ag.hessian(lambda x: np.sum(x))(X), np.zeros((3, 3)))
    first, second = ag.jacobian(lambda x: [x * x, x])(X)
    np.testing.assert_array_equal(first, np.diag(2 * X))
    np.testing.assert_array_equal(second, np.eye(3))


def test_elementwise_grad_and_stop_gradient():
    np.testing.assert_allclose(ag.elementwise_grad(np.tanh)(X), 1 - np.tanh(X) ** 2)
    twice = ag.elementwise_grad(ag.elementwise_grad(np.sin))
    np.testing.assert_allclose(twice(X), -np.sin(X))
    assert ag.grad(lambda x: x * ag.stop_gradient(x))(3.0) == 3


@dataclasses.dataclass
class Model:
    w: np.ndarray
    b: float


def test_trees():
    params = {"layers": [(X, 1.0), Model(2 * X, 2.0)], "none": None}

    def loss(p):
        (w, b), m = p["layers"]
        return np.sum(w * m.w) * b + m.b**2

    g = ag.grad(loss)(params)
    np.testing.assert_allclose(g["layers"][0][0], 2 * X)
    assert g["layers"][0][1] == np.sum(2 * X * X)
    assert isinstance(g["layers"][1], Model)
    assert g["layers"][1].b == 4
    assert g["none"] is None


def test_ravel_and_scipy_minimize():
    optimize = pytest.importorskip("scipy.optimize", reason="SciPy is not installed")
    start = {"a": np.array([2.0, -1.0]), "b": 3.0}
    v, restore = ag.ravel(start)
    assert v.shape == (3,)
    assert restore(v)["b"] == 3

    def loss(v):
        p = restore(v)
        return np.sum((p["a"] - 1) ** 2) + (p["b"] + p["a"][0]) ** 2

    result = optimize.minimize(ag.value_and_grad(loss), v, jac=True)
    np.testing.assert_allclose(result.x, [1, 1, -1], atol=1e-5)
    with pytest.raises(ag.GraphError, match="vector"):
        restore(np.ones(5))


def test_checkpoint_gives_the_same_gradients_also_to_what_it_captures():
    w = ag.tensor(X, requires_grad=True)

    def block(x):
        return np.tanh(w * np.sin(x))

    for wrapped in (block, ag.checkpoint(block)):
        w.zero_grad()
        x = ag.tensor(X + 1, requires_grad=True)
        hidden = w * 2  # an intermediate one may be captured too
        np.sum(wrapped(x * 1) * hidden).backward()
        if wrapped is block:
            expected = x.grad.numpy(), w.grad.numpy()
        else:
            np.testing.assert_allclose((x.grad.numpy(), w.grad.numpy()), expected)
    ag.assert_gradients(ag.checkpoint(lambda x, y: np.sin(x * y) ** 2), X, X + 1)


def test_checkpoint_saves_no_intermediates():
    x = ag.tensor(np.ones(10_000), requires_grad=True)
    y = ag.checkpoint(lambda x: np.sin(np.sin(np.sin(x))))(x)
    assert len(y._node.parents) == 1
    assert y._node.parents[0] is x._node


@pytest.mark.parametrize(
    "vectors",
    [lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.eig(a)[1]],
)
def test_jvp_refuses_what_grad_refuses(vectors):
    """A cotangent of 0 would leave nothing to refuse, and the push-forward would be 0."""
    with pytest.raises(ag.NotDifferentiableError, match="coincide"):
        ag.jvp(vectors, [np.eye(2)], [np.array([[0.0, 1.0], [1.0, 0.0]])])
