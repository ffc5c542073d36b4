"""Properties of the other families of rules over drawn shapes, axes and keywords."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag
from tests.autograd_core.strategies import arrays, assert_slopes, with_axis

few = settings(max_examples=40, deadline=None)
norms = st.sampled_from([None, "ortho", "forward", "backward"])
filled = arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def same_as_numpy(f, *args):
    """The value of the recorded call is NumPy's, to the shape and the dtype."""
    expected = f(*args)
    got = f(*(ag.tensor(a, requires_grad=True) for a in args))
    assert got.shape == np.shape(expected)
    assert got.dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(got.data, expected, rtol=1e-9, atol=1e-11)


@few
@given(filled, st.sampled_from("fft ifft rfft irfft hfft ihfft".split()), norms, st.data())
def test_transforms(x, name, norm, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = data.draw(st.none() | st.integers(1, 6))
    if n is None and name in ("irfft", "hfft") and x.shape[axis] < 2:
        return
    if data.draw(st.booleans()) and name not in ("rfft", "ihfft"):
        x = x + 1j * x[::-1]

    def f(x):
        return getattr(np.fft, name)(x, n, axis, norm)

    same_as_numpy(f, x)
    assert_slopes(f, x)


@few
@given(filled, st.sampled_from("fftn ifftn rfftn irfftn".split()), norms, st.data())
def test_transforms_of_several_axes(x, name, norm, data):
    axes = data.draw(st.permutations(range(x.ndim)).map(lambda p: p[: 1 + len(p) // 2]))
    s = data.draw(st.none() | st.lists(st.integers(1, 4), min_size=len(axes), max_size=len(axes)))
    if s is None and name == "irfftn" and x.shape[axes[-1]] < 2:
        return

    def f(x):
        return getattr(np.fft, name)(x, s, axes, norm)

    same_as_numpy(f, x)
    assert_slopes(f, x)


@few
@given(with_axis(), st.floats(0, 1), st.sampled_from(["linear", "lower", "hazen", "nearest", "inverted_cdf", "midpoint"]),
       st.booleans(), st.booleans())  # fmt: skip
def test_quantiles(drawn, q, method, keepdims, skip_nan):
    x, axis = drawn
    fun = np.nanquantile if skip_nan else np.quantile

    def f(x):
        return fun(x, q, axis=axis, method=method, keepdims=keepdims)

    same_as_numpy(f, x)
    assert_slopes(f, x)


@few
@given(
    with_axis(),
    st.sampled_from("nansum nanprod nanmean nanvar nanmax nanmin nanmedian".split()),
    st.booleans(),
    st.data(),
)
def test_missing_values(drawn, name, keepdims, data):
    x, axis = drawn
    x = np.where(data.draw(hnp.arrays(bool, x.shape)), np.nan, x)

    def f(x):
        return getattr(np, name)(x, axis=axis, keepdims=keepdims)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_numpy(f, x)
        valid = ~np.isnan(f(x))
        present = np.where(np.isnan(x), 0.0, x)

        def g(v):  # differences cannot move a NaN
            return np.where(valid, f(np.where(np.isnan(x), np.nan, v)), 0.0)

        assert_slopes(g, present)


MODES = "constant edge reflect symmetric wrap mean median maximum minimum linear_ramp".split()


@few
@given(filled, st.sampled_from(MODES), st.data())
def test_pads(x, mode, data):
    widths = [data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3))) for _ in x.shape]
    odd = mode in ("reflect", "symmetric") and data.draw(st.booleans())
    options = {"reflect_type": "odd"} if odd else {}

    def f(x):
        return np.pad(x, widths, mode=mode, **options)

    same_as_numpy(f, x)
    assert_slopes(f, x)


@few
@given(filled, st.data())
def test_insert_and_delete(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    place = st.integers(-n, n - 1)
    obj = data.draw(place | st.lists(place, min_size=1, max_size=3) | st.just(slice(None, None, 2)))
    same_as_numpy(lambda x: np.delete(x, obj, axis), x)
    assert_slopes(lambda x: np.delete(x, obj, axis) * 2.0, x)
    same_as_numpy(lambda x, v: np.insert(x, obj, v, axis), x, np.array(0.5))
    assert_slopes(lambda x, v: np.insert(x, obj, v, axis) * 2.0, x, np.array(0.5))


@few
@given(
    st.integers(1, 5), st.integers(1, 5), st.sampled_from(["full", "same", "valid"]), st.booleans()
)
def test_convolution(n, m, mode, correlate):
    rng = np.random.default_rng(n * 10 + m)
    f = np.correlate if correlate else np.convolve
    x, y = rng.normal(size=n), rng.normal(size=m)
    same_as_numpy(lambda x, y: f(x, y, mode), x, y)
    assert_slopes(lambda x, y: f(x, y, mode), x, y)


@few
@given(with_axis(), st.sampled_from([None, 1, 2, 3, -2, 0.5, np.inf, -np.inf]), st.booleans())
def test_vector_norms(drawn, order, keepdims):
    x, axis = drawn
    if isinstance(axis, tuple) or axis is None:
        axis = 0

    def f(x):
        return np.linalg.norm(x, order, axis=axis, keepdims=keepdims)

    same_as_numpy(f, x)
    assert_slopes(f, x)


batches = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2)


@few
@given(batches, st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**16), st.booleans())
def test_stacks_of_matrices(batch, n, k, seed, is_complex):
    rng = np.random.default_rng(seed)

    def normal(*shape):
        a = rng.normal(size=shape)
        return a + 1j * rng.normal(size=shape) if is_complex else a

    a, b = normal(*batch, n, n) + 2 * np.eye(n), normal(*batch, n, k)
    for f in (np.linalg.inv, np.linalg.det, lambda a: np.linalg.slogdet(a)[1]):
        same_as_numpy(f, a)
        assert_slopes(f, a)
    same_as_numpy(np.linalg.solve, a, b)
    assert_slopes(np.linalg.solve, a, b)
    if a.size:
        same_as_numpy(lambda b: np.linalg.svd(b, compute_uv=False), b)
        assert_slopes(lambda b: np.sum(np.linalg.svd(b, compute_uv=False) ** 3), b)
        assert_slopes(lambda b: np.linalg.qr(b)[1], b)


@few
@given(filled, st.integers(0, 3), st.data())
def test_differences(x, n, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    same_as_numpy(lambda x: np.diff(x, n, axis) * 1.0, x)
    assert_slopes(lambda x: np.diff(x, n, axis) * 1.0, x)
    edge = data.draw(st.sampled_from([1, 2]))
    if x.shape[axis] > edge:
        same_as_numpy(lambda x: np.gradient(x, 0.3, axis=axis, edge_order=edge), x)
        assert_slopes(lambda x: np.gradient(x, 0.3, axis=axis, edge_order=edge), x)


@few
@given(filled, st.data())
def test_windows(x, data):
    axis = data.draw(st.integers(0, x.ndim - 1))
    size = data.draw(st.integers(1, x.shape[axis]))

    def f(x):
        return np.lib.stride_tricks.sliding_window_view(x, size, axis)

    same_as_numpy(f, x)
    assert_slopes(f, x, order=2)


ufuncs = st.sampled_from(
    [np.subtract, np.logaddexp, np.hypot, np.maximum, np.multiply, np.add, np.fmin]
)


@few
@given(filled, ufuncs, st.data())
def test_methods_of_ufuncs(x, u, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    for f in (lambda x: u.reduce(x, axis=axis), lambda x: u.accumulate(x, axis=axis)):
        same_as_numpy(f, x)
        assert_slopes(f, x)
    at = data.draw(st.lists(st.integers(0, x.shape[axis] - 1), min_size=1, max_size=3))
    same_as_numpy(lambda x: u.reduceat(x, at, axis=axis), x)
    assert_slopes(lambda x: u.reduceat(x, at, axis=axis), x)
