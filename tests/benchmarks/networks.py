"""Convolutional and recurrent steps against PyTorch eager; norms, dropout, Adam against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from tests.benchmarks.engine import torch_or_none
from tests.benchmarks.measure import Row, interleaved


def _pair(work: str, ours: Callable[[], object], theirs: Any, seconds: float, target: float) -> Row:
    m = interleaved({"ours": ours, "theirs": theirs}, seconds)
    return Row(work, "PyTorch", m["ours"], m["theirs"], target)


def lenet(seconds: float) -> Iterator[Row]:
    """A step of LeNet-5, batch 64, SGD with momentum, float32."""
    torch = torch_or_none()
    if torch is None:
        return
    x = np.random.default_rng(0).random((64, 1, 28, 28), dtype=np.float32)
    y = np.arange(64) % 10
    model = nn.models.lenet5(rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def ours() -> None:
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    t = torch.nn
    net = t.Sequential(
        *(t.Conv2d(1, 6, 5, padding=2), t.Tanh(), t.AvgPool2d(2)),
        *(t.Conv2d(6, 16, 5), t.Tanh(), t.AvgPool2d(2)),
        *(t.Flatten(), t.Linear(400, 120), t.Tanh()),
        *(t.Linear(120, 84), t.Tanh(), t.Linear(84, 10)),
    )
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    tx, ty = torch.tensor(x), torch.tensor(y)

    def theirs() -> None:
        loss = t.functional.cross_entropy(net(tx), ty)
        sgd.zero_grad()
        loss.backward()
        sgd.step()

    yield _pair("LeNet-5 step, batch 64, SGD momentum", ours, theirs, 2 * seconds, 1.0)


def convolution(seconds: float) -> Iterator[Row]:
    """16 to 32 maps, 3x3, 28x28, batch 64, forward and backward, float32."""
    torch = torch_or_none()
    if torch is None:
        return
    rng = np.random.default_rng(0)
    x, w, g = (
        rng.normal(size=s).astype(np.float32)
        for s in ((64, 16, 28, 28), (32, 16, 3, 3), (64, 32, 28, 28))
    )
    a, b = ag.tensor(x, requires_grad=True), ag.tensor(w, requires_grad=True)

    def ours() -> None:
        a.grad = b.grad = None
        nn.conv(a, b, padding=1).backward(g)

    c, d = torch.tensor(x, requires_grad=True), torch.tensor(w, requires_grad=True)
    tg = torch.tensor(g)

    def theirs() -> None:
        c.grad = d.grad = None
        torch.nn.functional.conv2d(c, d, padding=1).backward(tg)

    yield _pair("conv2d 16 -> 32, 3x3, 28x28, batch 64", ours, theirs, 2 * seconds, 1.3)


def recurrent(seconds: float) -> Iterator[Row]:
    """128 inputs and hidden units, T 50, batch 32, Adam, float32."""
    torch = torch_or_none()
    if torch is None:
        return
    x = np.random.default_rng(0).normal(size=(32, 50, 128)).astype(np.float32)
    tx = torch.tensor(x)
    for kind in ("LSTM", "GRU"):
        model = getattr(nn, kind)(128, 128, rng=0)
        optimizer = nn.Adam(model.parameters(), lr=1e-3)
        net = getattr(torch.nn, kind)(128, 128, batch_first=True)
        adam = torch.optim.Adam(net.parameters(), lr=1e-3)

        def ours(model: Any = model, optimizer: Any = optimizer) -> None:
            loss = np.mean(model(x)[0] ** 2)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        def theirs(net: Any = net, adam: Any = adam) -> None:
            loss = (net(tx)[0] ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()

        yield _pair(f"{kind} step, hidden 128, T 50, batch 32", ours, theirs, 2 * seconds, 1.0)


def batch_norm(seconds: float) -> Iterator[Row]:
    """BatchNorm and ReLU on (64, 32, 28, 28), training, forward and backward, float32."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 32, 28, 28)).astype(np.float32)
    g = rng.normal(size=x.shape).astype(np.float32)
    layer, a = nn.BatchNorm2d(32), ag.tensor(x, requires_grad=True)

    def ours() -> None:
        a.grad = None
        layer.zero_grad()
        nn.relu(layer(a)).backward(g)

    gain, shift = np.ones((1, 32, 1, 1), np.float32), np.zeros((1, 32, 1, 1), np.float32)
    running = [np.zeros(32, np.float32), np.ones(32, np.float32)]
    axes, count = (0, 2, 3), 64 * 28 * 28

    def by_hand() -> None:
        mean = x.mean(axes, keepdims=True)
        centered = x - mean
        variance = (centered * centered).mean(axes, keepdims=True)
        scale = 1 / np.sqrt(variance + 1e-5)
        z = centered * scale
        out = np.maximum(z * gain + shift, 0)
        for kept, new in zip(running, (mean, variance * (count / (count - 1))), strict=True):
            kept *= 0.9
            kept += 0.1 * new.reshape(-1)
        d = g * (out > 0)
        to_shift = d.sum(axes, keepdims=True)
        to_gain = (d * z).sum(axes, keepdims=True)
        d -= to_shift / count
        z *= to_gain / count
        d -= z
        d *= gain * scale

    m = interleaved({"ours": ours, "hand": by_hand}, 2 * seconds)
    yield Row("BatchNorm + ReLU, (64, 32, 28, 28)", "NumPy", m["ours"], m["hand"], 1.1)


def dropout(seconds: float) -> Iterator[Row]:
    """A million float32 numbers, p = 0.5, forward and backward."""
    x = np.ones(1_000_000, np.float32)
    layer, a, g = nn.Dropout(0.5, rng=0), ag.tensor(x, requires_grad=True), np.ones_like(x)
    rng = np.random.default_rng(0)

    def ours() -> None:
        a.grad = None
        layer(a).backward(g)

    def by_hand() -> None:
        mask = (rng.random(x.shape, dtype=np.float32) >= 0.5) * np.float32(2)
        _ = x * mask
        _ = g * mask

    m = interleaved({"ours": ours, "hand": by_hand}, seconds)
    yield Row("dropout, 1e6 float32", "NumPy", m["ours"], m["hand"], 1.1)


def adam(seconds: float) -> Iterator[Row]:
    """One step on a million float32 parameters, against the same in place by hand."""
    rng = np.random.default_rng(0)
    values, g = (rng.normal(size=1_000_000).astype(np.float32) for _ in range(2))
    p = nn.Parameter(values)
    p.grad = ag.tensor(g)
    optimizer = nn.Adam([p], lr=1e-3)
    w, first, second, s = values.copy(), *(np.zeros_like(values) for _ in range(3))
    step = [0]

    def by_hand() -> None:
        step[0] += 1
        root = (1 - 0.999 ** step[0]) ** 0.5
        np.multiply(first, 0.9, out=first)
        np.multiply(g, 0.1, out=s)
        np.add(first, s, out=first)
        np.multiply(second, 0.999, out=second)
        np.multiply(g, g, out=s)
        np.multiply(s, 0.001, out=s)
        np.add(second, s, out=second)
        np.sqrt(second, out=s)
        np.add(s, 1e-8 * root, out=s)
        np.divide(first, s, out=s)
        np.multiply(s, 1e-3 * root / (1 - 0.9 ** step[0]), out=s)
        np.subtract(w, s, out=w)

    m = interleaved({"ours": optimizer.step, "hand": by_hand}, seconds)
    yield Row("Adam, 1e6 parameters, float32", "NumPy", m["ours"], m["hand"], 1.05)


ALL = (lenet, convolution, recurrent, batch_norm, dropout, adam)
