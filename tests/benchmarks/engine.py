"""What recording and the sweep cost: small operations, a long chain, large elementwise work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import autograd_core as ag
from tests.benchmarks.measure import Row, interleaved


def torch_or_none() -> Any:
    """PyTorch, on as many threads as NumPy has, if it is installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(int(os.environ.get("OPENBLAS_NUM_THREADS", "1")))
    return torch


def small_operation(seconds: float) -> Iterator[Row]:
    torch = torch_or_none()
    a = np.random.default_rng(0).normal(size=10)
    t, u = ag.tensor(a, requires_grad=True), ag.tensor(a, requires_grad=True)
    contenders = {"ours": lambda: t + u, "call": lambda: np.add(t, u), "numpy": lambda: a + a}
    if torch:
        p, q = (torch.tensor(a, requires_grad=True) for _ in range(2))
        constant = torch.tensor(a)
        contenders["torch"] = lambda: p + q
        contenders["torch, plain"] = lambda: p * constant
    contenders["ours, plain"] = lambda: t * a
    m = interleaved(contenders, seconds)
    print(
        f"  recording costs {1e6 * (m['ours'] - m['numpy']):.2f} us through an operator, "
        f"{1e6 * (m['call'] - m['numpy']):.2f} us through np.add"
        + (f"; PyTorch {1e6 * (m['torch'] - m['numpy']):.2f} us" if torch else "")
    )
    if torch:
        yield Row("t + u, 10 floats, recorded", "PyTorch", m["ours"], m["torch"], 0.85)
        work = "t * a, 10 floats, a plain"
        yield Row(work, "PyTorch", m["ours, plain"], m["torch, plain"], 1.0)


def chain(seconds: float) -> Iterator[Row]:
    torch = torch_or_none()
    if torch is None:
        return

    def run(x: Any, m: Any, c: Any) -> Any:
        for _ in range(1000):
            x = x * m + c
        return x

    def ours(create: bool = False) -> Any:
        x, m, c = (ag.tensor(v, requires_grad=True) for v in (1.0, 0.999, 0.001))
        y = run(x, m, c)
        if not create:
            return y.backward()
        (g,) = ag.gradients(y, [m], create_graph=True)
        return ag.gradients(g, m)

    def theirs(create: bool = False) -> Any:
        x, m, c = (
            torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (1.0, 0.999, 0.001)
        )
        y = run(x, m, c)
        if not create:
            return y.backward()
        (g,) = torch.autograd.grad(y, [m], create_graph=True)
        return torch.autograd.grad(g, m)

    m = interleaved({"ours": ours, "torch": theirs}, seconds)
    work = "1,000 scalar multiply-adds, forward and backward"
    yield Row(work, "PyTorch", m["ours"], m["torch"], 0.7)
    m = interleaved({"ours": lambda: ours(True), "torch": lambda: theirs(True)}, seconds)
    yield Row("second derivative of the chain", "PyTorch", m["ours"], m["torch"], 0.8)


def large_elementwise(seconds: float) -> Iterator[Row]:
    a = np.random.default_rng(0).uniform(0.5, 2.0, 1_000_000)
    x = ag.tensor(a, requires_grad=True)

    def ours() -> Any:
        x.grad = None
        np.sum(np.tanh(x) * np.exp(-x) + np.sqrt(x)).backward()
        return x.grad

    def by_hand() -> Any:
        t = np.tanh(a)
        n = -a
        e = np.exp(n)
        p = t * e
        r = np.sqrt(a)
        s = p + r
        _ = s.sum()
        g = np.ones_like(s)
        gt, ge = g * e, g * t
        ga = g * 0.5 / r
        ga += -(ge * e)
        ga += gt * (1 - t * t)
        return ga

    np.testing.assert_allclose(ours().numpy(), by_hand())
    m = interleaved({"ours": ours, "hand": by_hand}, 2 * seconds)
    work = "tanh(x) * exp(-x) + sqrt(x), 1e6 floats"
    yield Row(work, "NumPy", m["ours"], m["hand"], 1.15)


def import_time() -> float:
    """Milliseconds that ``import autograd_core`` adds to ``import numpy``, the median of 15."""
    code = (
        "import time, numpy; s = time.perf_counter(); import autograd_core; "
        "print(time.perf_counter() - s)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(15)
    ]
    return 1000 * float(np.median(times))
