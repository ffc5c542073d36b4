"""fit: learning, reproducibility, interruption, losses that are not finite, and what is refused."""

import numpy as np
import pytest

import nn
from tests.nn.training.example import X, Y, parts, weights


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
    """Module that divides by zero at the third batch."""

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


def test_an_empty_generator_is_refused():
    model, loader, loss, optimizer = parts()
    batches = iter(list(loader))
    with pytest.raises(ValueError, match="generator"):
        nn.fit(model, batches, loss, optimizer, 2, progress=False)


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
