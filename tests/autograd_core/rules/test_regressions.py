"""Regression tests of the rules: one test for each bug, against exact values or differences."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag

W = np.arange(1.0, 7).reshape(3, 2)


def slope(f, x, h=1e-6):
    """Return the central difference of plain NumPy along one real number."""
    return (f(np.float64(x + h)) - f(np.float64(x - h))) / (2 * h)


def recorded(a):
    return ag.tensor(a, requires_grad=True)


# -- decompositions -------------------------------------------------------------------------------

ONE = np.array([[1.0, 0], [0, 0], [0, 0]])
SINGULAR = {
    "tall": ONE, "wide": ONE.T, "square": np.diag([1.0, 0, 0]), "stack": np.stack([W, ONE]),
    "rounded": np.outer([1.0, 2, 3], [0.1, 0.7]),
}  # fmt: skip


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR.keys())
def test_svd_product_at_a_singular_value_0_is_refused(a, full):
    w = np.random.default_rng(0).normal(size=a.shape)

    def product(a):
        u, s, vh = np.linalg.svd(a, full_matrices=full)
        k = s.shape[-1]
        return np.sum(w * ((u[..., :k] * s[..., None, :]) @ vh[..., :k, :]))

    with pytest.raises(ag.NotDifferentiableError, match="singular value is 0"):
        ag.grad(product)(a)


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR.keys())
def test_svd_at_a_singular_value_0_keeps_what_is_determined(a):
    def values(a):
        return np.sum(np.linalg.svd(a)[1])

    def best(a):  # the best approximation of rank 1, which of rank 1 is all
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(((u[..., :1] * s[..., None, :1]) @ vh[..., :1, :]) ** 2)

    def squares(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(((u * s[..., None, :]) @ vh) ** 2)

    direction = ag.grad(values)(a)
    assert np.isfinite(direction).all()
    assert np.abs(direction).max() > 0.1
    if a.ndim == 2:
        np.testing.assert_allclose(ag.grad(best)(a), 2 * a, atol=1e-12)
    np.testing.assert_allclose(ag.grad(squares)(a), 2 * a, atol=1e-12)


# -- float16 --------------------------------------------------------------------------------------

HALF = np.full(70000, 0.1, np.float16)


@pytest.mark.parametrize("f", [np.mean, np.nanmean, np.max, np.nanmax])
def test_counts_above_65504_of_float16(f):
    g = ag.grad(lambda x: f(x) * 1000)(HALF)
    assert g.dtype == np.float16
    np.testing.assert_allclose(g, 1000 / 70000, rtol=2e-3)


@pytest.mark.parametrize("f", [np.var, np.std, np.nanvar])
def test_deviations_of_many_float16(f):
    x = HALF.copy()
    x[::2] = 1.1
    g, right = ag.grad(lambda x: f(x) * 1000)(x), ag.grad(lambda x: f(x) * 1000)(x.astype(float))
    assert g.dtype == np.float16
    np.testing.assert_allclose(g, right, rtol=6e-3)


@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd])
def test_nan_statistics_of_float16_have_the_value_of_numpy(f):
    x = HALF.copy()
    x[::2], x[7] = 1.1, np.nan
    value = f(recorded(x))
    assert value.dtype == f(x).dtype
    assert value.data == f(x)


# -- elementwise ----------------------------------------------------------------------------------


def test_sign_of_a_complex_number():
    g = ag.grad(lambda z: np.sign(z).real)(1 + 2j)
    expected = slope(lambda x: np.sign(x + 2j).real, 1) + 1j * slope(
        lambda y: np.sign(1 + 1j * y).real, 2
    )
    np.testing.assert_allclose(g, expected, rtol=1e-8)
    np.testing.assert_allclose(g, 4 / 5**1.5 - 2j / 5**1.5)
    assert ag.grad(lambda z: np.sign(z).real)(0j) == 0
    assert not np.sign(recorded([-2.0, 3.0])).requires_grad


@pytest.mark.parametrize("base", [-1.0, np.array([-2.0, 3.0]), np.array([-2, 3])])
def test_a_negative_base_with_a_complex_exponent(base):
    def f(z):
        return np.sum(np.power(base, z)).real

    g = ag.grad(f)(0.9 + 0.5j)
    expected = slope(lambda x: f(x + 0.5j), 0.9) + 1j * slope(lambda y: f(0.9 + 1j * y), 0.5)
    np.testing.assert_allclose(g, expected, rtol=1e-7)


@pytest.mark.parametrize("part", [np.real, np.imag])
@pytest.mark.parametrize("x", [-2.0, -0.3, 0.4, 2.0])
@pytest.mark.parametrize("side", [0.0, -0.0])
@pytest.mark.parametrize("name", ["arcsin", "arccos", "arccosh", "arctanh", "arcsinh", "arctan"])
def test_branch_cuts(name, side, x, part):
    vertical = name in ("arcsinh", "arctan")  # their cuts lie on the imaginary axis

    def f(x):
        return part(getattr(np, name)(complex(side, x) if vertical else complex(x, side)))

    z = recorded(complex(side, x) if vertical else complex(x, side))
    part(getattr(np, name)(z)).backward()
    got = z.grad.data.imag if vertical else z.grad.data.real
    np.testing.assert_allclose(got, slope(f, x), rtol=1e-7, atol=1e-9)


def test_arcsine_on_its_cut_from_a_real_number():
    assert ag.grad(lambda x: np.arcsin(x.astype(complex)).imag)(2.0) == pytest.approx(3**-0.5)
    assert ag.grad(lambda x: np.arccos(x.astype(complex)).imag)(2.0) == pytest.approx(-(3**-0.5))
    assert ag.grad(lambda x: np.arcsin(x.astype(complex)).imag)(-2.0) == pytest.approx(-(3**-0.5))


def test_powers_by_small_integers_do_not_wrap():
    g = ag.grad(lambda x: np.sum(x ** np.array([0, 1, 2], np.uint8)))(np.array([100.0, 2, 3]))
    assert g.tolist() == [0, 1, 6]
    g = ag.grad(lambda x: x ** np.int8(-128))(1.01)
    assert g == pytest.approx(-128 * 1.01**-129)


def test_nan_to_num_takes_the_parts_of_complex_numbers_apart():
    z = np.array([complex(np.nan, 1), complex(1, np.inf), 1 + 1j])
    assert ag.grad(lambda z: np.sum(np.nan_to_num(z).imag))(z).tolist() == [1j, 0, 1j]
    assert ag.grad(lambda z: np.sum(np.nan_to_num(z).real))(z).tolist() == [0, 1, 1]


# -- polynomials ----------------------------------------------------------------------------------


def test_roots_beside_a_double_root():
    g = ag.grad(lambda p: np.roots(p)[0].real)(np.array([2.0, -1, 0, 0]))
    np.testing.assert_allclose(g, [-0.25, -0.5, -1, -2])


def test_vander_of_infinity():
    x = np.array([np.inf, 1.0])
    np.testing.assert_array_equal(np.vander(recorded(x), 2).data, np.vander(x, 2))


# -- special functions ----------------------------------------------------------------------------


def test_incomplete_gamma_and_beta_at_0():
    s = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    assert ag.grad(lambda x: s.gammainc(1.0, x))(0.0) == 1
    assert ag.grad(lambda x: s.gammaincc(1.0, x))(0.0) == -1
    assert ag.grad(lambda x: s.betainc(1.0, 2.0, x))(0.0) == pytest.approx(2)
    assert ag.grad(lambda x: s.betainc(2.0, 1.0, x))(1.0) == pytest.approx(2)
    assert ag.grad(ag.grad(lambda x: s.gammainc(1.0, x)))(0.5) == pytest.approx(-np.exp(-0.5))


@pytest.mark.parametrize("x", [9.9, 10.1, 1e3, 1e8, 1e200])
def test_erfcx_far_out(x):
    s = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    u = 1 / x / x / 2  # of the asymptotic series
    terms = np.cumprod([1.0, *(-(2 * n + 1) * u for n in range(1, 9))])
    right = -np.sum(terms) / x / x / np.sqrt(np.pi)
    second = np.sum(terms * (2 + 2 * np.arange(9))) / x / x / x / np.sqrt(np.pi)
    assert ag.grad(s.erfcx)(x) == pytest.approx(right, rel=1e-9, abs=0)
    assert ag.grad(ag.grad(s.erfcx))(x) == pytest.approx(second, rel=1e-8, abs=0)


# -- norms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [-1, -2, -0.5])
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # NumPy's own
def test_norms_of_negative_order_with_an_element_0(order):
    x = np.array([[0.0, 1.0], [3.0, 4.0]])
    with ag.strict_nan():
        g = ag.grad(lambda x: np.sum(np.linalg.norm(x, order, axis=1)))(x)
    assert g[0].tolist() == [0, 0]
    np.testing.assert_allclose(g[1], ag.grad(lambda x: np.linalg.norm(x, order))(x[1]))
    assert np.linalg.norm(recorded(x), order, axis=1).data[0] == 0


def test_condition_of_a_singular_matrix():
    a = np.array([[[1.0, 2], [2, 4]], [[2.0, 0], [1, 1]]])
    np.testing.assert_allclose(np.linalg.cond(recorded(a), 1).data, np.linalg.cond(a, 1))
    assert np.linalg.cond(recorded(a[0]), 1).data == np.inf


# -- reductions without NaN, and their keywords ---------------------------------------------------


def test_nan_does_not_tie_with_infinity():
    assert ag.grad(lambda x: np.nanmax(x))(np.array([-np.inf, np.nan])).tolist() == [1, 0]
    assert ag.grad(lambda x: np.nanmin(x))(np.array([np.nan, np.inf])).tolist() == [0, 1]


KEEPING = ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "median",
           "nanmedian", "average", "sum", "mean", "var", "std", "max", "prod", "ptp"]  # fmt: skip


@pytest.mark.parametrize("keep", [1, 0])
@pytest.mark.parametrize("name", [*KEEPING, "quantile", "percentile", "nanquantile"])
def test_keepdims_need_not_be_a_bool(name, keep):
    f, q = getattr(np, name), () if name in KEEPING else (0.3,)
    y = f(recorded(W), *q, axis=0, keepdims=keep)
    assert y.shape == f(W, *q, axis=0, keepdims=bool(keep)).shape
    y.backward(np.ones(y.shape))


# -- statistics -----------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.cov, np.corrcoef])
@pytest.mark.parametrize("m", [[[1.0, 2, 3, 5]], [1.0, 2, 3, 5], [[1.0], [2], [4]]])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_covariance_of_one_row_by_columns(f, m):
    m = np.array(m)
    np.testing.assert_allclose(f(recorded(m), rowvar=False).data, f(m, rowvar=False))
    options = {"ddof": 0} if f is np.cov else {}
    np.testing.assert_allclose(
        f(recorded(m), rowvar=False, **options).data, f(m, rowvar=False, **options)
    )


def test_covariance_of_one_row_with_another():
    one = recorded([[1.0, 2, 3]])
    for m, y in ((np.ones((1, 3)), np.ones((3, 1))), (np.ones(3), np.ones((1, 3)))):
        try:
            expected = np.cov(m, y, rowvar=False)
        except ValueError:
            with pytest.raises(ValueError, match="dimension"):
                np.cov(one.reshape(m.shape), y, rowvar=False)
        else:
            assert np.cov(one.reshape(m.shape), y, rowvar=False).shape == expected.shape


QUANTILES = [0.3, 1, np.float64(0.3), np.float32(0.3), [0.3, 0.5], np.array([0.3]), np.array(0.3),
             np.array([0.5], np.float32)]  # fmt: skip


@pytest.mark.parametrize("q", QUANTILES, ids=repr)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["quantile", "percentile", "nanquantile", "nanpercentile"])
def test_quantiles_have_the_dtype_of_numpy(name, dtype, q):
    x, f = np.array([0.5, 3, 1, 2, 7], dtype), getattr(np, name)
    for method in ("linear", "lower"):
        y, right = f(recorded(x), q, method=method), f(x, q, method=method)
        assert y.dtype == right.dtype
        np.testing.assert_allclose(y.data, right, rtol=2e-3 if dtype == np.float16 else 1e-6)
        y.backward(np.ones(y.shape, y.dtype))


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("axis", [(), (0, 2), (1,), 1, None])
@pytest.mark.parametrize("name", ["quantile", "nanquantile", "nanpercentile"])
def test_axes_of_quantiles_by_a_matrix(name, axis, keep):
    x, f = np.random.default_rng(0).normal(size=(3, 4, 5)), getattr(np, name)
    q = np.array([[0.1, 0.2, 0.5, 0.3, 0.9, 0.7], [0.4, 0.0, 0.25, 0.8, 1.0, 0.6]])
    got = f(recorded(x), q, axis=axis, keepdims=keep)
    np.testing.assert_allclose(got.data, f(x, q, axis=axis, keepdims=keep))


# -- shapes, products, filling --------------------------------------------------------------------


@pytest.mark.parametrize("labels", [[26, 0], [0, 26], [25, 26], [51, 3]])
def test_sublists_of_einsum_sort_as_in_numpy(labels):
    x = W.T
    np.testing.assert_array_equal(np.einsum(recorded(x), labels).data, np.einsum(x, labels))


def test_einsum_takes_a_diagonal_below_a_broadcast_ellipsis():
    x, y = np.arange(9.0).reshape(1, 3, 3), np.arange(8.0).reshape(4, 2)
    g = ag.grad(lambda x: np.sum(np.einsum("...ii,...j->...j", x, y)))(x)
    np.testing.assert_allclose(g, 28 * np.eye(3)[None])


def test_full_like_has_the_dtype_of_its_prototype():
    fill = recorded(0.7)
    whole = np.full_like(ag.tensor([1, 2]), fill)
    assert (whole.dtype.kind, whole.data.tolist(), whole.requires_grad) == ("i", [0, 0], False)
    single = np.full_like(ag.tensor(np.ones((2, 3), np.float32)), fill)
    assert (single.dtype, single.shape) == (np.float32, (2, 3))
    single.sum().backward()
    assert fill.grad.data == 6
    other = np.full_like(single, fill, dtype=float, shape=(3, 1))
    assert (other.dtype, other.shape) == (np.float64, (3, 1))


def test_functional_assignment_of_nothing():
    x = np.arange(4.0)
    assert ag.put(x, [0], []).tolist() == [0, 1, 2, 3]
    assert ag.put(x + 1, [0], []).tolist() == [1, 2, 3, 4]
    assert ag.putmask(x, x > 0, []).tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="no values"):
        ag.place(x, x > 0, [])
    assert ag.grad(lambda x: np.sum(ag.put(x, [0], [])))(x).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("cuts", [[3, 1], [4, 2, 2, 5, 1], [-1, 2], [9, 3]])
@pytest.mark.parametrize("f", [np.split, np.array_split])
def test_cuts_that_fall(f, cuts):
    x = np.arange(10.0).reshape(2, 5)

    def squares(x):
        return sum((i + 1) * np.sum(part**2) for i, part in enumerate(f(x, cuts, axis=-1)))

    right = np.zeros_like(x)
    for i, part in enumerate(f(np.arange(5), cuts)):
        right[:, part] += (i + 1) * 2 * x[:, part]
    np.testing.assert_allclose(ag.grad(squares)(x), right)


def test_transposing_by_one_number():
    for axis in (0, -1):
        assert ag.grad(lambda x, a=axis: np.sum(x.transpose(a) * x))(np.ones(3)).tolist() == [2] * 3
        assert ag.grad(lambda x, a=axis: np.sum(np.transpose(x, a)))(np.ones(3)).tolist() == [1] * 3
    with pytest.raises(ValueError, match="axes"):
        recorded(W).transpose(0)
