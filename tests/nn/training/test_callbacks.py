"""EarlyStopping: the best weights, and columns that improve by falling."""

import numpy as np
import pytest

import nn
from tests.nn.training.example import X, Y, parts, weights


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


def test_errors_improve_by_falling():
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


@pytest.mark.parametrize("end", ["epochs", "ctrl-c", "patience"])
def test_the_best_weights_come_back_at_every_end(end):
    model, loader, loss, steps = parts()
    best = []

    def spoil(run):
        run.history.epochs[-1]["validation_loss"] = abs(len(run.history) - 2)
        if len(run.history) == 2:
            best.append(weights(model))

    def press(run):
        if len(run.history) == 4 and end == "ctrl-c":
            raise KeyboardInterrupt

    stop = nn.EarlyStopping(patience=2 if end == "patience" else 99)
    callbacks = [spoil, stop, press]
    nn.fit(model, loader, loss, steps, 4, callbacks=callbacks, progress=False)
    np.testing.assert_array_equal(weights(model), best[0])


def test_what_is_best_belongs_to_one_training(tmp_path):
    """Use the same callbacks for a second model, whose losses are all larger."""
    path = tmp_path / "best.npz"
    stop, save = nn.EarlyStopping("loss", patience=2), nn.Checkpoint(path, monitor="loss")
    for seed, scale in ((0, 1.0), (1, 100.0)):
        model, _, loss, steps = parts(seed, lr=0.01)
        data = nn.DataLoader((X, scale * Y), 10)
        best = []

        def note(run, model=model, best=best):
            best.append((run.history["loss"][-1], weights(model)))

        history = nn.fit(model, data, loss, steps, 3, callbacks=[note, stop, save], progress=False)
        assert len(history) == 3
        np.testing.assert_array_equal(weights(model), min(best, key=lambda b: b[0])[1])
        assert stop.best == save.best == min(history["loss"])
        saved = {k: v for k, v in nn.load(path).items() if k.startswith("model.")}
        np.testing.assert_array_equal(saved["model.0.weight"], model[0].weight.data)
    nn.fit(model, data, loss, steps, 5, callbacks=[stop, save], history=history, progress=False)
    assert stop.best == save.best == min(history["loss"])  # the same training goes on


def test_a_column_that_is_no_longer_there_is_named():
    model, loader, loss, steps = parts()
    callbacks = [nn.EarlyStopping("validation_loss")]
    history = nn.fit(
        model, loader, loss, steps, 1, validation=(X, Y), callbacks=callbacks, progress=False
    )
    with pytest.raises(KeyError, match="no column 'validation_loss' after this epoch"):
        nn.fit(model, loader, loss, steps, 2, callbacks=callbacks, history=history, progress=False)


def test_a_picture_that_fails_costs_nothing(tmp_path):
    model, loader, loss, steps = parts()
    draw = nn.Draw(tmp_path, loss, (X[:, :2], Y))
    with pytest.warns(RuntimeWarning, match="picture of epoch 1 could not be drawn: ValueError"):
        history = nn.fit(model, loader, loss, steps, 1, callbacks=[draw], progress=False)
    assert len(history) == 1


def test_a_finished_training_that_is_run_again_gives_the_same_weights(tmp_path):
    """Once to the end of its epochs, once to its patience: neither trains, both give the best."""
    for epochs, patience in ((3, 9), (50, 2)):
        path = tmp_path / f"{epochs}.npz"

        def go(old=None, epochs=epochs, patience=patience, path=path):
            model, loader, loss, steps = parts(lr=50.0)
            callbacks = [nn.EarlyStopping("loss", patience=patience), nn.Checkpoint(path)]
            history = nn.resume(path, model, steps, loader, callbacks) if old else None
            history = nn.fit(model, loader, loss, steps, epochs, callbacks=callbacks, progress=False,
                             history=history)  # fmt: skip
            return weights(model), len(history), history.stopped

        first, second = go(), go(old=True)
        np.testing.assert_array_equal(first[0], second[0])
        assert first[1:] == second[1:]
        assert first[1] < 50


def test_what_a_resume_restored_belongs_to_that_training(tmp_path):
    path = tmp_path / "c.npz"
    model, loader, loss, steps = parts()
    nn.fit(model, loader, loss, steps, 2, callbacks=[nn.EarlyStopping("loss"), nn.Checkpoint(path)],
           progress=False)  # fmt: skip
    stop = nn.EarlyStopping("loss")
    model, loader, loss, steps = parts()
    nn.resume(path, model, steps, loader, [stop, nn.Checkpoint(path)])
    other, loader, loss, steps = parts(1)
    loader = nn.DataLoader((X, 100 * Y), 10)
    nn.fit(other, loader, loss, steps, 1, callbacks=[stop], progress=False)
    assert stop.best > 100


def test_a_picture_changes_no_training(tmp_path):
    def go(callbacks):
        model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0),
                              nn.Linear(3, 2, rng=1))  # fmt: skip
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        nn.fit(model, [(X, Y)], nn.mse_loss, optimizer, 2, callbacks=callbacks, progress=False)
        return weights(model)

    np.testing.assert_array_equal(go([]), go([nn.Draw(tmp_path, nn.mse_loss, (X, Y))]))


def test_a_checkpoint_makes_its_folder_and_keeps_every_parameter(tmp_path):
    model, loader, loss, steps = parts()
    save = nn.Checkpoint(tmp_path / "a" / "b" / "c.npz")
    nn.fit(model, loader, loss, steps, 1, callbacks=[save], progress=False)
    assert save.path.exists()
    extra = nn.Parameter(0.0)
    steps = nn.SGD([*model.parameters(), extra], lr=0.1)
    with pytest.raises(nn.StateError, match="make them attributes of the model"):
        nn.fit(model, loader, lambda p, y: loss(p, y) + extra * extra, steps, 1, callbacks=[save],
               progress=False)  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_a_plateau_lowers_the_rate_where_pytorch_does(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    mode, relative = rng.choice(["min", "max"]), bool(rng.integers(2))
    same = {"factor": 0.5, "patience": int(rng.integers(0, 3)), "cooldown": int(rng.integers(0, 3)),
            "min_lr": 0.05, "threshold": float(rng.choice([0, 0.01, 0.1]))}  # fmt: skip
    ours = nn.ReduceLROnPlateau("value", mode=mode, relative=relative, **same)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode=mode, threshold_mode="rel" if relative else "abs", **same
    )
    model = nn.Linear(1, 1, rng=0)
    mine = nn.SGD(model.parameters(), lr=1.0)
    history = nn.History()
    state = nn.training.TrainingState(model, mine, None, history, [ours])
    ours.begin(state)
    for epoch in range(40):
        value = float(1 + rng.integers(0, 30) / 10)
        history.epochs.append({"epoch": epoch + 1, "loss": 0.0, "value": value})
        ours(state)
        theirs.step(value)
        assert mine.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
    assert mine.param_groups[0]["lr"] < 1


def test_the_mean_of_weights_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    ours, theirs = nn.Linear(3, 2, rng=0, dtype=float), torch.nn.Linear(3, 2).double()
    average = nn.ExponentialAverage(0.8)
    other = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    for n in range(5):
        values = np.random.default_rng(n).normal(size=(2, 3))
        ours.weight.data, theirs.weight.data = values, torch.tensor(values)
        ours.bias.data, theirs.bias.data = values[:, 0].copy(), torch.tensor(values[:, 0])
        average.after_step(ours)
        other.update_parameters(theirs)
    for name, mean in average.weights.items():
        expected = other.module.state_dict()[name].numpy()
        np.testing.assert_allclose(mean, expected, rtol=1e-12)


@pytest.mark.parametrize("compile", [False, True])
def test_mean_weights_and_plateaus_are_resumed_bit_for_bit(tmp_path, compile):
    path = tmp_path / "checkpoint.safetensors"

    def train(epochs, resume=False):
        model = nn.Sequential(nn.Linear(4, 6, rng=0), nn.BatchNorm1d(6), nn.Dropout(0.2, rng=1),
                              nn.Linear(6, 2, rng=2))  # fmt: skip
        data = nn.DataLoader((X, Y), 10, shuffle=True, rng=3)
        optimizer = nn.Adam(model.parameters(), lr=0.1, amsgrad=True)
        average = nn.ExponentialAverage(0.9)
        plateau = nn.ReduceLROnPlateau("loss", 0.5, 2, threshold=0.99)
        kept = [plateau, average, nn.Checkpoint(path)]
        history = nn.resume(path, model, optimizer, data, kept) if resume else None
        nn.fit(model, data, nn.mse_loss, optimizer, epochs, callbacks=kept, progress=False,
               history=history, compile=compile)  # fmt: skip
        return (
            weights(model),
            average.weights,
            optimizer.param_groups[0]["lr"],
            plateau.state_dict(),
        )

    whole = train(5)
    train(2)
    again = train(5, resume=True)
    np.testing.assert_array_equal(whole[0], again[0])
    assert whole[1].keys() == again[1].keys()
    assert all(np.array_equal(whole[1][k], again[1][k]) for k in whole[1])
    assert whole[2:] == again[2:]
    assert whole[2] < 0.1


class Scaled(nn.Module):
    """A layer with a parameter that has no axes."""

    def __init__(self):
        self.inner, self.scale = nn.mlp([4, 5, 2], rng=0), nn.Parameter(1.5)

    def forward(self, x):
        return self.inner(x) * self.scale


def test_a_compiled_mean_equals_the_eager_one(tmp_path):
    found = []
    for compile in (False, True):
        _, loader, loss, _ = parts()
        model = Scaled()
        steps = nn.SGD(model.parameters(), lr=0.5)
        average = nn.ExponentialAverage(0.9, restore=False)
        kept = [average, nn.Checkpoint(tmp_path / "c.safetensors")]
        nn.fit(model, loader, loss, steps, 3, callbacks=kept, progress=False, compile=compile)
        found.append((weights(model), *average.weights.values()))
        assert 1.5 != average.weights["scale"] != model.scale.data
        assert (average.weights["inner.0.weight"] != model.inner[0].weight.data).any()
        nn.resume(tmp_path / "c.safetensors", model, steps, loader, kept)
        assert all(np.array_equal(average.weights[k], a)
                   for k, a in zip(average.weights, found[-1][1:], strict=True))  # fmt: skip
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_the_mean_belongs_to_one_training():
    average = nn.ExponentialAverage(0.9)
    for seed in range(2):
        model, loader, loss, steps = parts(seed)
        nn.fit(model, loader, loss, steps, 1, callbacks=[average], progress=False)
    alone = nn.ExponentialAverage(0.9)
    other, loader, loss, steps = parts(1)
    nn.fit(other, loader, loss, steps, 1, callbacks=[alone], progress=False)
    np.testing.assert_array_equal(weights(model), weights(other))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: nn.ReduceLROnPlateau(factor=1.5), "below 1"),
    (lambda: nn.ReduceLROnPlateau(patience=-1), "no number is negative.*patience=-1"),
    (lambda: nn.ExponentialAverage(1.0), "below 1"),
])  # fmt: skip
def test_settings_that_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_plateau_and_a_schedule_exclude_each_other():
    model, loader, loss, steps = parts()
    with pytest.raises(ValueError, match="both set the learning rate"):
        nn.fit(model, loader, loss, steps, 1, callbacks=[nn.ReduceLROnPlateau("loss")],
               schedule=nn.schedules.constant(0.1), progress=False)  # fmt: skip
