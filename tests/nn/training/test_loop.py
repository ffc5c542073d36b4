"""fit, evaluate, history, callbacks, progress: and that a run can be repeated and resumed."""

import io

import numpy as np
import pytest

import nn
from nn.training.progress import Lines

RNG = np.random.default_rng(0)
X = RNG.normal(size=(53, 4)).astype(np.float32)
Y = nn.one_hot((X.sum(1) > 0).astype(int), 2)


def parts(seed=0, lr=0.5, optimizer=nn.SGD):
    init, order = np.random.default_rng(seed).spawn(2)
    model = nn.mlp([4, 5, 2], rng=init)
    loader = nn.DataLoader((X, Y), 10, shuffle=True, rng=order)
    return model, loader, nn.quadratic_cost, optimizer(model.parameters(), lr=lr)


def weights(model):
    return np.concatenate([a.ravel() for a in model.state_dict().values()])


def test_fit_learns_and_the_seed_decides_everything():
    runs = []
    for seed in (1, 1, 2):
        model, *rest = parts(seed)
        history = nn.fit(model, *rest, 20, validation=(X, Y), progress=False)
        runs.append((weights(model), history["loss"]))
    assert (runs[0][0] == runs[1][0]).all()
    assert runs[0][1] == runs[1][1] != runs[2][1]
    assert history["validation_accuracy"][-1] > 0.9
    assert history["epoch"] == list(range(1, 21))
    assert history.stopped is None
    with pytest.raises(KeyError, match="validation_loss"):
        history["val_loss"]


def test_means_are_weighted_by_batch():
    model = nn.mlp([4, 2], rng=0)
    whole = nn.evaluate(model, (X, Y), nn.quadratic_cost)
    parted = nn.evaluate(model, nn.DataLoader((X, Y), 10), nn.quadratic_cost)
    assert whole == pytest.approx(parted, rel=1e-5)
    labels = nn.evaluate(model, (X, Y.argmax(1)), metrics={"right": nn.accuracy})
    assert labels["right"] == whole["accuracy"]


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_resuming_equals_never_stopping(tmp_path, optimizer):
    straight, *rest = parts(3, 0.01, optimizer)
    whole = nn.fit(straight, *rest, 6, progress=False)
    model, loader, loss, steps = parts(3, 0.01, optimizer)
    path = tmp_path / "c.safetensors"
    nn.fit(model, loader, loss, steps, 3, callbacks=[nn.Checkpoint(path)], progress=False)
    model, loader, loss, steps = parts(99, 7.0, optimizer)
    history = nn.resume(path, model, steps, loader)
    assert len(history) == 3
    nn.fit(model, loader, loss, steps, 6, history=history, progress=False)
    np.testing.assert_array_equal(weights(model), weights(straight))
    assert history["loss"] == whole["loss"]


def test_resume_refuses_another_network(tmp_path):
    model, loader, loss, steps = parts()
    path = tmp_path / "c.npz"
    nn.fit(model, loader, loss, steps, 1, callbacks=[nn.Checkpoint(path)], progress=False)
    other = nn.mlp([4, 6, 2], rng=0)
    before = weights(other)
    with pytest.raises(nn.StateError, match=r"\(5, 4\)"):
        nn.resume(path, other, nn.SGD(other.parameters(), lr=1))
    assert (weights(other) == before).all()
    nn.save(path, model)
    with pytest.raises(nn.FileFormatError, match="not a checkpoint of this training"):
        nn.resume(path, model, steps)


def test_early_stopping_gives_back_the_best_weights():
    model, loader, loss, steps = parts()
    seen = []

    def spoil(run):  # the third epoch is the best one; after it the weights are ruined
        run.history.epochs[-1]["validation_loss"] = abs(len(run.history) - 3)
        seen.append(weights(model))

    stop = nn.EarlyStopping(patience=2)
    history = nn.fit(model, loader, loss, steps, 50, callbacks=[spoil, stop], progress=False)
    assert len(history) == 5
    assert stop.best_epoch == 3
    assert "no better" in history.stopped
    np.testing.assert_array_equal(weights(model), seen[2])


def test_the_best_checkpoint_is_kept(tmp_path):
    model, loader, loss, steps = parts()

    def note(run):
        run.history.epochs[-1]["score"] = -abs(len(run.history) - 2)

    best = nn.Checkpoint(tmp_path / "best.safetensors", monitor="score")
    nn.fit(model, loader, loss, steps, 4, callbacks=[note, best], progress=False)
    assert len(nn.resume(best.path, model, steps)) == 2


def test_ctrl_c_returns_the_history():
    model, loader, loss, steps = parts()
    model[1].eval()

    def press(run):
        if len(run.history) == 3:
            raise KeyboardInterrupt

    history = nn.fit(model, loader, loss, steps, 50, callbacks=[press], progress=False)
    assert len(history) == 3
    assert history.stopped == "interrupted"
    assert [m.training for m in (model, *model)] == [True, True, False, True, True]


class Break(nn.Module):
    """Divides by zero at the third batch."""

    def __init__(self):
        self.inner, self.calls = nn.Linear(4, 2, rng=0), 0

    def forward(self, x):
        self.calls += 1
        return np.log(np.abs(self.inner(x)) * (self.calls < 3))


def test_a_loss_that_is_not_finite_stops_and_says_where():
    model = Break()
    loader = nn.DataLoader((X, Y), 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError) as error:
        nn.fit(model, loader, nn.mse_loss, optimizer, 2, progress=False)
    assert (error.value.epoch, error.value.step) == (1, 3)
    assert "log gave the first non-finite value" in str(error.value)
    assert len(error.value.history) == 0


def test_weights_and_inputs_that_are_not_finite_are_named():
    model, loader, loss, optimizer = parts()
    model[0].bias.data = np.full(5, np.nan, np.float32)
    with pytest.raises(nn.NonFiniteLossError, match=r"parameter 0\.bias"):
        nn.fit(model, loader, loss, optimizer, 1, progress=False)
    model, _, loss, optimizer = parts()
    bad = nn.DataLoader((np.full_like(X, np.nan), Y), 10)
    with pytest.raises(nn.NonFiniteLossError, match="inputs"):
        nn.fit(model, bad, loss, optimizer, 1, progress=False)


def test_a_used_up_generator_is_noticed():
    model, loader, loss, optimizer = parts()
    batches = iter(list(loader))
    with pytest.raises(ValueError, match="generator"):
        nn.fit(model, batches, loss, optimizer, 2, progress=False)


def test_a_line_an_epoch(capsys):
    model, *rest = parts()
    nn.fit(model, *rest, 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss 0.")
    stream = io.StringIO()
    nn.fit(model, *rest, 1, validation=(X, Y), progress=Lines(stream))
    assert "validation accuracy" in stream.getvalue()


def test_a_bar_in_a_terminal(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    model, *rest = parts()
    nn.fit(model, *rest, 2)
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "epoch 1" in captured.err


def test_accuracy_of_one_output_is_refused():
    with pytest.raises(ValueError, match="say where the border is"):
        nn.accuracy(np.ones((4, 1)), np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"class numbers of shape \(4,\)"):
        nn.accuracy(np.ones((4, 2)), np.ones((4, 1)))
    model, y = nn.mlp([4, 1], output=None, rng=0), Y[:, :1]
    assert list(nn.evaluate(model, (X, y), nn.mse_loss)) == ["loss"]


def test_an_error_improves_by_falling():
    model = nn.mlp([4, 2], output=None, rng=0)
    for monitor, mode in (("validation_mse", None), ("validation_other", "min")):
        name = monitor.removeprefix("validation_")
        history = nn.fit(
            model, nn.DataLoader((X, Y), 10), nn.mse_loss, nn.SGD(model.parameters(), lr=0.01), 8,
            validation=(X, Y), metrics={name: lambda p, y: float(((p - y) ** 2).mean().item())},
            callbacks=[nn.EarlyStopping(monitor, patience=2, mode=mode)], progress=False,
        )  # fmt: skip
        assert len(history) == 8
    with pytest.raises(ValueError, match='say mode="min"'):
        nn.EarlyStopping("validation_other")


@pytest.mark.parametrize(("change", "error", "words"), [
    ({"data": (X, Y)}, TypeError, r"nn\.DataLoader\(\(x, y\)"),
    ({"epochs": -1}, ValueError, "from 0 up"),
    ({"epochs": "3"}, ValueError, "from 0 up"),
    ({"optimizer": nn.SGD([nn.Parameter([1.0])], lr=1.0)}, ValueError, "no parameter of this model"),
    ({"schedule": "cosine"}, TypeError, "a function step -> lr"),
    ({"schedule": 0.1}, TypeError, "a function step -> lr"),
    ({"schedule": lambda n: -0.1}, ValueError, "learning rate"),
    ({"schedule": lambda n: float("nan")}, ValueError, "learning rate"),
])  # fmt: skip
def test_what_fit_refuses(change, error, words):
    model, data, loss, optimizer = parts()
    given = {"data": data, "optimizer": optimizer, "epochs": 1, "progress": False, **change}
    with pytest.raises(error, match=words):
        nn.fit(model, loss=loss, **given)


def test_resume_wants_the_same_optimizer_and_callbacks(tmp_path):
    model, loader, loss, optimizer = parts()
    stop, path = nn.EarlyStopping("loss"), tmp_path / "c.npz"
    callbacks = [stop, nn.Checkpoint(path)]
    nn.fit(model, loader, loss, optimizer, 1, callbacks=callbacks, progress=False)
    with pytest.raises(nn.StateError, match="begun with SGD, not Adam"):
        nn.resume(path, model, nn.Adam(model.parameters(), lr=1.0))
    with pytest.raises(nn.StateError, match="callback 0 is a Checkpoint"):
        nn.resume(path, model, optimizer, loader, callbacks[::-1])
    other = nn.mlp([4, 5, 2], rng=0)
    with pytest.raises(ValueError, match="no parameter of this model"):
        nn.resume(path, other, optimizer)


def test_a_state_of_numpy_numbers_is_kept(tmp_path):
    class Counter:
        def __call__(self, run):
            self.count = np.int64(len(run.history))

        def state_dict(self):
            return {"count": self.count, "mean": np.float32(0.5), "values": np.ones(2)}

        def load_state_dict(self, saved):
            self.loaded = saved

    model, loader, loss, optimizer = parts()
    counter, path = Counter(), tmp_path / "c.npz"
    nn.fit(
        model, loader, loss, optimizer, 2, callbacks=[counter, nn.Checkpoint(path)], progress=False
    )
    nn.resume(path, model, optimizer, loader, [counter])
    assert counter.loaded["count"] == 2
    assert counter.loaded["values"].tolist() == [1, 1]
