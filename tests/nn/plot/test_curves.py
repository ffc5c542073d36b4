"""Curves: what is drawn, how lines are labelled, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.plot.axes_texts import texts

pytest.importorskip("matplotlib")


def test_history_labels_the_ends_and_rings_the_best(ax):
    rows = [{"epoch": i + 1, "loss": 0.9**i, "validation_loss": v}
            for i, v in enumerate([1.0, 0.5, 0.2, 0.4])]  # fmt: skip
    assert nn.plot.history(nn.History(rows), ax=ax) is ax
    assert ax.get_yscale() == "log"
    assert texts(ax) == ["loss", "validation loss"]
    ring = ax.get_lines()[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (3, 0.2)
    assert ax.get_title(loc="left") == "best validation loss 0.2, in epoch 3"


def test_labels_at_the_ends_do_not_lie_on_one_another(ax):
    rows = [{"epoch": i, "loss": 1.0 / i, "validation_loss": 1.001 / i} for i in range(1, 9)]
    nn.plot.history(nn.History(rows), ax=ax)
    ax.figure.canvas.draw()
    a, b = (t.get_window_extent() for t in ax.texts)
    assert not a.overlaps(b)


@pytest.mark.parametrize("rows", [
    [{"epoch": 1, "loss": 0.5}],
    [{"epoch": 1, "loss": 0.0}, {"epoch": 2, "loss": float("nan")}],
    [{"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.0}],
])  # fmt: skip
def test_history_of_little_is_drawn(ax, rows):
    nn.plot.history(nn.History(rows), ax=ax)


def test_history_of_nothing_is_refused():
    with pytest.raises(ValueError, match="the history has no epoch"):
        nn.plot.history(nn.History())
    with pytest.raises(ValueError, match="has epoch, loss"):
        nn.plot.history(nn.History([{"epoch": 1, "loss": 1.0}]), columns=["accuracy"])


def test_updates_are_the_change_relative_to_the_weights(ax, trained):
    *_, updates = trained
    assert all(len(r) == 3 * 144 for r in updates.ratios.values())
    w = ag.tensor(np.full((2, 2), 2.0), requires_grad=True)
    model = type("M", (), {"named_parameters": lambda self: [("w", w)]})()
    optimizer = nn.SGD([w], lr=0.1)
    with nn.plot.Updates(model, optimizer) as watched:
        np.sum(w * 3.0).backward()
        optimizer.step()
    assert watched.ratios["w"] == pytest.approx([0.15])
    optimizer.step()
    assert len(watched.ratios["w"]) == 1
    nn.plot.update_ratio(updates, ax=ax)
    assert texts(ax) == ["0.weight", "2.weight"]  # biases begin at zero
    with pytest.raises(ValueError, match=r"nn\.plot\.Updates"):
        nn.plot.update_ratio({})


def test_gradcheck_draws_a_v_and_what_stays_away(ax):
    h = np.logspace(-12, -1, 12)
    steps = {"step": h, "from gradient": h**2 + 0.01, "from slope": h**2 + 1e-16 / h}
    nn.plot.gradcheck(steps, ax=ax)
    assert texts(ax) == ["from gradient", "from slope"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    with pytest.raises(ValueError, match="no errors by step"):
        nn.plot.gradcheck({})


def test_scores_have_a_linear_axis_and_a_ring_at_the_largest(ax):
    rows = [
        {"epoch": e, "loss": 1.0, "validation_accuracy": a, "validation_r2": a - 0.9}
        for e, a in ((1, 0.5), (2, 0.9), (3, 0.8))
    ]
    history = nn.History(rows)
    nn.plot.history(history, ["validation_accuracy"], ax=ax)
    assert ax.get_yscale() == "linear"
    assert ax.get_ylabel() == "accuracy"
    assert ax.get_title(loc="left") == "best validation accuracy 90.00 %, in epoch 2"
    assert ax.lines[-1].get_xydata().tolist() == [[2, 0.9]]
    ax.clear()
    nn.plot.history(history, ["validation_r2"], ax=ax)  # may be negative
    assert len(ax.lines[0].get_xdata()) == 3
    with pytest.raises(ValueError, match=r"nn\.plot\.history\(history, \['validation_r2'\]\)"):
        nn.plot.history(history, ["loss", "validation_r2"])


def test_a_column_of_unknown_direction_has_no_best(ax):
    rows = [{"epoch": e, "iou": v, "brier_score": v} for e, v in ((1, 0.9), (2, 0.3), (3, 0.5))]
    nn.plot.history(nn.History(rows), ["iou"], ax=ax)
    assert ax.get_title(loc="left") == "last iou 0.5, in epoch 3"
    ax.clear()
    nn.plot.history(nn.History(rows), ["brier_score"], ax=ax)
    assert ax.get_title(loc="left") == "best brier score 0.3, in epoch 2"


@pytest.mark.parametrize("given", [
    nn.History([{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.4}]),
    {"loss": [0.9, 0.4]}, {"loss": np.array([0.9, 0.4]), "epoch": [1, 2]},
    [{"loss": 0.9}, {"loss": 0.4}],
])  # fmt: skip
def test_history_takes_columns_and_rows(ax, given):
    nn.plot.history(given, ax=ax)
    assert ax.get_title(loc="left") == "best loss 0.4, in epoch 2"


def test_history_without_a_loss_draws_its_scores(ax):
    nn.plot.history({"epoch": [5, 10], "accuracy": [0.5, 0.8], "seconds": [1, 1]}, ax=ax)
    assert ax.get_title(loc="left") == "best accuracy 80.00 %, in epoch 10"
    assert len(ax.get_lines()) == 2  # one curve and its ring


@pytest.mark.parametrize(("rows", "title", "scale"), [
    ({"loss": [0.5, -1.0, -2.5]}, "best loss -2.5, in epoch 3", "linear"),
    ({"loss": [1.0, 0.5, 0.0]}, "best loss 0, in epoch 3", "linear"),
    ({"loss": [1, 0.5], "validation_loss": [np.nan] * 2}, "best loss 0.5, in epoch 2", "log"),
    ({"loss": [np.nan, np.inf]}, "no loss is finite", "log"),
])  # fmt: skip
def test_losses_that_are_negative_zero_or_not_finite(ax, rows, title, scale):
    nn.plot.history(rows, ax=ax)
    assert ax.get_title(loc="left") == title
    assert ax.get_yscale() == scale
