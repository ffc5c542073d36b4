"""Linear algebra, transforms, statistics and special functions against PyTorch."""

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
rng = np.random.default_rng(3)
A, B, V, W = (
    rng.normal(size=(4, 4)),
    rng.normal(size=(4, 2)),
    rng.normal(size=5),
    rng.normal(size=5),
)
T, TALL = rng.normal(size=(2, 4, 4)), rng.normal(size=(5, 3))
S = A @ A.T + 2 * np.eye(4)
Z = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
ZS = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
P, U = rng.uniform(0.3, 3.0, (3, 4)), rng.uniform(0.05, 0.95, (3, 4))
HOLES = rng.normal(size=(3, 4))
HOLES[0, 1] = HOLES[2, 2] = np.nan
L, TL, F, TF, TS = np.linalg, torch.linalg, np.fft, torch.fft, torch.special


def symmetric(x):
    return (x + x.swapaxes(-1, -2)) / 2


def t_symmetric(x):
    return (x + x.mT) / 2


PAIRS = [
    ("inv", L.inv, TL.inv, (T,)), ("det", L.det, TL.det, (T,)),
    ("slogdet", lambda x: L.slogdet(x)[1], lambda x: TL.slogdet(x)[1], (A,)),
    ("slogdet complex", lambda x: L.slogdet(x)[1], lambda x: TL.slogdet(x)[1], (ZS,)),
    ("solve", L.solve, TL.solve, (T, B)), ("pinv", L.pinv, TL.pinv, (TALL,)),
    ("matrix_power", lambda x: L.matrix_power(x, 3), lambda x: TL.matrix_power(x, 3), (A,)),
    ("cholesky", lambda x: L.cholesky(symmetric(x)), lambda x: TL.cholesky(t_symmetric(x)), (S,)),
    ("qr q", lambda x: L.qr(x)[0], lambda x: TL.qr(x)[0], (TALL,)),
    ("qr r", lambda x: L.qr(x)[1], lambda x: TL.qr(x)[1], (TALL,)),
    ("eigh values", lambda x: L.eigvalsh(symmetric(x)), lambda x: TL.eigvalsh(t_symmetric(x)), (A,)),
    ("eigh vectors", lambda x: L.eigh(symmetric(x))[1] ** 2, lambda x: TL.eigh(t_symmetric(x))[1] ** 2, (A,)),
    ("eigvals", lambda x: np.sort(np.abs(L.eigvals(x))), lambda x: TL.eigvals(x).abs().sort()[0], (A,)),
    ("svdvals", L.svdvals, TL.svdvals, (TALL,)),
    ("svd u", lambda x: L.svd(x, full_matrices=False)[0] ** 2, lambda x: TL.svd(x, full_matrices=False)[0] ** 2, (TALL,)),
    ("lstsq", lambda a, b: L.lstsq(a, b)[0], lambda a, b: TL.lstsq(a, b[:, None])[0][:, 0], (TALL, V)),
    *((f"norm {o}", lambda x, o=o: L.norm(x, o), lambda x, o=o: TL.matrix_norm(x, o), (TALL,))
      for o in ("fro", "nuc", 1, -1, 2, np.inf)),
    *((f"vector norm {o}", lambda x, o=o: L.norm(x, o), lambda x, o=o: TL.vector_norm(x, o), (V,)) for o in (1, 2, 3, np.inf)),
    ("multi_dot", lambda x, y, z: L.multi_dot([x, y, z]), lambda x, y, z: TL.multi_dot([x, y, z]), (TALL.T.copy(), TALL, TALL.T.copy())),
    ("cond", L.cond, TL.cond, (A,)),
    ("cross", np.cross, TL.cross, (TALL, TALL + 1)), ("vecdot", np.vecdot, TL.vecdot, (V, W)),
    ("vander", lambda x: np.vander(x, increasing=True), TL.vander, (V,)),
    *((f"{n} {k}", lambda x, n=n, k=k: getattr(F, n)(x, norm=k), lambda x, n=n, k=k: getattr(TF, n)(x, norm=k), (x,))
      for n, x in (("fft", Z), ("ifft", Z), ("rfft", P), ("irfft", Z), ("hfft", Z), ("ihfft", P), ("fft2", Z), ("rfft2", P), ("irfftn", Z))
      for k in ("backward", "ortho", "forward")),
    ("fft n", lambda x: F.fft(x, 6, 0), lambda x: TF.fft(x, 6, 0), (Z,)), ("irfft n", lambda x: F.irfft(x, 5), lambda x: TF.irfft(x, 5), (Z,)),
    ("fftshift", F.fftshift, TF.fftshift, (P,)),
    *((n, getattr(special, n), getattr(TS, t), (x,)) for n, t, x in (
        ("erf", "erf", P), ("erfc", "erfc", P), ("erfinv", "erfinv", U), ("gammaln", "gammaln", P), ("psi", "digamma", P), ("expit", "expit", P),
        ("logit", "logit", U), ("entr", "entr", U), ("i0", "i0", P), ("i1", "i1", P), ("i0e", "i0e", P), ("i1e", "i1e", P), ("ndtr", "ndtr", P),
        ("ndtri", "ndtri", U), ("log_ndtr", "log_ndtr", P))),
    ("xlogy", special.xlogy, TS.xlogy, (P, U)), ("xlog1py", special.xlog1py, TS.xlog1py, (P, U)),
    ("polygamma", lambda x: ag.special.polygamma(2, x), lambda x: TS.polygamma(2, x), (P,)),
    ("logsumexp", lambda x: ag.special.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1), (P,)),
    ("median", lambda x: np.median(x), lambda x: x.quantile(0.5), (P,)),
    *((f"quantile {m}", lambda x, m=m: np.quantile(x, 0.3, axis=1, method=m), lambda x, m=m: x.quantile(0.3, 1, interpolation=m), (P,))
      for m in ("linear", "lower", "higher", "midpoint", "nearest")),
    ("nansum", lambda x: np.nansum(x, 0), lambda x: x.nansum(0), (HOLES,)), ("nanmean", lambda x: np.nanmean(x, 1), lambda x: x.nanmean(1), (HOLES,)),
    ("cov", np.cov, torch.cov, (P,)), ("corrcoef", np.corrcoef, torch.corrcoef, (P,)),
    ("diff", lambda x: np.diff(x, 2), lambda x: x.diff(2), (P,)), ("trapezoid", np.trapezoid, torch.trapezoid, (P,)),
    ("trapezoid x", np.trapezoid, torch.trapezoid, (V, W)),
    ("gradient", lambda x: np.gradient(x, 0.5, axis=1), lambda x: torch.gradient(x, spacing=0.5, dim=1)[0], (P,)),
    ("cumulative", lambda x: np.logaddexp.accumulate(x, 1), lambda x: x.logcumsumexp(1), (P,)),
    ("block", lambda x: np.block([[x], [x]]), lambda x: torch.cat([x, x]), (P,)), ("diagflat", np.diagflat, torch.diagflat, (V,)),
    ("windows", lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 1), lambda x: x.unfold(1, 2, 1), (P,)),
    ("bincount", lambda w: np.bincount([0, 2, 2, 1, 0], w), lambda w: torch.zeros(3, dtype=w.dtype).index_add(0, torch.tensor([0, 2, 2, 1, 0]), w), (V,)),
    ("kron", np.kron, torch.kron, (TALL, B)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "arrays"), [p[1:] for p in PAIRS], ids=[p[0] for p in PAIRS]
)
def test_values_first_and_second_derivatives(ours, theirs, arrays):
    ts = [ag.tensor(a, requires_grad=True) for a in arrays]
    ps = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, q = ours(*ts), theirs(*ps)
    np.testing.assert_allclose(y.numpy(), q.detach().resolve_conj().numpy(), rtol=1e-9, atol=1e-10)
    g = np.asarray(np.random.default_rng(1).normal(size=y.shape), y.dtype)
    first = ag.gradients(y, ts, [g], create_graph=True)
    expected = torch.autograd.grad(q, ps, torch.tensor(g).reshape(q.shape), create_graph=True)
    for f, e in zip(first, expected, strict=True):
        np.testing.assert_allclose(
            f.numpy(), e.detach().resolve_conj().numpy(), rtol=1e-8, atol=1e-9
        )
    total = sum(np.sum(np.abs(f) ** 2) for f in first)
    other = sum((e.abs() ** 2).sum() for e in expected)
    if not (other.requires_grad and total.requires_grad):
        return  # linear functions have no second derivative
    second = ag.gradients(total, ts, allow_unused=True)
    again = torch.autograd.grad(other, ps, allow_unused=True)
    for t, s, e in zip(ts, second, again, strict=True):
        found, wanted = (np.zeros(t.shape) if v is None else v for v in (s, e))
        found = getattr(found, "data", found)
        wanted = wanted if isinstance(wanted, np.ndarray) else wanted.resolve_conj().numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


def test_where_pytorch_is_wrong():
    """Singular determinants: PyTorch 2.13 gives zeros for this matrix; the cofactors are right."""
    m = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(ag.grad(np.linalg.det)(m), [[4, -2], [-2, 1]], atol=1e-12)
