"""nn.onnx.export: networks, options, refusals, translations of one's own, missing packages."""

import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
import nn.onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.nn.onnx.onnx_files import Plain, check, session, w  # noqa: E402

# -- networks -------------------------------------------------------------------------------------


def test_mlp(tmp_path):
    model = nn.mlp([4, 8, 3], activation="relu", output=None, rng=0)
    assert check(tmp_path, model, w(5, 4)) == ["Gemm", "Relu", "Gemm"]
    file = onnx.load(tmp_path / "model.onnx")
    assert sorted(c.name for c in file.graph.initializer) == sorted(model.state_dict())
    assert [n.name for n in file.graph.node] == ["0.Gemm_0", "1.Relu_1", "2.Gemm_2"]
    assert [i.name for i in file.graph.input] == ["x"]
    assert [o.name for o in file.graph.output] == ["output"]
    (batch, features) = file.graph.input[0].type.tensor_type.shape.dim
    assert (batch.dim_param, features.dim_value) == ("batch", 4)


def test_lenet5(tmp_path):
    made = check(tmp_path, nn.models.lenet5(rng=0), w(2, 1, 28, 28))
    first = ["Conv", "Tanh", "AveragePool"] * 2
    assert made == [*first, "Flatten", "Gemm", "Tanh", "Gemm", "Tanh", "Gemm"]


def test_more_axes(tmp_path):
    assert check(tmp_path, nn.Linear(4, 3, rng=0), w(5, 2, 4)) == ["MatMul", "Add"]
    assert check(tmp_path, nn.Linear(4, 3, bias=False, rng=0), w(5, 2, 4)) == ["MatMul"]
    assert check(tmp_path, nn.Linear(4, 3, bias=False, rng=0), w(5, 4)) == ["Gemm"]


class Block(nn.Module):
    def __init__(self, width, rng):
        self.first = nn.Linear(width, width, rng=rng)
        self.second = nn.Linear(width, width, rng=rng)

    def forward(self, x):
        return nn.relu(x + self.second(np.tanh(self.first(x))))


def test_residual_network(tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(4, 6, rng=rng), Block(6, rng), Block(6, rng), nn.Softmax())
    made = check(tmp_path, model, w(5, 4))
    assert made == ["Gemm", *["Gemm", "Tanh", "Gemm", "Add", "Relu"] * 2, "Softmax"]
    file = onnx.load(tmp_path / "model.onnx")
    assert [n.name for n in file.graph.node][4] == "1.Add_4"


def test_residual_convolutions_in_place(tmp_path):
    class Residual(nn.Module):
        def __init__(self):
            self.conv = nn.Conv2d(2, 2, 3, padding=1, rng=0)
            self.norm = nn.BatchNorm2d(2)

        def forward(self, x):
            y = nn.relu(self.norm(self.conv(x)))
            kept = y
            y += x
            return y * kept  # the same Tensor: the augmented assignment rebinds it

    check(tmp_path, Residual(), w(3, 2, 6, 5))


def test_tied_weights_are_written_once(tmp_path):
    layer = nn.Linear(4, 4, rng=0)
    check(tmp_path, nn.Sequential(layer, nn.Tanh(), layer), w(3, 4))
    assert len(onnx.load(tmp_path / "model.onnx").graph.initializer) == 2


# -- options and errors ---------------------------------------------------------------------------


def export(tmp_path, f, x, **options):
    model = f if isinstance(f, nn.Module) else Plain(lambda self, *a: f(*a))
    path = tmp_path / "refused.onnx"
    try:
        nn.onnx.export(model, x, path, **options)
    finally:
        assert list(tmp_path.iterdir()) in ([], [path])
    return path


def test_names(tmp_path):
    options = {"input_names": ["image", "mask"], "output_names": ["a", "b"]}
    path = export(tmp_path, lambda x, y: (x + y, x * y), (w(2, 3), w(2, 3)), **options)
    file = onnx.load(path)
    assert [i.name for i in file.graph.input] == ["image", "mask"]
    assert [o.name for o in file.graph.output] == ["a", "b"]
    model = Plain(lambda self, x, y: (x + y, x * y))
    for wrong in ({"input_names": ["x"]}, {"output_names": ["a"]}, {"input_names": ["a", "a"]}):
        with pytest.raises(nn.onnx.ExportError, match="names"):
            nn.onnx.export(model, (w(2, 3), w(2, 3)), tmp_path / "n.onnx", **wrong)
    assert not (tmp_path / "n.onnx").exists()


def test_a_fixed_batch(tmp_path):
    check(tmp_path, Plain(lambda self, x: x.sum(0) * (1 / len(x))), w(2, 3), axes=False)
    shape = onnx.load(tmp_path / "model.onnx").graph.input[0].type.tensor_type.shape
    assert [d.dim_value for d in shape.dim] == [2, 3]


def test_an_input_without_batch(tmp_path):
    model = Plain(lambda self, x, table: np.concatenate([x, table[:1] + 0 * x], 1))
    check(tmp_path, model, (w(2, 3), w(5, 3)), axes=(0, None))


@pytest.mark.parametrize(("f", "match"), [
    (lambda x: x if x.sum() > 0 else -x, "bool"),
    (lambda x: x * float(x.sum()), "float"),
    (lambda x: x * x.max().item(), "item"),
    (lambda x: x + np.asarray(x), "conversion"),
    (lambda x: x[x > 0], "mask"),
    (lambda x: np.eye(3)[x.argmax(1)], "input"),
    (lambda x: np.sort(x), r"np.argsort of \(2, 3\) float32, in np.sort,"),
    (lambda x: np.argsort(x), r"np.argsort of \(\d, 3\) float32"),
    (lambda x: np.fft.fft(x).real, "np.fft.fft of"),
    (lambda x: np.sum(x, axis=1, where=[True, False, True]), "where"),
    (lambda x: np.add.accumulate(x), "accumulate"),
    (lambda x: np.add(x, 1, out=np.zeros(x.shape, np.float32)), "out="),
    (lambda x: x.nonsense(), "nonsense"),
    (lambda x: x[:, None][:, 0, np.array([0])], "index"),
    (lambda x: _assigned(x), "assignment"),
    (lambda x: _read_after_a_write(x), "through a view"),
    (lambda x: {"a": x}, "dict"),
    (lambda x: np.linalg.norm(x, 1), "norm"),
    (lambda x: np.linalg.inv(x.T @ x), "np.linalg.inv of"),
    (lambda x: x.sum(0) * (1 / len(x)), "size of the batch"),
    (lambda x: sum((r * 2 for r in x), 0 * x[0]), "dynamic_batch=False"),
    (lambda x: np.squeeze(x[:, 0]), "Reshape|axes|batch"),
    (lambda x: x * np.random.default_rng().normal(), "batch"),
    (lambda x: np.arange(len(x)) ** 2 * x[:, 0], "size of the batch"),
])  # fmt: skip
def test_refused(tmp_path, f, match):
    with pytest.raises(nn.onnx.ExportError, match=match):
        export(tmp_path, f, w(2, 3))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("f", [
    lambda x: np.exp(x) if len(x) > 2 else np.sin(x),
    lambda x: np.exp(x) if len(x) > 2 else x,
    lambda x: x.sum(axis=0 if len(x) > 2 else 1, keepdims=True),
    lambda x: x * np.full((len(x), 1), len(x) ** 2, np.float32),
    lambda x: x * np.float32(len(x) ** 2),
    lambda x: x.reshape(1, -1) if len(x) > 1 else x.reshape(3, 1),
    lambda x: np.squeeze(x),
    lambda x: tuple(x for _ in range(len(x))),
    lambda x: (x, np.zeros((1,) * len(x))),
])  # fmt: skip
def test_what_depends_on_the_batch_is_refused_without_the_check(tmp_path, f):
    with pytest.raises(nn.onnx.ExportError, match="batch"):
        export(tmp_path, f, w(2, 3), check=False)


def test_only_what_the_outputs_need_is_written(tmp_path):
    model = Plain(lambda self, x: (x @ self.weight, x * 2)[1], weight=nn.Parameter(w(3, 3)))
    assert check(tmp_path, model, w(2, 3)) == ["Mul"]
    assert [c.name for c in onnx.load(tmp_path / "model.onnx").graph.initializer] == ["constant"]


def _read_after_a_write(x):
    y = x * 2
    first = y[:1]
    y += 1
    return y + first


def _assigned(x):
    y = x * 2
    y[:, 0] = 0
    return y


def test_random_numbers_are_refused_with_a_fixed_batch(tmp_path):
    rng = np.random.default_rng(0)
    with pytest.raises(nn.onnx.ExportError, match="random"):
        export(tmp_path, lambda x: x + rng.normal(size=3), w(2, 3), dynamic_batch=False)


def test_branches_by_the_size_of_the_batch_are_found_by_the_check(tmp_path):
    with pytest.raises(nn.onnx.ExportError, match="differ by"):
        export(tmp_path, lambda x: x * 2 if len(x) > 5 else x, w(8, 3))
    assert not list(tmp_path.iterdir())


def test_what_a_translation_leaves_out_is_named(tmp_path):
    class Sorting(nn.Module):
        def forward(self, x):
            return np.sort(x)

    nn.onnx.translation(Sorting)(lambda graph, module, x: None)
    with pytest.raises(
        nn.onnx.ExportError, match=r"np.argsort of .* in Sorting, is not translated"
    ):
        export(tmp_path, Sorting(), w(2, 3))


def test_a_wrong_translation_is_found_by_the_check(tmp_path):
    class Odd(nn.Module):
        def forward(self, x):
            return x * 3

    nn.onnx.translation(Odd)(lambda graph, module, x: graph.op("Mul", x, np.float32(2)))
    with pytest.raises(nn.onnx.ExportError, match=r"output 0 .* differ by 0.33"):
        export(tmp_path, Odd(), w(2, 3))
    assert not list(tmp_path.iterdir())
    export(tmp_path, Odd(), w(2, 3), check=False)
    nn.onnx.translation(Odd)(lambda graph, module, x: graph.op("Mul", x, np.float64(3)))
    with pytest.raises(nn.onnx.ExportError, match="onnx refuses"):
        export(tmp_path, Odd(), w(2, 3))


def test_own_translations(tmp_path):
    class Sorted(nn.Module):
        def __init__(self, k):
            self.k = k

        def forward(self, x):
            return -np.sort(-x, axis=1)[:, : self.k], np.argsort(-x, axis=1)[:, : self.k]

    class More(Sorted):
        def forward(self, x):
            return x

    class Narrow(Sorted):
        def describe(self):
            return "narrow"

    @nn.onnx.translation(Sorted)
    def _(graph, module, x):
        return graph.op("TopK", x, np.array([module.k]), outputs=2, axis=1)

    assert check(tmp_path, Sorted(2), w(3, 5)) == ["TopK"]
    assert check(tmp_path, Narrow(2), w(3, 5)) == ["TopK"]
    assert check(tmp_path, More(2), w(3, 5)) == ["Identity"]

    @ag.primitive
    def twice(x):
        return np.fft.ifft(np.fft.fft(x)).real * 2

    nn.onnx.translation(twice)(lambda graph, x: graph.op("Add", x, x))
    assert check(tmp_path, Plain(lambda self, x: twice(x)), w(3, 5, dtype=float)) == ["Add"]


def test_what_is_exported_is_the_evaluation(tmp_path):
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    model[0].running_mean += 1
    before = model.state_dict()
    path = export(tmp_path, model, w(4, 3))
    assert all(m.training for _, m in model.named_modules())
    assert all((model.state_dict()[k] == v).all() for k, v in before.items())
    assert not any("forward" in vars(m) for _, m in model.named_modules())
    x = w(2, 3)
    with nn.evaluating(model):
        assert np.allclose(session(path).run(None, {"x": x})[0], model(x).numpy(), atol=1e-6)


def test_a_model_is_as_before_after_an_error(tmp_path):
    model = Plain(
        lambda self, x: np.sort(self.layer(x)), layer=nn.Linear(3, 3), w=nn.Parameter([1.0])
    )
    before = [dict(vars(m)) for _, m in model.named_modules()]
    with pytest.raises(nn.onnx.ExportError):
        export(tmp_path, model, w(2, 3))
    assert [dict(vars(m)) for _, m in model.named_modules()] == before


def test_examples_that_do_not_fit(tmp_path):
    with pytest.raises(nn.onnx.ExportError, match=r"astype\(np.float32\)"):
        export(tmp_path, nn.Linear(3, 2), w(2, 3, dtype=float))
    with pytest.raises(nn.onnx.ExportError, match="no common batch"):
        export(tmp_path, lambda x, y: x, (w(2, 3), w(4, 3)))
    with pytest.raises(nn.onnx.ExportError, match="no common batch"):
        export(tmp_path, lambda x: x, w(0, 3))
    with pytest.raises(nn.onnx.ExportError, match="dynamic_batch"):
        export(tmp_path, lambda x: x, w(2, 3), dynamic_batch=(0, 1))
    with pytest.raises(nn.onnx.ExportError, match="dynamic_batch"):
        export(tmp_path, lambda x: x, np.float32(2))
    with pytest.raises(nn.onnx.ExportError, match="complex"):
        export(tmp_path, lambda x: x, w(2, 3) + 1j)
    with pytest.raises(nn.onnx.ExportError, match="real numbers"):
        export(tmp_path, lambda x: x["a"], {"a": w(2, 3)})
    with pytest.raises(TypeError, match="module"):
        nn.onnx.export(np.tanh, w(2, 3), tmp_path / "f.onnx")
    with pytest.raises(ValueError, match="last axis of 3"):
        export(tmp_path, nn.Linear(3, 2), w(2, 4))


def test_no_warnings_from_an_export(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(tmp_path, nn.mlp([3, 2], rng=0), w(2, 3))


def test_without_the_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(nn.onnx.exporting, "find_spec", lambda name: {"onnx": onnx}.get(name))
    assert export(tmp_path, lambda x: x * 2, w(2, 3)).exists()
    monkeypatch.setattr(nn.onnx.exporting, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install onnx"):
        export(tmp_path, lambda x: x * 2, w(2, 3))


def test_nn_does_not_import_onnx():
    import subprocess
    import sys

    code = (
        "import nn, nn.onnx, sys; sys.exit('onnx' in sys.modules or 'onnxruntime' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
