"""ag.compile of programs of science, written as one writes them in NumPy; across files.

Each is compiled whole, with its derivative, and is what eager is over several inputs, bit for bit.
"""

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.program.compiled import compile

RNG = np.random.default_rng
PROGRAMS = {}


def program(*shapes, positive=False):
    """Enter a function of one number in the table, with the shapes of its arguments."""

    def enter(f):
        PROGRAMS[f.__name__] = f, shapes, positive
        return f

    return enter


def inputs(name, seed):
    _, shapes, positive = PROGRAMS[name]
    rng = RNG(seed)
    drawn = [rng.normal(size=s) for s in shapes]
    return [np.abs(a) + 0.5 if positive else a for a in drawn]


@program((2,), (10,))
def kalman(start, seen):
    f, h = np.array([[1.0, 0.1], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    m, p, loss = start, np.eye(2), 0.0
    for y in seen:
        m, p = f @ m, f @ p @ f.T + 0.01 * np.eye(2)
        s = h @ p @ h.T + 0.1
        k = p @ h.T / s
        loss = loss + 0.5 * (np.log(s[0, 0]) + (y - (h @ m)[0]) ** 2 / s[0, 0])
        m, p = m + (k * (y - (h @ m)[0]))[:, 0], p - k @ h @ p
    return loss


@program((2,), (8,), (8,))
def gaussian_process(logs, x, y):
    length, noise = np.exp(logs[0]), np.exp(logs[1]) + 0.1
    d = (x[:, None] - x[None, :]) / length
    k = np.exp(-0.5 * d**2) + noise * np.eye(len(x))
    c = np.linalg.cholesky(k)
    a = np.linalg.solve(c, y)
    return 0.5 * np.sum(a * a) + np.sum(np.log(np.diag(c)))


def rk4_step(f, y, h):
    a = f(y)
    b = f(y + h / 2 * a)
    c = f(y + h / 2 * b)
    return y + h / 6 * (a + 2 * b + 2 * c + f(y + h * c))


@program((3,))
def lorenz_rk4(y):
    def f(y):
        return np.stack([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])

    for _ in range(20):
        y = rk4_step(f, y, 0.01)
    return np.sum(y**2)


@program((2,), positive=True)
def lotka_volterra(y):
    for _ in range(20):
        y = rk4_step(
            lambda z: z * (np.array([1.1, -0.4]) + np.array([-0.4, 0.1]) * z[::-1]), y, 0.1
        )
    return y[0] - y[1]


@program((4,), (4,))
def hmc_leapfrog(q, p):
    slope = ag.grad(lambda q: np.sum(q**4) / 4 + np.prod(np.cos(q)))
    p = p - 0.05 * slope(q)
    for _ in range(5):
        q = q + 0.1 * p
        p = p - 0.1 * slope(q)
    return np.sum(q * p)


@program((6,))
def cubic_spline(y):
    n = len(y)
    a = 4 * np.eye(n - 2) + np.eye(n - 2, k=1) + np.eye(n - 2, k=-1)
    m = np.concatenate([[0.0], np.linalg.solve(a, 6 * (y[2:] - 2 * y[1:-1] + y[:-2])), [0.0]])
    t = np.linspace(0, 1, 5)[:, None]
    s = (1 - t) * y[:-1] + t * y[1:] + ((t**3 - t) * m[1:] + ((1 - t) ** 3 - (1 - t)) * m[:-1]) / 6
    return np.sum(s**2)


def logsumexp(x, axis=None):
    top = np.max(x, axis=axis, keepdims=True)
    return np.squeeze(np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top, axis)


@program((3, 3), (3, 4))
def hmm_forward(transition, emission):
    t = transition - logsumexp(transition, 1)[:, None]
    e = emission - logsumexp(emission, 1)[:, None]
    a = e[:, 0]
    for o in [1, 3, 2, 0, 1]:
        a = logsumexp(a[:, None] + t, 0) + e[:, o]
    return logsumexp(a, 0)


@program((5,), (6,))
def soft_dtw(x, y):
    d = (x[:, None] - y[None, :]) ** 2
    r = {(0, 0): 0.0}
    for i in range(len(x)):
        for j in range(len(y)):
            before = [r[k] for k in [(i, j), (i, j + 1), (i + 1, j)] if k in r]
            r[i + 1, j + 1] = d[i, j] - logsumexp(np.stack([-b + 0 * d[0, 0] for b in before]), 0)
    return r[len(x), len(y)]


@program((5,), (6,))
def dynamic_time_warping(x, y):
    d = np.abs(x[:, None] - y[None, :])
    row = np.cumsum(d[0])
    for i in range(1, len(x)):
        new = [row[0] + d[i, 0]]
        for j in range(1, len(y)):
            new.append(d[i, j] + np.minimum(np.minimum(row[j], row[j - 1]), new[-1]))
        row = np.stack(new)
    return row[-1]


@program((5, 3))
def n_body(x):
    d = x[:, None] - x[None, :]
    r = np.sqrt(np.sum(d**2, -1) + 0.01)
    return -np.sum(np.triu(1 / r, 1))


@program((4, 4), (4,))
def conjugate_gradients(m, b):
    a = m @ m.T + 4 * np.eye(4)
    x = np.zeros_like(b)
    r = p = b
    s = r @ r
    for _ in range(10):
        if s < 1e-12:
            break
        ap = a @ p
        alpha = s / (p @ ap)
        x, r = x + alpha * p, r - alpha * ap
        s, before = r @ r, s
        p = r + s / before * p
    return np.sum(x * b)


@program((), positive=True)
def newton(a):
    x = a
    while np.abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x


@program((3,), (10, 3))
def logistic_regression(w, x):
    y = np.arange(10) % 2
    z = x @ w
    return np.mean(np.logaddexp(0, z) - y * z) + 0.01 * w @ w


@program((2,), (12,))
def em_step(mu, x):
    r = np.exp(-0.5 * (x[:, None] - mu) ** 2)
    r = r / r.sum(1, keepdims=True)
    mu = (r * x[:, None]).sum(0) / r.sum(0)
    return np.sum(np.log(np.sum(np.exp(-0.5 * (x[:, None] - mu) ** 2), 1)))


@program((4, 4))
def power_iteration(m):
    a, v = m @ m.T + np.eye(4), np.ones(4)
    for _ in range(10):
        v = a @ v
        v = v / np.sqrt(v @ v)
    return v @ a @ v


@program((3, 3))
def qr_iteration(m):
    a = m + m.T + 5 * np.eye(3)
    for _ in range(4):
        q, r = np.linalg.qr(a)
        a = r @ q
    return np.sum(np.diag(a) * np.arange(3))


@program((12,), ())
def heat_equation(u, k):
    u = u.copy()
    for _ in range(6):
        u[1:-1] += 0.1 * k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u**2)


@program((4, 4))
def ising_energy(s):
    s = np.tanh(s)
    return -np.sum(s * (np.roll(s, 1, 0) + np.roll(s, 1, 1)))


@program((16,))
def fft_filter(x):
    f = np.fft.rfft(x)
    keep = np.arange(len(f)) < 4
    return np.sum(np.fft.irfft(np.where(keep, f, 0)) ** 2) + np.sum(np.abs(f))


@program((5,), positive=True)
def black_scholes(p):
    s, k, r, v, t = p
    d = (np.log(s / k) + (r * 0.1 + v**2 / 2) * t) / (v * np.sqrt(t))
    n = [1 / (1 + np.exp(-1.702 * z)) for z in (d, d - v * np.sqrt(t))]
    return s * n[0] - k * np.exp(-0.1 * r * t) * n[1]


@program((6, 6), (6, 6), (2,))
def optical_flow(a, b, uv):
    gx, gy = (a[1:-1, 2:] - a[1:-1, :-2]) / 2, (a[2:, 1:-1] - a[:-2, 1:-1]) / 2
    residual = gx * uv[0] + gy * uv[1] + (b - a)[1:-1, 1:-1]
    return np.sum(np.sqrt(residual**2 + 1e-3))


@program((3, 2), (12, 2))
def k_means_step(centres, x):
    d = np.sum((x[:, None] - centres) ** 2, -1)
    one = np.argmin(d, 1)[:, None] == np.arange(3)
    new = (one.T @ x + centres) / (one.sum(0)[:, None] + 1)
    return np.sum(np.min(np.sum((x[:, None] - new) ** 2, -1), 1))


@program((5, 4), (4, 4), (4, 4), (4, 4))
def attention(x, q, k, v):
    s = (x @ q) @ (x @ k).T / 2
    s = np.where(np.tri(5, dtype=bool), s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    return np.sum(((p / p.sum(-1, keepdims=True)) @ (x @ v)) ** 2)


@program((5, 3), (3, 4), (4, 4))
def rnn(x, w, u):
    h = np.zeros(4)
    for t in range(len(x)):
        h = np.tanh(x[t] @ w + h @ u)
    return h @ h


@program((4,), positive=True)
def beam_fem(stiffness):
    k = np.zeros((5, 5))
    local = np.array([[1.0, -1.0], [-1.0, 1.0]])
    for e in range(4):
        k = ag.scatter_add(k, np.ix_([e, e + 1], [e, e + 1]), stiffness[e] * local)
    return np.sum(np.linalg.solve(k[1:, 1:], np.ones(4)))


@program((4, 4))
def cholesky_by_hand(m):
    a = m @ m.T + 4 * np.eye(4)
    c = np.zeros_like(a)
    for j in range(4):
        c[j, j] = np.sqrt(a[j, j] - c[j, :j] @ c[j, :j])
        c[j + 1 :, j] = (a[j + 1 :, j] - c[j + 1 :, :j] @ c[j, :j]) / c[j, j]
    return np.sum(np.log(np.diag(c)))


@program(())
def richardson(x):
    table = [(np.sin(x + h) - np.sin(x - h)) / (2 * h) for h in (0.4, 0.2, 0.1)]
    for k in (1, 2):
        table = [b + (b - a) / (4**k - 1) for a, b in itertools.pairwise(table)]
    return table[0]


@program((3,))
def simpson(c):
    x = np.linspace(0, 1, 11)
    f = np.exp(c[0] * x) * np.cos(c[1] * x) + c[2]
    return (f[0] + f[-1] + 4 * np.sum(f[1:-1:2]) + 2 * np.sum(f[2:-1:2])) / 30


@program((2,))
def adaptive_step(y):
    def f(y):
        return np.stack([y[1], -y[0] - 0.1 * y[1] ** 3])

    t, h = 0.0, 0.3
    while t < 1:
        a = f(y)
        low = y + h * a
        high = y + h / 2 * (a + f(low))
        if np.max(np.abs(high - low)) > 0.1:
            h = h / 2
            continue
        t, y, h = t + h, high, min(h * 1.5, 0.3)
    return np.sum(y)


@program((2,))
def monte_carlo(p):
    z = p[0] + np.exp(p[1] / 4) * draws.standard_normal(50)
    return np.mean(np.maximum(z - 0.5, 0))


@program((8,))
def bootstrap(x):
    index = draws.integers(0, 8, size=(5, 8))
    return np.std(np.mean(x[index], 1))


@program((4, 3), (9, 4))
def softmax_regression(w, x):
    z = x @ w
    return np.mean(logsumexp(z, 1) - z[np.arange(9), np.arange(9) % 3])


@program((7, 3), (7,))
def ridge_path(x, y):
    g, total = x.T @ x, 0.0
    for penalty in (0.1, 1.0, 10.0):
        w = np.linalg.solve(g + penalty * np.eye(3), x.T @ y)
        total = total + np.sum((x @ w - y) ** 2) / penalty
    return total


@program((6,), (9,))
def interpolation(y, at):
    at = np.clip(np.abs(at) * 2, 0, 4.999)
    i = np.floor(at).astype(int)
    t = at - i
    return np.sum(((1 - t) * y[i] + t * y[i + 1]) ** 2)


@program((4, 2))
def bezier(points):
    t = np.linspace(0, 1, 9)[:, None, None]
    while points.shape[-2] > 1:
        points = (1 - t) * points[..., :-1, :] + t * points[..., 1:, :]
    return np.sum(np.hypot(*np.moveaxis(np.diff(points[:, 0], axis=0), 1, 0)))


@program((4,), (5, 3))
def quaternion_rotation(q, v):
    w, u = q[0] / np.linalg.norm(q), q[1:] / np.linalg.norm(q)
    t = 2 * np.cross(u, v)
    return np.sum((v + w * t + np.cross(u, t)) * np.arange(3))


@program((5, 5))
def page_rank(m):
    p = np.exp(m)
    p = p / p.sum(0)
    r = np.full(5, 0.2)
    for _ in range(8):
        r = 0.85 * p @ r + 0.03
    return np.sum(r * np.arange(5))


@program((6, 3), (3, 3))
def viterbi(emission, transition):
    score = emission[0]
    for e in emission[1:]:
        score = np.max(score[:, None] + transition, 0) + e
    return score.max()


def draw_again():
    global draws
    draws = RNG(11)


draws = RNG(11)


#: Gradients that differ by rounding: sums along an axis, of arrays in another order in memory.
ROUNDED = {"bezier", "quaternion_rotation"}


def same(found, wanted, rounded=False):
    if isinstance(wanted, (tuple, list)):
        assert len(found) == len(wanted)
        for p, q in zip(found, wanted, strict=True):
            same(p, q, rounded)
        return
    p, q = np.asarray(found), np.asarray(wanted)
    assert (type(found), p.dtype, p.shape) == (type(wanted), q.dtype, q.shape)
    if rounded:
        assert np.allclose(p, q, rtol=1e-13, atol=1e-14)
    else:
        assert np.array_equal(p, q, equal_nan=True)


def compare(f, calls, limit=16, rounded=False, **options):
    """Eager and compiled are the same, draws included, and programs ran."""
    draw_again()
    wanted = [f(*args) for args in calls]
    after = draws.bit_generator.state
    compiled = compile(f, limit=limit, **options)
    draw_again()
    for args, expected in zip(calls, wanted, strict=True):
        same(compiled(*args), expected, rounded)
    assert draws.bit_generator.state == after
    assert 1 <= compiled.traces <= limit
    return compiled


def test_there_are_enough():
    assert len(PROGRAMS) == 38


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_value_and_gradients(name, check):
    f, shapes, _ = PROGRAMS[name]
    f = ag.value_and_grad(f, tuple(range(len(shapes))))
    calls = [inputs(name, seed) for seed in (0, 1, 2, 0)]
    compare(f, calls, blocks=False, check=check, rounded=name in ROUNDED)


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_in_blocks(name):
    compare(PROGRAMS[name][0], [inputs(name, seed) for seed in (0, 1)])


TRANSFORMS = ["hvp", "jvp", "hessian", "vjp", "jacobian"]


@pytest.mark.parametrize(("name", "transform"), [
    pytest.param(name, t, marks=() if (i + j) % 5 == 0 else pytest.mark.exhaustive)
    for i, name in enumerate(PROGRAMS) for j, t in enumerate(TRANSFORMS)
])  # fmt: skip
def test_other_derivatives(name, transform):
    f = PROGRAMS[name][0]

    def derivative(*args):
        tangent = np.cos(np.arange(args[0].size)).reshape(args[0].shape)
        first = lambda x: f(x, *args[1:])
        if transform == "hvp":
            return ag.hvp(first, args[0], tangent)
        if transform == "jvp":
            return ag.jvp(first, (args[0],), (tangent,))
        if transform == "vjp":
            value, back = ag.vjp(first, args[0])
            return value, back(1.0)
        return getattr(ag, transform)(first)(args[0])

    compare(
        derivative,
        [inputs(name, seed) for seed in (0, 1)],
        blocks=False,
        check=False,
        rounded=name in ROUNDED,
    )
