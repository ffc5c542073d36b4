"""Plots made of pixels: what is drawn, and what is refused."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.nn.plot.axes_texts import texts

pytest.importorskip("matplotlib")


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
    with pytest.raises(ValueError, match=r"channels, height, width\), got \(3,\)"):
        nn.plot.weights(np.zeros(3))
    with pytest.raises(ValueError, match="'green-red' or 'PuOr', got 'red'"):
        nn.plot.weights(model, colors="red")


def test_confusion_matrix_counts(ax):
    nn.plot.confusion_matrix([0, 1, 2, 2, 1], [0, 1, 2, 1, 1], ["a", "b", "c"], ax=ax)
    labels = {(t.get_position(), t.get_text()) for t in ax.texts}
    assert labels == {((0, 0), "1"), ((1, 1), "2"), ((2, 2), "1"), ((2, 1), "1")}
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


@pytest.mark.parametrize(("shape", "most", "title", "grid"), [
    ((6, 1, 5, 5), 64, "weights of 6 filters, each 5×5", (2, 3)),
    ((4, 3, 2, 2), 64, "weights of 4 filters, 3 channels, each 2×2", (4, 3)),
    ((40, 3, 2, 2), 24, "weights of 8 filters of 40, 3 channels, each 2×2", (4, 6)),
    ((8, 4, 5), 64, "weights of 8 filters, 4 channels, each 1×5", (8, 4)),
])  # fmt: skip
def test_every_channel_of_a_filter_is_an_image(ax, shape, most, title, grid):
    w = np.arange(np.prod(shape), dtype=float).reshape(shape)
    nn.plot.weights(w, most=most, ax=ax)
    assert ax.get_title(loc="left") == title
    h, width = (1, *shape[2:])[-2:]
    pixels = ax.images[0].get_array()
    rows, columns = grid
    assert pixels.shape == (rows * h + rows - 1, columns * width + columns - 1)
    tiles = w.reshape(-1, h, width)
    for k in range(rows * columns):
        y, x = (k // columns) * (h + 1), (k % columns) * (width + 1)
        np.testing.assert_array_equal(pixels[y : y + h, x : x + width], tiles[k])


def test_matplotlib_draws_results_that_are_not_recorded(ax):
    with ag.no_grad():
        y = nn.mlp([2, 3, 1], rng=0)(np.ones((5, 2), np.float32))
    (line,) = ax.plot(y)
    np.testing.assert_array_equal(line.get_ydata(), y.numpy()[:, 0])
    ax.plot(ag.tensor([1.0, 2.0]), ag.tensor([1.0, 2.0]))
    with pytest.raises(ag.errors.ConversionError, match="detach"):
        ax.plot(nn.Parameter([1.0, 2.0]))


def test_scores_of_nan_are_no_class():
    scores, y = np.array([[0.2, 0.8], [np.nan, np.nan]]), np.array([1, 0])
    for draw in (
        lambda: nn.plot.confusion_matrix(scores, y),
        lambda: nn.plot.mistakes(np.zeros((2, 4)), scores, y),
        lambda: nn.plot.decision_boundary(lambda p: np.full((len(p), 2), np.nan), np.eye(2), y),
    ):
        with pytest.raises(ValueError, match="scores are nan, which is no class"):
            draw()


@pytest.mark.parametrize(("prediction", "target", "classes", "names", "right"), [
    (["a", "b", "b"], ["a", "c", "b"], None, ["a", "b", "c"], "66.7"),
    (["a", "b"], ["a", "b"], ["b", "a"], ["b", "a"], "100.0"),
    (np.eye(4)[[1, 2]], [1, 1], None, ["0", "1", "2", "3"], "50.0"),  # the scores know of more
    ([7, 3], [3, 3], [3, 7], ["3", "7"], "50.0"),
    ([[0.2], [0.9]], [[0], [1]], None, ["0", "1"], "100.0"),
    ([[-3.0], [0.1]], [0, 1], None, ["0", "1"], "100.0"),
    ([0, 1, 1], [0, -100, 1], ["no", "yes"], ["no", "yes"], "100.0"),
])  # fmt: skip
def test_confusion_matrix_of_names_and_scores(ax, prediction, target, classes, names, right):
    nn.plot.confusion_matrix(prediction, target, classes, ax=ax)
    assert [t.get_text() for t in ax.get_xticklabels()] == names
    assert ax.get_title(loc="left") == f"confusion matrix  ({right} % right)"


@pytest.mark.parametrize(("call", "words"), [
    (lambda p: p.confusion_matrix(["a"], ["b"], ["a"]), "'b' is not one of the classes"),
    (lambda p: p.confusion_matrix([0, 2], [0, 1], ["no", "yes"]), "class 2 has no name"),
    (lambda p: p.confusion_matrix([0, -1], [0, 1]), "numbered from 0 up, got -1"),
    (lambda p: p.confusion_matrix([0.2, 0.9], [0, 1]), "numbered from 0 up, got 0.2"),
    (lambda p: p.confusion_matrix([], []), "nothing to draw"),
    (lambda p: p.confusion_matrix(np.zeros((2, 2, 2)), [0, 1]), "classes have shape"),
    (lambda p: p.mistakes(np.ones((3, 4)), np.eye(2), [0, 1]), "3 images do not go with 2"),
    (lambda p: p.weights(np.array([[1.0, np.nan]])), "1 of 2 weights are not finite"),
    (lambda p: p.weights(nn.ReLU()), "ReLU has no parameter"),
    (lambda p: p.weights("abc"), "weight is an array of real numbers or a module"),
    (lambda p: p.weights(np.eye(4), (4,)), "shape is \\(height, width\\)"),
    (lambda p: p.weights(np.eye(4), ax=3), "ax is the axes"),
    (lambda p: p.decision_boundary(3, np.eye(2), [0, 1]), "a function of points"),
    (lambda p: p.decision_boundary(np.sin, np.eye(2), [0]), "1 labels do not go with 2 points"),
    (lambda p: p.decision_boundary(np.ravel, np.eye(2), [0, 1]), "scores \\(N, classes\\)"),
    (lambda p: p.decision_boundary(np.sin, np.zeros((0, 2)), []), "points \\(N, 2\\)"),
    (lambda p: p.history(3), "an nn.History, a dict of columns"),
    (lambda p: p.history({"loss": 0.5}), "values of each epoch"),
    (lambda p: p.history({"loss": ["low"]}), "one number for each epoch"),
    (lambda p: p.history([]), "no epoch"),
    (lambda p: p.update_ratio(3), "updates is an nn.plot.Updates"),
    (lambda p: p.gradcheck(3), "what ag.gradcheck returned"),
    (lambda p: p.activations(3, 4), "model is an nn.Module"),
    (lambda p: p.gradients(3), "model is an nn.Module"),
])  # fmt: skip
def test_wrong_inputs_get_our_words(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call(nn.plot)


class Nearest:
    """A classifier by the nearest of three points, with the interface of scikit-learn."""

    classes_ = np.array(["blue", "green", "red"])
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    def distances(self, points):
        return ((points[:, None] - self.centres) ** 2).sum(-1)

    def predict(self, points):
        return self.classes_[self.distances(points).argmin(1)]


class Soft(Nearest):
    def predict_proba(self, points):
        powers = np.exp(-4 * self.distances(points))
        return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("model", [Nearest(), Soft(), Soft().predict_proba])
def test_decision_boundary_of_whatever_predicts(ax, model):
    x = np.random.default_rng(0).normal(size=(30, 2))
    y = Nearest().predict(x)
    labels = y if hasattr(model, "predict") else np.unique(y, return_inverse=True)[1]
    nn.plot.decision_boundary(model, x, labels, ax=ax)
    assert ax.get_title(loc="left") == "decision boundary  (100.0 % right)"
    if hasattr(model, "predict"):
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["blue", "green", "red"]


def test_decision_boundary_of_whole_numbers_has_a_fine_grid(ax):
    x, seen = np.array([[0, 0], [3, 3], [0, 3]]), []
    nn.plot.decision_boundary(lambda p: seen.append(p) or p[:, :1] > 1, x, [0, 1, 0], ax=ax)
    assert seen[0].dtype.kind == "f"
    assert len(np.unique(seen[0])) == 200


def test_decision_boundary_of_scikit_learn(ax):
    svm = pytest.importorskip("sklearn.svm")
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.where(x[:, 0] > 0, "yes", "no")
    model = svm.SVC().fit(x, y)
    nn.plot.decision_boundary(model, x, y, ax=ax)
    assert ax.get_title(loc="left").split("(")[1] == f"{100 * model.score(x, y):.1f} % right)"


def test_decision_boundary_of_a_function_that_returns_names(ax):
    x = np.random.default_rng(0).normal(size=(30, 2))
    names = np.where(x[:, 0] > 0, "right", "left")
    nn.plot.decision_boundary(lambda p: np.where(p[:, 0] > 0, "right", "left"), x, names, ax=ax)
    assert ax.get_title(loc="left") == "decision boundary  (100.0 % right)"


def test_numbers_in_a_confusion_matrix_can_be_read_on_their_blue(ax):
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    def luminance(colour):
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in colour[:3]]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    for errors in range(21):
        target, prediction = np.zeros(20, int), np.array([1] * errors + [0] * (20 - errors))
        nn.plot.confusion_matrix(prediction, target, ax=ax)
        for text in ax.texts:
            behind = colormaps["Blues"](int(text.get_text()) / 20 / 1.15)
            a, b = sorted((luminance(behind), luminance(to_rgb(text.get_color()))))
            assert (b + 0.05) / (a + 0.05) >= 2.9
        ax.clear()
