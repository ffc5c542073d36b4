"""``ag.scipy.linalg``: values of SciPy, gradients to second order, structure, precision, peers."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, gradients, recorded, same

scipy_linalg = pytest.importorskip("scipy.linalg", reason="SciPy is not installed")
sl = ag.scipy.linalg

rng = np.random.default_rng(3)
S = rng.normal(size=(3, 3))
P = S @ S.T + 3 * np.eye(3)
B = S.T @ S + 2 * np.eye(3)
T = np.tril(S) + 3 * np.eye(3)
V, M = rng.normal(size=3), rng.normal(size=(3, 2))
C = S + 1j * rng.normal(size=(3, 3))
H = C @ C.conj().T + 3 * np.eye(3)
STACK = np.stack([S, S.T + 0.3])
PSTACK = STACK @ STACK.swapaxes(-1, -2) + 3 * np.eye(3)
AB = np.array([[9.0, 1, 2, 0.3], [5, 6, 7, 8], [1, 2, 0.5, 9], [0.3, 0.2, 9, 9]])
COLUMN, ROW = np.array([4.0, 1.0, 0.5]), np.array([7.0, -1.0, 0.3])


def phased(v):
    """Eigenvectors without the choice of their phase."""
    return v * np.conj(v[..., :1, :])


def both(name, *options, **more):
    """One function of SciPy and ours, with the same options behind the arrays."""
    ours, theirs = getattr(sl, name), getattr(scipy_linalg, name)
    return (lambda *a: ours(*a, *options, **more)), (lambda *a: theirs(*a, *options, **more))


CASES = [
    ("solve_triangular", (T, V), {"lower": True}),
    ("solve_triangular", (T, M), {"lower": True, "trans": 1}),
    ("solve_triangular", (S, V), {"unit_diagonal": True}),
    ("solve_triangular", (C, M + 1j), {"trans": "C"}),
    ("solve_triangular", (STACK + 3 * np.eye(3), M), {}),
    ("cholesky", (P,), {}),
    ("cholesky", (P,), {"lower": True}),
    ("cholesky", (H,), {"lower": True}),
    ("cholesky", (PSTACK,), {}),
    ("solve", (S, V), {}),
    ("solve", (C, M), {}),
    ("solve", (STACK, M), {}),
    ("solve", (STACK, V), {}),
    ("solve", (P, M), {"assume_a": "pos"}),
    ("solve", (P, M), {"assume_a": "sym", "lower": True}),
    ("solve", (H, M), {"assume_a": "her"}),
    ("solve", (C, M), {"assume_a": "sym"}),
    ("solve", (P, V), {"assume_a": "upper triangular"}),
    ("solve", (P, V), {"assume_a": "tridiagonal"}),
    ("solve", (P, V), {"transposed": True}),
    ("lu_factor", (S,), {}),
    ("lu_factor", (np.vstack([S, S + 1]),), {}),
    ("lu_factor", (STACK,), {}),
    ("lu", (S,), {}),
    ("lu", (C,), {}),
    ("lu", (np.hstack([S, M]),), {}),
    ("lu", (np.hstack([S, M]).T.copy(),), {"permute_l": True}),
    ("lu", (STACK,), {"p_indices": True}),
    ("qr", (S,), {}),
    ("qr", (C,), {}),
    ("qr", (M,), {"mode": "economic"}),
    ("qr", (M,), {"mode": "r"}),
    ("qr", (M.T.copy(),), {}),
    ("qr", (STACK,), {"mode": "economic"}),
    ("qr", (S,), {"pivoting": True}),
    ("eigh", (P,), {}),
    ("eigh", (P, B), {}),
    ("eigh", (P, B), {"lower": False}),
    ("eigh", (PSTACK, B), {}),
    ("eigh", (P,), {"eigvals_only": True, "subset_by_index": (1, 2)}),
    ("eigh", (P,), {"eigvals_only": True, "subset_by_value": (4.0, 99.0)}),
    ("eigh", (P, B), {"eigvals_only": True, "driver": "gv"}),
    ("expm", (S,), {}),
    ("expm", (C,), {}),
    ("expm", (STACK,), {}),
    ("logm", (P,), {}),
    ("logm", (H,), {}),
    ("logm", (PSTACK,), {}),
    ("sqrtm", (P,), {}),
    ("sqrtm", (H,), {}),
    ("sqrtm", (PSTACK,), {}),
    ("block_diag", (S, V, M), {}),
    ("block_diag", (STACK, PSTACK), {}),
    ("toeplitz", (V,), {}),
    ("toeplitz", (C[0], V), {}),
    ("toeplitz", (COLUMN, np.arange(5.0)), {}),
    ("solve_toeplitz", (COLUMN, V), {}),
    ("solve_toeplitz", (COLUMN + 0.1j * V, M), {}),
    ("solve_sylvester", (P, B, S), {}),
    ("solve_sylvester", (H, B, C), {}),
    ("solve_continuous_lyapunov", (P, S), {}),
    ("solve_continuous_lyapunov", (C + 4 * np.eye(3), H), {}),
    ("solve_discrete_lyapunov", (S / 4, P), {}),
    ("solve_discrete_lyapunov", (C / 6, S), {"method": "direct"}),
    ("solve_discrete_lyapunov", (S / 4, P), {"method": "bilinear"}),
]


@pytest.mark.parametrize("i", range(len(CASES)), ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)])
def test_values_and_gradients(i):
    name, arrays, options = CASES[i]
    ours, theirs = both(name, **options)
    same(ours(*arrays), theirs(*arrays))
    same(recorded(ours, *arrays), theirs(*arrays))

    def floats(*a):
        out = ours(*a)
        parts = out if isinstance(out, tuple) else (out,)
        return [
            p
            for p in parts
            if p.dtype.kind in "fc" and not (name == "lu" and p is parts[0] and len(parts) == 3)
        ]

    if name == "eigh" and len(arrays) == 2 and not options.get("eigvals_only"):
        check(lambda a, b: (ours(a, b)[0], ours(a, b)[1] ** 2), *arrays, order=1)
    else:
        check(floats, *arrays, order=1)


def test_pairs_of_a_factor_and_a_flag():
    for lower in (False, True):
        factors = (s.cho_factor(P, lower)[0] for s in (sl, scipy_linalg))
        same(*(np.tril(f) if lower else np.triu(f) for f in factors))  # the rest is arbitrary
        check(lambda a, b, lower=lower: sl.cho_solve(sl.cho_factor(a, lower), b), P, M, wrt=(0, 1))
    check(lambda a: sl.cho_factor(a)[0], P)
    check(lambda a, b: sl.cho_solve(sl.cho_factor(a), b), H, C)
    check(lambda a, b: sl.cho_solve(sl.cho_factor(a), b), PSTACK, V)
    c = scipy_linalg.cho_factor(P)
    same(sl.cho_solve(c, V), scipy_linalg.cho_solve(c, V))
    for trans in (0, 1, 2):
        lu = scipy_linalg.lu_factor(C)
        same(sl.lu_solve(lu, M, trans), scipy_linalg.lu_solve(lu, M, trans))
        check(lambda a, b, trans=trans: sl.lu_solve(sl.lu_factor(a), b, trans), C, M, wrt=(0, 1))
    stacked = sl.lu_factor(STACK)
    same(sl.lu_solve(stacked, V), np.linalg.solve(STACK, V))
    same(sl.lu_solve(stacked, M, 1), np.linalg.solve(STACK.swapaxes(-1, -2), M))


def test_bands():
    for b in (rng.normal(size=4), rng.normal(size=(4, 2))):
        same(sl.solve_banded((2, 1), AB, b), scipy_linalg.solve_banded((2, 1), AB, b))
        check(lambda ab, b: sl.solve_banded((2, 1), ab, b), AB, b)
        check(lambda ab, b: sl.solve_banded((1, 2), ab, b), AB[::-1].copy() + 3j, b)
    stack = np.stack([AB, AB + 0.1])
    check(lambda ab, b: sl.solve_banded((2, 1), ab, b), stack, rng.normal(size=4))
    gradient = ag.grad(lambda ab: np.sum(sl.solve_banded((2, 1), ab, np.ones(4))))(AB)
    assert gradient[0, 0] == gradient[2, 3] == gradient[3, 2] == gradient[3, 3] == 0


def test_a_toeplitz_matrix_by_column_and_row():
    same(sl.solve_toeplitz((COLUMN, ROW), V), scipy_linalg.solve_toeplitz((COLUMN, ROW), V))
    check(lambda c, r, b: sl.solve_toeplitz((c, r), b), COLUMN, ROW, M)
    check(lambda c, b: sl.solve_toeplitz(c, b), COLUMN, V)
    check(lambda c, b: sl.solve_toeplitz(c, b), np.stack([COLUMN, COLUMN + 0.2]), M)


def test_complex_vectors_of_a_pencil():
    check(lambda a, b: phased(sl.eigh(a, b)[1]), H, H + 2 * np.eye(3))
    with pytest.raises(ag.NotDifferentiableError, match="phase"):
        gradients(lambda a: sl.eigh(a, H)[1].imag, H + S @ S.T)


@pytest.mark.parametrize("type", [2, 3])
@pytest.mark.parametrize("lower", [True, False])
def test_eigenvalues_of_products(type, lower):
    options = {"type": type, "lower": lower}
    for a, b in [(P, B), (H, P), (PSTACK[0], H)]:
        (w, v), (theirs, vectors) = sl.eigh(a, b, **options), scipy_linalg.eigh(a, b, **options)
        same(w, theirs)
        same(abs(v), abs(vectors), rtol=1e-10)
        same((a @ b if type == 2 else b @ a) @ v, w * v, rtol=1e-9, atol=1e-9)
    assert np.abs(gradients(lambda a, b: sl.eigh(a, b, **options)[0], P, B)[0]).max() > 0
    check(lambda a, b: phased(sl.eigh(a, b, **options)[1]), H, H + 2 * np.eye(3), order=1)


def test_repeated_values():
    twice = np.diag([2.0, 2.0, 5.0])
    gradient = ag.grad(lambda a: np.sum(sl.eigh(a, np.eye(3), eigvals_only=True) ** 2))(twice)
    same(gradient, 2 * twice)
    with pytest.raises(ag.NotDifferentiableError, match="coincide"):
        ag.grad(lambda a: np.sum(sl.eigh(a, np.eye(3))[1] * S))(twice)


def test_near_singular():
    for gap in (1e-6, 1e-10):
        a = np.diag([1.0, gap])
        slope = ag.grad(lambda a: sl.solve(a, np.ones(2))[1])(a)
        np.testing.assert_allclose(slope[1, 1], -1 / gap**2, rtol=1e-10)
        np.testing.assert_allclose(
            ag.grad(lambda a: sl.sqrtm(a)[1, 1])(a)[1, 1], 0.5 / gap**0.5, rtol=1e-6
        )
        np.testing.assert_allclose(ag.grad(lambda a: sl.logm(a)[1, 1])(a)[1, 1], 1 / gap, rtol=1e-6)
        np.testing.assert_allclose(ag.grad(lambda a: sl.cholesky(a)[1, 1])(a)[1, 1], 0.5 / gap**0.5)
    with pytest.raises(np.linalg.LinAlgError):
        sl.solve_triangular(ag.tensor(np.zeros((2, 2)), requires_grad=True), np.ones(2))


@pytest.mark.parametrize("name", ["cholesky", "expm", "logm", "sqrtm", "lu_factor", "qr", "eigh"])
def test_single_precision_is_kept(name):
    f = getattr(sl, name)
    small = P.astype(np.float32)

    def first(a):
        out = f(a)
        return np.sum(out[0] if isinstance(out, tuple) else out)

    assert first(small).dtype == np.float32
    assert ag.grad(first)(small).dtype == np.float32
    assert ag.grad(lambda b: np.sum(sl.solve(small, b)))(np.ones(3, np.float32)).dtype == np.float32


def test_refusals():
    with pytest.raises(ag.NotDifferentiableError, match="raw"):
        sl.qr(S, mode="raw")
    with pytest.raises(ValueError, match="type=1, 2 or 3"):
        sl.eigh(P, B, type=4)
    with pytest.raises(ValueError, match="diagonals"):
        sl.solve_banded((1, 1), AB, np.ones(4))


def test_lists_and_integers():
    same(sl.expm([[0, 1], [0, 0]]), scipy_linalg.expm([[0, 1], [0, 0]]))
    same(sl.toeplitz([1, 2, 3]), scipy_linalg.toeplitz([1, 2, 3]))
    same(sl.block_diag(1, [2, 3]), scipy_linalg.block_diag(1, [2, 3]))


@pytest.mark.parametrize("name", ["expm", "sqrtm", "cholesky", "lu", "lu_factor", "qr", "eigh"])
def test_compiled(name):
    def total(a):
        out = getattr(sl, name)(a)
        return (
            sum(np.sum(p) for p in out if p.dtype.kind == "f")
            if isinstance(out, tuple)
            else np.sum(out)
        )

    f = ag.grad(total)
    same(ag.compile(f)(P), f(P))
    g = ag.grad(lambda a: np.sum(sl.lu_solve(sl.lu_factor(a), V)))
    same(ag.compile(g)(S), g(S))


def test_logm_draws_no_number_of_the_user():
    np.random.seed(3)
    first = np.random.normal()
    np.random.seed(3)
    sl.logm(P)
    assert np.random.normal() == first


def test_a_subset_by_value_differs_over_a_batch():
    with pytest.raises(ag.VmapError, match="subset_by_index"):
        ag.vmap(lambda a: sl.eigh(a, subset_by_value=(0.0, 9.0))[0])(PSTACK)


# -- peers ----------------------------------------------------------------------------------------


def test_as_hips_autograd():
    peer = pytest.importorskip("autograd.scipy.linalg", reason="HIPS autograd is not installed")
    from autograd import grad

    for name, arrays in [("sqrtm", (P,)), ("solve_sylvester", (P, B, S)), ("solve_banded", ())]:
        if name == "solve_banded":
            f = lambda m: lambda ab: m.solve_banded((2, 1), ab, np.ones(4)).sum()
            a = (AB,)
        else:
            f, a = (lambda m, name=name: lambda *x: getattr(m, name)(*x).sum()), arrays
        inside = np.ones_like(a[0], bool)
        if name == "solve_banded":
            inside[[0, 2, 3, 3], [0, 3, 2, 3]] = False
        same(
            np.where(inside, ag.grad(f(sl))(*a), 0),
            np.where(inside, grad(f(peer))(*a), 0),
            rtol=1e-9,
        )


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    import jax.scipy.linalg as peer

    with jax.enable_x64(True):
        for name, arrays, options in [
            ("expm", (S,), {}),
            ("cholesky", ((P + P.T) / 2,), {}),
            ("solve_triangular", (T, V), {"lower": True}),
            ("lu", (S,), {"permute_l": True}),
            ("qr", (S,), {}),
            ("block_diag", (S, M), {}),
            ("toeplitz", (V,), {}),
        ]:
            weight = np.arange(1.0, 10.0).reshape(3, 3)

            def total(f, *a, weight=weight):
                out = f(*a)
                parts = out if isinstance(out, tuple) else (out,)
                return sum((p.real * weight).sum() if p.shape == (3, 3) else p.sum() for p in parts)

            def ours(*a, name=name, options=options):
                return total(lambda *x: getattr(sl, name)(*x, **options), *a)

            def theirs(*a, name=name, options=options):
                return total(lambda *x: getattr(peer, name)(*x, **options), *a)

            argnums = tuple(range(len(arrays)))
            mine = ag.grad(ours, argnums)(*arrays)
            other = jax.grad(theirs, argnums)(*arrays)
            if name == "cholesky":  # JAX symmetrises first
                mine, other = (
                    [(m + m.T) / 2 for m in mine],
                    [(o + o.T) / 2 for o in map(np.asarray, other)],
                )
            for m, o in zip(mine, other, strict=True):
                same(m, np.asarray(o), rtol=1e-7, atol=1e-9)
