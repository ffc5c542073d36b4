"""Every layer and activation as ONNX: onnxruntime's results against the layer's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nn
import nn.onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.nn.onnx.onnx_files import RNG, Plain, check, w  # noqa: E402

KINDS = ["RNN", "LSTM", "GRU"]
IMAGE = w(2, 4, 9, 8)
LAYERS = {
    "conv1d": (nn.Conv1d(3, 4, 3, stride=2, padding=1, rng=0), w(2, 3, 11)),
    "conv1d same, even": (nn.Conv1d(3, 4, 4, padding="same", rng=0), w(2, 3, 11)),
    "conv1d same, dilated": (nn.Conv1d(3, 4, 3, padding="same", dilation=3, rng=0), w(2, 3, 11)),
    "conv2d": (nn.Conv2d(4, 6, 3, rng=0), IMAGE),
    "conv2d pairs": (nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), (1, 3), rng=0), IMAGE),
    "conv2d same": (nn.Conv2d(4, 6, (4, 3), padding="same", rng=0), IMAGE),
    "conv2d valid": (nn.Conv2d(4, 6, 3, padding="valid", rng=0), IMAGE),
    "conv2d groups": (nn.Conv2d(4, 6, 3, groups=2, bias=False, rng=0), IMAGE),
    "conv2d depthwise": (nn.Conv2d(4, 8, 3, groups=4, padding=1, rng=0), IMAGE),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, rng=0), IMAGE),
    "transposed, all": (
        nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 0), 2, dilation=(1, 2), rng=0),
        IMAGE,
    ),
    "max pool": (nn.MaxPool2d(2), IMAGE),
    "max pool, padded": (nn.MaxPool2d((3, 2), (2, 1), (1, 0)), IMAGE),
    "max pool, dilated": (nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True), IMAGE),
    "max pool of sequences": (nn.MaxPool1d(3, 2), w(2, 3, 11)),
    "mean pool of sequences": (nn.AvgPool1d(3, 2, 1, True), w(2, 3, 11)),
    "mean pool without padding": (nn.AvgPool2d(3, 2, 1, True, False), IMAGE),
    "adaptive maximum": (nn.AdaptiveMaxPool2d((3, 5)), IMAGE),
    "adaptive maximum of sequences": (nn.AdaptiveMaxPool1d(4), w(2, 3, 11)),
    "adaptive mean of sequences": (nn.AdaptiveAvgPool1d(4), w(2, 3, 11)),
    "nearest": (nn.Upsample(scale_factor=2), IMAGE),
    "bilinear": (nn.Upsample((5, 11), mode="bilinear"), IMAGE),
    "root mean square": (nn.RMSNorm(8), IMAGE),
    "layer norm without bias": (nn.LayerNorm(8, bias=False), IMAGE),
    "trained slopes": (nn.PReLU(4), IMAGE),
    "attention": (nn.MultiheadAttention(8, 2, rng=0), w(3, 5, 8)),
    "transformer": (nn.TransformerEncoderLayer(8, 2, 16, rng=0), w(3, 5, 8)),
    "mean pool": (nn.AvgPool2d(2), IMAGE),
    "mean pool, padded": (nn.AvgPool2d((2, 3), 1, 1), IMAGE),
    "adaptive": (nn.AdaptiveAvgPool2d((3, 5)), IMAGE),
    "adaptive to one": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "global": (nn.GlobalAvgPool(), IMAGE),
    "flatten": (nn.Flatten(), IMAGE),
    "flatten from 2": (nn.Flatten(2), IMAGE),
    "flatten from 0": (nn.Flatten(0), IMAGE),
    "layer norm": (nn.LayerNorm(8), IMAGE),
    "layer norm of two axes": (nn.LayerNorm((9, 8)), IMAGE),
    "layer norm, plain": (nn.LayerNorm(8, affine=False), IMAGE),
    "group norm": (nn.GroupNorm(2, 4), IMAGE),
    "group norm, plain": (nn.GroupNorm(4, 4, affine=False), IMAGE),
    "group norm of vectors": (nn.GroupNorm(2, 4), w(3, 4)),
    "batch norm of vectors": (nn.BatchNorm1d(4), w(3, 4)),
    "batch norm of sequences": (nn.BatchNorm1d(4), w(3, 4, 5)),
    "batch norm of images": (nn.BatchNorm2d(4), IMAGE),
    "batch norm, plain": (nn.BatchNorm2d(4, affine=False, eps=1e-2), IMAGE),
    "dropout": (nn.Sequential(nn.Dropout(0.5), nn.Dropout2d(0.5), nn.ReLU()), IMAGE),
    "identity": (nn.Identity(), IMAGE),
}
for _layer, _ in LAYERS.values():  # numbers that are not 0 and 1
    for _module in (m for _, m in _layer.named_modules()):
        for _p in _module.parameters():
            _p.data = _p.data + w(*_p.shape) * 0.3
        if "running_mean" in _module.buffers:
            _module.running_mean += w(*_module.running_mean.shape)
            _module.running_var *= RNG.uniform(0.5, 2, _module.running_var.shape).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_layer(tmp_path, name, dtype):
    layer, x = LAYERS[name]
    try:
        check(tmp_path, layer.to(dtype), x.astype(dtype))
    finally:
        layer.to(np.float32)


def test_norms_take_one_operator(tmp_path):
    for name, kind in (
        ("layer norm", "LayerNormalization"),
        ("batch norm of images", "BatchNormalization"),
    ):
        assert check(tmp_path, *LAYERS[name]) == [kind]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layer", [
    nn.Identity(), nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.GELU(),
    nn.GELU("tanh"), nn.SiLU(), nn.Softplus(), nn.Softmax(1), nn.LogSoftmax(), nn.Softmax(0),
    nn.ReLU6(), nn.Hardswish(), nn.Mish(), nn.SELU(),
], ids=repr)  # fmt: skip
def test_activation(tmp_path, layer, dtype):
    check(tmp_path, layer, w(3, 4, 5, dtype=dtype) * 5)


def test_activations_of_float64_keep_its_digits(tmp_path):
    exact = nn.Sequential(nn.ELU(0.7), nn.Softplus(), nn.LeakyReLU(0.3), nn.SiLU(), nn.LogSoftmax())
    check(tmp_path, exact, w(3, 5, dtype=np.float64) * 5, tol=1e-13)
    model = nn.mlp([4, 8, 3], activation="gelu", output="sigmoid", rng=0, dtype=float)
    check(tmp_path, nn.mlp([4, 8, 3], rng=0, dtype=float), w(3, 4, dtype=float), tol=1e-13)
    check(tmp_path, model, w(3, 4, dtype=float), tol=1e-6)


def test_every_layer_is_here():
    """A new module must be exported, or named here."""
    tested = {type(m).__name__ for layer, _ in LAYERS.values() for _, m in layer.named_modules()}
    tested |= {"Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus", "Softmax"}
    tested |= {"ReLU6", "Hardswish", "Mish", "SELU"}
    tested |= {
        "LogSoftmax",
        "Linear",
        "Sequential",
        "Embedding",
        *KINDS,
        *(k + "Cell" for k in KINDS),
    }
    classes = {n for n, c in vars(nn).items() if isinstance(c, type) and issubclass(c, nn.Module)}
    assert classes - tested == {"Module"}


# -- recurrent ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, True), (2, False)])
def test_recurrent(tmp_path, kind, layers, both):
    made = check(tmp_path, getattr(nn, kind)(3, 5, layers, bidirectional=both, rng=0), w(2, 6, 3))
    assert made.count(kind) == layers


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recurrent_with_state_and_lengths(tmp_path, kind, dtype):
    layer = getattr(nn, kind)(3, 5, 2, bidirectional=True, rng=0, dtype=dtype)
    state = w(4, 3, 5, dtype=dtype)
    state = (state, w(4, 3, 5, dtype=dtype)) if kind == "LSTM" else state
    axes = (0, 1, 1, 0) if kind == "LSTM" else (0, 1, 0)
    example = (w(3, 6, 3, dtype=dtype), state, np.array([6, 2, 1]))
    check(tmp_path, layer, example, axes)
    names = [i.name for i in onnx.load(tmp_path / "model.onnx").graph.input]
    assert names == ["x", *(["state_0", "state_1"] if kind == "LSTM" else ["state"]), "lengths"]


@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_within_a_network(tmp_path, kind):
    def last(self, x):
        n = x.shape[0]
        zero = np.zeros((1, n, 5), np.float32)
        y, _ = self.rnn(x, (zero, zero + 1) if kind == "LSTM" else zero + 1)
        return self.head(y[:, -1])

    model = Plain(last, rnn=getattr(nn, kind)(3, 5, rng=0), head=nn.Linear(5, 2, rng=1))
    check(tmp_path, model, w(2, 6, 3))


@pytest.mark.parametrize("options", [{"bias": False}, {"bias": False, "bidirectional": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_recurrent_without_bias(tmp_path, kind, options):
    check(tmp_path, getattr(nn, kind)(3, 5, rng=0, **options), w(2, 6, 3))


def test_recurrent_of_relu_and_constant_lengths(tmp_path):
    layer = nn.RNN(3, 5, 2, nonlinearity="relu", bidirectional=True, dropout=0.5, rng=0)
    check(tmp_path, layer, w(2, 6, 3))
    fixed = Plain(lambda self, x: self.gru(x, lengths=[2, 4])[0], gru=nn.GRU(3, 5, rng=0))
    check(tmp_path, fixed, w(2, 6, 3), axes=False)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_in_a_loop(tmp_path, kind):
    def run(self, x):
        state = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
        return state

    check(tmp_path, Plain(run, cell=getattr(nn, kind + "Cell")(3, 5, rng=0)), w(2, 4, 3))


def test_embedding(tmp_path):
    def classify(self, ids):
        return self.head(np.mean(self.table(ids), axis=1))

    model = Plain(
        classify, table=nn.Embedding(7, 4, padding_idx=2, rng=0), head=nn.Linear(4, 2, rng=1)
    )
    assert "Gather" in check(tmp_path, model, RNG.integers(0, 7, (3, 5)))
    check(tmp_path, model, RNG.integers(0, 7, (3, 5)).astype(np.int32))


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.data())
@settings(max_examples=30, deadline=None)
def test_convolutions(tmp_path_factory, size, stride, padding, dilation, data):
    groups = data.draw(st.sampled_from([1, 2]))
    options = {"stride": stride, "dilation": dilation, "groups": groups, "rng": 0}
    x, folder = w(2, 4, 7, 8), tmp_path_factory.mktemp("c")
    check(folder, nn.Conv2d(4, 6, size, padding=padding, **options), x, sizes=(3,))
    more = data.draw(st.integers(0, max(stride, dilation) - 1))
    back = nn.ConvTranspose2d(4, 6, size, padding=min(padding, 1), output_padding=more, **options)
    if more < stride:  # onnxruntime takes no more
        check(folder, back, x, sizes=(3,))
