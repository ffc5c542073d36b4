"""Compiled functions and training steps against hand-written NumPy, eager, JAX, PyTorch, autograd."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from tests.benchmarks.engine import torch_or_none
from tests.benchmarks.measure import Row, interleaved

FLOAT32 = np.float32


def jax_or_none() -> Any:
    """Return JAX, on one thread, if it is installed."""
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    return jax


def autograd_or_none() -> Any:
    """Return HIPS autograd if it is installed."""
    try:
        import autograd
        import autograd.numpy
    except ImportError:
        return None
    return autograd


def warmed(f: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    """Return a call of a function that has been called a few times."""
    for _ in range(3):
        f(*args)
    return lambda: f(*args)


def training_step(model: Any, loss: Any, optimizer: Any) -> Callable[[Any, Any], Any]:
    """Return a step of training, for a batch."""

    def step(x: Any, y: Any) -> Any:
        value = loss(model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return step


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _hand_written(w: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    """Return the SGD step of a sigmoid network by the formulas of a textbook."""

    def step() -> Any:
        activations = [x]
        for weight, bias in zip(w[::2], w[1::2], strict=True):
            activations.append(_sigmoid(activations[-1] @ weight.T + bias))
        error = activations[-1] - y
        cost = 0.5 * (error * error).sum() / len(x)
        delta = error / len(x) * activations[-1] * (1 - activations[-1])
        for i in range(len(w) - 2, -1, -2):
            a = activations[i // 2]
            weight_gradient, bias_gradient = delta.T @ a, delta.sum(0)
            if i:
                delta = (delta @ w[i]) * a * (1 - a)
            w[i] -= 3.0 * weight_gradient
            w[i + 1] -= 3.0 * bias_gradient
        return cost

    return step


def _jax_step(jax: Any, w: list[Any], x: Any, y: Any) -> Callable[[], Any]:
    jnp = jax.numpy
    params = [jnp.asarray(p) for p in w]

    @jax.jit
    def step(params: Any, x: Any, y: Any) -> Any:
        def cost(params: Any) -> Any:
            a = x
            for weight, bias in zip(params[::2], params[1::2], strict=True):
                a = jax.nn.sigmoid(a @ weight.T + bias)
            return 0.5 * jnp.sum((a - y) ** 2) / x.shape[0]

        value, grads = jax.value_and_grad(cost)(params)
        return value, [p - FLOAT32(3.0) * g for p, g in zip(params, grads, strict=True)]

    state = [params]

    def run() -> Any:
        value, state[0] = step(state[0], x, y)
        value.block_until_ready()
        return value

    run()
    return run


def sgd_steps(seconds: float) -> Iterator[Row]:
    """Small sigmoid networks: against hand-written NumPy and JAX."""
    rng = np.random.default_rng(0)
    for sizes, batch, target in (([784, 30, 10], 10, 0.6), ([784, 16, 16, 10], 32, 0.65)):
        x = rng.random((batch, 784), FLOAT32)
        y = np.eye(10, dtype=FLOAT32)[rng.integers(0, 10, batch)]
        model = nn.mlp(sizes, activation="sigmoid", rng=0)
        step = ag.compile(
            training_step(model, nn.quadratic_cost, nn.SGD(model.parameters(), lr=3.0))
        )
        w = [p.data.copy() for p in model.parameters()]
        contenders = {"ours": warmed(step, x, y), "hand": _hand_written(w, x, y)}
        jax = jax_or_none()
        if jax:
            contenders["jax"] = _jax_step(jax, w, x, y)
        m = interleaved(contenders, seconds)
        work = f"compiled SGD step, {'-'.join(map(str, sizes))}, batch {batch}"
        if len(sizes) == 3:
            yield Row(work, "NumPy", m["ours"], m["hand"], 1.1)
        if jax:
            yield Row(work, "JAX jit", m["ours"], m["jax"], target)


def small_steps(seconds: float) -> Iterator[Row]:
    """Steps of small networks against the same steps run eagerly."""
    rng = np.random.default_rng(0)
    x, y = rng.random((16, 64), FLOAT32), rng.integers(0, 10, 16)
    layers: dict[str, Callable[[], list[Any]]] = {
        "Adam": lambda: [nn.ReLU()],
        "AdamW": lambda: [nn.ReLU()],
        "batch norm, Adam": lambda: [nn.BatchNorm1d(32), nn.ReLU()],
        "dropout, Adam": lambda: [nn.ReLU(), nn.Dropout(0.3, rng=1)],
    }
    for name, make in layers.items():
        runs = {}
        for kind in ("eager", "ours"):
            model = nn.Sequential(nn.Linear(64, 32, rng=0), *make(), nn.Linear(32, 10, rng=1))
            optimizer = (nn.AdamW if name == "AdamW" else nn.Adam)(model.parameters(), lr=1e-3)
            step: Any = training_step(model, nn.cross_entropy, optimizer)
            runs[kind] = warmed(ag.compile(step) if kind == "ours" else step, x, y)
        m = interleaved(runs, seconds)
        yield Row(f"compiled step, 64-32-10, {name}", "eager", m["ours"], m["eager"], 0.4)


def adam_step(seconds: float) -> Iterator[Row]:
    """784-512-256-10, ReLU, cross-entropy, batch 128."""
    from tests.benchmarks.training import adam_by_hand

    rng = np.random.default_rng(0)
    x, y = rng.random((128, 784), FLOAT32), rng.integers(0, 10, 128)
    model = nn.mlp([784, 512, 256, 10], activation="relu", output=None, rng=0)
    by_hand = adam_by_hand([p.data.copy() for p in model.parameters()], x, y)
    step = ag.compile(training_step(model, nn.cross_entropy, nn.Adam(model.parameters(), lr=1e-3)))
    m = interleaved({"ours": warmed(step, x, y), "hand": by_hand}, 2 * seconds)
    yield Row("compiled Adam step, 784-512-256-10, batch 128", "NumPy", m["ours"], m["hand"], 1.0)


def elementwise(seconds: float) -> Iterator[Row]:
    """Value and gradient of the sum of tanh(x) exp(-x) + sqrt(x)."""
    f = lambda x: np.sum(np.tanh(x) * np.exp(-x) + np.sqrt(x))
    eager = ag.value_and_grad(f)
    compiled = ag.compile(eager)

    def by_hand(x: Any) -> Any:
        t, e, r = np.tanh(x), np.exp(-x), np.sqrt(x)
        return np.sum(t * e + r), (1 - t * t) * e - t * e + 0.5 / r

    for n in (10**6, 10**7):
        x = np.random.default_rng(0).uniform(0.5, 2.0, n).astype(FLOAT32)
        contenders = {
            "ours": warmed(compiled, x), "hand": lambda x=x: by_hand(x),
            "eager": lambda x=x: eager(x),
        }  # fmt: skip
        if n == 10**6:
            contenders |= _jax_elementwise(x)
        m = interleaved(contenders, 2 * seconds)
        work = f"compiled tanh(x) exp(-x) + sqrt(x), {n:.0e}, both ways"
        if n == 10**6:
            yield Row(work, "NumPy", m["ours"], m["hand"], 0.8)
        if "jax" in m:
            yield Row(work, "JAX jit", m["ours"], m["jax"], 1.05)
        if n == 10**7:
            yield Row(work, "eager", m["ours"], m["eager"], 0.35)


def _jax_elementwise(x: Any) -> dict[str, Callable[[], Any]]:
    jax = jax_or_none()
    if not jax:
        return {}
    jnp, given = jax.numpy, jax.numpy.asarray(x)
    f = jax.jit(jax.value_and_grad(lambda x: jnp.sum(jnp.tanh(x) * jnp.exp(-x) + jnp.sqrt(x))))
    return {"jax": warmed(lambda: jax.block_until_ready(f(given)))}


def layer_norm(seconds: float) -> Iterator[Row]:
    """Layer norm written in NumPy, value and gradient of a weighted sum, 1,000 x 1,000."""
    torch = torch_or_none()
    if not torch:
        return
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1000, 1000)).astype(FLOAT32), rng.normal(size=1000).astype(FLOAT32)

    def norm(x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return np.sum(centred / np.sqrt((centred**2).mean(-1, keepdims=True) + FLOAT32(1e-5)) * w)

    t, tw = torch.tensor(x, requires_grad=True), torch.tensor(w)

    def theirs() -> Any:
        t.grad = None
        centred = t - t.mean(-1, keepdim=True)
        value = (centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5) * tw).sum()
        value.backward()
        return value

    m = interleaved(
        {"ours": warmed(ag.compile(ag.value_and_grad(norm)), x), "torch": theirs}, seconds
    )
    yield Row("compiled layer norm in NumPy, 1e6, both ways", "PyTorch", m["ours"], m["torch"], 0.6)


class _Recurrent(nn.Module):
    """A GRU and a linear layer on its last state."""

    def __init__(self) -> None:
        self.rnn, self.out = nn.GRU(32, 128, rng=0), nn.Linear(128, 10, rng=1)

    def forward(self, x: Any) -> Any:
        return self.out(self.rnn(x)[0][:, -1])


def large_layers(seconds: float) -> Iterator[Row]:
    """GRU of 128, 50 steps; LeNet-5, batch 64; against PyTorch."""
    torch = torch_or_none()
    if not torch:
        return
    rng = np.random.default_rng(0)
    ours: Any = _Recurrent()
    x, y = rng.normal(size=(32, 50, 32)).astype(FLOAT32), rng.integers(0, 10, 32)

    class Theirs(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = torch.nn.GRU(32, 128, batch_first=True), torch.nn.Linear(128, 10)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn(x)[0][:, -1])

    image, label = rng.random((64, 1, 28, 28), FLOAT32), rng.integers(0, 10, 64)
    t = torch.nn
    lenet = t.Sequential(
        t.Conv2d(1, 6, 5, padding=2), t.Tanh(), t.AvgPool2d(2), t.Conv2d(6, 16, 5), t.Tanh(),
        t.AvgPool2d(2), t.Flatten(), t.Linear(400, 120), t.Tanh(), t.Linear(120, 84), t.Tanh(),
        t.Linear(84, 10),
    )  # fmt: skip
    for work, model, other, a, b, target in (
        ("compiled GRU step, 128, T 50, batch 32", ours, Theirs(), x, y, 0.85),
        ("compiled LeNet-5 step, batch 64", nn.models.lenet5(rng=0), lenet, image, label, 0.8),
    ):
        step = ag.compile(
            training_step(model, nn.cross_entropy, nn.SGD(model.parameters(), lr=0.01))
        )
        sgd = torch.optim.SGD(other.parameters(), lr=0.01)
        ta, tb = torch.tensor(a), torch.tensor(b)

        def theirs(other: Any = other, sgd: Any = sgd, ta: Any = ta, tb: Any = tb) -> Any:
            value = torch.nn.functional.cross_entropy(other(ta), tb)
            sgd.zero_grad()
            value.backward()
            sgd.step()
            return value

        m = interleaved({"ours": warmed(step, a, b), "torch": theirs}, 2 * seconds)
        yield Row(work, "PyTorch", m["ours"], m["torch"], target)


def scalars(seconds: float) -> Iterator[Row]:
    """1,000 scalar multiply-adds, value and gradient."""
    torch = torch_or_none()

    def chain(a: Any, b: Any) -> Any:
        y = a
        for _ in range(1000):
            y = y * a + b
        return y

    compiled = ag.compile(ag.value_and_grad(chain, (0, 1)))
    if torch:
        ta, tb = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.9, 0.1))

        def theirs() -> Any:
            ta.grad = tb.grad = None
            value = chain(ta, tb)
            value.backward()
            return value

        a, b = np.float64(0.9), np.float64(0.1)
        m = interleaved({"ours": warmed(compiled, a, b), "torch": theirs}, seconds)
        yield Row("compiled 1,000 multiply-adds, both ways", "PyTorch", m["ours"], m["torch"], 0.03)


def _oscillator(p: Any, xp: Any = np) -> Any:
    """Integrate a damped oscillator by 1,000 steps of RK4; mass, damping and stiffness."""
    mass, damping, stiffness = p[0], p[1], p[2]

    def slope(x: Any, v: Any) -> Any:
        return v, -(damping * v + stiffness * x) / mass

    x, v, h = 1.0, 0.0, 0.01
    for _ in range(1000):
        a, b = slope(x, v)
        c, d = slope(x + h / 2 * a, v + h / 2 * b)
        e, f = slope(x + h / 2 * c, v + h / 2 * d)
        g, i = slope(x + h * e, v + h * f)
        x = x + h / 6 * (a + 2 * c + 2 * e + g)
        v = v + h / 6 * (b + 2 * d + 2 * f + i)
    return x * x + v * v


def _kalman(log_q: Any, observed: Any, xp: Any = np) -> Any:
    """Return the log likelihood of 200 observations by a Kalman filter of two states."""
    step, seen = xp.array([[1.0, 0.1], [0.0, 1.0]]), xp.array([[1.0, 0.0]])
    q = xp.exp(log_q) * xp.eye(2)
    mean, cov, total = xp.zeros(2), xp.eye(2), 0.0
    for y in observed:
        mean, cov = step @ mean, step @ cov @ step.T + q
        variance = (seen @ cov @ seen.T)[0, 0] + 0.1
        gain = (cov @ seen.T)[:, 0] / variance
        error = y - (seen @ mean)[0]
        total = total - 0.5 * (xp.log(variance) + error * error / variance)
        mean = mean + gain * error
        cov = cov - xp.outer(gain, (seen @ cov)[0])
    return total


def _gaussian_process(p: Any, x: Any, y: Any, xp: Any = np) -> Any:
    """Return minus the log likelihood of a Gaussian process, up to a constant."""
    distance = (x[:, None] - x[None, :]) ** 2
    kernel = xp.exp(p[0]) * xp.exp(-0.5 * distance * xp.exp(-2 * p[1]))
    kernel = kernel + xp.exp(p[2]) * xp.eye(len(x))
    factor = xp.linalg.cholesky(kernel)
    whitened = xp.linalg.solve(factor, y)
    return 0.5 * xp.sum(whitened**2) + xp.sum(xp.log(xp.diagonal(factor, 0, -1, -2)))


def science(seconds: float) -> Iterator[Row]:
    """RK4, a Kalman filter, a Gaussian process: gradients."""
    rng, hips, jax = np.random.default_rng(0), autograd_or_none(), jax_or_none()
    p = np.array([1.0, 0.3, 2.0])
    eager = ag.grad(_oscillator)
    m = interleaved({"ours": warmed(ag.compile(eager), p), "eager": lambda: eager(p)}, seconds)
    yield Row("compiled RK4, 1,000 steps, gradient", "eager", m["ours"], m["eager"], 0.2)
    observed, q = rng.normal(size=200), np.float64(-3.0)
    eager = ag.grad(lambda q: _kalman(q, observed))
    contenders = {"ours": warmed(ag.compile(eager), q), "eager": lambda: eager(q)}
    if hips:
        g = hips.grad(lambda q: _kalman(q, observed, hips.numpy))
        contenders["hips"] = lambda: g(q)
    m = interleaved(contenders, seconds)
    yield Row("compiled Kalman filter, 200 steps, gradient", "eager", m["ours"], m["eager"], 0.25)
    if hips:
        yield Row(
            "compiled Kalman filter, 200 steps, gradient", "autograd", m["ours"], m["hips"], 0.15
        )
    x, p = np.sort(rng.uniform(0, 5, 200)), np.array([0.1, -0.2, -2.0])
    y = np.sin(x) + 0.1 * rng.normal(size=200)
    contenders = {"ours": warmed(ag.compile(ag.grad(lambda p: _gaussian_process(p, x, y))), p)}
    if hips:
        h = hips.grad(lambda p: _gaussian_process(p, x, y, hips.numpy))
        contenders["hips"] = lambda: h(p)
    if jax:
        j = jax.jit(jax.grad(lambda p: _gaussian_process(p, jax.numpy.asarray(x), y, jax.numpy)))
        contenders["jax"] = warmed(lambda: jax.block_until_ready(j(p)))
    m = interleaved(contenders, 2 * seconds)
    for name, peer, target in (("hips", "autograd", 0.6), ("jax", "JAX jit", 2.0)):
        if name in m:
            yield Row(
                "compiled GP log likelihood, n = 200, gradient", peer, m["ours"], m[name], target
            )


def time_to_build(seconds: float) -> Iterator[Row]:
    """The first call of a compiled step, which traces, builds and compares, in eager steps."""
    rng = np.random.default_rng(0)
    works: dict[str, tuple[Callable[[], Any], Any, Any]] = {
        "784-30-10, batch 10": (
            lambda: nn.mlp([784, 30, 10], "relu", output=None, rng=0),
            rng.random((10, 784), FLOAT32), rng.integers(0, 10, 10),
        ),
        "784-512-256-10, batch 128": (
            lambda: nn.mlp([784, 512, 256, 10], "relu", output=None, rng=0),
            rng.random((128, 784), FLOAT32), rng.integers(0, 10, 128),
        ),
        "LeNet-5, batch 64": (
            lambda: nn.models.lenet5(rng=0), rng.random((64, 1, 28, 28), FLOAT32),
            rng.integers(0, 10, 64),
        ),
    }  # fmt: skip
    for name, (make, x, y) in works.items():
        model = make()
        step = training_step(model, nn.cross_entropy, nn.SGD(model.parameters(), lr=0.01))
        firsts = []
        for _ in range(5):
            start = time.perf_counter()
            ag.compile(step)(x, y)
            firsts.append(time.perf_counter() - start)
        m = interleaved({"eager": warmed(step, x, y)}, seconds / 2)
        yield Row(f"first compiled call, {name}", "eager step", sorted(firsts)[2], m["eager"], 50.0)


def peak_memory() -> tuple[float, float]:
    """Return the peaks of a step of an MLP with a batch of 4,096, compiled and eager, in MiB."""
    rng = np.random.default_rng(0)
    x, y = rng.random((4096, 784), FLOAT32), rng.integers(0, 10, 4096)
    peaks = []
    for compiled in (True, False):
        model = nn.mlp([784, 512, 256, 10], activation="relu", output=None, rng=0)
        step: Any = training_step(model, nn.cross_entropy, nn.SGD(model.parameters(), lr=0.01))
        step = ag.compile(step) if compiled else step
        tracemalloc.start()
        for _ in range(3):
            step(x, y)
        if compiled:  # tracing itself is not meant
            for _ in range(2):
                tracemalloc.reset_peak()
                step(x, y)
        else:
            tracemalloc.reset_peak()
            step(x, y)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    return peaks[0], peaks[1]


ALL = (
    sgd_steps, small_steps, adam_step, elementwise, layer_norm, large_layers, scalars, science,
    time_to_build,
)  # fmt: skip
