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
