"""Training steps against hand-written NumPy and PyTorch, and the peak memory of one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import nn
from tests.benchmarks.engine import torch_or_none
from tests.benchmarks.measure import Row, interleaved


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def sgd_step(seconds: float) -> Iterator[Row]:
    """784-30-10, sigmoid, quadratic cost, batch 10, float32."""
    rng = np.random.default_rng(0)
    x = rng.random((10, 784), dtype=np.float32)
    y = np.eye(10, dtype=np.float32)
    model = nn.mlp([784, 30, 10], activation="sigmoid", rng=0)
    optimizer = nn.SGD(model.parameters(), lr=3.0)

    def ours() -> None:
        loss = nn.quadratic_cost(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    w = [p.data.copy() for p in model.parameters()]

    def by_hand() -> None:
        w1, b1, w2, b2 = w
        a1 = _sigmoid(x @ w1.T + b1)
        a2 = _sigmoid(a1 @ w2.T + b2)
        e = a2 - y
        _ = 0.5 * (e * e).sum() / 10
        d2 = e / 10 * a2 * (1 - a2)
        d1 = (d2 @ w2) * a1 * (1 - a1)
        w1 -= 3.0 * (d1.T @ x)
        b1 -= 3.0 * d1.sum(0)
        w2 -= 3.0 * (d2.T @ a1)
        b2 -= 3.0 * d2.sum(0)

    contenders = {"ours": ours, "hand": by_hand}
    torch = torch_or_none()
    if torch:
        net = torch.nn.Sequential(
            torch.nn.Linear(784, 30),
            torch.nn.Sigmoid(),
            torch.nn.Linear(30, 10),
            torch.nn.Sigmoid(),
        )
        sgd = torch.optim.SGD(net.parameters(), lr=3.0)
        tx, ty = torch.tensor(x), torch.tensor(y)

        def theirs() -> None:
            loss = 0.5 * ((net(tx) - ty) ** 2).sum() / 10
            sgd.zero_grad()
            loss.backward()
            sgd.step()

        contenders["torch"] = theirs
    m = interleaved(contenders, seconds)
    work = "SGD step, 784-30-10, batch 10, float32"
    yield Row(work, "NumPy", m["ours"], m["hand"], 1.5)
    if torch:
        yield Row(work, "PyTorch", m["ours"], m["torch"], 0.5)


def adam_step(seconds: float) -> Iterator[Row]:
    """784-512-256-10, ReLU, cross-entropy, batch 128, float32."""
    rng = np.random.default_rng(0)
    x = rng.random((128, 784), dtype=np.float32)
    y = rng.integers(0, 10, 128)
    model = nn.mlp([784, 512, 256, 10], activation="relu", output=None, rng=0)
    optimizer = nn.Adam(model.parameters(), lr=1e-3)

    def ours() -> None:
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    by_hand = adam_by_hand([p.data.copy() for p in model.parameters()], x, y)
    m = interleaved({"ours": ours, "hand": by_hand}, 2 * seconds)
    work = "Adam step, 784-512-256-10, batch 128, float32"
    yield Row(work, "NumPy", m["ours"], m["hand"], 1.15)


def adam_by_hand(w: list[Any], x: Any, y: Any) -> Callable[[], None]:
    """Return the Adam step of a network of three layers, written in NumPy."""
    first, second = [np.zeros_like(p) for p in w], [np.zeros_like(p) for p in w]
    scratch = [np.empty_like(p) for p in w]
    step, rows = [0], np.arange(len(x))

    def by_hand() -> None:
        w1, b1, w2, b2, w3, b3 = w
        h1 = np.maximum(x @ w1.T + b1, 0)
        h2 = np.maximum(h1 @ w2.T + b2, 0)
        z = h2 @ w3.T + b3
        z -= z.max(1, keepdims=True)
        e = np.exp(z)
        total = e.sum(1, keepdims=True)
        _ = (np.log(total)[:, 0] - z[rows, y]).mean()
        d3 = e / total
        d3[rows, y] -= 1
        d3 /= len(x)
        d2 = (d3 @ w3) * (h2 > 0)
        d1 = (d2 @ w2) * (h1 > 0)
        grads = [d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), d3.T @ h2, d3.sum(0)]
        step[0] += 1
        c1, c2 = 1 - 0.9 ** step[0], 1 - 0.999 ** step[0]
        for p, g, m, v, s in zip(w, grads, first, second, scratch, strict=True):
            m *= 0.9
            np.multiply(g, 0.1, out=s)
            m += s
            v *= 0.999
            np.multiply(g, g, out=s)
            s *= 0.001
            v += s
            np.sqrt(v, out=s)
            s /= c2**0.5
            s += 1e-8
            np.divide(m, s, out=s)
            s *= 1e-3 / c1
            p -= s

    return by_hand


_MEMORY = """
import sys
import numpy as np
def status(key):
    line = next(l for l in open("/proc/self/status") if l.startswith(key))
    return int(line.split()[1]) / 1024
side, kind = sys.argv[1:]
sizes = [784, 512, 256, 10]
if side == "ours":
    import nn
    if kind == "MLP":
        model = nn.mlp(sizes, activation="sigmoid", rng=0)
    else:
        model = getattr(nn, kind)(256, 256, rng=0)
    zeros, mse = lambda *shape: np.zeros(shape, np.float32), nn.mse_loss
else:
    import torch
    torch.set_num_threads(1)
    if kind == "MLP":
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [torch.nn.Linear(a, b), torch.nn.Sigmoid()]
        model = torch.nn.Sequential(*layers)
    else:
        model = getattr(torch.nn, kind)(256, 256, batch_first=True)
    zeros, mse = torch.zeros, torch.nn.functional.mse_loss
x, y = (zeros(4096, 784), zeros(4096, 10)) if kind == "MLP" else (zeros(128, 100, 256),) * 2
def step(x, y):
    out = model(x)
    mse(out if kind == "MLP" else out[0], y).backward()
    for p in model.parameters():
        p.grad = None
step(x[:8], y[:8])
x[:], y[:] = 0.5, 0.5  # have the pages
open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
before = status("VmRSS")
step(x, y)
print(status("VmHWM") - before)
"""

#: What :func:`peak_memory` measures: a step of each of these.
MEMORY = {
    "MLP": "an MLP, batch 4,096",
    "LSTM": "an LSTM, hidden 256, T 100, batch 128",
    "GRU": "a GRU, hidden 256, T 100, batch 128",
}


def peak_memory(kind: str) -> tuple[float, float] | None:
    """MiB by which one step raises the peak of a fresh process: ours, PyTorch's.

    Linux only, as it resets and reads the kernel's high-water mark.
    """
    if torch_or_none() is None:
        return None
    found = []
    for side in ("ours", "torch"):
        command = [sys.executable, "-c", _MEMORY, side, kind]
        runs = [float(subprocess.check_output(command)) for _ in range(5)]
        found.append(float(np.median(runs)))
    return found[0], found[1]
