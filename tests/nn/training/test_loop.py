"""fit: learning, reproducibility, interruption, losses that are not finite, and what is refused."""

import re
import signal

import numpy as np
import pytest

import nn
from nn.optim.clipping import first_not_finite
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
    ({"callbacks": [nn.EarlyStopping]}, TypeError, r"write EarlyStopping\(\.\.\.\)"),
    ({"callbacks": ["stop"]}, TypeError, "a function of a TrainingState"),
    ({"loss": nn.ReLU}, TypeError, "such as nn.mse_loss"),
    ({"metrics": ["accuracy"]}, ValueError, "give validation= too"),
])  # fmt: skip
def test_what_fit_refuses(change, error, words):
    model, data, loss, optimizer = parts()
    given = {"data": data, "loss": loss, "optimizer": optimizer, "epochs": 1, "progress": False}
    with pytest.raises(error, match=words):
        nn.fit(model, **{**given, **change})


class Distance(nn.Module):
    """Distance of a learned point to each example; its gradient is nan at an example."""

    def __init__(self):
        self.point = nn.Parameter([1.0, 1.0])
        self.norm = nn.BatchNorm1d(1)

    def forward(self, x):
        d = self.point - x
        return np.sqrt(np.sum(d * d, axis=1, keepdims=True))


@pytest.mark.filterwarnings("ignore:no gradient reaches norm")
@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.LBFGS])
def test_a_gradient_that_is_not_finite_stops_before_the_step(tmp_path, make, max_norm):
    """The loss is finite; the second epoch meets an identical pair in its last step."""
    if max_norm and make is nn.LBFGS:
        model = Distance()
        optimizer = make(model.parameters(), lr=1.0)
        with pytest.raises(ValueError, match="the line search of LBFGS"):
            nn.fit(model, [], nn.mse_loss, optimizer, 1, max_norm=1.0)
        return
    model, path = Distance(), tmp_path / "c.npz"
    good, bad = np.zeros((4, 2), np.float32), np.ones((4, 2), np.float32)
    target, optimizer = np.zeros((4, 1), np.float32), make(model.parameters(), lr=0.0)
    batches = [(good, target)]

    def spoil(state):
        batches.append((bad, target))

    calls = [nn.Checkpoint(path), spoil]
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteGradientError) as error:
        nn.fit(model, batches, nn.mse_loss, optimizer, 2, max_norm=max_norm, callbacks=calls,
               progress=False)  # fmt: skip
    assert (error.value.epoch, error.value.step) == (2, 2)
    assert "gradient of point" in str(error.value)
    assert "backward of sqrt" in str(error.value)
    assert model.point.data.tolist() == [1, 1]
    assert model.point.grad is None
    state = optimizer.state_dict()["state"]
    numbers = [v for values in state.values() for v in values.values()]
    assert all(np.isfinite(v).all() for v in numbers)
    assert len(error.value.history) == nn.load_metadata(path)["history"].count('"epoch"') == 1


def test_a_gradient_whose_square_overflows_is_finite():
    w = nn.Parameter([1e30, 1.0])
    for gradient, found in (([1e30, 1.0], None), ([np.inf, 1.0], w), ([0.0, np.nan], w)):
        w.grad = np.array(gradient, np.float32)
        assert first_not_finite([nn.Parameter([1.0]), w]) is found


def test_a_last_step_that_leaves_no_finite_weights_costs_no_checkpoint(tmp_path):
    model, path = nn.Linear(4, 2, rng=0), tmp_path / "c.npz"
    optimizer = nn.SGD(model.parameters(), lr=0.0)

    def leap(state):
        optimizer.param_groups[0]["lr"] = 3e38

    callbacks, batch = [nn.Checkpoint(path), leap], (X, 1e3 * Y)
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteError, match="last step made it so"):
        nn.fit(model, [batch], nn.mse_loss, optimizer, 2, callbacks=callbacks, progress=False)
    assert all(np.isfinite(a).all() for a in nn.load(path).values())


def test_frozen_parts_of_a_model_in_training_stay_in_evaluation():
    model = nn.Sequential(
        nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.9, rng=0)), nn.BatchNorm1d(4), nn.Linear(4, 2)
    )
    model[0].eval()
    modes = [m.training for _, m in model.named_modules()]
    optimizer = nn.SGD(model[2].parameters(), lr=0.1)
    seen = []

    def note(state):
        seen.append([m.training for _, m in model.named_modules()])

    nn.fit(model, [(X, Y)], nn.mse_loss, optimizer, 2, validation=(X, Y), callbacks=[note],
           progress=False)  # fmt: skip
    assert seen == [modes, modes]
    assert [m.training for _, m in model.named_modules()] == modes
    assert model[0][0].num_batches_tracked == 0
    assert model[1].num_batches_tracked == 2
    model.eval()
    nn.fit(model, [(X, Y)], nn.mse_loss, optimizer, 1, callbacks=[note], progress=False)
    assert all(seen[-1])
    assert not any(m.training for _, m in model.named_modules())
    model.train()
    with nn.evaluating(model):  # of no avail: fit trains, and gives the block its mode back
        nn.fit(model, [(X, Y)], nn.mse_loss, optimizer, 1, callbacks=[note], progress=False)
        assert not model.training
    assert all(seen[-1])


def test_max_norm_looks_at_the_parameters_of_the_optimizer():
    steps = []
    for frozen in (True, False):
        model = nn.mlp([4, 5, 2], output=None, rng=0)
        optimizer = nn.SGD(model[2].parameters(), lr=0.1)
        for p in model[0].parameters():
            p.requires_grad = not frozen
            p.grad = None if frozen else np.full(p.shape, 1e6, np.float32)
        nn.fit(model, [(X, 100 * Y)], nn.mse_loss, optimizer, 3, max_norm=1.0, progress=False)
        steps.append(model[2].weight.data)
    np.testing.assert_array_equal(*steps)
    assert 0 < np.abs(model[0].weight.grad.data).max() < 1e5  # that of the last step alone


class Counter(nn.Module):
    """Module with a state that each epoch begins anew."""

    def __init__(self):
        self.layer, self.steps, self.seen = nn.Linear(4, 2, rng=0), 0, []

    def reset_state(self):
        self.seen.append(self.steps)
        self.steps = 0

    def forward(self, x):
        self.steps += self.training
        return self.layer(x)


def test_each_epoch_begins_with_a_reset_state():
    model, data = Counter(), nn.DataLoader((X, Y), 10)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    whole = nn.Sequential(model)
    nn.fit(whole, data, nn.mse_loss, optimizer, 3, validation=(X, Y), progress=False)
    assert model.seen == [0, 6, 6]


def test_an_error_of_a_callback_comes_after_the_others(tmp_path):
    model, loader, loss, optimizer = parts()
    path = tmp_path / "c.npz"

    def fail(state):
        raise ZeroDivisionError("mine")

    callbacks = [fail, nn.Checkpoint(path)]
    with pytest.raises(ZeroDivisionError, match="mine"):
        nn.fit(model, loader, loss, optimizer, 2, callbacks=callbacks, progress=False)
    assert nn.load_metadata(path)["history"].count('"epoch"') == 1


def test_ctrl_c_at_the_very_end_returns_the_history():
    model, loader, loss, optimizer = parts()

    class Slow(nn.EarlyStopping):
        def finish(self, state):
            signal.raise_signal(signal.SIGINT)
            super().finish(state)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored
    try:
        history = nn.fit(
            model, loader, loss, optimizer, 2, callbacks=[Slow("loss")], progress=False
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(history) == 2
    assert history.stopped == "interrupted"


def test_an_optimizer_of_what_was_replaced_is_refused():
    model, loader, loss, optimizer = parts()
    model[0].weight = nn.Parameter(np.ones((5, 4)))
    with pytest.raises(ValueError, match="Make the optimizer again"):
        nn.fit(model, loader, loss, optimizer, 1, progress=False)


def test_a_refused_step_leaves_no_trace_of_its_search():
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5, rng=0), np.sqrt)
    model.layers.insert(0, nn.Linear(4, 4, rng=0))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with np.errstate(all="ignore"), pytest.raises(nn.NonFiniteLossError):
        nn.fit(model, [(X, X)], nn.mse_loss, optimizer, 1, progress=False)
    assert model[1].num_batches_tracked == 1


def test_a_batch_whose_targets_are_all_ignored_is_named():
    model, _, _, optimizer = parts()
    data = [(X, np.full(len(X), -100))]
    with pytest.raises(nn.NonFiniteLossError, match="every target of this batch is ignored"):
        nn.fit(model, data, "cross_entropy", optimizer, 1, progress=False)


@pytest.mark.parametrize("spoilt", ["inputs", "targets"])
def test_data_that_are_not_finite_are_named(spoilt):
    model = nn.Linear(X.shape[1], X.shape[1], rng=0)
    optimizer = nn.SGD(model.parameters(), 0.1)
    x, y = X.copy(), X.copy()
    (x if spoilt == "inputs" else y)[[1, 3], 2] = np.nan
    words = (
        rf"the {spoilt} of this batch are not all finite \(2 of {len(X)} rows; .*\[1, 2\] is nan"
    )
    with pytest.raises(nn.NonFiniteLossError, match=words + r".*Look at the data: np.isnan"):
        nn.fit(model, [(x, y)], nn.mse_loss, optimizer, 1, progress=False)


def test_a_history_is_a_line_and_a_table():
    model, loader, loss, optimizer = parts()
    history = nn.fit(model, loader, loss, optimizer, 3, progress=False)
    assert re.fullmatch(r"History\(3 epochs, loss [\d.e-]+, \d+\.\d s\)", repr(history))
    assert repr(nn.History()) == "History(0 epochs)"
    pools = pytest.importorskip("threadpoolctl", reason="it comes with scikit-learn")
    with pools.threadpool_limits(1, "blas"):
        model, loader, loss, optimizer = parts()
        assert nn.fit(model, loader, loss, optimizer, 1, progress=False).threads == 1
    assert list(history) == history.epochs
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert list(pandas.DataFrame(history)["loss"]) == history["loss"]


class Lazy(nn.Optimizer):
    """Optimizer that forgets to call the closure."""

    def step(self, closure=None):
        return None


@pytest.mark.parametrize(("change", "words"), [
    ({"model": nn.Linear}, r"model= is an nn.Module, .*write Linear\(\.\.\.\)"),
    ({"optimizer": nn.Adam}, r"optimizer= is an nn.Optimizer, .*write Adam\(\.\.\.\)"),
    ({"callbacks": nn.EarlyStopping("loss")}, r"write \[EarlyStopping\(\.\.\.\)\]"),
    ({"history": [1]}, "history= is an nn.History"),
    ({"lazy": True}, "did not call the closure"),
])  # fmt: skip
def test_wrong_arguments_are_named(change, words):
    model, data, loss, optimizer = parts()
    if change.pop("lazy", False):
        optimizer = Lazy(model.parameters(), lr=0.1)
    given = {"model": model, "data": data, "loss": loss, "optimizer": optimizer, "epochs": 1}
    with pytest.raises(TypeError, match=words):
        nn.fit(**{**given, "progress": False, **change})


class Leaving(nn.Module):
    """Its first layer is computed with, but its values leave the graph."""

    def __init__(self, leave):
        self.leave, self.a, self.b = leave, nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1)

    def forward(self, x):
        return self.b(self.leave(np.tanh(self.a(x))))


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("leave", [lambda t: t.numpy(), lambda t: t.data, lambda t: t.detach()])
def test_a_layer_that_no_gradient_reaches_is_told(leave, compile):
    x, y = np.ones((8, 2), np.float32), np.ones((8, 1), np.float32)

    def train(model):
        data, optimizer = nn.DataLoader((x, y), 4), nn.SGD(model.parameters(), lr=0.1)
        return nn.fit(model, data, nn.mse_loss, optimizer, 2, progress=False, compile=compile)

    model = Leaving(leave)
    with pytest.warns(UserWarning, match=r"no gradient reaches a\.weight, a\.bias"):
        train(model)
    model.a.requires_grad_(False)
    train(model)  # as the warning says
    train(Leaving(lambda t: t))
