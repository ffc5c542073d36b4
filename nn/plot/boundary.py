"""The decision boundary of a classifier of points in the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from nn.plot.axes import CYCLE, INK, array, axes, plain

_MARKS = "Do^sPXv*"


def _scores(model: Any, points: Any) -> Any:
    with ag.no_grad():
        out = array(model(points)).astype(float)
    out = out.reshape(len(points), -1)
    if out.shape[1] == 1:  # a probability, or a logit
        p = out if out.min() >= 0 and out.max() <= 1 else 1 / (1 + np.exp(-np.clip(out, -60, 60)))
        return np.hstack([1 - p, p])
    if out.min() < 0 or out.max() > 1:
        e = np.exp(out - out.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return out / np.maximum(out.sum(1, keepdims=True), 1e-30)


def decision_boundary(
    model: Any, x: Any, y: Any, *, resolution: int = 200, margin: float = 0.15, ax: Any = None
) -> Any:
    """Where a classifier changes its mind, and how sure it is elsewhere, with the points.

    Of two classes the background goes from purple to orange and is white where the model is
    undecided; of more each has a colour, paler where it is less sure.  A class has a marker too.

    Parameters
    ----------
    model
        Maps ``(N, 2)`` to ``(N, classes)``, or to ``(N, 1)`` for two: probabilities or logits.
    x, y
        Points ``(N, 2)`` and class numbers ``(N,)``, ``(N, 1)`` or one-hot.
    resolution
        Of the grid, along each axis.
    margin
        Around the points, as a share of their extent.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If ``x`` is not points in the plane.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    >>> ax = nn.plot.decision_boundary(lambda p: p[:, :1], x, x[:, 0] > 0)
    >>> ax.get_title(loc="left")
    'decision boundary  (100.0 % right)'
    """
    x, y = array(x), array(y)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"a decision boundary is drawn of points (N, 2), got shape {x.shape}")
    labels = (y.argmax(1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1)).astype(int)
    low, high = x.min(0), x.max(0)
    extent = np.where(high > low, high - low, 1) * margin
    gx = np.linspace(low[0] - extent[0], high[0] + extent[0], resolution)
    gy = np.linspace(low[1] - extent[1], high[1] + extent[1], resolution)
    grid = np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2).astype(x.dtype)
    share = _scores(model, grid)
    classes = share.shape[1]
    right = float(np.mean(_scores(model, x).argmax(1) == labels))
    ax = axes(ax, 5.6, 4.6)
    plain(ax)
    frame = (gx[0], gx[-1], gy[0], gy[-1])
    shape = (resolution, resolution)
    paint: list[Any]
    if classes == 2:
        from matplotlib import colormaps

        ax.imshow(
            share[:, 1].reshape(shape), extent=frame, origin="lower", aspect="auto", vmin=0,
            vmax=1, cmap="PuOr_r", alpha=0.75, interpolation="bilinear",
        )  # fmt: skip
        paint = [colormaps["PuOr_r"](0.02), colormaps["PuOr_r"](0.98)]
    else:
        from matplotlib.colors import to_rgb

        paint = [to_rgb(CYCLE[k % len(CYCLE)]) for k in range(classes)]
        best = share.argmax(1)
        sure = (share.max(1) - 1 / classes) / (1 - 1 / classes)
        pale = (0.15 + 0.45 * sure)[:, None]
        image = np.array([c[:3] for c in paint])[best] * pale + (1 - pale)
        ax.imshow(image.reshape(*shape, 3), extent=frame, origin="lower", aspect="auto")
    for k in range(classes):
        others = np.delete(share, k, 1).max(1)
        difference = (share[:, k] - others).reshape(shape)
        if (k or classes > 2) and difference.min() < 0 < difference.max():
            ax.contour(gx, gy, difference, levels=[0], colors=INK, linewidths=1.4)
    for k in range(max(classes, int(labels.max(initial=0)) + 1)):
        of = labels == k
        mark = _MARKS[k % len(_MARKS)]
        color = paint[k % len(paint)]
        ax.scatter(*x[of].T, s=18, marker=mark, color=[color], edgecolors="white", linewidths=0.6)
    title = f"decision boundary  ({right:.1%} right)".replace("%", " %")
    ax.set_title(title, loc="left", fontsize=11)
    return ax
