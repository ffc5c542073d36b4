"""Plots made of pixels: weights, mistakes, the confusion matrix and the decision boundary."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module, evaluating
from nn.plot.axes import BLUE, CYCLE, INK, MUTED, ORANGE, array, axes, colours, despine, shortly

_MARKERS = "Do^sPXv*"
_IGNORED = -100  # a target that does not count, as in the losses


def _mosaic(images: Any, columns: int, gap: int, above: int) -> tuple[Any, list[tuple[int, int]]]:
    """Return images ``(N, h, w)`` side by side, nan between them, and their upper left corners."""
    n, h, w = images.shape
    rows = math.ceil(n / columns)
    whole = np.full((rows * (h + above) + (rows - 1) * gap, columns * (w + gap) - gap), np.nan)
    corners = []
    for k in range(n):
        y, x = (k // columns) * (h + above + gap) + above, (k % columns) * (w + gap)
        whole[y : y + h, x : x + w] = images[k]
        corners.append((x, y))
    return whole, corners


def _height_width(pixels: int, shape: tuple[int, int] | None, what: str) -> tuple[int, int]:
    """Return the given shape, or by default a square, or one row where that does not fit."""
    side = math.isqrt(pixels)
    if shape is None:
        return (side, side) if side * side == pixels else (1, pixels)
    if len(shape) != 2:
        raise ValueError(f"shape is (height, width), got {shape}")
    if shape[0] * shape[1] != pixels:
        raise ValueError(f"shape {shape} has {shape[0] * shape[1]} pixels, but {what} has {pixels}")
    return shape


def weights(
    weight: Any,
    shape: tuple[int, int] | None = None,
    *,
    colors: str = "green-red",
    most: int = 64,
    ax: Any = None,
) -> Any:
    """Draw one image for each neuron: white is zero, green positive, red negative, on one scale.

    Of a convolution it draws one image for each filter; those of the channels of a filter stand
    side by side.

    Parameters
    ----------
    weight : array (neurons, inputs), (filters, channels, [height,] width), or a module
        For a module its first parameter is drawn, the weight of the layer that sees the pixels.
    shape
        The height and width of the images that the network reads; by default square if that fits.
        Filters have their own.
    colors
        ``"green-red"``, or ``"PuOr"`` (purple positive, orange negative) for readers who cannot
        tell green from red.
    most
        The largest number of neurons to draw.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If the weight has another number of axes or is not finite, or the shape another number of
        pixels.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.weights(nn.mlp([64, 16, 10], rng=0), colors="PuOr")
    >>> ax.get_title(loc="left")
    'weights of 16 neurons, each 8×8'
    >>> nn.plot.weights(nn.Conv2d(3, 6, 5, rng=0)).get_title(loc="left")
    'weights of 6 filters, 3 channels, each 5×5'
    """
    if hasattr(weight, "parameters"):
        first = next(iter(weight.parameters()), None)
        if first is None:
            raise ValueError(f"{type(weight).__name__} has no parameter, so no weights to draw")
        weight = first
    if array(weight).dtype.kind not in "biuf":
        raise TypeError(f"weight is an array of real numbers or a module, got {shortly(weight)}")
    w = array(weight).astype(float)
    if bad := int((~np.isfinite(w)).sum()):
        raise ValueError(
            f"{bad} of {w.size} weights are not finite, and have no colour; the training diverged: "
            "begin it again with a smaller lr=, or clip its gradients with max_norm="
        )
    if w.ndim not in (2, 3, 4):
        raise ValueError(
            "weights have shape (neurons, inputs), or (filters, channels, height, width), got "
            f"{w.shape}"
        )
    filters, channels, total = w.ndim > 2, w.shape[1] if w.ndim > 2 else 1, len(w)
    pixels = math.prod(w.shape[2:]) if filters else w.shape[1]
    own = (1, *w.shape[2:])[-2:] if filters and shape is None else shape
    size = _height_width(pixels, own, "a filter" if filters else "a row of the weight")
    w = w[: max(1, most // channels)]
    shown = w.reshape(-1, *size)
    columns = math.ceil(math.sqrt(len(shown) * size[0] / size[1])) if size[0] > 1 else 1
    if channels > 1:  # whole filters beside each other
        columns = channels * max(1, round(math.sqrt(len(w) / channels)))
    columns = max(1, min(columns, len(shown)))
    gap = 1 if size[0] < 14 else 2
    whole, corners = _mosaic(shown, columns, gap, 0)
    ax = axes(ax, 5.4, 5.0)
    largest = float(np.nanmax(np.abs(whole), initial=0)) or 1.0
    from matplotlib.patches import Rectangle

    image = ax.imshow(whole, cmap=colours(colors), vmin=-largest, vmax=largest, aspect=1.0)
    for x, y in corners:
        corner = (x - 0.5, y - 0.5)
        ax.add_patch(
            Rectangle(corner, size[1], size[0], fill=False, ec=MUTED, lw=0.6, clip_on=False)
        )
    ax.set_axis_off()
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.75, pad=0.02)
    bar.outline.set_visible(False)
    drawn = f"weights of {len(w)} {'filters' if filters else 'neurons'}"
    drawn += f" of {total}" if total > len(w) else ""
    drawn += f", {channels} channels" if channels > 1 else ""
    ax.set_title(f"{drawn}, each {size[0]}×{size[1]}", loc="left", fontsize=11)
    return ax


def _labels(values: Any, names: Sequence[Any] = ()) -> tuple[Any, int]:
    """Return class numbers ``(N,)`` from numbers, names or scores, and how many classes there are.

    ``names`` are the classes in their order.  One score for each example means two classes.
    """
    a = _without_nan(array(values))
    if a.ndim == 2 and a.shape[1] > 1:
        return a.argmax(1), a.shape[1]
    if a.ndim == 2 and not np.array_equal(a, np.round(a)):
        return _two_columns(a).argmax(1), 2
    a = a.reshape(-1) if a.ndim == 2 else a
    if a.ndim != 1:
        raise ValueError(f"classes have shape (N,), scores (N, classes), got shape {a.shape}")
    if a.dtype.kind not in "biuf" or not all(isinstance(name, str) for name in names):
        known = {name: k for k, name in enumerate(names)}
        unknown = [value for value in a.tolist() if value not in known]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not one of the classes {list(known)}")
        return np.array([known[value] for value in a.tolist()], int), len(known)
    if wrong := [v for v in a.tolist() if v != int(v) or (v < 0 and v != _IGNORED)]:
        raise ValueError(
            f"classes are numbered from 0 up, got {wrong[0]}; scores have shape (N, classes), and "
            "numbers that are names stand in classes="
        )
    count = int(a.max(initial=-1)) + 1
    if names and count > len(names):
        raise ValueError(f"class {count - 1} has no name: classes= names {len(names)}")
    return a.astype(int), count


def _without_nan(scores: Any) -> Any:
    """Return scores; ValueError if they hold nan, which would be drawn as class 0."""
    bad = int(np.isnan(scores).sum()) if scores.dtype.kind in "fc" else 0
    if bad:
        raise ValueError(f"{bad} of {scores.size} scores are nan, which is no class; see the model")
    return scores


def _two_columns(out: Any) -> Any:
    """Return scores ``(N, 2)`` of two classes from one probability or logit each, ``(N, 1)``."""
    logits = out.min(initial=0) < 0 or out.max(initial=0) > 1
    return np.hstack([np.zeros_like(out) if logits else 1 - out, out])


def _as_probabilities(scores: Any) -> Any:
    """Return scores ``(N, classes)`` from 0 to 1 as they are, and the softmax of logits."""
    if _without_nan(scores).min(initial=0) >= 0 and scores.max(initial=0) <= 1:
        return scores
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _names(*labels: Any) -> list[Any]:
    """Return the names that occur, sorted; none where classes are numbers."""
    arrays = [array(values) for values in labels]
    if all(a.dtype.kind in "biuf" for a in arrays):
        return []
    return sorted({value for a in arrays for value in a.ravel().tolist()})


def confusion_matrix(
    prediction: Any, target: Any, classes: Sequence[Any] | None = None, *, ax: Any = None
) -> Any:
    """Count how often each class was predicted for each: rows are true, columns predicted.

    Targets of -100 do not count.

    Parameters
    ----------
    prediction, target
        Class numbers or names ``(N,)``, or scores or one-hot rows ``(N, classes)``.
    classes
        The classes in their order; by default their numbers, or the names that occur, sorted.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If the numbers of predictions and targets differ, or for what is none of the classes.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.confusion_matrix([0, 1, 1, 1], [0, 1, 1, 0])
    >>> ax.get_title(loc="left")
    'confusion matrix  (75.0 % right)'
    >>> ax = nn.plot.confusion_matrix(["cat", "dog", "dog"], ["cat", "cat", "dog"])
    >>> [t.get_text() for t in ax.get_xticklabels()]
    ['cat', 'dog']
    """
    known = list(classes) if classes is not None else _names(prediction, target)
    (p, columns), (t, rows) = _labels(prediction, known), _labels(target, known)
    if p.shape != t.shape:
        raise ValueError(f"{len(p)} predictions do not go with {len(t)} targets")
    if not (t != _IGNORED).any():
        raise ValueError("nothing to draw: there is no target, or all are ignored (-100)")
    p, t = p[t != _IGNORED], t[t != _IGNORED]
    count = max(columns, rows, len(known), 1)
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (t, p), 1)
    ax = axes(ax, 5.4, 5.0)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
    size = 9 if count <= 12 else 6
    for i, j in zip(*np.nonzero(matrix), strict=True):
        color = ORANGE if i != j and share[i, j] <= 0.2 else INK  # what is read on such a blue
        ax.text(
            j, i, str(matrix[i, j]), ha="center", va="center", fontsize=size,
            fontweight="normal" if i == j else "bold",
            color="white" if share[i, j] > 0.75 else color,
        )  # fmt: skip
    names = [str(known[k]) if k < len(known) else str(k) for k in range(count)]
    ax.set_xticks(range(count), names, rotation=0 if max(map(len, names)) < 4 else 90)
    ax.set_yticks(range(count), names)
    ax.tick_params(length=0, colors=INK)
    ax.set(xlabel="predicted", ylabel="true")
    ax.set_title(f"confusion matrix  ({np.mean(p == t):.1%} right)".replace("%", " %"),
                 loc="left", fontsize=11)  # fmt: skip
    ax.spines[:].set_color(MUTED)
    return ax


def mistakes(
    x: Any,
    prediction: Any,
    target: Any,
    shape: tuple[int, int] | None = None,
    *,
    most: int = 12,
    ax: Any = None,
) -> Any:
    """Draw the images that were classified wrongly, the most confident first.

    Above each are the true class, the predicted class and the confidence, as ``4 → 9 87 %``.

    Parameters
    ----------
    x
        Images ``(N, pixels)`` or ``(N, height, width)``, bright on dark; drawn as ink on paper.
    prediction
        Scores ``(N, classes)``: probabilities, sigmoid outputs, or logits, to which the softmax is
        applied.
    target
        Class numbers ``(N,)`` or one-hot rows.
    shape
        The height and width of the images; by default square if that fits.
    most
        The largest number of images to draw.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If the predictions are not scores.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.random.default_rng(0).random((3, 64))
    >>> ax = nn.plot.mistakes(x, [[0.9, 0.1], [0.3, 0.7], [0.2, 0.8]], [0, 0, 0])
    >>> [t.get_text() for t in ax.texts]
    ['0 → 1  80 %', '0 → 1  70 %']
    """
    scores, (t, _) = array(prediction).astype(float), _labels(target)
    if scores.ndim != 2 or len(scores) != len(t):
        raise ValueError(
            f"mistakes are found from scores (N, classes) of {len(t)} examples, got shape "
            f"{scores.shape}; class numbers have no confidence"
        )
    if len(array(x)) != len(t):
        raise ValueError(f"{len(array(x))} images do not go with {len(t)} targets")
    scores = _as_probabilities(scores)
    p = scores.argmax(-1)
    wrong = np.flatnonzero(p != t)
    confidence = scores[wrong, p[wrong]]
    order = np.argsort(-confidence, kind="stable")[:most]
    chosen, confidence = wrong[order], confidence[order]
    ax = axes(ax, 5.4, 5.0)
    ax.set_axis_off()
    rate = f"{len(wrong):,} of {len(t):,}"
    ax.set_title(f"most confident mistakes  ({rate} are wrong)", loc="left", fontsize=11)
    if not len(chosen):
        ax.text(0.5, 0.5, "no mistake", ha="center", va="center", color=MUTED, fontsize=12)
        return ax
    images = array(x)[chosen].reshape(len(chosen), -1)
    h, w = _height_width(images.shape[1], shape, "an image")
    columns = math.ceil(math.sqrt(len(chosen)))
    gap, above = max(w // 3, 2), max(h // 4, 2)
    whole, corners = _mosaic(images.reshape(-1, h, w), columns, gap, above)
    ax.imshow(whole, cmap="Greys", vmin=0, vmax=float(images.max()) or 1.0)
    size = 9 if columns <= 4 else 7
    for k, (left, top), c in zip(chosen, corners, confidence, strict=True):
        label = f"{t[k]} → {p[k]}  {100 * c:.0f} %"
        ax.text(
            left + w / 2 - 0.5,
            top - 0.7,
            label,
            ha="center",
            va="bottom",
            color=BLUE,
            fontsize=size,
        )
    return ax


def _class_probabilities(model: Any, points: Any, names: Sequence[Any]) -> Any:
    """Return the probabilities ``(N, classes)``; an output of one number means two classes."""
    if not isinstance(model, Module) and hasattr(model, "predict"):
        if hasattr(model, "predict_proba"):
            return array(model.predict_proba(points)).astype(float)
        k, count = _labels(model.predict(points), names)
        return np.eye(max(count, len(names), 2))[k]
    evaluation = evaluating(model) if isinstance(model, Module) else nullcontext()
    with evaluation, ag.no_grad():
        out = array(model(points))
    if out.dtype.kind in "US":  # names of classes
        k, count = _labels(out, names)
        return np.eye(max(count, 2))[k]
    out = out.astype(float)
    if out.shape[:1] != (len(points),) or out.ndim > 2 or out.size == 0:
        raise ValueError(
            f"a classifier of points returns scores (N, classes), here ({len(points)}, classes), "
            f"got shape {out.shape}"
        )
    out = out.reshape(len(points), -1)
    shares = _as_probabilities(_two_columns(out) if out.shape[1] == 1 else out)
    return shares / np.maximum(shares.sum(1, keepdims=True), 1e-30)


def decision_boundary(
    model: Any, x: Any, y: Any, *, resolution: int = 200, margin: float = 0.15, ax: Any = None
) -> Any:
    """Draw where a classifier changes its decision, and how confident it is, with the points.

    For two classes the background goes from purple to orange and is white where the model is
    undecided; for more, each class has a colour, paler where the model is less confident.  Each
    class also has its own marker.

    Parameters
    ----------
    model
        A function or module of ``(N, 2)`` that returns probabilities or logits ``(N, classes)``,
        or ``(N, 1)`` for two classes; or an object with ``predict_proba`` or ``predict``, as the
        classifiers of scikit-learn.
    x, y
        Points ``(N, 2)`` and class numbers or names ``(N,)``, class numbers ``(N, 1)``, or one-hot
        rows.  Where the model has ``classes_``, the labels are of those.
    resolution
        The number of points of the grid along each axis.
    margin
        The margin around the points, as a share of their extent.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    TypeError
        If the model cannot be called and has no ``predict``.
    ValueError
        If ``x`` does not have shape ``(N, 2)``, or ``y`` not one label for each point.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    >>> ax = nn.plot.decision_boundary(lambda p: p[:, :1], x, x[:, 0] > 0)
    >>> ax.get_title(loc="left")
    'decision boundary  (100.0 % right)'
    """
    x = array(x)
    if not callable(model) and not hasattr(model, "predict"):
        raise TypeError(
            "model is a function of points (N, 2), a module, or an object with predict; got "
            f"{type(model).__name__}"
        )
    if x.ndim != 2 or x.shape[1] != 2 or not len(x):
        raise ValueError(f"a decision boundary is drawn for points (N, 2), got shape {x.shape}")
    x = x if x.dtype.kind == "f" else x.astype(float)  # so is the grid
    names = np.asarray(getattr(model, "classes_", ())).tolist() or _names(y)
    labels, _ = _labels(y, names)
    if len(labels) != len(x):
        raise ValueError(f"{len(labels)} labels do not go with {len(x)} points")
    low, high = x.min(0), x.max(0)
    around = np.where(high > low, high - low, 1) * margin
    gx, gy = np.linspace(low - around, high + around, resolution).T
    grid = np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2).astype(x.dtype)
    shares = _class_probabilities(model, grid, names)
    classes = shares.shape[1]
    right = float(np.mean(_class_probabilities(model, x, names).argmax(1) == labels))
    ax = despine(axes(ax, 5.6, 4.6))
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    shape = (resolution, resolution)
    extent = (gx[0], gx[-1], gy[0], gy[-1])
    frame: dict[str, Any] = {"extent": extent, "origin": "lower", "aspect": "auto"}
    if classes == 2:
        look = {"cmap": "PuOr_r", "alpha": 0.75, "interpolation": "bilinear"}
        ax.imshow(shares[:, 1].reshape(shape), vmin=0, vmax=1, **look, **frame)
        colors = colormaps["PuOr_r"]([0.02, 0.98])
    else:
        colors = np.array([to_rgb(CYCLE[k % len(CYCLE)]) for k in range(classes)])
        confidence = (shares.max(1) - 1 / classes) / (1 - 1 / classes)
        strength = (0.15 + 0.45 * confidence)[:, None]
        image = colors[shares.argmax(1)] * strength + (1 - strength)
        ax.imshow(image.reshape(*shape, 3), **frame)
    for k in range(classes):
        others = np.delete(shares, k, 1).max(1)
        difference = (shares[:, k] - others).reshape(shape)
        if (k or classes > 2) and difference.min() < 0 < difference.max():
            ax.contour(gx, gy, difference, levels=[0], colors=INK, linewidths=1.4)
    for k in range(max(classes, int(labels.max(initial=0)) + 1)):
        ax.scatter(
            *x[labels == k].T, s=18, marker=_MARKERS[k % len(_MARKERS)],
            color=[colors[k % len(colors)]], edgecolors="white", linewidths=0.6,
            label=names[k] if k < len(names) else k,
        )  # fmt: skip
    if names:
        ax.legend(frameon=False, fontsize=9)
    title = f"decision boundary  ({right:.1%} right)".replace("%", " %")
    ax.set_title(title, loc="left", fontsize=11)
    return ax
