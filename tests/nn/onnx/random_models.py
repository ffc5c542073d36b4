"""Random models as ONNX: ``python -m tests.nn.onnx.random_models 400``.

Each is a chain of layers and NumPy code.  It is exported and run by onnxruntime for other inputs
and sizes of the batch; the outcome is ``equal``, ``refused`` by an ExportError, ``invalid`` (the
model itself fails), or ``wrong``, which is printed with its seed.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

import autograd_core as ag
import nn
import nn.onnx
from tests.nn.onnx.onnx_files import flat, session


def _written(x):
    y = x * 2
    np.add(y, 1, out=y)
    y -= x
    return y


def _assigned(x):
    y = x * 2
    y[:, 0] = 0
    return y


def _with_window(x, window):
    return x[..., :, None] * window(x[..., None, :])


#: Code that keeps or changes the shape; ``d`` draws an axis, a number, places, a constant.
CODE = {
    "constant": lambda x, d: x * d.constant + 1,
    "smooth": lambda x, d: np.sin(x) + np.exp(-abs(x)) + np.sqrt(x * x + 1) / (1 + x**2),
    "accurate": lambda x, d: np.log1p(abs(x)) + np.expm1(np.minimum(x, 1)) + np.cbrt(x),
    "two arguments": lambda x, d: np.logaddexp(x, 1) + np.hypot(x, 2) + np.abs(x) ** 1.5,
    "rounding": lambda x, d: np.round(x * 3) + x // 0.3 + x % 0.7,
    "choices": lambda x, d: np.where(x > 0, x, 0.1 * x) + np.clip(x, -0.5, 0.7),
    "select": lambda x, d: np.select([x > 1, x > 0], [x, x * 2], 0),
    "nan": lambda x, d: np.nan_to_num(np.where(x > 0.5, np.nan, x), nan=2.0),
    "centred": lambda x, d: x - x.mean(d.axis, keepdims=True) + x.max(d.axis, keepdims=True),
    "scaled": lambda x, d: x / (x.std(d.axis, keepdims=True) + 1) + np.ptp(x, d.axis, keepdims=True),
    "normed": lambda x, d: x / (1 + np.linalg.norm(x, axis=d.axis, keepdims=True)),
    "sum": lambda x, d: x.sum(axis=d.axis),
    "variance": lambda x, d: np.var(x, axis=d.axis),
    "product": lambda x, d: x.prod(d.axis),
    "any": lambda x, d: x * np.any(x > 0.5, axis=d.axis, keepdims=True),
    "argmax": lambda x, d: np.argmax(x, axis=d.axis, keepdims=True).astype(x.dtype) + x,
    "cumsum": lambda x, d: np.cumsum(x, axis=d.axis),
    "difference": lambda x, d: np.diff(x, axis=d.axis),
    "softmax": lambda x, d: nn.softmax(x, axis=d.axis) + nn.log_softmax(x),
    "flip": lambda x, d: np.flip(x, d.axis),
    "roll": lambda x, d: np.roll(x, d.number, axis=d.axis),
    "roll of all": lambda x, d: np.roll(x, d.number),
    "roll of the batch": lambda x, d: np.roll(x, d.number, 0),
    "take": lambda x, d: np.take(x, d.places, axis=d.axis),
    "places": lambda x, d: x[(slice(None),) * d.axis + (d.places,)],
    "slice": lambda x, d: x[(slice(None),) * d.axis + (slice(None, None, d.number or 1),)],
    "mask": lambda x, d: x[:, np.arange(x.shape[1]) % 2 == 0],
    "along an axis": lambda x, d: np.take_along_axis(
        x, np.argmax(x, axis=d.axis, keepdims=True), axis=d.axis
    ),
    "rows": lambda x, d: x[np.arange(len(x))],
    "concatenate": lambda x, d: np.concatenate([x, x * 2], axis=d.axis),
    "stack": lambda x, d: np.stack([x, x + 1], axis=d.axis).sum(d.axis),
    "split": lambda x, d: np.concatenate(np.array_split(x, 2, axis=d.axis)[::-1], axis=d.axis),
    "repeat": lambda x, d: np.repeat(x, 2, axis=d.axis) + np.tile(x, (1,) * (x.ndim - 1) + (2,))[:0],
    "pad": lambda x, d: np.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 2)], constant_values=0.5),
    "reshape": lambda x, d: x.reshape(len(x), -1),
    "transpose": lambda x, d: np.moveaxis(x, -1, 1) * 2,
    "broadcast": lambda x, d: np.broadcast_to(x[..., :1], x.shape) + np.squeeze(x[:, None], 1),
    "triangle": lambda x, d: _with_window(x, np.tril),
    "matmul": lambda x, d: np.matmul(x, np.ones((x.shape[-1], 2), x.dtype)),
    "einsum": lambda x, d: np.einsum("...i,...i->...", x, x)[..., None] + x,
    "attention": lambda x, d: nn.softmax(x[..., None] @ x[..., None, :]) @ x[..., None],
    "zeros": lambda x, d: x + np.zeros((len(x), *x.shape[1:]), x.dtype),
    "range": lambda x, d: x + np.arange(len(x), dtype=x.dtype).reshape(-1, *(1,) * (x.ndim - 1)),
    "of the batch": lambda x, d: x - x.mean(0) + x.sum(0, keepdims=True) / len(x),
    "written": lambda x, d: _written(x),
    "casts": lambda x, d: (x * 10).astype(int) / 3 * x.dtype.type(1),
}  # fmt: skip
REFUSED = {
    "sort": lambda x, d: np.sort(x, axis=d.axis),
    "assignment": lambda x, d: _assigned(x),
    "branch": lambda x, d: x if x.sum() > 0 else -x,
    "number": lambda x, d: x * float(x[0].ravel()[0]),
    "size": lambda x, d: x * (1 / len(x)),
}


class Draw:
    """Random choices for one function of an array of this shape, without the batch."""

    def __init__(self, rng, shape, dtype):
        self.axis = int(rng.integers(1, len(shape) + 1))
        self.number = int(rng.integers(-3, 4))
        n = shape[self.axis - 1]
        self.places = rng.integers(-n, n, 3)
        self.constant = rng.normal(size=shape[-1:]).astype(dtype)


def _layers(rng, shape):
    """Return the layers that take an array of this shape, without the batch."""
    c, last, width = shape[0], shape[-1], int(rng.integers(1, 5))
    flags = {name: bool(rng.random() < 0.5) for name in ("bias", "affine", "bidirectional")}
    groups = int(rng.choice([g for g in range(1, 6) if c % g == 0]))
    found = [
        nn.Linear(last, width, bias=flags["bias"], rng=rng), nn.LayerNorm(last, affine=flags["affine"]),
        nn.LayerNorm(shape), nn.GroupNorm(groups, c, affine=flags["affine"]), nn.ReLU(), nn.Tanh(),
        nn.Sigmoid(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ELU(0.7), nn.LeakyReLU(0.1),
        nn.Softplus(), nn.Softmax(-1), nn.LogSoftmax(), nn.Dropout(0.3), nn.Flatten(),
    ]  # fmt: skip
    if len(shape) < 3:
        found += [nn.BatchNorm1d(c, affine=flags["affine"])]
    if len(shape) == 2:
        kind = (nn.RNN, nn.LSTM, nn.GRU)[rng.integers(3)]
        found += [kind(last, width, 2, bidirectional=flags["bidirectional"], rng=rng)] * 3
        found += [nn.Conv1d(c, width, 2, padding=1, rng=rng)]
    if len(shape) == 3:
        size, stride, padding = (int(n) for n in rng.integers((1, 1, 0), (4, 3, 2)))
        options = {"groups": groups, "bias": flags["bias"], "rng": rng}
        found += [
            nn.Conv2d(c, width * groups, size, stride, padding, **options),
            nn.ConvTranspose2d(c, width * groups, size, stride, **options),
            nn.MaxPool2d(2, padding=padding), nn.AvgPool2d(2, 1, padding), nn.BatchNorm2d(c),
            nn.GlobalAvgPool(), nn.AdaptiveAvgPool2d(width),
        ]  # fmt: skip
    return found


class RandomModel(nn.Module):
    """A chain of up to six layers and functions."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        dtype = np.float32 if rng.random() < 0.7 else np.float64
        shape = tuple(int(n) for n in rng.integers(2, 7, rng.integers(1, 4)))
        self.example = rng.normal(size=(int(rng.integers(2, 4)), *shape)).astype(dtype)
        self.names, self.parts = [], []
        if rng.random() < 0.2:
            self.example = rng.integers(0, 9, self.example.shape[:2])
            self.parts.append(nn.Embedding(9, 3, rng=rng))
        for _ in range(rng.integers(1, 7)):
            self.to(dtype)
            shape = self.result(self.example)[0].shape[1:]
            layers = _layers(rng, shape) if rng.random() < 0.5 else []
            code = CODE | (REFUSED if rng.random() < 0.06 else {})
            name = str(rng.choice(list(code)))
            draw, layer = Draw(rng, shape, dtype), layers and layers[rng.integers(len(layers))]
            self.parts.append(layer or (lambda x, f=code[name], d=draw: f(x, d)))
            self.names.append(repr(layer) if layer else name)
        self.to(dtype)

    def forward(self, x):
        for part in self.parts:
            x = part(x)
            x = x[0] if isinstance(x, tuple) else x
        return x

    def result(self, x):
        with nn.evaluating(self), ag.no_grad():
            return flat(self(x))


def outcome(seed, path):
    """Return what became of a model, and a sentence about it."""
    try:
        model = RandomModel(seed)
        model.result(model.example)
    except Exception as error:
        return "invalid", str(error)
    try:
        nn.onnx.export(model, model.example, path)
    except nn.onnx.ExportError as error:
        return "refused", f"{model.names}: {error}"
    run, rng = session(path), np.random.default_rng(seed)
    for size in (1, 3, 7):
        x = np.take(model.example, rng.integers(0, len(model.example), size), 0)
        if x.dtype.kind == "f":
            x = (x + 0.3 * rng.normal(size=x.shape)).astype(x.dtype)
        (expected,), (found,) = model.result(x), run.run(None, {run.get_inputs()[0].name: x})
        scale = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
        same = found.shape == expected.shape and found.dtype == expected.dtype
        if not same or not np.allclose(found, expected, 1e-4, 1e-4 * scale, equal_nan=True):
            return "wrong", f"{model.names}: {size} examples, shape {x.shape}"
    return "equal", ""


def main():
    """Print the tally of as many models as the argument says, and those that are not equal."""
    tally = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(int(sys.argv[1]) if sys.argv[1:] else 400):
            kind, sentence = outcome(seed, Path(folder) / "model.onnx")
            tally[kind] += 1
            if kind not in ("equal", "invalid"):
                print(seed, kind, sentence)
    print(dict(tally))
    sys.exit(tally["wrong"] > 0)


if __name__ == "__main__":
    main()
