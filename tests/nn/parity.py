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
    nested = isinstance(value, (tuple, list))
    return [v for m in value for v in leaves(m)] if nested else [] if value is None else [value]


def compare_modules(draw, ours, theirs, *inputs, calls=1, scale=1.0, **options):
    """Give both one state, and compare results, statistics, and gradients of a random sum.

    ``scale`` multiplies parameters and inputs; ``options`` are words for both, such as masks.
    """
    given = [{k: f(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
             for f in (np.asarray, torch.tensor)]  # fmt: skip
    theirs = theirs.double()
    ours.to(float)
    for p in theirs.parameters():
        p.data = scale * as_torch(draw.array(*p.shape)).detach() + (p.ndim == 1)
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    if draw.flag() and calls == 1:
        ours.eval(), theirs.eval()
    for _ in range(calls):
        xs = [scale * (a + draw.array(*a.shape)) if a.dtype.kind == "f" else a for a in inputs]
        a = [ag.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in xs]
        b = [as_torch(x) for x in xs]
        found, expected = leaves(ours(*a, **given[0])), leaves(theirs(*b, **given[1]))
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
    axes = d.of(1, 2)
    size = d.of(1, 2, 3, tuple(d.of((2, 3), (3, 1))[:axes]))
    smallest = size if isinstance(size, int) else min(size)
    stride = d.of(None, 1, 2, 3, 4)
    dilation, padding, ceil = d.of(1, 1, 2), d.count(0, smallest // 2), d.flag()
    x = d.array(d.count(1, 3), d.count(1, 3), *(d.count(5, 9) for _ in range(axes)))
    name = d.of("MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool") + f"{axes}d"
    if name[0] == "A" and name[1] == "d":
        ours, theirs = made(name, d.of(1, 2, 3, 4, (3, 2)[:axes]))
    elif name[0] == "A":
        ours, theirs = made(name, size, stride, padding, ceil, d.flag())
    else:
        ours, theirs = made(name, size, stride, padding, dilation, ceil_mode=ceil)
    if "Max" in name and d.flag():
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
def upsampling(d):
    axes = d.of(1, 2)
    x = d.array(2, d.count(1, 2), *(d.count(1, 6) for _ in range(axes)))
    options = {"mode": d.of("nearest", ("linear", "bilinear")[axes - 1])}
    if options["mode"] != "nearest":
        options["align_corners"] = d.flag()
    if d.flag():
        options["size"] = d.of(1, 3, 8, (7, 2)[:axes])
    else:
        options["scale_factor"] = d.of(1, 2, 1.5, (2.0, 3.0)[:axes])
    ours, theirs = made("Upsample", **options)
    compare_modules(d, ours, theirs, x)


@family
def normalization(d):
    n, eps = 2 * d.count(1, 3), d.of(1e-5, 1e-3, 0.1)
    kind = d.of("BatchNorm1d", "BatchNorm2d", "LayerNorm", "GroupNorm", "RMSNorm")
    affine, calls, inner = d.flag(), 1, d.of((3,), (2, 3))
    if kind.startswith("Batch"):
        ours, theirs = made(kind, n, eps, d.of(0.1, 0.7, 0.0, 1.0, None), affine)
        calls, inner = d.count(1, 3), (3, 2) if kind == "BatchNorm2d" else d.of((), (3,))
        shape = d.count(2, 4), n, *inner
    elif kind == "LayerNorm":
        shape, bias = d.of((n,), (2, n)), d.flag()
        ours = nn.LayerNorm(shape, eps, affine, bias)
        theirs = torch.nn.LayerNorm(shape, eps, elementwise_affine=affine, bias=bias)
        shape = 3, *d.of((), (2,)), *shape
    elif kind == "RMSNorm":
        shape, eps = d.of((n,), (2, n)), d.of(None, eps)
        ours = nn.RMSNorm(shape, eps, affine)
        theirs = torch.nn.RMSNorm(shape, eps, elementwise_affine=affine)
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


def _mask(d, *shape):
    """Draw a mask that leaves every query a key: booleans, True where hidden, or summands."""
    hidden = d.rng.random(shape) < 0.4
    hidden[..., 0] = False
    return hidden if d.flag() else np.where(hidden, -np.inf, d.rng.normal(size=shape))


@family
def attention(d):
    heads, n, rows, columns = d.of(1, 2, 3), d.count(1, 3), d.count(1, 5), d.count(1, 5)
    width, lead = heads * d.of(2, 4), (n,) if d.flag() else ()
    options = {"average_attn_weights": d.flag(), "need_weights": d.flag()}
    ours, theirs = made(
        "MultiheadAttention", width, heads, bias=d.flag(), torch_only={"batch_first": True}
    )
    if d.flag():
        shape = ((len(lead) and n * heads) or heads, rows, columns) if d.flag() else (rows, columns)
        options["attn_mask"] = _mask(d, *shape)
    if d.flag():
        options["key_padding_mask"] = _mask(d, *lead, columns)
    if len({options[k].dtype.kind for k in options if k.endswith("mask")}) > 1:
        options.pop("key_padding_mask")  # PyTorch wants masks of one kind
    others = [d.array(*lead, columns, width) for _ in range(2)]
    x = d.array(*lead, rows, width)
    compare_modules(d, ours, theirs, x, *others, scale=0.03, **options)


@family
def transformer_layer(d):
    heads, n, steps = d.of(1, 2, 3), d.count(1, 3), d.count(1, 5)
    width, options = heads * d.of(2, 4), {}
    ours, theirs = made(
        "TransformerEncoderLayer", width, heads, d.count(1, 9), 0.0, d.of("relu", "gelu"),
        d.of(1e-5, 1e-2), bias=d.flag(), norm_first=d.flag(), torch_only={"batch_first": True},
    )  # fmt: skip
    if d.flag():
        options["src_key_padding_mask"] = _mask(d, n, steps)
    if d.flag():
        options["src_mask"] = _mask(d, steps, steps)
    if len({m.dtype.kind for m in options.values()}) > 1:
        options.pop("src_mask")
    if not options and d.flag():
        causal = np.triu(np.ones((steps, steps), bool), 1)
        options = {"src_mask": causal, "is_causal": True}
    compare_modules(d, ours, theirs, d.array(n, steps, width), scale=0.03, **options)


@family
def dot_product_attention(d):
    lead, width = d.of((), (2,), (2, 3)), d.count(1, 4)
    rows, columns = d.count(1, 5), d.count(1, 5)
    shapes = ((rows, width), (columns, width), (columns, d.count(1, 4)))
    xs = [d.array(*lead, *shape) for shape in shapes]
    options, mask = {"scale": d.of(None, 0.3)}, None
    if d.flag():
        options["is_causal"] = True
    elif d.flag():
        mask = d.rng.random((*d.of((), lead), rows, columns)) < d.of(0.5, 0.2)  # rows of none too
        mask = mask if d.flag() else np.where(mask, d.rng.normal(size=mask.shape), -np.inf)
    a, b = [ag.tensor(x, requires_grad=True) for x in xs], [as_torch(x) for x in xs]
    theirs = None if mask is None else torch.tensor(mask)
    found = nn.scaled_dot_product_attention(*a, mask, **options)
    expected = torch.nn.functional.scaled_dot_product_attention(*b, theirs, **options)
    compare(f"attention {options}", found, expected)
    found.sum().backward()
    expected.sum().backward()
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        compare(f"gradient of input {i}", x.grad, y.grad)


@family
def activation(d):
    axis, width = d.of(-1, 0, 1), d.count(1, 4)
    ours, theirs = d.of(
        *(lambda n=n: made(n) for n in ("Sigmoid", "Tanh", "ReLU", "SiLU", "Identity",
                                        "ReLU6", "Mish", "Hardswish", "SELU")),
        lambda: made("PReLU", d.of(1, width), d.of(0.25, 0.0)),
        lambda: made("LeakyReLU", d.of(0.01, 0.3, 0.0)),
        lambda: made("ELU", d.of(1.0, 0.3, 2.0)),
        lambda: made("GELU", d.of("none", "tanh")),
        lambda: (nn.Softmax(axis), torch.nn.Softmax(axis)),
        lambda: (nn.LogSoftmax(axis), torch.nn.LogSoftmax(axis)),
        lambda: (nn.Softplus(), torch.nn.Softplus(threshold=700)),
    )()  # fmt: skip
    compare_modules(d, ours, theirs, d.array(d.count(1, 4), width))


@family
def loss(d):
    reduction = d.of("none", "sum", "mean")
    shape = d.of((5, 4), (3, 4, 2), (2, 3, 2, 2))
    x, options = d.array(*shape), {"reduction": reduction}
    name = d.of("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy", "kl_div", "nll_loss",
                "binary_cross_entropy_with_logits", "cross_entropy", "cross_entropy")  # fmt: skip
    t = d.array(*shape)
    if name == "huber_loss":
        options["delta"] = d.of(0.3, 1.0, 5.0)
    if name == "smooth_l1_loss":
        options["beta"] = d.of(0.0, 0.3, 1.0, 5.0)
    if name.startswith("binary"):
        if d.flag():
            options["weight"] = d.rng.random(d.of(shape, shape[1:], shape[-1:]))
        if name.endswith("logits") and d.flag():
            options["pos_weight"] = 3 * d.rng.random(d.of(shape, shape[1:], (1,)))
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
    theirs = {k: torch.tensor(v) if k.endswith("weight") else v for k, v in options.items()}
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
        options |= {"amsgrad": True} if d.flag() else {}
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
