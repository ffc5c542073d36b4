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
