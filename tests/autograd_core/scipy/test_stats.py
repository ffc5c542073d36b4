"""``ag.scipy.stats``: values of SciPy, gradients to second order, tails, refusals, peers."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import looping
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
from autograd_core.rules.cases.scipy import LOC, SCALE, SHAPES, WITHOUT_SHAPE, U, X  # noqa: E402

st = ag.scipy.stats
CONTINUOUS = ["logpdf", "pdf", "logcdf", "cdf", "ppf", "logsf", "sf", "isf"]


@pytest.mark.parametrize("method", CONTINUOUS)
@pytest.mark.parametrize("name", SHAPES)
def test_continuous(name, method):
    ours, theirs = getattr(getattr(st, name), method), getattr(getattr(scipy_stats, name), method)
    x = U if method in ("ppf", "isf") else X * 1.1
    args = (x, *SHAPES[name], LOC, SCALE)
    same(ours(*args), theirs(*args))
    if name in WITHOUT_SHAPE and "pdf" not in method:
        shapes = SHAPES[name]
        with pytest.raises(ag.NotDifferentiableError, match=rf"{name}\.{method} has no gradient"):
            recorded(ours, *args)
        check(lambda x, loc, scale: ours(x, *shapes, loc, scale), x, LOC, SCALE, order=1)
    else:
        same(recorded(ours, *args), theirs(*args))
        check(ours, *args, order=1)


@pytest.mark.parametrize("method", CONTINUOUS)
def test_continuous_to_second_order(method):
    x = U[:1] if method in ("ppf", "isf") else X[:1]
    check(getattr(st.lognorm, method), x, 0.9, 0.05, 1.4)
    check(lambda x, loc, scale: getattr(st.gamma, method)(x, 1.7, loc, scale), x, 0.05, 1.4)


DISCRETE = {"poisson": (2.3,), "binom": (5, 0.3), "nbinom": (2.5, 0.4), "bernoulli": (0.3,)}


@pytest.mark.parametrize("method", ["logpmf", "pmf", "logcdf", "cdf", "sf", "logsf"])
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name, method):
    ours, theirs = getattr(getattr(st, name), method), getattr(getattr(scipy_stats, name), method)
    parameters = DISCRETE[name]
    k = np.array([-1, 0, 1, 3, 5, 7])
    finite = np.isfinite(theirs(k, *parameters))
    same(ours(k, *parameters), theirs(k, *parameters))
    same(ours(k, *parameters, loc=1), theirs(k, *parameters, loc=1))
    if name == "nbinom" and "pmf" in method:
        check(lambda n, p: ours(k[finite], n, p), *parameters)
    else:
        p = np.full(6, parameters[-1])
        same(recorded(lambda p: ours(k, *parameters[:-1], p), p), theirs(k, *parameters))
        check(lambda p: ours(k[finite], *parameters[:-1], p), p[finite])


def test_quantiles_of_discrete_distributions_are_steps():
    for name, parameters in DISCRETE.items():
        for method in ("ppf", "isf"):
            f, theirs = method_of(name, method), getattr(getattr(scipy_stats, name), method)
            same(f(U, *parameters), theirs(U, *parameters))
            same(f(U, *parameters, loc=2), theirs(U, *parameters, loc=2))
    steps = st.poisson.ppf(ag.tensor(U, requires_grad=True), 2.3)
    assert isinstance(steps, ag.Tensor)
    assert not steps.requires_grad
    same(ag.grad(lambda mu: mu * st.poisson.ppf(0.5, mu))(2.3), 2.0)


def test_whole_numbers_are_refused():
    with pytest.raises(
        ag.NotDifferentiableError, match=r"binom\.logpmf has no gradient with respect to n"
    ):
        ag.grad(lambda n: st.binom.logpmf(1, n, 0.5))(3.0)
    with pytest.raises(ag.NotDifferentiableError, match="respect to k"):
        ag.grad(lambda k: st.poisson.logpmf(k, 0.5))(3.0)
    with pytest.raises(ag.NotDifferentiableError, match="respect to n"):
        ag.grad(lambda n: st.nbinom.cdf(1, n, 0.5))(3.0)


def test_multivariate_normal():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(3, 3))
    cov, mean, x = a @ a.T + np.eye(3), rng.normal(size=3), rng.normal(size=(2, 4, 3))
    ours, theirs = st.multivariate_normal, scipy_stats.multivariate_normal
    for method in ("logpdf", "pdf"):
        f, g = getattr(ours, method), getattr(theirs, method)
        same(f(x, mean, cov), g(x, mean, cov), rtol=1e-10)
        same(recorded(f, x, mean, cov), g(x, mean, cov), rtol=1e-10)
        check(lambda x, m, c, f=f: f(x, m, (c + c.T) / 2), x[0, :2], mean, cov, wrt=(0, 1, 2))
        same(f(x[0, 0], mean, np.array([1.0, 2, 3])), g(x[0, 0], mean, [1.0, 2, 3]))
        same(f(0.3), g(0.3))
        same(f(np.array([0.3, 0.5]), 0.1, 2.0), g([0.3, 0.5], 0.1, 2.0))
        check(lambda x, m, v, f=f: f(x, m, v), np.array([0.3, 0.5]), 0.1, 2.0)
        check(lambda x, m, v, f=f: f(x, m, v), x[0], mean, np.array([1.0, 2, 3]))
    same(ours.entropy(mean, cov), theirs.entropy(mean, cov))
    check(lambda c: ours(mean, (c + c.T) / 2).entropy(), cov)
    slope = ag.grad(lambda c: ours.logpdf(x[0, 0], mean, c))(cov)
    same(slope, slope.T)
    flat = np.diag([1.0, 2.0, 0.0])
    check(
        lambda x: ours.logpdf(x, mean, flat, allow_singular=True),
        np.r_[x[0, 0, :2], mean[2]],
        domain=lambda v: np.concatenate([v[:2], mean[2:]]),
    )
    with pytest.raises(ag.NotDifferentiableError, match="singular"):
        ag.grad(lambda c: ours.logpdf(mean, mean, c, allow_singular=True))(flat)
    with pytest.raises(np.linalg.LinAlgError):
        ag.grad(lambda m: ours.logpdf(mean, m, flat))(mean)


def test_dirichlet():
    alpha, x = np.array([1.3, 2.1, 0.7]), np.array([0.2, 0.5])
    full = np.append(x, 1 - x.sum())
    for method in ("logpdf", "pdf"):
        f, g = getattr(st.dirichlet, method), getattr(scipy_stats.dirichlet, method)
        same(f(x, alpha), g(x, alpha))
        same(recorded(f, full, alpha), g(full, alpha))
        check(f, x, alpha)
        check(f, np.array([[0.2, 0.3], [0.5, 0.1]]), alpha)
    same(ag.grad(lambda x: st.dirichlet.logpdf(x, alpha))(full), (alpha - 1) / full)


def test_frozen_and_keywords():
    same(st.norm(1.0, scale=2.0).logpdf(X), scipy_stats.norm(1.0, 2.0).logpdf(X))
    same(st.gamma.logpdf(X, a=2.0, scale=3.0), scipy_stats.gamma.logpdf(X, a=2.0, scale=3.0))
    with pytest.raises(TypeError, match="'a', which is missing"):
        st.gamma.logpdf(X)
    with pytest.raises(TypeError, match="no 'sigma'"):
        st.norm.logpdf(X, sigma=2.0)
    with pytest.raises(AttributeError, match=r"scipy\.stats\.norm has more"):
        st.norm.fit(X)


# -- extremes -------------------------------------------------------------------------------------


def method_of(name, method):
    return getattr(getattr(st, name), method)


def test_tails():
    far = np.array([-40.0, 40.0, 1e3])
    same(ag.elementwise_grad(st.norm.logpdf)(far), -far)
    log = ag.elementwise_grad(st.norm.logcdf)
    np.testing.assert_allclose(log(-40.0), 40.0249688472, rtol=1e-11)  # 40 + 1/40 - 2/40^3 + ...
    np.testing.assert_allclose(ag.elementwise_grad(st.norm.logsf)(40.0), -40.0249688472, rtol=1e-11)
    for name in ("t", "cauchy", "laplace", "logistic"):
        shapes = (3.0,) if name == "t" else ()
        for method in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"):
            f = method_of(name, method)
            slope = ag.elementwise_grad(lambda x, f=f, s=shapes: f(x, *s))(far)
            assert np.isfinite(slope).all(), (name, method)
    q = np.array([1e-300, 1e-12, 0.5])
    same(ag.elementwise_grad(st.norm.ppf)(q), 1 / scipy_stats.norm.pdf(scipy_stats.norm.ppf(q)))
    assert ag.grad(st.norm.ppf)(0.0) == np.inf
    assert ag.grad(ag.grad(st.logistic.logpdf))(0.0) == -0.5


@pytest.mark.parametrize("name", ["gamma", "beta", "expon", "chi2", "uniform", "lognorm"])
def test_outside_of_the_support(name):
    outside = np.array([-1.0, -0.3])
    shapes = [s[0] for s in SHAPES[name]]
    for method in ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"):
        f = getattr(getattr(st, name), method)
        same(f(outside, *shapes), getattr(getattr(scipy_stats, name), method)(outside, *shapes))
        slope = ag.elementwise_grad(lambda x, f=f: f(x, *shapes))(outside)
        same(slope, np.zeros(2))


def test_edges():
    assert ag.grad(st.gamma.logpdf)(0.0, 1.0) == -1
    assert ag.grad(st.beta.logpdf)(0.0, 1.0, 2.0) == -1
    assert ag.grad(st.poisson.logpmf, 1)(0, 0.0) == -1
    assert ag.grad(st.bernoulli.logpmf, 1)(1, 1.0) == 1


def test_single_precision_is_kept():
    x = X.astype(np.float32)
    for f in (
        st.norm.logpdf,
        st.norm.cdf,
        lambda x: st.gamma.ppf(x / 2, 2.0),
        lambda x: st.poisson.pmf(2, x),
    ):
        assert f(x).dtype == np.float32
        assert ag.grad(lambda x, f=f: f(x).sum())(x).dtype == np.float32


def test_compiled():
    f = ag.grad(lambda m: st.norm.logpdf(X, m, 2.0).sum() + st.gamma.cdf(X, 2.0, m).sum())
    m = np.array(0.1)
    same(ag.compile(f)(m), f(m))


#: Where SciPy takes the logarithm of 0, or gives 0 for parameters that are none.
EXCEPT = {("laplace", "logpdf"), *((name, "logcdf") for name in DISCRETE)}


@pytest.mark.parametrize("name", [*SHAPES, *DISCRETE])
def test_batches_and_programs_have_scipys_values(name):
    """Also outside of the support, far out, and for parameters that are none."""
    if name in SHAPES:
        values = [-np.inf, -1.0, 0.0, 0.5, 1.0, 40.0, 1e3, np.inf, np.nan]
        grid = [[-1.0, 0.0, 0.7, 2.5, np.nan]] * len(SHAPES[name]) + [[0.3], [-1.0, 0.0, 1.0, 2.0]]
        grid[0] = grid[0] + [np.inf] * (name == "t")
    else:
        values = [-1.0, 0.0, 0.5, 2.0, 5.0, 40.0, np.inf, np.nan]
        last = [-0.1, 0.0, 0.3, 1.0, np.nan]
        grid = [[0.0, 5.0, 5.5, -1.0], last] if len(DISCRETE[name]) == 2 else [[*last[:-1], 2.3]]
    for method in dir(getattr(st, name)):
        if (name, method) in EXCEPT:
            continue
        first = [-1.0, 0.0, 0.3, 1.0, 1.5] if method in ("ppf", "isf") else values
        args = np.array(list(itertools.product(first, *grid))).T
        f, theirs = method_of(name, method), getattr(getattr(scipy_stats, name), method)
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted, compiled = theirs(*args), ag.compile(f)
            compiled(*np.full_like(args, 0.5))
            for found in (ag.vmap(f)(*args), compiled(*args)):
                np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-300, err_msg=method)


def test_tails_of_discrete_distributions():
    slope = ag.grad(lambda mu: st.poisson.sf(30, mu))(2.0)
    np.testing.assert_allclose(slope, scipy_stats.poisson.pmf(30, 2.0), rtol=1e-12)
    for name, parameters in DISCRETE.items():
        if name != "bernoulli":
            *head, p = parameters
            k = 4 if name == "binom" else 60
            tail = method_of(name, "logsf")
            log = ag.grad(lambda p, f=tail, h=head, k=k: f(k, *h, p))(p)
            e = 1e-6
            up, down = (getattr(scipy_stats, name).logsf(k, *head, p + d) for d in (e, -e))
            np.testing.assert_allclose(log, (up - down) / (2 * e), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_singular_matrices_of_batches_and_programs():
    flat, points = np.diag([1.0, 2.0, 0.0]), np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.1]])
    f = lambda x, c: st.multivariate_normal.logpdf(x, np.zeros(3), c, allow_singular=True)
    wanted = scipy_stats.multivariate_normal.logpdf(points, np.zeros(3), flat, allow_singular=True)
    same(ag.vmap(f, (0, None))(points, flat), wanted)
    looping.looped.clear()
    with pytest.warns(UserWarning, match=r"scipy\.stats\.multivariate_normal\.logpdf has no way"):
        found = ag.vmap(f)(points, np.stack([flat, flat]))
    same(found, wanted)
    with pytest.raises(ag.CompileError, match="int"):
        ag.compile(lambda x: f(x, flat))(points)
    same(ag.compile(lambda x: f(x, flat + 1e-3))(points), f(points, flat + 1e-3), rtol=1e-10)
    with pytest.raises(ValueError, match="smaller or equal one"):  # SciPy's own
        ag.vmap(st.dirichlet.logpdf)(points, np.ones((2, 3)))


# -- peers ----------------------------------------------------------------------------------------


def test_as_hips_autograd():
    peer = pytest.importorskip("autograd.scipy.stats", reason="HIPS autograd is not installed")
    import autograd.numpy as anp
    from autograd import grad

    cases = [
        (f"norm.{m}", (X, LOC, SCALE)) for m in ("pdf", "cdf", "sf", "logpdf", "logcdf", "logsf")
    ]
    cases += [(f"t.{m}", (X, 3.0, LOC, SCALE)) for m in ("pdf", "logpdf")]
    cases += [("beta.logpdf", (U, 1.2, 3.0)), ("gamma.logpdf", (X, 1.2)), ("chi2.logpdf", (X, 3.0))]
    cases += [
        ("poisson.logpmf", (2, 1.2)),
        ("multivariate_normal.logpdf", (X, LOC, np.diag(SCALE))),
    ]
    cases += [("multivariate_normal.entropy", (LOC, np.diag(SCALE)))]
    for name, args in cases:
        distribution, method = name.split(".")
        mine, other = (getattr(getattr(m, distribution), method) for m in (st, peer))
        for i, a in enumerate(args):
            if np.asarray(a).dtype.kind == "f" and (name[-7:] != "entropy" or i):
                a = ag.grad(lambda *a, f=mine: np.sum(f(*a)), i)(*args)
                try:
                    b = grad(lambda *a, f=other: anp.sum(f(*a)), i)(*args)
                except NotImplementedError:
                    continue
                same(a, b, rtol=1e-9)


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    import jax.scipy.stats as peer

    with jax.enable_x64(True):
        for name, shapes in SHAPES.items():
            for method in ("logpdf", "pdf", "cdf", "logcdf", "ppf"):
                other = getattr(getattr(peer, name, None), method, None)
                if other is None:
                    continue
                mine = getattr(getattr(st, name), method)
                x = U if method == "ppf" else X
                args = (x, *shapes, LOC, SCALE)
                count = len(args) if "pdf" in method else 1
                for i in range(count):
                    if method not in ("logpdf", "pdf") and i:
                        continue
                    a = ag.grad(lambda *a, f=mine: f(*a).sum(), i)(*args)
                    b = jax.grad(lambda *a, f=other: f(*a).sum(), i)(*args)
                    same(a, np.asarray(b), rtol=1e-6, atol=1e-9)
