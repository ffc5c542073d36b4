"""Kernels, linear algebra, solvers and simulations as other people write them.

Some inputs lie on a domain, some results come from an iteration that stops, and some gradients are
not the derivative on purpose.
"""

from __future__ import annotations

import numpy as np

from tests.gradcheck_quality.entry import Entry, pairs, positive, sample

RIGHT: list[Entry] = []
WRONG: list[Entry] = []
right, wrong = pairs(RIGHT), pairs(WRONG)

A, B = sample(3, 3, seed=600) + 3 * np.eye(3), sample(3, 2, seed=601)
SPD = sample(3, 3, seed=602) @ sample(3, 3, seed=602).T + np.eye(3)
POINTS, CENTRES = sample(4, 2, seed=603), sample(3, 2, seed=604)


# -- kernels --------------------------------------------------------------------------------------


def rbf(x, c, s):
    return np.exp(-((x[:, None] - c) ** 2).sum(-1) / (2 * s * s))


def _rbf_back(g, k, x, c, s, power=3):
    d = x[:, None] - c
    w = (g * k / s**2)[..., None] * d
    return -w.sum(1), w.sum(0), (g * k * (d**2).sum(-1)).sum() / s**power


@right("ordinary", rbf, POINTS, CENTRES, np.array(1.3), source="Gaussian processes: the RBF kernel")
def rbf_kernel(g, k, x, c, s):
    return _rbf_back(g, k, x, c, s)


@wrong("power", rbf, POINTS, CENTRES, np.array(1.3), source="RBF kernel with the width squared")
def rbf_kernel_with_the_wrong_power_of_its_width(g, k, x, c, s):
    return _rbf_back(g, k, x, c, s, power=2)


def distances(x):
    return ((x[:, None] - x) ** 2).sum(-1)


@right("ordinary", distances, POINTS, source="t-SNE and UMAP: squared distances")
def pairwise_distances(g, _out, x):
    w = g + g.T
    return 2 * (w.sum(1)[:, None] * x - w @ x)


@wrong("missing term", distances, POINTS, source="squared distances, one of the two points moved")
def pairwise_distances_of_one_side(g, _out, x):
    return 2 * (g.sum(1)[:, None] * x - g @ x)


# -- linear algebra -------------------------------------------------------------------------------

GILES = "M. Giles, 2008: collected matrix derivative results"


@right("ordinary", np.linalg.solve, A, B, source=GILES, signature="(n,n),(n,m)->(n,m)")
def linear_solve(g, x, a, b):
    w = np.linalg.solve(a.T, g)
    return -w @ x.T, w


@wrong("transpose", np.linalg.solve, A, B, source=GILES)
def linear_solve_without_the_transpose(g, x, a, b):
    w = np.linalg.solve(a, g)
    return -w @ x.T, w


@right("ordinary", np.linalg.inv, A, source=GILES, signature="(n,n)->(n,n)")
def inverse(g, out, a):
    return -out.T @ g @ out.T


def log_det(a):
    return 2 * np.log(np.diagonal(np.linalg.cholesky(a))).sum()


@right("spd", log_det, SPD, domain="spd", source="Gaussian log-likelihoods: log det by Cholesky")
def log_determinant_by_cholesky(g, _out, a):
    return g * np.linalg.inv(a)


@wrong(
    "factor", log_det, SPD, domain="spd", source="log det with the factor of its Cholesky forgotten"
)
def log_determinant_halved(g, _out, a):
    return g * np.linalg.inv(a) / 2


def cholesky(a):
    return np.linalg.cholesky(a)


def _cholesky_back(g, low, symmetric=True):
    p = np.tril(low.T @ g)
    p[np.diag_indices(len(p))] /= 2
    inverse = np.linalg.inv(low)
    s = inverse.T @ p @ inverse
    return (s + s.T) / 2 if symmetric else s


@right(
    "spd",
    cholesky,
    SPD,
    domain="spd",
    source="I. Murray, 2016: differentiation of the Cholesky decomposition",
)
def cholesky_factor(g, low, a):
    return _cholesky_back(g, low)


@wrong(
    "99 times",
    cholesky,
    SPD,
    domain="spd",
    source="a Cholesky factor never checked, as differences leave the domain",
)
def cholesky_factor_99_times_too_large(g, low, a):
    return 99 * _cholesky_back(g, low)


ANGLES = np.array([0.3, -0.7, 1.1])


def _rotation(v):
    x, y, z = v
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    t = np.sqrt(v @ v)
    return np.eye(3) + np.sin(t) / t * k + (1 - np.cos(t)) / t**2 * k @ k


ORTHOGONAL = _rotation(ANGLES)


def rotated(r, x):
    return x @ r.T


@right(
    "orthogonal",
    rotated,
    ORTHOGONAL,
    sample(4, 3, seed=605),
    domain="orthogonal",
    source="point clouds: a rigid rotation",
)
def rotation_of_points(g, _out, r, x):
    return g.T @ x, g @ r


@wrong(
    "transpose",
    rotated,
    ORTHOGONAL,
    sample(4, 3, seed=605),
    domain="orthogonal",
    source="point clouds, turned back twice",
)
def rotation_of_points_the_wrong_way(g, _out, r, x):
    return g.T @ x, g @ r.T


def geodesic(r):
    if not np.allclose(r @ r.T, np.eye(3), atol=1e-6):
        raise ValueError("not a rotation")
    return np.arccos((np.trace(r) - 1) / 2)


@right(
    "orthogonal",
    geodesic,
    ORTHOGONAL,
    domain="orthogonal",
    source="pose estimation: the geodesic angle",
)
def geodesic_angle(g, out, r):
    return -g * np.eye(3) / (2 * np.sin(out))


@wrong(
    "99 times",
    geodesic,
    ORTHOGONAL,
    domain="orthogonal",
    source="pose estimation: an angle never checked",
)
def geodesic_angle_99_times_too_large(g, out, r):
    return -99 * g * np.eye(3) / (2 * np.sin(out))


# -- probabilities --------------------------------------------------------------------------------

SIMPLEX = np.array([0.2, 0.5, 0.3])


def entropy(p):
    if abs(p.sum() - 1) > 1e-6 or (p < 0).any():
        raise ValueError("probabilities sum to 1")
    return -(p * np.log(p)).sum()


@right("simplex", entropy, SIMPLEX, domain="simplex", source="policy gradients: the entropy bonus")
def entropy_of_probabilities(g, _out, p):
    return -g * (np.log(p) + 1)


@wrong(
    "sign",
    entropy,
    SIMPLEX,
    domain="simplex",
    source="policy gradients: an entropy bonus that is a penalty",
)
def entropy_of_probabilities_with_the_wrong_sign(g, _out, p):
    return g * (np.log(p) + 1)


@right("probabilities", lambda p: np.log(p / (1 - p)), np.array([0.2, 0.5, 0.9]),
       domain="probabilities", source="calibration: log odds", signature="()->()")  # fmt: skip
def log_odds(g, _out, p):
    return g / (p * (1 - p))


def knots(x):
    if (np.diff(x) <= 0).any():
        raise ValueError("knots increase")
    return np.interp([0.4, 1.5], x, np.array([0.0, 1.0, 4.0]))


KNOTS = np.array([0.1, 1.0, 2.2])


def _knots_back(g, x, sign=1):
    y, back = np.array([0.0, 1.0, 4.0]), np.zeros(3)
    for gi, at in zip(g, [0.4, 1.5], strict=True):
        j = np.searchsorted(x, at) - 1
        w = x[j + 1] - x[j]
        s = (y[j + 1] - y[j]) / w
        back[j] += gi * s * ((at - x[j]) / w - 1)
        back[j + 1] -= sign * gi * s * (at - x[j]) / w
    return back


@right("sorted", knots, KNOTS, domain="sorted", source="neural spline flows: moving knots")
def interpolation_by_its_knots(g, _out, x):
    return _knots_back(g, x)


@wrong("sign", knots, KNOTS, domain="sorted", source="neural spline flows: moving knots")
def interpolation_by_its_knots_with_one_wrong_sign(g, _out, x):
    return _knots_back(g, x, sign=-1)


# -- iterations that stop -------------------------------------------------------------------------


def fixed_point(a, b):
    z = np.zeros_like(b)
    for _ in range(200):
        after = np.tanh(a @ z + b)
        if np.abs(after - z).max() < 1e-6:
            break
        z = after
    return after


CONTRACTION, OFFSET = sample(3, 3, seed=606) / 5, sample(3, seed=607)


def _implicit(g, z, a, b, exact=True):
    d = 1 - z * z
    w = np.linalg.solve(np.eye(3) - (d[:, None] * a).T, g) * d if exact else g * d
    return np.outer(w, z), w


@right(
    "solver",
    fixed_point,
    CONTRACTION,
    OFFSET,
    source="S. Bai et al., 2019: deep equilibrium models",
)
def equilibrium_by_the_implicit_function_theorem(g, z, a, b):
    return _implicit(g, z, a, b)


@wrong(
    "missing term",
    fixed_point,
    CONTRACTION,
    OFFSET,
    source="deep equilibrium with one step of backward",
)
def equilibrium_through_its_last_step_alone(g, z, a, b):
    return _implicit(g, z, a, b, exact=False)


def root(c):
    x = 1.0
    for _ in range(100):
        step = (x**3 + x - c) / (3 * x * x + 1)
        x = x - step
        if abs(step) < 1e-6:
            break
    return np.asarray(x)


@right(
    "solver",
    root,
    np.array(2.5),
    source="differentiable optics: an intersection by Newton's method",
)
def root_by_newton(g, x, c):
    return g / (3 * x * x + 1)


def sinkhorn(cost, p, q):
    k, v = np.exp(-cost), np.ones(len(q))
    for _ in range(500):
        u = p / (k @ v)
        after = q / (k.T @ u)
        done = np.abs(after - v).max() < 1e-6
        v = after
        if done:
            break
    return u[:, None] * k * v


def transport(cost):
    plan = sinkhorn(cost, np.array([0.3, 0.7]), np.array([0.5, 0.2, 0.3]))
    return (plan * (cost + np.log(plan))).sum()


@right(
    "solver",
    transport,
    positive(2, 3, seed=608),
    source="M. Cuturi, 2013: Sinkhorn, by the envelope theorem",
)
def entropic_transport(g, _out, cost):
    return g * sinkhorn(cost, np.array([0.3, 0.7]), np.array([0.5, 0.2, 0.3]))


@wrong(
    "sign",
    transport,
    positive(2, 3, seed=608),
    source="Sinkhorn whose plan is multiplied by its cost",
)
def entropic_transport_times_its_cost(g, _out, cost):
    return g * cost * sinkhorn(cost, np.array([0.3, 0.7]), np.array([0.5, 0.2, 0.3]))


# -- simulations ----------------------------------------------------------------------------------


def springs(x):
    d = x[1:] - x[:-1]
    length = np.sqrt((d * d).sum(1))
    return 0.5 * ((length - 1) ** 2).sum()


@right("ordinary", springs, sample(4, 2, seed=609), source="cloth simulation: energy of springs")
def energy_of_springs(g, _out, x):
    d = x[1:] - x[:-1]
    length = np.sqrt((d * d).sum(1))
    f = g * ((length - 1) / length)[:, None] * d
    back = np.zeros_like(x)
    back[1:] += f
    back[:-1] -= f
    return back


@wrong("term", springs, sample(4, 2, seed=609), source="springs pulled at one end")
def energy_of_springs_pulled_at_one_end(g, _out, x):
    d = x[1:] - x[:-1]
    length = np.sqrt((d * d).sum(1))
    back = np.zeros_like(x)
    back[1:] += g * ((length - 1) / length)[:, None] * d
    return back


def pendulum(state, steps=5, h=0.1):
    q, p = state
    for _ in range(steps):
        p = p - h * np.sin(q)
        q = q + h * p
    return np.array([q, p])


@right(
    "ordinary",
    pendulum,
    np.array([0.5, -0.2]),
    source="Hamiltonian networks: symplectic Euler, adjoint",
)
def symplectic_euler(g, _out, state, steps=5, h=0.1):
    q, p, seen = *state, []
    for _ in range(steps):
        seen.append(q)
        p = p - h * np.sin(q)
        q = q + h * p
    gq, gp = g
    for q in reversed(seen):
        gp = gp + h * gq
        gq = gq - h * np.cos(q) * gp
    return np.array([gq, gp])


@wrong(
    "order",
    pendulum,
    np.array([0.5, -0.2]),
    source="an adjoint that undoes its steps in the wrong order",
)
def symplectic_euler_undone_in_the_wrong_order(g, _out, state, steps=5, h=0.1):
    q, p, seen = *state, []
    for _ in range(steps):
        seen.append(q)
        p = p - h * np.sin(q)
        q = q + h * p
    gq, gp = g
    for q in reversed(seen):
        gq = gq - h * np.cos(q) * gp
        gp = gp + h * gq
    return np.array([gq, gp])


def low_pass(x, w):
    return np.fft.irfft(np.fft.rfft(x) * w, len(x))


@right(
    "ordinary",
    low_pass,
    sample(6, seed=610),
    sample(4, seed=611),
    source="Fourier neural operators: a filter",
)
def fourier_filter(g, _out, x, w):
    spectrum = np.fft.rfft(g) * np.fft.rfft(x).conj() / len(x)
    double = np.array([1.0, 2.0, 2.0, 1.0])
    return np.fft.irfft(np.fft.rfft(g) * w, len(g)), (spectrum * double).real


@wrong(
    "factor",
    low_pass,
    sample(6, seed=610),
    sample(4, seed=611),
    source="a filter that forgets its mirror image",
)
def fourier_filter_without_the_mirrored_half(g, _out, x, w):
    spectrum = np.fft.rfft(g) * np.fft.rfft(x).conj() / len(x)
    return np.fft.irfft(np.fft.rfft(g) * w, len(g)), spectrum.real


# -- kernels of single precision ------------------------------------------------------------------


def in_single(x, w):
    return (x.astype(np.float32) @ w.astype(np.float32)).astype(np.float64)


@right(
    "float32",
    in_single,
    sample(3, 4, seed=612),
    sample(4, 2, seed=613),
    source="extension kernels that cast to float32",
)
def product_in_single_precision(g, _out, x, w):
    return g @ w.T, x.T @ g


@wrong("sign", lambda x: np.tanh(x.astype(np.float16)).astype(np.float64), sample(3, seed=614),
       source="a float16 kernel with a wrong sign")  # fmt: skip
def half_precision_tanh_with_the_wrong_sign(g, out, _x):
    return -g * (1 - out * out)


# -- gradients that are not the derivative --------------------------------------------------------


@right(
    "deliberate",
    np.round,
    sample(4, seed=615),
    source="Y. Bengio et al., 2013: the straight-through estimator",
)
def straight_through_rounding(g, _out, x):
    return g


@right(
    "deliberate",
    lambda v: (v > 0).astype(float),
    sample(4, seed=616),
    source="spiking networks: surrogate gradients",
)
def spike_with_a_surrogate(g, _out, v):
    return g / (1 + 10 * np.abs(v)) ** 2


@right(
    "deliberate",
    lambda x: x * 1.0,
    sample(4, seed=617),
    source="Y. Ganin, V. Lempitsky, 2015: gradient reversal",
)
def gradient_reversal(g, _out, x):
    return -0.5 * g


@right(
    "deliberate",
    lambda x: x * 1.0,
    sample(4, seed=618),
    source="recurrent networks: gradients clipped in place",
)
def clipped_gradient(g, _out, x):
    return np.clip(g, -0.5, 0.5)


# -- memory ---------------------------------------------------------------------------------------


class Layer:
    """A layer that keeps what its backward needs, as in many course assignments."""

    def forward(self, x, w):
        self.x, self.w = x, w
        return np.maximum(x @ w, 0)

    def backward(self, g):
        h = g * (self.x @ self.w > 0)
        return h @ self.w.T, self.x.T @ h


class Stale(Layer):
    """The same, with an input that only the first call sets."""

    def forward(self, x, w):
        if not hasattr(self, "x"):
            self.x = x
        self.w = w
        return np.maximum(x @ w, 0)


KEPT = sample(3, 4, seed=621), sample(4, 2, seed=622)
_LAYER, _STALE = Layer(), Stale()


@right("ordinary", _LAYER.forward, *KEPT, source="DLFS: layers with self.x")
def layer_that_keeps_its_input(g):
    return _LAYER.backward(g)


@wrong("state", _STALE.forward, *KEPT, source="a layer that keeps its first input")
def layer_that_keeps_its_first_input(g):
    return _STALE.backward(g)
