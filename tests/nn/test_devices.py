"""Everything in nn on arrays that refuse what CuPy refuses: what ``python -m tests.gpu`` runs on a GPU."""

from __future__ import annotations

import types

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests import gpu
from tests.autograd_core.rules import strict
from tests.autograd_core.rules.strict import StrictArray

COMPUTATIONS = {
    f"{section}, {name}": computation
    for section in ("layers", "losses", "optimizers", "trainings")
    for name, computation in gpu.SECTIONS[section]()
}
X, Y = np.random.default_rng(0).normal(size=(20, 5)), np.arange(20) % 3


def model():
    return nn.mlp([5, 8, 3], "relu", output=None, rng=0, dtype=float)


def fit(model, x, y, **options):
    data = nn.DataLoader((x, y), 5, dtype=float)
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    return nn.fit(model, data, nn.cross_entropy, optimizer, 2, progress=False, **options)


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("name", COMPUTATIONS)
def test_on_a_device(name):
    gpu.compare(gpu.STAND_IN, COMPUTATIONS[name])


def test_a_model_moves_with_its_gradients_and_back():
    moved = nn.Sequential(model(), nn.BatchNorm1d(3, dtype=float))
    np.sum(moved(X)).backward()
    before = moved.state_dict()
    slopes = [p.grad.numpy() for p in moved.parameters()]
    assert moved.to(strict) is moved
    held = [*moved.parameters(), *(p.grad for p in moved.parameters())]
    assert all(isinstance(t.data, StrictArray) for t in held)
    assert all(isinstance(a, StrictArray) for _, a in moved.named_buffers())
    moved.to(np.float32)
    held = [*moved.parameters(), *(p.grad for p in moved.parameters())]
    assert all(p.dtype == np.float32 and isinstance(p.data, StrictArray) for p in held)
    moved.to(np)
    for name, a in moved.state_dict().items():
        np.testing.assert_allclose(a, before[name], rtol=1e-6)
    for p, slope in zip(moved.parameters(), slopes, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), slope, rtol=1e-6, atol=1e-7)


def test_batches_of_numpy_go_to_where_the_model_is():
    there, here = model().to(strict), model()
    assert fit(there, X, Y, validation=(X, Y))["validation_loss"] == pytest.approx(
        fit(here, X, Y, validation=(X, Y))["validation_loss"]
    )

    class OfTwo(nn.Module):
        def __init__(self):
            self.inner = model()

        def forward(self, parts):
            return self.inner(parts["a"] + parts["b"][0])

    data = [({"a": X, "b": (X, "text")}, Y)]
    two = OfTwo().to(strict)
    optimizer = nn.SGD(two.parameters(), lr=0.1)
    nn.fit(two, data, nn.cross_entropy, optimizer, 1, progress=False)
    assert nn.evaluate(two, data, "cross_entropy")["loss"] > 0


def test_callbacks_keep_weights_of_a_device():
    moved, average = model().to(strict), nn.ExponentialAverage(0.5)
    fit(moved, X, Y, validation=(X, Y), callbacks=[average, nn.EarlyStopping(patience=1)])
    assert all(isinstance(a, StrictArray) for a in average.weights.values())


def test_a_step_between_the_passes_is_noticed():
    moved = model().to(strict)
    loss = nn.cross_entropy(moved(StrictArray(X)), StrictArray(Y))
    optimizer = nn.SGD(moved.parameters(), lr=0.1)
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(ag.MutationError, match="changed in place"):
        loss.backward()


def test_arrays_of_a_device_are_no_part_of_programs_and_files():
    moved = model().to(strict)
    with pytest.warns(UserWarning, match=r"not compiled: .*ag\.to_host"):
        fit(moved, X, Y, compile=True)
    with pytest.raises(nn.onnx.ExportError, match=r"model\.to\(np\)"):
        nn.onnx.export(moved, X, "model.onnx")
    with pytest.raises(TypeError, match=r"ag\.to_host"):
        ag.gradcheck(np.tanh, StrictArray(X))
    assert isinstance(nn.one_hot(StrictArray(Y), 3), StrictArray)


@pytest.mark.parametrize("words", ["cuda", "cuda:0", "cpu"])
def test_words_of_pytorch_are_answered(words):
    with pytest.raises(TypeError, match=r"model\.to\(cupy\)"):
        model().to(words)
    for name in ("cuda", "cpu", "half"):
        with pytest.raises(AttributeError, match=rf"{name}.*; here it is model\.to"):
            getattr(model(), name)
    assert not hasattr(model(), "cuda")
    with pytest.raises(AttributeError, match=r"has no attribute 'weigth'$"):
        _ = model().weigth


def test_the_script_tells_what_is_wrong_and_what_fails(monkeypatch, capsys):
    def computations():
        yield "fine", lambda device: [device.array(np.ones(2)), 1.0]
        yield "wrong", lambda device: device.array(np.full(2, float(device is gpu.HOST)))
        yield "at home", lambda device: np.ones(2)
        yield "fails", lambda device: device.array(X) + (0 if device is gpu.HOST else X)

    monkeypatch.setattr(gpu, "SECTIONS", {"some": computations})
    assert gpu.main(["--stand-in", "--seconds", "0"]) == 1
    out = capsys.readouterr().out
    assert "| some | 1 | 0 | 1 | 2 | 0 |" in out
    assert "wrong: some: at home: <class 'numpy.ndarray'> is no longer on the device" in out
    assert "failed: some: fails: Refused" in out


def test_what_there_is_no_time_for_is_told(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "SECTIONS", {"losses": gpu.losses, "optimizers": gpu.optimizers})
    options = ["--stand-in", "--seconds", "0", "--minutes", "0", "--only", "losses"]
    assert gpu.main(options) == 0
    out = capsys.readouterr().out
    assert "| losses | 0 | 0 | 0 | 0 | 16 |" in out
    assert "optimizers" not in out


def test_the_script_times_steps(monkeypatch, capsys):
    rows = [("small", nn.mlp([5, 3], rng=0), None, X.astype(np.float32), Y)]
    monkeypatch.setattr(gpu, "SECTIONS", {})
    monkeypatch.setattr(gpu, "timed", lambda: rows)
    assert gpu.main(["--stand-in", "--seconds", "0.01"]) == 0
    assert "| small | " in capsys.readouterr().out


def test_a_library_is_a_module_that_makes_arrays():
    with pytest.raises(TypeError):
        model().to(types.ModuleType("empty"))
