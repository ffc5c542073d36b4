"""NumPy code of every kind as ONNX, indexing included: onnxruntime's results against NumPy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
import nn.onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.nn.onnx.onnx_files import Plain, check, session, w  # noqa: E402

POSITIVE = np.abs(w(3, 4)) + 0.5
IDS = np.array([2, 0, -1])
CODE = {
    "arithmetic": lambda x: (2 * x - 1) / (x * x + 3) - x**2 + 1 / (2 + abs(x)) + -x,
    "float64 constants": lambda x: x + np.arange(4.0),
    "whole numbers": lambda x: (x * 10).astype(np.int64) + np.arange(4),
    "division of whole numbers": lambda x: (x * 10).astype(int) / 3,
    "floor division": lambda x: x // 0.3 + (x * 9).astype(int) // 4 + (x * 9).astype(int) % 4,
    "remainder": lambda x: np.remainder(x * 9, -2.5) + np.fmod(x * 9, 2.5) + x % 0.7,
    "remainder of whole numbers": lambda x: np.fmod((x * 9).astype(int), 4) + np.remainder((x * 9).astype(int), -4),
    "elementwise": lambda x: np.sin(x) + np.cos(x) + np.exp(-x) + np.square(x) + np.sign(x),
    "of positive": lambda x: np.log(abs(x) + 1) + np.sqrt(abs(x)) + np.log1p(abs(x)) + np.log10(x * x + 1),
    "trigonometry": lambda x: np.tan(x / 9) + np.arctan(x) + np.arcsin(np.tanh(x)) + np.arccos(np.tanh(x)),
    "hyperbolic": lambda x: np.sinh(x) + np.cosh(x) + np.arcsinh(x) + np.arctanh(np.tanh(x) / 2),
    "other exponentials": lambda x: np.expm1(x) + np.exp2(x) + np.log2(x * x + 1) + np.cbrt(x),
    "rounding": lambda x: np.floor(x) + np.ceil(x) + np.rint(x * 3) + np.trunc(x * 3) + np.round(x),
    "two arguments": lambda x: np.maximum(x, 0.1) + np.minimum(x, x[:1]) + np.hypot(x, 2) + np.logaddexp(x, 1),
    "clip": lambda x: np.clip(x, -0.5, 0.5) + x.clip(0) + np.clip(x, None, 1),
    "where": lambda x: np.where(x > 0, x, 0.1 * x) + np.where(x <= 1, 1, x),
    "logic": lambda x: ((x > 0) & (x < 1)) | ~(x >= -1) ^ (x != 3),
    "isnan": lambda x: np.where(np.isnan(x) | np.isinf(x), 0, x) + np.isfinite(x),
    "sums": lambda x: x.sum() + x.sum(axis=1) + np.sum(x, axis=0, keepdims=True)[0, 0] + np.sum(x > 0),
    "means": lambda x: x - x.mean(axis=-1, keepdims=True) + np.mean(x) + x.mean(axis=(0, 1)),
    "extremes": lambda x: x - x.max(axis=1, keepdims=True) + np.min(x, axis=0) + np.amax(x),
    "variance": lambda x: (x - x.mean(0)) / (x.std(1, keepdims=True) + 1) + np.var(x, axis=1, ddof=1)[:, None],
    "variance of the batch": lambda x: np.var(x, axis=0) + np.std(x),
    "norm": lambda x: x / np.linalg.norm(x, axis=1, keepdims=True) + np.linalg.norm(x),
    "products": lambda x: np.prod(x, axis=1) + x.prod(axis=1),
    "any and all": lambda x: (np.any(x > 1, axis=1), (x > -9).all(), np.all(x > 0, axis=0, keepdims=True)),
    "argmax": lambda x: (np.argmax(x, axis=1), x.argmin(-1), np.argmax(x, axis=1, keepdims=True)),
    "argmax of all": lambda x: np.argmax(x),
    "cumsum": lambda x: np.cumsum(x, axis=1) + x.cumsum(-1),
    "softmax": lambda x: nn.softmax(x) + nn.log_softmax(x, axis=0),
    "softmax by hand": lambda x: np.exp(x - x.max(1, keepdims=True)) / np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True),
    "matmul": lambda x: x @ np.ones((4, 2), np.float32) + x.dot(np.ones((4, 2), np.float32)),
    "gram matrix": lambda x: x @ x.T,
    "vectors": lambda x: x @ np.arange(4, dtype=np.float32),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x) + np.einsum("ij,ij->i", x, x)[:, None],
    "tensordot": lambda x: np.tensordot(x, np.ones((4, 2), np.float32), 1),
    "outer": lambda x: np.outer(x[0], np.arange(2, dtype=np.float32)) + x.sum(),
    "reshape": lambda x: x.reshape(x.shape[0], 2, 2) + x.reshape(-1, 2, 2) + np.reshape(x, (len(x), 2, -1)),
    "reshape to one axis": lambda x: np.concatenate([x.ravel(), x.flatten(), x.reshape(2 * len(x), 2)[:, 0]]),
    "transpose": lambda x: x.T @ x + np.swapaxes(x, 0, 1) @ x + np.moveaxis(x, 0, 1) @ x + x.mT @ x,
    "axes": lambda x: x[:, None] + np.expand_dims(x, 2) + np.squeeze(x[:, :1, None], axis=2)[..., None],
    "concatenate": lambda x: np.concatenate([x, x[:, ::-1], np.zeros((len(x), 2), np.float32)], axis=1),
    "stack": lambda x: np.stack([x, x * 2], axis=1) + np.stack([x, x], 1),
    "hstack": lambda x: np.hstack([x, x]) + np.column_stack([x, x]),
    "vstack": lambda x: np.vstack([x, x * 2]),
    "split": lambda x: tuple(np.split(x, 2, axis=1)) + tuple(np.array_split(x, 3, axis=1)),
    "flip": lambda x: np.flip(x, 1) + np.flip(x) + x[::-1, ::-2][:, :1],
    "roll": lambda x: np.roll(x, 9, axis=1) + np.roll(x, (1, -1), (0, 1)),
    "roll of all": lambda x: np.roll(x[:2], 3),
    "ufunc.reduce": lambda x: np.add.reduce(x, 1) + np.maximum.reduce(x, axis=1) + np.add.reduce(x)[0],
    "round to decimals": lambda x: np.round(x, 2) + x.round(1),
    "argmax of all, kept": lambda x: np.argmax(x[:2], keepdims=True),
    "repeat": lambda x: np.repeat(x, 2, axis=1) + np.tile(x, (1, 2)),
    "pad": lambda x: np.pad(x, ((0, 0), (1, 2))) + np.pad(x, ((0, 0), (2, 1)), constant_values=3),
    "pad the batch": lambda x: np.pad(x, ((1, 0), (0, 0))),
    "broadcast": lambda x: np.broadcast_to(x[:, :1], (len(x), 4)) + x,
    "diagonals": lambda x: np.diag(x.T @ x) + np.trace(x.T @ x) + np.diagonal(x.T @ x, 1)[:1],
    "of booleans": lambda x: (np.max(x > 0, axis=1), (x > 0).min(), (x > 0) + (x < 9), (x > 0) * (x < 9)),
    "nan_to_num": lambda x: np.nan_to_num(np.where(x > 0.5, np.nan, x), nan=2) + np.nan_to_num(np.where(x > 0, np.inf, x), posinf=9),
    "compositions": lambda x: np.ptp(x, 1) + np.average(x, axis=1, weights=[1, 2, 3, 4]) + np.trapezoid(x, axis=1),
    "choices": lambda x: np.select([x > 1, x > 0], [x, x * 2], 0) + np.diff(x, axis=1)[:, :1],
    "polynomial": lambda x: np.polyval([1, 2, 3], x),
    "gradient of code": lambda x: ag.grad(lambda y: np.sum(np.tanh(y) * y))(x),
    "triangles": lambda x: np.tril(x.T @ x) + np.triu(x.T @ x, 1),
    "slices": lambda x: x[:, 1:3] + x[:, -2:] + x[..., ::2] + x[:, 3:1:-1],
    "slices of the batch": lambda x: np.concatenate([x[1:], x[:1], x[-1:], x[:-1], x[::2], x[len(x) // 9:]]),
    "numbers": lambda x: x[:, -1] + x[:, 0] + x[..., 2] + x[0, 1] + x[-1, -1],
    "places": lambda x: x[:, IDS] + np.take(x, IDS, axis=1) + x[:, [0, 1, 2]],
    "rows of a table": lambda x: ag.tensor(np.arange(8.0).reshape(4, 2))[np.argmax(x, axis=1)],
    "rows": lambda x: x[np.arange(len(x)), np.argmax(x, axis=1)],
    "rows again": lambda x: x[np.arange(len(x))[:, None], np.arange(4)[::-1]],
    "mask of columns": lambda x: x[:, np.array([True, False, True, True])],
    "along an axis": lambda x: np.take_along_axis(x, np.argmax(x, axis=1)[:, None], axis=1),
    "size of the batch": lambda x: x.sum(axis=0) / len(x) + x.shape[0] * x + 3 * len(x) - 1,
    "zeros of the batch": lambda x: x + np.zeros((len(x), 1), np.float32) + np.full((x.shape[0], 4), [1, 2, 3, 4]),
    "like": lambda x: np.zeros_like(x) + np.ones_like(x) + np.full_like(x, 2) + x,
    "ids of the batch": lambda x: x + np.arange(len(x))[:, None],
    "augmented": lambda x: _augmented(x),
    "out=": lambda x: _written(x),
    "out= of a narrower dtype": lambda x: _written(x, np.float64(0.1) * np.arange(4)),
    "out= of a larger shape": lambda x: np.add(x[:, :1], 1, out=x * 2),
    "part of an array written": lambda x: _scaled_part(x),
    "a constant that changes": lambda x: _used_twice(x),
    "constant": lambda x: (x, np.arange(3.0), 2.0),
    "twice": lambda x: (x, x, (x + 1, [x * 2])),
    "detached": lambda x: ag.tensor(x).detach() * 2 + nn.relu(ag.tensor(x)).detach().numpy(),
    "functions": lambda x: nn.relu(x) + nn.gelu(x) + nn.silu(x) + nn.elu(x) + nn.leaky_relu(x) + nn.softplus(x) + nn.sigmoid(x),
}  # fmt: skip


def _augmented(x):
    y = x + 0
    y += 1
    y *= x
    y -= 2
    y /= 3
    return y


def _written(x, added=1):
    y = x * 2
    np.add(y, added, out=y)
    return y


def _scaled_part(x):
    left, right = np.split(x * 2, 2, axis=1)
    left *= 3
    return left @ right.T


def _used_twice(x):
    scale = np.ones(4, np.float32)
    y = x * scale
    scale[0] = 5
    return y * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CODE)
def test_plain_numpy(tmp_path, name, dtype):
    model = Plain(lambda self, x: CODE[name](x))
    check(tmp_path, model, w(3, 4, dtype=dtype))


def test_small_numbers_keep_their_digits(tmp_path):
    x = np.array([[-1e-9, 0, 1e-12, 0.3], [1e-4, -0.5, 3, 80], [0, -80, -0.9, 1e-7]])
    ratio = Plain(lambda self, x: np.expm1(x) / (x + (x == 0)) + np.log1p(abs(x)) / (x + (x == 0)))
    nn.onnx.export(ratio, x, tmp_path / "m.onnx")
    (found,) = session(tmp_path / "m.onnx").run(None, {"input_0": x})
    assert found == pytest.approx(ratio(x), rel=1e-13)
    large = Plain(lambda self, x: np.hypot(x * 1e200, x * 1e199) + np.logaddexp(x * 9, 700 * x))
    nn.onnx.export(large, x, tmp_path / "m.onnx")
    (found,) = session(tmp_path / "m.onnx").run(None, {"input_0": x})
    assert found == pytest.approx(large(x), rel=1e-13)


def test_images_by_functions(tmp_path):
    def run(self, x):
        y = nn.max_pool2d(nn.conv(x, self.weight, padding=1), 2)
        y = nn.conv_transpose(nn.avg_pool2d(y, 2), self.weight, stride=2)
        return nn.adaptive_avg_pool2d(y, 2)

    check(tmp_path, Plain(run, weight=nn.Parameter(w(4, 4, 3, 3))), w(2, 4, 9, 8))


def test_parameters_of_plain_code(tmp_path):
    def run(self, x):
        y = (self.scale * x + self.shift["b"]) @ self.layers[0].T
        return nn.softmax(self.scale[:3] * y + self.layers[0].sum(axis=1) * self.offset)

    parts = {
        "scale": nn.Parameter(w(4)),
        "shift": {"b": nn.Parameter(w(4))},
        "offset": ag.tensor(w(3)),
    }
    model = Plain(run, layers=[nn.Parameter(w(3, 4))], **parts)
    model.eval()
    before = {k: id(v) for k, v in vars(model).items()}
    nn.onnx.export(model, w(2, 4), tmp_path / "model.onnx")
    assert {k: id(v) for k, v in vars(model).items()} == before
    names = {c.name for c in onnx.load(tmp_path / "model.onnx").graph.initializer}
    assert {"scale", "shift.b"} <= names
    check(tmp_path, model, w(2, 4))


def test_attention(tmp_path):
    def run(self, x):
        n, t, d = x.shape
        q, k, v = np.split(self.project(x), 3, axis=-1)
        q, k, v = (a.reshape(n, t, 2, d // 2).transpose(0, 2, 1, 3) for a in (q, k, v))
        scores = q @ k.swapaxes(-1, -2) / np.sqrt(d // 2)
        scores = np.where(np.tri(t, dtype=bool), scores, -1e9)
        mixed = (nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(n, t, d)
        return self.norm(x + mixed)

    model = Plain(run, project=nn.Linear(6, 18, rng=0), norm=nn.LayerNorm(6))
    check(tmp_path, model, w(2, 5, 6).astype(np.float32))


def test_own_primitive_is_followed(tmp_path):
    @ag.primitive
    def cube(x):
        return x * x * x

    check(tmp_path, Plain(lambda self, x: cube(x)), w(2, 3))


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.data(),
    st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=40, deadline=None)
def test_indices(tmp_path_factory, shape, data, dtype):
    x = w(3, *shape, dtype=dtype)
    parts = [slice(None)]
    for n in shape:
        bound = st.one_of(st.none(), st.integers(-n - 1, n + 1))
        step = st.sampled_from([None, 1, 2, -1, -2])
        place = st.one_of(st.integers(-n, n - 1), st.builds(slice, bound, bound, step))
        parts.append(data.draw(place))
        if data.draw(st.booleans()):
            parts.append(None)
    index = tuple(parts)
    check(tmp_path_factory.mktemp("i"), Plain(lambda self, x: x[index] * 2), x, sizes=(1, 4))
