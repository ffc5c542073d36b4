"""Random configurations of every layer, loss and optimizer, run here and in PyTorch.

``python -m tests.nn.parity --count 5000`` draws that many and prints how many agree, in outputs,
running statistics and every gradient, to ten digits; each that differs is printed with its seed.
"""

import argparse
import collections
import sys

import numpy as np
import torch

import autograd_core as ag
import nn

RTOL = 1e-9
FAMILIES = {}


def family(function):
    FAMILIES[function.__name__] = function
    return function


class Draw:
    """Random choices for one configuration."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def of(self, *options):
        return options[self.rng.integers(len(options))]

    def count(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def array(self, *shape):
        return self.rng.normal(size=shape) * self.of(0.1, 1.0, 30.0)

    def flag(self):
        return bool(self.rng.random() < 0.5)


def as_torch(a):
    return torch.tensor(a, requires_grad=a.dtype.kind == "f")


def compare(name, ours, theirs):
    """Raise AssertionError where an array differs from PyTorch's."""
    ours = np.asarray(ours.detach() if isinstance(ours, ag.Tensor) else ours)
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape, f"{name}: shape {ours.shape}, PyTorch's {theirs.shape}"
    scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0)
    np.testing.assert_allclose(ours, theirs, rtol=RTOL, atol=RTOL * scale, err_msg=name)


def leaves(value):
    return [v for m in value for v in leaves(m)] if isinstance(value, (tuple, list)) else [value]


def compare_modules(draw, ours, theirs, *inputs, calls=1):
    """Give both one state, and compare results, statistics, and gradients of a random sum."""
    theirs = theirs.double()
    ours.to(float)
    for p in theirs.parameters():
        p.data = as_torch(draw.array(*p.shape)).detach() + (p.ndim == 1)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    if draw.flag() and calls == 1:
        ours.eval(), theirs.eval()
    for _ in range(calls):
        xs = [a + draw.array(*a.shape) if a.dtype.kind == "f" else a for a in inputs]
        a = [ag.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in xs]
        b = [as_torch(x) for x in xs]
        found, expected = leaves(ours(*a)), leaves(theirs(*b))
    total, other = 0, 0
    for i, (f, e) in enumerate(zip(found, expected, strict=True)):
        compare(f"result {i}", f, e)
        w = draw.rng.normal(size=f.shape)
        total, other = total + (f * w).sum(), other + (e * torch.tensor(w)).sum()
    for name, value in theirs.state_dict().items():
        compare(name, ours.state_dict()[name], value)
    if not isinstance(total, ag.Tensor) or not total.requires_grad:
        return
    total.backward()
    other.backward()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        compare(f"gradient of {name}", np.zeros(p.shape) if p.grad is None else p.grad,
                torch.zeros_like(q) if q.grad is None else q.grad)  # fmt: skip
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if isinstance(x, ag.Tensor):
            compare(f"gradient of input {i}", x.grad, y.grad)


def made(name, *args, torch_only=None, **options):
    return getattr(nn, name)(*args, **options), getattr(torch.nn, name)(
        *args, **options, **(torch_only or {})
    )


@family
def linear(d):
    n, m = d.count(1, 6), d.count(1, 6)
    ours, theirs = made("Linear", n, m, bias=d.flag())
    compare_modules(d, ours, theirs, d.array(*d.of((3,), (), (2, 3), (0,)), n))


def _windows(d, axes):
    size = [d.count(1, 4) for _ in range(axes)]
    options = {"stride": d.of(1, 2, 3), "padding": d.of(0, 1, 2), "dilation": d.of(1, 1, 2)}
    lengths = [d.count((k - 1) * options["dilation"] + 1, 9) for k in size]
    return size, options, lengths


@family
def convolution(d):
    axes, groups = d.of(1, 2), d.of(1, 1, 2, 3)
    size, options, lengths = _windows(d, axes)
    if d.flag() and options["stride"] == 1:
        options["padding"] = d.of("same", "valid")
    n, m = groups * d.count(1, 3), groups * d.count(1, 3)
    ours, theirs = made(f"Conv{axes}d", n, m, tuple(size), groups=groups, bias=d.flag(), **options)
    compare_modules(d, ours, theirs, d.array(d.count(1, 3), n, *lengths))


@family
def transposed_convolution(d):
    groups = d.of(1, 2)
    size, options, lengths = _windows(d, 2)
    options["padding"] = min(options["padding"], *(options["dilation"] * (k - 1) for k in size))
    largest = max(options["stride"], options["dilation"])
    n, m = groups * d.count(1, 3), groups * d.count(1, 3)
    ours, theirs = made(
        "ConvTranspose2d", n, m, tuple(size), groups=groups, bias=d.flag(),
        output_padding=d.count(0, largest - 1), **options,
    )  # fmt: skip
    compare_modules(d, ours, theirs, d.array(d.count(1, 3), n, *lengths))


@family
def pooling(d):
    size = d.of(1, 2, 3, (2, 3))
    smallest = size if isinstance(size, int) else min(size)
    stride = d.of(None, 1, 2, 3)
    x = d.array(d.count(1, 3), d.count(1, 3), d.count(3, 9), d.count(3, 9))
    name = d.of("MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d")
    if name[0] == "A" and name[1] == "d":
        ours, theirs = made(name, d.of(1, 2, (3, 2)))
    else:
        ours, theirs = made(name, size, stride, d.count(0, smallest // 2))
    if name == "MaxPool2d" and d.flag():
        x[...] = d.of(0.0, -np.inf)
        x = np.where(d.rng.random(x.shape) < 0.2, d.of(1.0, -np.inf, np.inf), x)
        a, b = ag.tensor(x, requires_grad=True), as_torch(x)
        found, expected = ours(a), theirs(b)
        compare("result", found, expected)
        found.sum().backward()
        expected.sum().backward()
        compare("gradient", a.grad, b.grad)
    else:
        compare_modules(d, ours, theirs, x)


@family
def normalization(d):
    n, eps = 2 * d.count(1, 3), d.of(1e-5, 1e-3, 0.1)
    kind = d.of("BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm")
    affine, calls, inner = d.flag(), 1, d.of((3,), (2, 3))
    if kind.startswith("Batch"):
        ours, theirs = made(kind, n, eps, d.of(0.1, 0.7, 0.0, 1.0, None), affine)
        calls, inner = d.count(1, 3), (3, 2) if kind == "BatchNorm2d" else d.of((), (3,))
        shape = d.count(2, 4), n, *inner
    elif kind == "LayerNorm":
        shape = d.of((n,), (2, n))
        ours = nn.LayerNorm(shape, eps, affine)
        theirs = torch.nn.LayerNorm(shape, eps, elementwise_affine=affine)
        shape = 3, *d.of((), (2,)), *shape
    else:
        ours, theirs = made(kind, d.of(1, 2, n), n, eps, affine)
        shape = 2, n, *inner
    compare_modules(d, ours, theirs, d.array(*shape), calls=calls)


@family
def embedding(d):
    rows = d.count(2, 7)
    ours, theirs = made("Embedding", rows, d.count(1, 4), padding_idx=d.of(None, 0, rows - 1))
    compare_modules(d, ours, theirs, d.rng.integers(0, rows, d.of((4,), (2, 3), (0, 2), (50,))))


@family
def recurrent(d):
    kind, n, h = d.of("RNN", "LSTM", "GRU"), d.count(1, 4), d.count(1, 4)
    options = {"num_layers": d.count(1, 3), "bidirectional": d.flag(), "bias": d.flag()}
    if kind == "RNN":
        options["nonlinearity"] = d.of("tanh", "relu")
    ours, theirs = made(kind, n, h, torch_only={"batch_first": True}, **options)
    compare_modules(d, ours, theirs, d.array(d.count(1, 3), d.count(1, 6), n) / 30)


@family
def recurrent_cell(d):
    kind, n, h = d.of("RNNCell", "LSTMCell", "GRUCell"), d.count(1, 4), d.count(1, 4)
    ours, theirs = made(kind, n, h, bias=d.flag())
    compare_modules(d, ours, theirs, d.array(d.count(1, 3), n))


@family
def activation(d):
    axis = d.of(-1, 0, 1)
    ours, theirs = d.of(
        *(lambda n=n: made(n) for n in ("Sigmoid", "Tanh", "ReLU", "SiLU", "Identity")),
        lambda: made("LeakyReLU", d.of(0.01, 0.3, 0.0)),
        lambda: made("ELU", d.of(1.0, 0.3, 2.0)),
        lambda: made("GELU", d.of("none", "tanh")),
        lambda: (nn.Softmax(axis), torch.nn.Softmax(axis)),
        lambda: (nn.LogSoftmax(axis), torch.nn.LogSoftmax(axis)),
        lambda: (nn.Softplus(), torch.nn.Softplus(threshold=700)),
    )()
    compare_modules(d, ours, theirs, d.array(d.count(1, 4), d.count(1, 4)))


@family
def loss(d):
    reduction = d.of("none", "sum", "mean")
    shape = d.of((5, 4), (3, 4, 2), (2, 3, 2, 2))
    x, options = d.array(*shape), {"reduction": reduction}
    name = d.of("mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy", "kl_div", "nll_loss",
                "binary_cross_entropy_with_logits", "cross_entropy", "cross_entropy")  # fmt: skip
    t = d.array(*shape)
    if name == "huber_loss":
        options["delta"] = d.of(0.3, 1.0, 5.0)
    if name.startswith("binary"):
        t = d.of(d.rng.random(shape), np.round(d.rng.random(shape)))
        x = 0.01 + 0.98 * d.rng.random(shape) if name == "binary_cross_entropy" else x
    if name == "kl_div":
        t, options["log_target"] = d.rng.random(shape), d.flag()
        t = np.log(t) if options["log_target"] else t * np.round(d.rng.random(shape))
    if name in ("nll_loss", "cross_entropy"):
        classes = shape[1]
        t = d.rng.integers(0, classes, (shape[0], *shape[2:]))
        if d.flag():
            options["ignore_index"] = d.of(-100, 1)
            t = np.where(d.rng.random(t.shape) < d.of(0.3, 1.0), options["ignore_index"], t)
        if d.flag():
            options["weight"] = d.rng.random(classes) + 0.1
        if name == "cross_entropy" and d.flag():
            options["label_smoothing"] = d.of(0.1, 0.5)
        if name == "cross_entropy" and d.flag():
            options.pop("ignore_index", None)
            t = np.moveaxis(d.rng.dirichlet(np.ones(classes), (shape[0], *shape[2:])), -1, 1)
    a, b = ag.tensor(x, requires_grad=True), as_torch(x)
    theirs = {k: torch.tensor(v) if k == "weight" else v for k, v in options.items()}
    found = getattr(nn, name)(a, t, **options)
    expected = getattr(torch.nn.functional, name)(b, torch.tensor(t), **theirs)
    compare(f"{name} {options}", found, expected)
    found.sum().backward()
    expected.sum().backward()
    compare(f"gradient of {name} {options}", a.grad, b.grad)


@family
def optimizer(d):
    name = d.of("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
    options = {"lr": d.of(1e-3, 0.1), "weight_decay": d.of(0.0, 0.1)}
    if name == "SGD":
        options |= {"momentum": d.of(0.0, 0.5, 0.9)}
        options["nesterov"] = bool(options["momentum"]) and d.flag()
        options["dampening"] = 0.0 if options["nesterov"] else d.of(0.0, 0.3)
    elif name in ("Adam", "AdamW"):
        options |= {"betas": d.of((0.9, 0.999), (0.5, 0.9)), "eps": d.of(1e-8, 1e-3)}
    elif name == "RMSprop":
        options |= {"alpha": d.of(0.99, 0.5), "momentum": d.of(0.0, 0.9), "centered": d.flag()}
    else:
        options |= {"lr_decay": d.of(0.0, 0.1)}
    shapes = [(3, 2), (4,), ()]
    start = [d.array(*s) for s in shapes]
    ours = [nn.Parameter(a, dtype=float) for a in start]
    theirs = [as_torch(np.asarray(a)) for a in start]
    a, b = getattr(nn, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    clip = d.of(None, 0.5, 100.0)
    for _ in range(d.count(1, 8)):
        for p, q in zip(ours, theirs, strict=True):
            g = d.array(*p.shape)
            p.grad, q.grad = ag.tensor(g), torch.tensor(g)
        if clip:
            mine = nn.clip_grad_norm_(ours, clip)
            compare("norm", np.asarray(mine), torch.nn.utils.clip_grad_norm_(theirs, clip))
        a.step()
        b.step()
    for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        compare(f"{name} {options}: parameter {i}", p, q)


def run(count, start=0):
    """Return how many configurations of each family agreed, and the messages of those that do not."""
    agreed, differ = collections.Counter(), []
    names = list(FAMILIES)
    for seed in range(start, start + count):
        name = names[seed % len(names)]
        draw = Draw(seed)
        try:
            with np.errstate(all="ignore"):
                FAMILIES[name](draw)
            agreed[name] += 1
        except Exception as error:
            differ.append(f"{name}, seed {seed}: {type(error).__name__}: {str(error)[:600]}")
    return agreed, differ


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    options = parser.parse_args()
    agreed, differ = run(options.count, options.start)
    print(*differ, sep="\n")
    print(*(f"{name} {n}" for name, n in agreed.items()), sep=", ")
    print(f"{options.count:,} configurations, {sum(agreed.values()):,} agree, {len(differ)} differ")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())
