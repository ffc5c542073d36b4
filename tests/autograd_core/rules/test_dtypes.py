"""dtypes in all rules: float32 gives float32 gradients; integers and other dtypes raise."""

import numpy as np
import pytest

import autograd_core as ag

BINARY = [np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.arctan2, np.hypot,
          np.logaddexp, np.remainder, np.matmul, np.where]  # fmt: skip


@pytest.mark.parametrize("f", BINARY)
@pytest.mark.parametrize("kinds", [("f4", "f4"), ("f4", "f8"), ("f8", "f4"), ("f2", "f4")])
def test_each_argument_keeps_its_dtype(f, kinds):
    x, y = (np.array([[0.7, 1.3], [2.1, 0.4]], k) for k in kinds)

    def g(a, b):
        return f([[True, False], [False, True]], a, b) if f is np.where else f(a, b)

    value, pull = ag.vjp(g, x, y)
    assert value.dtype == g(x, y).dtype
    assert [c.dtype for c in pull(np.ones_like(value))] == [np.dtype(k) for k in kinds]


@pytest.mark.parametrize("number", [2, 2.5, True, np.float32(2), np.float64(2), np.int64(2)])
@pytest.mark.parametrize("f", [np.add, np.multiply, np.divide, np.power, np.maximum, np.arctan2])
def test_numbers_on_either_side_promote_as_numpy_does(f, number):
    x = np.array([0.7, 1.3], np.float32)
    for g in (lambda x: f(x, number), lambda x: f(number, x)):
        t = ag.tensor(x, requires_grad=True)
        y = g(t)
        assert y.dtype == g(x).dtype
        np.sum(y).backward()
        assert t.grad.dtype == np.float32


def test_a_numpy_float64_makes_float64_as_in_numpy():
    assert (ag.tensor([1.0], dtype="f4", requires_grad=True) * np.float64(2)).dtype == np.float64
    assert (ag.tensor([1.0], dtype="f4", requires_grad=True) * 2.0).dtype == np.float32


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([True]), np.int32(3), np.array(["a"])])
def test_gradients_by_integers_and_booleans_raise(x):
    for transform in (ag.grad, ag.jacobian, ag.value_and_grad, ag.elementwise_grad):
        with pytest.raises(TypeError, match="floating-point or complex"):
            transform(lambda x: np.sum(x * 1.0))(x)
    with pytest.raises(TypeError, match="floating-point"):
        ag.tensor(x, requires_grad=True)


def test_integers_beside_are_constants():
    t = ag.tensor([1.5, 2.5], requires_grad=True)
    (t * np.array([1, 2]) + np.array([True, False])).sum().backward()
    assert t.grad.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(
        ag.grad(lambda x, n: np.sum(x**n), 0)(np.ones(2), np.array([2, 3])), [2, 3]
    )


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_keeps_its_precision(dtype):
    z = np.array([1 + 2j, 0.5 - 1j], dtype)
    for f in (np.exp, np.abs, np.real, np.conj, np.angle, np.fft.fft, lambda z: z * z.conj()):
        g = ag.grad(lambda z, f=f: np.sum(np.abs(f(z)) ** 2))(z)
        assert g.dtype == dtype


def test_casts_go_back():
    x = np.array([1.5, 2.5], np.float32)
    g = ag.grad(lambda x: np.sum(x.astype(np.float64).astype(complex).real))(x)
    assert g.dtype == np.float32
    with np.errstate(all="ignore"):
        assert ag.grad(lambda x: np.sum(x.astype(int) * 1.0))(x).tolist() == [0, 0]
