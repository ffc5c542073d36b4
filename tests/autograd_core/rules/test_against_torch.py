"""Values and gradients of the rules against PyTorch's."""

import numpy as np
import pytest

import autograd_core as ag

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
rng = np.random.default_rng(0)
A, B = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
P = rng.uniform(0.1, 0.9, (3, 4))
M = rng.normal(size=(4, 5))

PAIRS = [
    *((name, getattr(np, name), getattr(torch, name), (A,)) for name in
      "exp expm1 exp2 sin cos tan sinh cosh tanh square sinc abs negative deg2rad rad2deg".split()),
    *((name, getattr(np, name), getattr(torch, name), (P,)) for name in
      "sqrt log log2 log10 log1p arcsin arccos arctan arcsinh arctanh reciprocal".split()),
    *((name, getattr(np, name), getattr(torch, name), (A, B)) for name in
      "add subtract multiply divide maximum minimum hypot arctan2 logaddexp logaddexp2 fmod remainder".split()),
    ("power", np.power, torch.pow, (P, B)),
    ("sum", lambda x: np.sum(x, 1), lambda x: x.sum(1), (A,)),
    ("mean", lambda x: np.mean(x, (0, 1)), lambda x: x.mean((0, 1)), (A,)),
    ("var", lambda x: np.var(x, 0, ddof=1), lambda x: x.var(0), (A,)),
    ("std", lambda x: np.std(x, -1, ddof=0), lambda x: x.std(-1, correction=0), (A,)),
    ("prod", lambda x: np.prod(x, 1), lambda x: x.prod(1), (A,)),
    ("prod zeros", lambda x: np.prod(x, 1), lambda x: x.prod(1), (A * (abs(A) > 0.4),)),
    ("max", lambda x: np.max(x, 1), lambda x: x.amax(1), (np.round(A),)),
    ("cumsum", lambda x: np.cumsum(x, 0), lambda x: x.cumsum(0), (A,)),
    ("cumprod", lambda x: np.cumprod(x, 1), lambda x: x.cumprod(1), (A * (abs(A) > 0.4),)),
    ("matmul", np.matmul, torch.matmul, (A, M)),
    ("einsum", lambda x, y: np.einsum("ij,jk->ki", x, y), lambda x, y: torch.einsum("ij,jk->ki", x, y), (A, M)),
    ("tensordot", lambda x, y: np.tensordot(x, y, 1), lambda x, y: torch.tensordot(x, y, 1), (A, M)),
    ("outer", lambda x, y: np.outer(x[0], y[0]), lambda x, y: torch.outer(x[0], y[0]), (A, M)),
    ("kron", np.kron, torch.kron, (A, M)),
    ("sort", lambda x: np.sort(x, 1), lambda x: x.sort(1).values, (A,)),
    ("clip", lambda x: np.clip(x, -0.5, 0.5), lambda x: x.clamp(-0.5, 0.5), (A,)),
    ("where", lambda x, y: np.where(A > 0, x, y), lambda x, y: torch.where(torch.tensor(A > 0), x, y), (A, B)),
    ("fancy", lambda x: x[[0, 0, 2], [1, 1, 3]], lambda x: x[[0, 0, 2], [1, 1, 3]], (A,)),
    ("roll", lambda x: np.roll(x, (1, 2), (0, 1)), lambda x: x.roll((1, 2), (0, 1)), (A,)),
    ("trace", np.trace, torch.trace, (M,)),
    ("tile", lambda x: np.tile(x, (2, 3)), lambda x: x.tile((2, 3)), (A,)),
    ("pad", lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"),
     lambda x: torch.nn.functional.pad(x[None], (2, 1), mode="reflect")[0], (A,)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "arrays"), [p[1:] for p in PAIRS], ids=[p[0] for p in PAIRS]
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_first_and_second_derivatives(ours, theirs, arrays, dtype):
    arrays = [a.astype(dtype) for a in arrays]
    ts = [ag.tensor(a, requires_grad=True) for a in arrays]
    ps = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, q = ours(*ts), theirs(*ps)
    tolerance = (
        {"rtol": 1e-11, "atol": 1e-12} if dtype == np.float64 else {"rtol": 2e-4, "atol": 1e-5}
    )
    np.testing.assert_allclose(y.numpy(), q.detach().numpy(), **tolerance)
    g = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    first = ag.gradients(y, ts, [g], create_graph=True)
    expected = torch.autograd.grad(q, ps, torch.tensor(g).reshape(q.shape), create_graph=True)
    for f, e in zip(first, expected, strict=True):
        assert f.dtype == dtype
        np.testing.assert_allclose(f.numpy(), e.detach().numpy(), **tolerance)
    if dtype == np.float64:
        total, expected_total = (
            sum(np.sum(f**2) for f in first),
            sum((e**2).sum() for e in expected),
        )
        if not (expected_total.requires_grad and total.requires_grad):
            return  # linear functions have no second derivative
        second = ag.gradients(total, ts, allow_unused=True)
        again = torch.autograd.grad(expected_total, ps, allow_unused=True)
        for t, s, e in zip(ts, second, again, strict=True):
            zero = np.zeros(t.shape)
            np.testing.assert_allclose(
                zero if s is None else s.numpy(),
                zero if e is None else e.numpy(),
                rtol=1e-8,
                atol=1e-9,
            )


def test_complex_gradients_follow_the_same_convention():
    z = rng.normal(size=4) + 1j * rng.normal(size=4)
    for ours, theirs in (
        (lambda z: np.sum(np.abs(z * z + 1)), lambda z: (z * z + 1).abs().sum()),
        (
            lambda z: np.sum(np.real(np.exp(z)) * np.imag(z)),
            lambda z: (z.exp().real * z.imag).sum(),
        ),
        (lambda z: np.sum(np.angle(z) ** 2), lambda z: (z.angle() ** 2).sum()),
    ):
        t, p = ag.tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
        ours(t).backward()
        theirs(p).backward()
        np.testing.assert_allclose(t.grad.numpy(), p.grad.numpy())
