"""Plots: what is drawn and said, and errors that teach."""

import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn

pytest.importorskip("matplotlib")


@pytest.fixture
def ax():
    figure = nn.plot.axes.figure(5, 4)
    yield figure.subplots()
    figure.canvas.draw()  # a plot that cannot be rendered, or warns, fails


@pytest.fixture(scope="module")
def trained():
    d = nn.load_digits()
    model = nn.mlp([64, 16, 10], "sigmoid", init="xavier_normal", rng=0)
    data = nn.DataLoader((d.x_train, nn.one_hot(d.y_train, 10)), 10, shuffle=True, rng=1)
    optimizer = nn.SGD(model.parameters(), lr=3.0)
    held_out = (d.x_test, nn.one_hot(d.y_test, 10))
    with nn.plot.Updates(model, optimizer) as updates:
        history = nn.fit(model, data, nn.quadratic_cost, optimizer, 3, validation=held_out,
                         progress=False)  # fmt: skip
    return model, d, history, updates


def texts(ax):
    return [t.get_text() for t in ax.texts]


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


@pytest.mark.parametrize("colors", ["green-red", "PuOr"])
def test_weights_are_white_at_zero_on_one_symmetric_scale(ax, colors):
    w = np.random.default_rng(0).normal(size=(5, 16))
    w[0] = 0
    nn.plot.weights(w, colors=colors, ax=ax)
    (image,) = ax.get_images()
    low, high = image.get_clim()
    assert (low, high) == (-np.abs(w).max(), np.abs(w).max())
    assert np.allclose(image.cmap(0.5)[:3], 1, atol=0.02)
    shown = image.get_array()
    assert shown.compressed().size == w.size
    assert len(ax.patches) == 5


def test_positive_is_green_and_negative_red(ax):
    nn.plot.weights(np.array([[-1.0, 0, 0, 1]]), ax=ax)
    cmap = ax.get_images()[0].cmap
    r, g, b = cmap(1.0)[:3]
    assert g > max(r, b)
    r, g, b = cmap(0.0)[:3]
    assert r > max(g, b)


def test_weights_take_a_module_a_parameter_and_a_shape(ax):
    model = nn.mlp([6, 100, 2], rng=0)
    nn.plot.weights(model, (2, 3), most=9, ax=ax)
    assert ax.get_title(loc="left") == "weights of 9 neurons of 100, each 2×3"
    with pytest.raises(ValueError, match="shape \\(2, 2\\) has 4 pixels"):
        nn.plot.weights(model, (2, 2))
    with pytest.raises(ValueError, match="of a convolution"):
        nn.plot.weights(np.zeros((2, 1, 3, 3)))
    with pytest.raises(ValueError, match="'green-red' or 'PuOr', got 'red'"):
        nn.plot.weights(model, colors="red")


def test_confusion_matrix_counts(ax):
    nn.plot.confusion_matrix([0, 1, 2, 2, 1], [0, 1, 2, 1, 1], ["a", "b", "c"], ax=ax)
    told = {(t.get_position(), t.get_text()) for t in ax.texts}
    assert told == {((0, 0), "1"), ((1, 1), "2"), ((2, 2), "1"), ((2, 1), "1")}
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", "c"]
    assert ax.get_title(loc="left") == "confusion matrix  (80.0 % right)"
    with pytest.raises(ValueError, match="3 predictions do not go with 2 targets"):
        nn.plot.confusion_matrix([0, 1, 1], [0, 1])


def test_mistakes_come_most_confident_first(ax):
    scores = [[0.1, 0.9], [0.4, 0.6], [0.8, 0.2], [0.05, 0.95]]
    nn.plot.mistakes(np.ones((4, 4)), scores, [0, 0, 0, 1], ax=ax)
    assert texts(ax) == ["0 → 1  90 %", "0 → 1  60 %"]
    assert "2 of 4" in ax.get_title(loc="left")


def test_mistakes_of_logits_and_of_none(ax):
    nn.plot.mistakes(np.zeros((1, 4)), [[0.0, np.log(3.0) + 0.0]], [0], ax=ax)
    assert texts(ax) == ["0 → 1  75 %"]
    nn.plot.mistakes(np.zeros((1, 4)), [[0.0, 1.0]], [1], ax=ax)
    assert texts(ax)[-1] == "no mistake"
    with pytest.raises(ValueError, match="class numbers have no confidence"):
        nn.plot.mistakes(np.zeros((2, 4)), [1, 0], [0, 0])


def test_activations_say_what_is_saturated(ax, trained):
    model, d, *_ = trained
    training = model.training
    nn.plot.activations(model, d.x_test, ax=ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1 Sigmoid", "3 Sigmoid"]
    out = np.asarray(model(d.x_test).detach())
    share = 100 * np.mean((out < 0.02) | (out > 0.98))
    assert texts(ax)[1] == f"{share:.0f} % saturated"
    assert model.training == training
    assert all("forward" not in vars(m) for _, m in model.named_modules())


def test_activations_say_what_is_dead(ax):
    model = nn.mlp([4, 8, 2], "relu", output=None, rng=0)
    first = next(m for _, m in model.named_modules() if type(m).__name__ == "Linear")
    first.bias.data[:4] = -1e3
    nn.plot.activations(model, np.random.default_rng(0).random((20, 4), np.float32), ax=ax)
    assert texts(ax)[0].startswith("50 % dead")


def test_gradients_say_how_large_and_how_many_are_zero(ax, trained):
    model, d, *_ = trained
    loss = nn.quadratic_cost(model(d.x_train[:50]), nn.one_hot(d.y_train[:50], 10))
    model.zero_grad() if hasattr(model, "zero_grad") else None
    loss.backward()
    nn.plot.gradients(model, ax=ax)
    g = next(model.parameters()).grad.data
    assert f"{100 * np.mean(g == 0):.0f} % zero" in texts(ax)[0]
    assert len(texts(ax)) == len(list(model.parameters()))
    with pytest.raises(ValueError, match=r"call loss\.backward\(\) first"):
        nn.plot.gradients(nn.mlp([2, 2]))


def test_gradients_that_are_all_zero_or_not_finite_are_drawn(ax):
    model = nn.mlp([2, 2], rng=0)
    weight, bias = model.parameters()
    weight.grad = ag.tensor(np.zeros((2, 2), np.float32))
    bias.grad = ag.tensor(np.array([np.nan, 1], np.float32))
    nn.plot.gradients(model, ax=ax)
    assert "no gradient but zero" in texts(ax)
    assert "rms 0, 100 % zero" in texts(ax)
    assert "rms 1, 50 % not finite" in texts(ax)


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


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_decision_boundary_lies_where_the_model_changes_its_mind(ax, classes):
    x = np.random.default_rng(0).normal(size=(60, 2))

    def model(p):
        logits = np.stack([-3 * p[:, 0], 3 * p[:, 0], p[:, 1] - 5], 1)
        return logits[:, 1:2] if classes == 1 else logits[:, :classes]

    nn.plot.decision_boundary(model, x, x[:, 0] > 0, resolution=41, ax=ax)
    assert ax.get_title(loc="left") == "decision boundary  (100.0 % right)"
    lines = [p for c in ax.collections for p in c.get_paths() if len(p.vertices) > 20]
    assert lines
    assert np.abs(lines[0].vertices[:, 0]).max() < 0.1
    with pytest.raises(ValueError, match="points \\(N, 2\\), got shape \\(3, 4\\)"):
        nn.plot.decision_boundary(model, np.zeros((3, 4)), np.zeros(3))


def test_gradcheck_draws_a_v_and_what_stays_away(ax):
    h = np.logspace(-12, -1, 12)
    steps = {"step": h, "from gradient": h**2 + 0.01, "from slope": h**2 + 1e-16 / h}
    nn.plot.gradcheck(steps, ax=ax)
    assert texts(ax) == ["from gradient", "from slope"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    with pytest.raises(ValueError, match="no errors by step"):
        nn.plot.gradcheck({})


def test_a_new_figure_is_made_without_axes():
    from matplotlib import pyplot

    ax = nn.plot.weights(np.eye(4))
    assert pyplot.fignum_exists(ax.figure.number)
    pyplot.close(ax.figure)


def test_importing_nn_does_not_import_matplotlib():
    code = "import sys, nn; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        nn.plot.history(nn.History([{"epoch": 1, "loss": 1.0}]))


def test_draw_writes_every_few_epochs(tmp_path, trained):
    _, d, *_ = trained
    model = nn.mlp([64, 8, 10], rng=0)
    batch = d.x_train[:20], nn.one_hot(d.y_train[:20], 10)
    draw = nn.Draw(tmp_path / "new", nn.quadratic_cost, batch, every=2)
    optimizer = nn.SGD(model.parameters(), lr=1.0)
    before = [np.array(p.data) for p in nn.mlp([64, 8, 10], rng=0).parameters()]
    nn.fit(model, [batch], nn.quadratic_cost, optimizer, 5, callbacks=[draw], progress=False)
    plain = nn.mlp([64, 8, 10], rng=0)
    optimizer = nn.SGD(plain.parameters(), lr=1.0)
    nn.fit(plain, [batch], nn.quadratic_cost, optimizer, 5, progress=False)
    for p, q, b in zip(model.parameters(), plain.parameters(), before, strict=True):
        assert np.array_equal(p.data, q.data)  # drawing changes nothing
        assert not np.array_equal(p.data, b)
    names = {p.name for p in (tmp_path / "new").iterdir()}
    assert names == {"gradient_flow_2.svg", "gradient_flow_4.svg", "history.png"}
    with pytest.raises(ValueError, match="from 1 up, got 0"):
        nn.Draw(tmp_path, nn.mse_loss, batch, every=0)
