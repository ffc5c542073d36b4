"""``ag.scipy.signal``: values of SciPy, gradients to second order, modes, complex, peers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_signal = pytest.importorskip("scipy.signal", reason="SciPy is not installed")
signal = ag.scipy.signal
rng = np.random.default_rng(0)
X, H = rng.normal(size=6), rng.normal(size=3)
IMAGE, KERNEL = rng.normal(size=(4, 5)), rng.normal(size=(2, 3))
PAIRS = [(X, H), (H, X), (IMAGE, KERNEL), (X + 1j * X[::-1], H - 2j)]


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve"])
@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_convolutions(name, mode, pair):
    a, b = PAIRS[pair]
    for method in ("direct", "fft") if name != "fftconvolve" else (None,):
        options = (mode,) if method is None else (mode, method)
        ours, theirs = (
            lambda a, b, m=m, options=options: getattr(m, name)(a, b, *options)
            for m in (signal, scipy_signal)
        )
        same(ours(a, b), theirs(a, b))
        same(recorded(ours, a, b), theirs(a, b))
    check(ours, a, b, order=1)


@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve"])
def test_convolutions_to_second_order(name):
    check(lambda a, b: getattr(signal, name)(a, b, "same"), IMAGE[:3, :3] + 1j, KERNEL)


def test_convolution_along_axes():
    a, b = rng.normal(size=(2, 4)), rng.normal(size=(1, 3))
    for mode in ("full", "same", "valid"):
        f = lambda a, b, mode=mode: signal.fftconvolve(a, b, mode, axes=-1)
        same(f(a, b), scipy_signal.fftconvolve(a, b, mode, axes=-1))
        check(f, a, b)


B, A = np.array([1.0, 0.5, -0.2]), np.array([2.0, -0.3, 0.1, 0.05])


@pytest.mark.parametrize("axes", [2, -3, (0, 5), (1, 1)])
def test_axes_that_are_not_there_are_refused_as_by_scipy(axes):
    for fun in (scipy_signal.fftconvolve, signal.fftconvolve):
        with pytest.raises(ValueError, match=r"axes|axis"):
            fun(IMAGE, IMAGE, axes=axes)
    with pytest.raises(ValueError, match=r"axes|axis"):
        ag.grad(lambda a: np.sum(signal.fftconvolve(a, a, axes=axes)))(IMAGE)


def test_lfilter():
    for b, a, x, axis in [
        (B, A, X, -1),
        (B, A[:1], X, -1),
        (B[:1], A, IMAGE, 0),
        (B, A, IMAGE + 1j, 1),
        (B, A, X[:2], 0),
    ]:
        f = lambda b, a, x, axis=axis: signal.lfilter(b, a, x, axis)
        same(f(b, a, x), scipy_signal.lfilter(b, a, x, axis))
        same(recorded(f, b, a, x), scipy_signal.lfilter(b, a, x, axis))
        check(f, b, a, x)
    same(signal.lfilter(B, A, X, zi=np.ones(3))[0], scipy_signal.lfilter(B, A, X, zi=np.ones(3))[0])
    with pytest.raises(ag.NotDifferentiableError, match="zi="):
        ag.grad(lambda x: signal.lfilter(B, A, x, zi=np.ones(3))[0][0])(X)


@pytest.mark.parametrize("options", [{}, {"type": "constant"}, {"bp": [3]}, {"axis": 0}])
def test_detrend(options):
    f = lambda x: signal.detrend(x, **options)
    x = IMAGE if "axis" in options else rng.normal(size=(2, 6))
    same(f(x), scipy_signal.detrend(x, **options))
    check(f, x)


def test_near_the_unit_circle_and_single_precision():
    x = np.ones(2000)
    slope = ag.grad(lambda a: signal.lfilter([1.0], a, x)[-1])(np.array([1.0, -0.999]))
    r, n = 0.999, np.arange(2000)
    np.testing.assert_allclose(slope[1], -np.sum(n * r ** (n - 1)), rtol=1e-9)
    small = X.astype(np.float32)
    for f in (
        lambda x: signal.convolve(x, small),
        lambda x: signal.lfilter(B.astype("f"), A.astype("f"), x),
        signal.detrend,
    ):
        assert f(small).dtype == np.float32
        assert ag.grad(lambda x, f=f: f(x).sum())(small).dtype == np.float32


def test_errors():
    with pytest.raises(ValueError, match="as many axes"):
        signal.convolve(X, IMAGE)
    with pytest.raises(ValueError, match="at least as large"):
        signal.convolve(IMAGE, KERNEL.T.repeat(2, 0), "valid")
    with pytest.raises(ValueError, match="mode"):
        signal.convolve(X, H, "half")


def test_as_hips_autograd():
    peer = pytest.importorskip("autograd.scipy.signal", reason="HIPS autograd is not installed")
    from autograd import grad

    for mode in ("full", "valid"):
        theirs = grad(lambda h, mode=mode: (peer.convolve(X, h, mode=mode) ** 2).sum())(H)
        same(ag.grad(lambda h, mode=mode: (signal.convolve(X, h, mode) ** 2).sum())(H), theirs)


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    import jax.scipy.signal as peer

    with jax.enable_x64(True):
        for name in ("convolve", "correlate", "fftconvolve"):
            for mode in ("full", "same", "valid"):
                loss = lambda m, name=name, mode=mode: (
                    lambda h: (getattr(m, name)(X, h, mode=mode) ** 3).sum()
                )
                same(
                    ag.grad(loss(signal))(H),
                    np.asarray(jax.grad(loss(peer))(H)),
                    rtol=1e-10,
                    atol=1e-12,
                )
