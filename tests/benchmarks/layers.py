"""Every layer, activation, loss and optimizer of nn against its namesake in PyTorch eager.

A call and the gradients of its inputs and parameters, float32, on the threads that NumPy has.
Before a row is timed, values and gradients are compared, so that both sides do the same work.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
import nn
from tests.benchmarks.engine import torch_or_none
from tests.benchmarks.measure import Row, interleaved

#: The most that a row may take, and the most that their median may, in PyTorch's time.
WORST, MEDIAN = 2.0, 1.0

RNG = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape).astype(np.float32)


def shares(*shape: int) -> Any:
    return RNG.uniform(0.05, 0.95, shape).astype(np.float32)


def whole(high: int, *shape: int) -> Any:
    return RNG.integers(0, high, shape)


class Case(NamedTuple):
    """The same work on both sides: functions or modules, and the arrays that they take.

    Gradients are taken of the first array, if it has floats, and of the parameters of modules.
    """

    work: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    inputs: tuple[Any, ...]


def _shape(a: Any) -> str:
    return "x".join(map(str, a.shape))


def _layers(t: Any) -> Iterator[Case]:
    """Yield every layer with parameters, state or settings."""

    def pair(name: str, x: Any, *args: Any, ours: Any = None, **options: Any) -> Case:
        mine = getattr(nn, name)(*args, **(options if ours is None else ours))
        settings = [*map(str, args), *(f"{k}={v}" for k, v in options.items())]
        label = f"{name}({', '.join(settings)}), {_shape(x)}".replace("batch_first=True", "")
        return Case(label.replace(", )", ")"), mine, getattr(t.nn, name)(*args, **options), (x,))

    yield pair("Linear", normal(10, 784), 784, 30)
    yield pair("Linear", normal(512, 512), 512, 512)
    yield pair("Embedding", whole(65, 32, 64), 65, 32)
    yield pair("Embedding", whole(10_000, 32, 128), 10_000, 128)
    yield pair("Embedding", whole(65, 32, 64), 65, 32, padding_idx=0)
    yield pair("Flatten", normal(64, 16, 7, 7))
    stacks = [of.Sequential(of.Linear(64, 64), of.ReLU(), of.Linear(64, 10)) for of in (nn, t.nn)]
    yield Case("Sequential(Linear, ReLU, Linear), 64x64", *stacks, (normal(64, 64),))
    yield pair("Conv1d", normal(16, 32, 128), 32, 64, 3, padding=1)
    yield pair("Conv2d", normal(64, 1, 28, 28), 1, 6, 5, padding=2)
    yield pair("Conv2d", normal(64, 6, 14, 14), 6, 16, 5)
    yield pair("Conv2d", normal(64, 16, 28, 28), 16, 32, 3, padding=1)
    yield pair("Conv2d", normal(16, 64, 14, 14), 64, 64, 3, padding=1)
    yield pair("Conv2d", normal(16, 32, 28, 28), 32, 64, 3, stride=2, padding=1)
    yield pair("Conv2d", normal(16, 64, 14, 14), 64, 128, 1)
    yield pair("Conv2d", normal(16, 32, 28, 28), 32, 32, 3, padding=1, groups=4)
    yield pair("Conv2d", normal(16, 32, 28, 28), 32, 32, 3, padding=1, groups=32)
    yield pair("Conv2d", normal(16, 64, 14, 14), 64, 64, 5, padding=2, groups=64)
    yield pair("ConvTranspose2d", normal(16, 32, 14, 14), 32, 16, 2, stride=2)
    yield pair("ConvTranspose2d", normal(16, 32, 14, 14), 32, 16, 3, stride=2, padding=1)
    yield pair("BatchNorm1d", normal(64, 128), 128)
    yield pair("BatchNorm1d", normal(64, 64, 100), 64)
    yield pair("BatchNorm2d", normal(16, 16, 8, 8), 16)
    yield pair("BatchNorm2d", normal(64, 32, 28, 28), 32)
    yield pair("LayerNorm", normal(64, 128), 128)
    yield pair("LayerNorm", normal(32, 128, 256), 256)
    yield pair("GroupNorm", normal(8, 16, 8, 8), 4, 16)
    yield pair("GroupNorm", normal(16, 32, 28, 28), 8, 32)
    yield pair("MaxPool2d", normal(64, 6, 28, 28), 2)
    yield pair("MaxPool2d", normal(64, 32, 28, 28), 2)
    yield pair("MaxPool2d", normal(16, 32, 28, 28), 3, 2, 1)
    yield pair("MaxPool2d", normal(4, 16, 14, 14), 3, 2, 1)
    yield pair("AvgPool2d", normal(64, 6, 28, 28), 2)
    yield pair("AvgPool2d", normal(16, 32, 28, 28), 3, 2, 1)
    yield pair("AdaptiveAvgPool2d", normal(64, 32, 28, 28), 7)
    yield pair("AdaptiveAvgPool2d", normal(16, 64, 7, 7), 1)
    pools = nn.GlobalAvgPool(), lambda x: x.mean((2, 3))
    yield Case("GlobalAvgPool(), 64x64x7x7", *pools, (normal(64, 64, 7, 7),))
    for kind in ("RNN", "LSTM", "GRU"):
        yield pair(kind, normal(8, 20, 32), 32, 32, ours={}, batch_first=True)
        yield pair(kind, normal(32, 50, 128), 128, 128, ours={}, batch_first=True)
        yield pair(f"{kind}Cell", normal(32, 128), 128, 128)


def _activations(t: Any) -> Iterator[Case]:
    for x in (normal(64, 100), normal(1000, 1000)):
        for name in ("Identity", "Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU"):
            yield Case(f"{name}(), {_shape(x)}", getattr(nn, name)(), getattr(t.nn, name)(), (x,))
        tanh = [of.GELU(approximate="tanh") for of in (nn, t.nn)]
        yield Case(f"GELU(tanh), {_shape(x)}", *tanh, (x,))
        yield Case(f"Softplus(), {_shape(x)}", nn.Softplus(), t.nn.Softplus(), (x,))
        for name in ("Softmax", "LogSoftmax"):
            both = getattr(nn, name)(), getattr(t.nn, name)(-1)
            yield Case(f"{name}(), {_shape(x)}", *both, (x,))


def _losses(t: Any) -> Iterator[Case]:
    f = t.nn.functional

    def pair(name: str, *inputs: Any, theirs: Any = None, **options: Any) -> Case:
        mine, other = getattr(nn, name), theirs or getattr(f, name)
        label = ", ".join([*map(_shape, inputs[:1]), *(f"{k}={v}" for k, v in options.items())])
        return Case(
            f"{name}, {label}",
            lambda *a: mine(*a, **options),
            lambda *a: other(*a, **options),
            inputs,
        )

    for shape in ((128, 10), (512, 1000)):
        rows, classes = shape
        yield pair("mse_loss", normal(*shape), normal(*shape))
        half = lambda x, y: 0.5 * ((x - y) ** 2).sum() / len(x)
        yield pair("quadratic_cost", normal(*shape), normal(*shape), theirs=half)
        yield pair("l1_loss", normal(*shape), normal(*shape))
        yield pair("huber_loss", normal(*shape), normal(*shape))
        yield pair("binary_cross_entropy_with_logits", normal(*shape), shares(*shape))
        yield pair("binary_cross_entropy", shares(*shape), shares(*shape))
        yield pair("kl_div", normal(*shape), shares(*shape), reduction="sum")
        yield pair("nll_loss", normal(*shape), whole(classes, rows))
        yield pair("cross_entropy", normal(*shape), whole(classes, rows))
    yield pair("cross_entropy", normal(128, 10), whole(10, 128), label_smoothing=0.1)
    yield pair("cross_entropy", normal(4, 21, 64, 64), whole(21, 4, 64, 64))


class Optimized(NamedTuple):
    """One optimizer on both sides, and the shapes of the parameters."""

    work: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    shapes: tuple[tuple[int, ...], ...]


def _optimizers(t: Any) -> Iterator[Optimized]:
    small, large = ((30, 784), (30,), (10, 30), (10,)), ((1000, 1000),)
    for shapes, size in ((small, "784-30-10"), (large, "1e6")):
        for name, options in (
            ("SGD", {}),
            ("SGD", {"momentum": 0.9}),
            *((name, {}) for name in ("Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS")),
        ):
            lr = {"lr": 1e-3, **options, **({"max_iter": 5} if name == "LBFGS" else {})}
            label = f"{name}({', '.join(f'{k}={v}' for k, v in options.items())}) step, {size}"
            yield Optimized(
                label,
                lambda ps, name=name, lr=lr: getattr(nn, name)(ps, **lr),
                lambda ps, name=name, lr=lr: getattr(t.optim, name)(ps, **lr),
                shapes,
            )


def _runs(case: Case, torch: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return one call and its gradients, on our side and on PyTorch's; both return them."""
    if isinstance(case.theirs, torch.nn.Module) and list(case.theirs.parameters()):
        case.ours.load_state_dict({k: v.numpy() for k, v in case.theirs.state_dict().items()})
    x, *others = case.inputs
    whole_numbers = x.dtype.kind == "i"
    a = x if whole_numbers else ag.tensor(x, requires_grad=True)
    b = torch.tensor(x, requires_grad=not whole_numbers)
    targets = [torch.tensor(o) for o in others]
    both = [
        [*([] if whole_numbers else [of]), *getattr(side, "parameters", list)()]
        for of, side in ((a, case.ours), (b, case.theirs))
    ]
    first = lambda out: out[0] if isinstance(out, tuple) else out
    shape = first(case.theirs(b, *targets)).shape
    g = normal(*shape)
    tg = torch.tensor(g)

    def ours() -> Any:
        for p in both[0]:
            p.grad = None
        out = first(case.ours(a, *others))
        out.backward(g)
        return out, *(p.grad for p in both[0])

    def theirs() -> Any:
        for p in both[1]:
            p.grad = None
        out = first(case.theirs(b, *targets))
        out.backward(tg)
        return out, *(p.grad for p in both[1])

    return ours, theirs


def _steps(case: Optimized, torch: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Return one step of an optimizer, on our side and on PyTorch's; both return the weights."""
    values, gradients = ([normal(*s) for s in case.shapes] for _ in range(2))
    mine = [nn.Parameter(v) for v in values]
    other = [torch.nn.Parameter(torch.tensor(v)) for v in values]
    for p, q, g in zip(mine, other, gradients, strict=True):
        p.grad, q.grad = ag.tensor(g), torch.tensor(g)
    first, second = case.ours(mine), case.theirs(other)
    # what LBFGS asks for a loss: one whose gradients stay as they are
    closures = [lambda: 0.0] if "LBFGS" in case.work else []

    def ours() -> Any:
        first.step(*closures)
        return mine

    def theirs() -> Any:
        second.step(*closures)
        return other

    return ours, theirs


def rows(seconds: float, word: str = "") -> Iterator[Row]:
    """Yield a row for each case with ``word`` in its name, each timed for ``seconds``."""
    torch = torch_or_none()
    if torch is None:
        return
    for cases in (_layers, _activations, _losses, _optimizers):
        for case in cases(torch):
            if word.lower() not in case.work.lower():
                continue
            make: Any = _runs if isinstance(case, Case) else _steps
            ours, theirs = make(case, torch)
            for a, b in zip(ours(), theirs(), strict=True):
                found, expected = a.detach().numpy(), b.detach().numpy()
                np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)
            m = interleaved({"ours": ours, "theirs": theirs}, seconds)
            yield Row(case.work, "PyTorch", m["ours"], m["theirs"], WORST)


def summary(measured: list[Row]) -> str:
    """Return the line below the table: the median, and how many rows are too slow."""
    ratios = [row.ratio for row in measured]
    return (
        f"{len(ratios)} rows: median {statistics.median(ratios):.2f} (target {MEDIAN:.2f}), "
        f"{sum(r > WORST for r in ratios)} above {WORST}, worst {max(ratios):.2f}"
    )
