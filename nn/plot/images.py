"""Pictures of images: weights, mistakes; and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.plot.axes import BLUE, INK, MUTED, ORANGE, array, axes, colours


def _mosaic(images: Any, columns: int, gap: int, above: int) -> tuple[Any, list[tuple[int, int]]]:
    """Images ``(N, h, w)`` side by side, nan between them; and each one's left upper corner."""
    n, h, w = images.shape
    rows = math.ceil(n / columns)
    whole = np.full((rows * (h + above) + (rows - 1) * gap, columns * (w + gap) - gap), np.nan)
    corners = []
    for k in range(n):
        y, x = (k // columns) * (h + above + gap) + above, (k % columns) * (w + gap)
        whole[y : y + h, x : x + w] = images[k]
        corners.append((x, y))
    return whole, corners


def _side(pixels: int, shape: tuple[int, int] | None, what: str) -> tuple[int, int]:
    side = math.isqrt(pixels)
    if shape is None:
        return (side, side) if side * side == pixels else (1, pixels)
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
    """One image a neuron: white is zero, green positive and red negative, one scale for all.

    Parameters
    ----------
    weight : array (neurons, inputs), or a module
        Of a module its first parameter, as of the layer that sees the pixels.
    shape
        Of the images the network reads; by default square where that fits.
    colors
        ``"green-red"``, or ``"PuOr"`` (purple positive, orange negative) for readers who do not
        tell green from red.
    most
        Neurons at most.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If the weight has not two axes, or the shape not as many pixels.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.weights(nn.mlp([64, 16, 10], rng=0), colors="PuOr")
    >>> ax.get_title(loc="left")
    'weights of 16 neurons, each 8×8'
    """
    if hasattr(weight, "parameters"):
        weight = next(iter(weight.parameters()))
    w = array(weight).astype(float)
    if w.ndim != 2:
        raise ValueError(
            f"weights are (neurons, inputs), got shape {w.shape}; of a convolution pass "
            "weight.data.reshape(len(weight), -1)"
        )
    size, total = _side(w.shape[1], shape, "a row of the weight"), len(w)
    shown = w[:most].reshape(-1, *size)
    columns = math.ceil(math.sqrt(len(shown) * size[0] / size[1])) if size[0] > 1 else 1
    columns = max(1, min(columns, len(shown)))
    gap = 1 if size[0] < 14 else 2
    whole, corners = _mosaic(shown, columns, gap, 0)
    ax = axes(ax, 5.4, 5.0)
    largest = float(np.nanmax(np.abs(whole), initial=0)) or 1.0
    image = ax.imshow(whole, cmap=colours(colors), vmin=-largest, vmax=largest, aspect=1.0)
    for x, y in corners:
        edge = {"fill": False, "ec": MUTED, "lw": 0.6, "clip_on": False}
        ax.add_patch(_rectangle((x - 0.5, y - 0.5), size[1], size[0], edge))
    ax.set_axis_off()
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.75, pad=0.02)
    bar.outline.set_visible(False)
    said = f"weights of {len(shown)} neurons" + (f" of {total}" if total > len(shown) else "")
    ax.set_title(f"{said}, each {size[0]}×{size[1]}", loc="left", fontsize=11)
    return ax


def _rectangle(corner: tuple[float, float], w: float, h: float, look: dict[str, Any]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, w, h, **look)


def _classes(values: Any) -> Any:
    """Class numbers, of class numbers or of rows of scores."""
    a = array(values)
    return a.argmax(-1) if a.ndim > 1 else a.astype(int)


def confusion_matrix(
    prediction: Any, target: Any, classes: Sequence[str] | None = None, *, ax: Any = None
) -> Any:
    """How often each class was taken for each: rows are true, columns predicted.

    Parameters
    ----------
    prediction, target
        Class numbers ``(N,)``, or scores or one-hot rows ``(N, classes)``.
    classes
        Their names; by default their numbers.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If there are not as many predictions as targets.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.confusion_matrix([0, 1, 1, 1], [0, 1, 1, 0])
    >>> ax.get_title(loc="left")
    'confusion matrix  (75.0 % right)'
    """
    p, t = _classes(prediction), _classes(target)
    if p.shape != t.shape:
        raise ValueError(f"{len(p)} predictions do not go with {len(t)} targets")
    count = max(int(max(p.max(initial=0), t.max(initial=0))) + 1, len(classes or ()))
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (t, p), 1)
    ax = axes(ax, 5.4, 5.0)
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
    size = 9 if count <= 12 else 6
    for i, j in zip(*np.nonzero(matrix), strict=True):
        right = i == j
        color = ("white" if share[i, j] > 0.5 else INK) if right else ORANGE
        if not right and share[i, j] > 0.3:
            color = "white"
        ax.text(
            j, i, str(matrix[i, j]), ha="center", va="center", color=color, fontsize=size,
            fontweight="normal" if right else "bold",
        )  # fmt: skip
    names = list(classes or map(str, range(count)))
    ax.set_xticks(range(count), names, rotation=0 if max(map(len, names)) < 4 else 90)
    ax.set_yticks(range(count), names)
    ax.tick_params(length=0, colors=INK)
    ax.set(xlabel="predicted", ylabel="true")
    ax.set_title(f"confusion matrix  ({np.mean(p == t):.1%} right)".replace("%", " %"),
                 loc="left", fontsize=11)  # fmt: skip
    for side in ax.spines.values():
        side.set_color(MUTED)
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
    """The images that were classified wrongly, the most confident first.

    Above each: true class, predicted class, confidence, as ``4 → 9 87 %``.

    Parameters
    ----------
    x
        Images ``(N, pixels)`` or ``(N, height, width)``, bright on dark; drawn as ink on paper.
    prediction
        Scores ``(N, classes)``: probabilities, sigmoid outputs, or logits, of which the softmax
        is taken.
    target
        Class numbers ``(N,)`` or one-hot rows.
    shape, most
        Of the images; how many.
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
    scores, t = array(prediction).astype(float), _classes(target)
    if scores.ndim != 2 or len(scores) != len(t):
        raise ValueError(
            f"mistakes take scores (N, classes) for {len(t)} targets, got shape {scores.shape}; "
            "class numbers have no confidence"
        )
    if scores.min(initial=0) < 0 or scores.max(initial=0) > 1:  # logits
        e = np.exp(scores - scores.max(-1, keepdims=True))
        scores = e / e.sum(-1, keepdims=True)
    p = scores.argmax(-1)
    wrong = np.flatnonzero(p != t)
    sure = scores[wrong, p[wrong]]
    order = np.argsort(-sure, kind="stable")[:most]
    chosen, sure = wrong[order], sure[order]
    ax = axes(ax, 5.4, 5.0)
    ax.set_axis_off()
    rate = f"{len(wrong):,} of {len(t):,}"
    ax.set_title(f"most confident mistakes  ({rate} are wrong)", loc="left", fontsize=11)
    if not len(chosen):
        ax.text(0.5, 0.5, "no mistake", ha="center", va="center", color=MUTED, fontsize=12)
        return ax
    images = array(x)[chosen].reshape(len(chosen), -1)
    h, w = _side(images.shape[1], shape, "an image")
    columns = math.ceil(math.sqrt(len(chosen)))
    gap, above = max(w // 3, 2), max(h // 4, 2)
    whole, corners = _mosaic(images.reshape(-1, h, w), columns, gap, above)
    ax.imshow(whole, cmap="Greys", vmin=0, vmax=float(images.max()) or 1.0)
    size = 9 if columns <= 4 else 7
    for k, (left, top), c in zip(chosen, corners, sure, strict=True):
        told = f"{t[k]} → {p[k]}  {100 * c:.0f} %"
        ax.text(
            left + w / 2 - 0.5, top - 0.7, told, ha="center", va="bottom", color=BLUE, fontsize=size
        )
    return ax
