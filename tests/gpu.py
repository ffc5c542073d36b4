"""Rules, layers and trainings on a GPU, by CuPy: ``python -m tests.gpu`` (at most five minutes).

Each runs on NumPy and on the device, and the numbers are compared.  One table says how many are
right, which calls CuPy does not have, which fail, which are wrong (then the exit status is 1), and how
long steps take beside NumPy's and PyTorch's.  ``--stand-in`` runs all on an array that refuses what
CuPy refuses; ``tests/nn/test_devices.py`` does, too.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
import nn
from autograd_core.rules.cases import CASES
from tests.autograd_core.rules import strict
from tests.autograd_core.rules.portable import bare, gradients_of
from tests.nn.layer_samples import VARIANTS, input_of, make

#: A computation, as a function of the device: it raises if it cannot run, or returns its numbers.
Computation = Callable[["Device"], Any]


@dataclass
class Device:
    """A library of arrays: how arrays come to it and back, and how to wait for it."""

    library: Any
    get: Callable[[Any], Any]
    wait: Callable[[], None] = lambda: None

    def array(self, a: Any) -> Any:
        return self.library.asarray(a)


HOST = Device(np, lambda a: a)
STAND_IN = Device(strict, strict.StrictArray.get)


def cupy() -> Device:
    """Return the first GPU."""
    import cupy as library

    return Device(library, library.asnumpy, lambda: library.cuda.Device().synchronize())


class NotThere(Exception):
    """The library of the device has no such function."""


# -- what is compared -----------------------------------------------------------------------------


def rules() -> Iterator[tuple[str, Computation]]:
    """Yield every case of the rules: gradients to second order."""

    def gradients(case: Any, device: Device) -> Any:
        try:
            bare(case, device.array)
        except Exception as error:
            raise NotThere(str(error)) from error
        return gradients_of(case, device.array)

    for case in CASES:
        yield case.id, lambda device, case=case: gradients(case, device)


def layers() -> Iterator[tuple[str, Computation]]:
    """Yield every layer, and those that train otherwise in training: results, all gradients."""

    def run(name: str, training: bool, device: Device) -> Any:
        layer = make(name, **VARIANTS[name])
        x = input_of(layer)[0]
        rng = np.random.default_rng(1)
        for p in layer.parameters():
            p.data = rng.normal(size=p.shape)
        layer.train(training).to(device.library)
        given: Any = device.array(x)
        if x.dtype.kind == "f":
            given = ag.tensor(given, requires_grad=True)
        out = layer(given)
        outs = [o for o in _leaves(out) if isinstance(o, ag.Tensor)]
        loss = sum(np.sum(np.sin(o)) for o in outs)
        loss.backward()
        slopes = [p.grad for p in (given, *layer.parameters()) if isinstance(p, ag.Tensor)]
        return outs, slopes, [b for _, b in layer.named_buffers()]

    for name in VARIANTS:
        yield name, lambda device, name=name: run(name, False, device)
    for name in ("BatchNorm1d", "BatchNorm2d"):
        yield f"{name}, training", lambda device, name=name: run(name, True, device)


def losses() -> Iterator[tuple[str, Computation]]:
    """Yield losses with their gradients."""
    rng = np.random.default_rng(2)
    p, t, labels = rng.normal(size=(6, 4)), rng.random((6, 4)), rng.integers(0, 4, 6)
    ignored = np.where(np.arange(6) < 2, -100, labels)
    weight, shares = np.array([0.5, 1.0, 2.0, 1.0]), t / t.sum(1, keepdims=True)
    calls: dict[str, tuple[Callable[..., Any], Any, dict[str, Any]]] = {
        "mse_loss": (nn.mse_loss, t, {}),
        "quadratic_cost": (nn.quadratic_cost, t, {}),
        "l1_loss": (nn.l1_loss, t, {}),
        "huber_loss": (nn.huber_loss, t, {}),
        "smooth_l1_loss": (nn.smooth_l1_loss, t, {}),
        "binary_cross_entropy": (lambda p, t: nn.binary_cross_entropy(nn.sigmoid(p), t), t, {}),
        "binary_cross_entropy_with_logits": (nn.binary_cross_entropy_with_logits, t, {}),
        "kl_div": (lambda p, t: nn.kl_div(nn.log_softmax(p), t, "batchmean"), shares, {}),
        "nll_loss": (lambda p, t: nn.nll_loss(nn.log_softmax(p), t), labels, {}),
        "cross_entropy": (nn.cross_entropy, labels, {}),
        "cross_entropy of shares": (nn.cross_entropy, shares, {}),
        "cross_entropy, ignored": (nn.cross_entropy, ignored, {}),
        "cross_entropy, weight": (nn.cross_entropy, labels, {"weight": weight}),
        "cross_entropy, smoothing": (nn.cross_entropy, labels, {"label_smoothing": 0.1}),
        "cross_entropy, none": (nn.cross_entropy, labels, {"reduction": "none"}),
        "cross_entropy of images": (
            lambda p, t: nn.cross_entropy(p.reshape(2, 4, 3), t.reshape(2, 3)), labels, {}
        ),
    }  # fmt: skip

    def run(name: str, device: Device) -> Any:
        loss, target, options = calls[name]
        x = ag.tensor(device.array(p), requires_grad=True)
        given = {k: device.array(v) if k == "weight" else v for k, v in options.items()}
        value = loss(x, device.array(target), **given)
        np.sum(value).backward()
        return value, x.grad

    for name in calls:
        yield name, lambda device, name=name: run(name, device)


OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "SGD, momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "AdamW, amsgrad": lambda p: nn.AdamW(p, lr=0.01, amsgrad=True),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: nn.Adagrad(p, lr=0.1),
    "LBFGS": lambda p: nn.LBFGS(p, lr=0.5, line_search_fn="strong_wolfe"),
}


def optimizers() -> Iterator[tuple[str, Computation]]:
    """Yield optimizers: parameters after steps, clipping, and a state that is saved and loaded."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 2))

    def run(name: str, device: Device) -> Any:
        model = nn.mlp([5, 8, 2], "tanh", output=None, rng=0, dtype=float).to(device.library)
        optimizer = OPTIMIZERS[name](model.parameters())
        given, target = device.array(x), device.array(y)

        def closure() -> Any:
            optimizer.zero_grad()
            value = nn.mse_loss(model(given), target)
            value.backward()
            nn.clip_grad_norm_(model.parameters(), 0.5)
            nn.clip_grad_value_(model.parameters(), 0.3)
            return value

        for _ in range(3):
            optimizer.step(closure)
        other = OPTIMIZERS[name](model.parameters())
        other.load_state_dict(optimizer.state_dict())
        optimizer = other
        return optimizer.step(closure), [*model.parameters()]

    for name in OPTIMIZERS:
        yield name, lambda device, name=name: run(name, device)


def networks() -> dict[str, tuple[Callable[[], Any], Any, Any]]:
    """Return the networks that are trained: how each is made, its inputs and its targets."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 10, 60)

    class OfSequences(nn.Module):
        def __init__(self, layer: Any) -> None:
            self.layer, self.head = layer, nn.Linear(8, 10, rng=1)

        def forward(self, x: Any) -> Any:
            return self.head(self.layer(x)[0][:, -1])

    images, sequences = rng.normal(size=(60, 1, 28, 28)), rng.normal(size=(60, 7, 3))
    return {
        "MLP": (lambda: nn.mlp([20, 16, 10], "relu", output=None, rng=0), images[:, 0, 0, :20], labels),
        "LeNet-5": (lambda: nn.models.lenet5(rng=0), images, labels),
        "batch norm, dropout": (
            lambda: nn.Sequential(
                *(nn.Conv2d(1, 4, 5, stride=3, rng=0), nn.BatchNorm2d(4), nn.ReLU()),
                *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3, rng=1)),
                *(nn.Linear(64, 12, rng=2), nn.BatchNorm1d(12), nn.Linear(12, 10, rng=3)),
            ),
            images,
            labels,
        ),
        "RNN": (lambda: OfSequences(nn.RNN(3, 8, rng=0)), sequences, labels),
        "GRU": (lambda: OfSequences(nn.GRU(3, 8, num_layers=2, rng=0)), sequences, labels),
        "LSTM": (lambda: OfSequences(nn.LSTM(3, 8, rng=0)), sequences, labels),
        "transformer": (
            lambda: nn.Sequential(
                nn.Linear(3, 8, rng=0),
                nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, rng=1),
                nn.Flatten(), nn.Linear(56, 10, rng=2),
            ),
            sequences,
            labels,
        ),
    }  # fmt: skip


def trainings() -> Iterator[tuple[str, Computation]]:
    """Yield trainings by ``fit``: losses, metrics, weights; saved in the middle, and loaded."""

    def run(name: str, device: Device) -> Any:
        build, x, y = networks()[name]

        def parts() -> Any:
            model = build().to(float).to(device.library)
            data = nn.DataLoader(
                (device.array(x), device.array(y)), 16, shuffle=True, rng=5, dtype=float
            )
            return model, data, nn.AdamW(model.parameters(), lr=1e-3)

        with tempfile.TemporaryDirectory() as folder:
            model, data, optimizer = parts()
            checkpoint = nn.Checkpoint(Path(folder) / "checkpoint.safetensors")
            held_out = device.array(x[:20]), device.array(y[:20])
            options = {"validation": held_out, "max_norm": 1.0, "progress": False}
            history = nn.fit(
                model, data, nn.cross_entropy, optimizer, 1, callbacks=[checkpoint], **options
            )
            model, data, optimizer = parts()
            history = nn.resume(checkpoint.path, model, optimizer, data)
            nn.fit(model, data, nn.cross_entropy, optimizer, 2, history=history, **options)
            nn.save(Path(folder) / "weights.safetensors", model)
            other = build().to(float)
            other.load_state_dict(nn.load(Path(folder) / "weights.safetensors"))
            again = parts()[0]
            again.load_state_dict(model.state_dict())
        measured = [v for row in history for k, v in row.items() if k != "seconds"]
        weights = [model.state_dict(), again.state_dict()]
        return measured, weights, [device.array(a) for a in other.state_dict().values()]

    for name in networks():
        yield name, lambda device, name=name: run(name, device)


SECTIONS: dict[str, Callable[[], Iterator[tuple[str, Computation]]]] = {
    f.__name__: f for f in (rules, layers, losses, optimizers, trainings)
}


# -- comparing ------------------------------------------------------------------------------------


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [leaf for v in value for leaf in _leaves(v)]
    return [value]


def compare(device: Device, computation: Computation) -> None:
    """Raise AssertionError unless a computation gives the same on the device, and stays there."""
    found, expected = _leaves(computation(device)), _leaves(computation(HOST))
    assert len(found) == len(expected)
    kind = type(device.array(np.zeros(1)))
    for f, e in zip(found, expected, strict=True):
        f, e = (getattr(a, "_array", a) for a in (f, e))
        assert (f is None) == (e is None)
        if hasattr(e, "dtype"):
            assert isinstance(f, kind), f"{type(f)} is no longer on the device"
            assert (f.shape, f.dtype) == (e.shape, e.dtype)
            f = device.get(f)
        if e is not None:
            np.testing.assert_allclose(f, e, rtol=1e-7, atol=1e-9)


@dataclass
class Outcome:
    """What became of the computations of a section, by their names."""

    right: list[str] = field(default_factory=list)
    not_there: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    not_run: list[str] = field(default_factory=list)


def outcome(
    device: Device, computations: Iterator[tuple[str, Computation]], end: float = math.inf
) -> Outcome:
    """Run and compare computations that begin before ``end``, by ``time.perf_counter``."""
    found = Outcome()
    with np.errstate(all="ignore"):
        for name, computation in computations:
            if time.perf_counter() > end:
                found.not_run.append(name)
                continue
            try:
                compare(device, computation)
            except NotThere:
                found.not_there.append(name)
            except AssertionError as error:
                found.wrong[name] = " ".join(str(error).split())[:300]
            except Exception as error:
                found.failed[name] = f"{type(error).__name__}: {error}"[:300]
            else:
                found.right.append(name)
    return found


# -- times ----------------------------------------------------------------------------------------


def _step(model: Any, x: Any, y: Any) -> Callable[[], None]:
    optimizer = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        nn.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def _torch_step(model: Any, x: Any, y: Any) -> Callable[[], None]:
    import torch

    model, x, y = model.cuda(), torch.tensor(x).cuda(), torch.tensor(y).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


class _Last(nn.Module):
    def __init__(self, hidden: int) -> None:
        self.layer, self.head = nn.GRU(32, hidden, rng=0), nn.Linear(hidden, 10, rng=1)

    def forward(self, x: Any) -> Any:
        return self.head(self.layer(x)[0][:, -1])


def timed() -> Iterator[tuple[str, Any, Any, Any, Any]]:
    """Yield steps that are timed: a name, our model, PyTorch's or None, inputs and targets."""
    rng = np.random.default_rng(0)

    def data(n: int, *shape: int) -> tuple[Any, Any]:
        return rng.normal(size=(n, *shape)).astype(np.float32), rng.integers(0, 10, n)

    def torch_model(make: Callable[[Any], Any]) -> Any:
        try:
            import torch
        except ImportError:
            return None
        return make(torch.nn) if torch.cuda.is_available() else None

    def lenet(t: Any) -> Any:
        return t.Sequential(
            *(t.Conv2d(1, 6, 5, padding=2), t.Tanh(), t.AvgPool2d(2)),
            *(t.Conv2d(6, 16, 5), t.Tanh(), t.AvgPool2d(2), t.Flatten()),
            *(t.Linear(400, 120), t.Tanh(), t.Linear(120, 84), t.Tanh(), t.Linear(84, 10)),
        )

    def gru(t: Any) -> Any:
        class Net(t.Module):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.layer, self.head = t.GRU(32, 256, batch_first=True), t.Linear(256, 10)

            def forward(self, x: Any) -> Any:
                return self.head(self.layer(x)[0][:, -1])

        return Net()

    def mlp(sizes: list[int]) -> Callable[[Any], Any]:
        def make(t: Any) -> Any:
            layers = [
                part for pair in itertools.pairwise(sizes) for part in (t.Linear(*pair), t.ReLU())
            ]
            return t.Sequential(*layers[:-1])

        return make

    for sizes, n in (([784, 512, 256, 10], 128), ([2048, 4096, 4096, 10], 4096)):
        model = nn.mlp(sizes, "relu", output=None, rng=0)
        name = f"MLP {'-'.join(map(str, sizes))}, batch {n:,}"
        yield name, model, torch_model(mlp(sizes)), *data(n, sizes[0])
    for n in (64, 1024):
        yield (
            f"LeNet-5, batch {n:,}",
            nn.models.lenet5(rng=0),
            torch_model(lenet),
            *data(n, 1, 28, 28),
        )
    yield "GRU 32-256, T 50, batch 256", _Last(256), torch_model(gru), *data(256, 50, 32)


def seconds(step: Callable[[], None], wait: Callable[[], None], budget: float) -> float:
    """Return the median time of a step, run for about ``budget`` seconds."""
    found, end = [], time.perf_counter() + budget
    step(), wait()
    while len(found) < 3 or (time.perf_counter() < end and len(found) < 50):
        wait()
        start = time.perf_counter()
        step(), wait()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def times(device: Device, budget: float) -> Iterator[str]:
    """Yield rows of a table of milliseconds a step."""
    for name, model, theirs, x, y in timed():
        here = seconds(_step(model, x, y), lambda: None, budget)
        model.to(device.library)
        there = seconds(_step(model, device.array(x), device.array(y)), device.wait, budget)
        peer = "-"
        if theirs is not None:
            import torch

            found = seconds(_torch_step(theirs, x, y), torch.cuda.synchronize, budget)
            peer = f"{1000 * found:.2f}"
        yield f"| {name} | {1000 * there:.2f} | {1000 * here:.2f} | {peer} |"


def main(args: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--stand-in", action="store_true", help="no GPU: a strict array instead")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each time; 0: none")
    parser.add_argument("--only", choices=[*SECTIONS], help="compare one section")
    parser.add_argument(
        "--minutes", type=float, default=4.0, help="to compare in; the rest is told"
    )
    options = parser.parse_args(args)
    device = STAND_IN if options.stand_in else cupy()
    print(
        "| | right | CuPy has no such call | fails | wrong | not run |\n|---|---|---|---|---|---|"
    )
    total: Counter[str] = Counter()
    told: list[str] = []
    end = time.perf_counter() + 60 * options.minutes
    # the rules are most, and come last: kernels are compiled as they are met
    for name, computations in reversed(SECTIONS.items()):
        if options.only not in (None, name):
            continue
        found = outcome(device, computations(), end)
        counts = (found.right, found.not_there, found.failed, found.wrong, found.not_run)
        print(f"| {name} | {' | '.join(str(len(c)) for c in counts)} |", flush=True)
        for what in ("failed", "wrong"):
            total[what] += len(getattr(found, what))
            told += [f"{what}: {name}: {k}: {v}" for k, v in getattr(found, what).items()]
    print("\n".join(["", *told]))
    if options.seconds:
        print("| step, ms | on the device | NumPy | PyTorch on the device |\n|---|---|---|---|")
        for row in times(device, options.seconds):
            print(row, flush=True)
    return int(total["wrong"] > 0 or total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main())
