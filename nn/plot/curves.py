"""Curves: the losses of a training, the size of its updates, the error of a gradient check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from nn.plot.axes import BLUE, CYCLE, INK, MUTED, ORANGE, apart, array, axes, plain


def _labels(ax: Any, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Names at the ends of lines, none on another; axes must be logarithmic along y."""
    if not ends:
        return
    low, high = np.log10(ax.get_ylim())
    at = apart([float(np.log10(y)) for _, y, _, _ in ends], 0.055 * (high - low))
    right = max(x for x, *_ in ends)
    for (_, _, name, color), y in zip(ends, at, strict=True):
        ax.annotate(
            name, (right, 10**y), (6, 0), textcoords="offset points", color=color, va="center",
            annotation_clip=False,
        )  # fmt: skip


def history(
    history: Any,
    columns: Sequence[str] = ("loss", "validation_loss"),
    *,
    ax: Any = None,
) -> Any:
    """The losses of a training by epoch, on a logarithmic scale; the best epoch has a ring.

    Parameters
    ----------
    history : nn.History
        What :func:`nn.fit` returned.
    columns
        The columns to draw; those it does not have are left out.  The last one's least value has
        the ring.
    ax
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no epoch, or none of the columns.

    Examples
    --------
    >>> import nn
    >>> rows = [{"epoch": i + 1, "loss": 0.5**i, "validation_loss": 0.6**i} for i in range(9)]
    >>> ax = nn.plot.history(nn.History(rows))
    >>> ax.get_title(loc="left")
    'best validation loss 0.0168, in epoch 9'
    """
    rows = history.epochs
    known = [c for c in columns if any(c in row for row in rows)]
    if not known:
        have = ", ".join(rows[-1]) if rows else "no epoch"
        raise ValueError(
            f"nothing to draw: the history has {have}, asked for {', '.join(columns)}; train with "
            "nn.fit first, with validation= for a validation loss"
        )
    ax = axes(ax)
    plain(ax)
    ends = []
    best = (0.0, np.inf)
    for name, color in zip(known, CYCLE * len(known), strict=False):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        x, y = np.array(points, float).T
        good = np.isfinite(y) & (y > 0)
        ax.semilogy(x[good], y[good], color=color, lw=1.8, marker="o" if len(x) == 1 else "")
        if good.any():
            ends.append((x[good][-1], y[good][-1], name.replace("_", " "), color))
            k = int(y[good].argmin())
            best = (x[good][k], y[good][k])
    if ends:
        ax.plot(*best, "o", ms=9, mfc="none", mec=INK, mew=1.3)
    told = known[-1].replace("_", " ")
    ax.set_title(f"best {told} {best[1]:.3g}, in epoch {best[0]:.0f}", loc="left", fontsize=11)
    ax.set(xlabel="epoch", ylabel="loss")
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _labels(ax, ends)
    return ax


class Updates:
    """Watches an optimizer: how large each step is, relative to what it changes.

    Parameters
    ----------
    model
        Its parameters give the names.
    optimizer
        Its ``step`` is watched until :meth:`remove`, or to the end of the ``with`` block.

    Attributes
    ----------
    ratios : dict of str to list of float
        Root mean square of the change over that of the parameter, a value a step.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.mlp([2, 3, 1], "tanh", output=None, rng=0)
    >>> optimizer = nn.SGD(model.parameters(), lr=0.1)
    >>> x, y = np.ones((4, 2), np.float32), np.zeros((4, 1), np.float32)
    >>> with nn.plot.Updates(model, optimizer) as updates:
    ...     _ = nn.fit(model, [(x, y)] * 5, nn.mse_loss, optimizer, 1, progress=False)
    >>> [len(r) for r in updates.ratios.values()]
    [5, 5, 5, 5]
    """

    def __init__(self, model: Any, optimizer: Any) -> None:
        self.parameters = dict(model.named_parameters())
        self.optimizer = optimizer
        self.ratios: dict[str, list[float]] = {name: [] for name in self.parameters}
        self._step = optimizer.step
        optimizer.step = self._watched

    def _watched(self, closure: Any = None) -> Any:
        before = {name: p.data.copy() for name, p in self.parameters.items()}
        loss = self._step(closure)
        for name, p in self.parameters.items():
            size = float(np.sqrt(np.mean(np.square(before[name], dtype=float))))
            change = np.sqrt(np.mean(np.square(p.data - before[name], dtype=float)))
            self.ratios[name].append(float(change) / size if size else float("nan"))
        return loss

    def remove(self) -> None:
        """Watch no longer."""
        vars(self.optimizer).pop("step", None)

    def __enter__(self) -> Updates:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()


def update_ratio(updates: Any, *, ax: Any = None) -> Any:
    """The size of each step relative to the weights; about 1e-3 is healthy.

    Much less, and the parameter hardly learns; much more, and its values are overwritten rather
    than refined (Karpathy 2015).  Biases begin at zero, so only parameters with two axes or more
    are drawn, where there are some.

    Parameters
    ----------
    updates : Updates or dict of str to list of float
        The ratios by the names of parameters.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If no step was watched.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.update_ratio({"0.weight": [0.02, 0.004], "2.weight": [0.01, 0.002]})
    >>> len(ax.get_lines())
    3
    """
    ratios: Mapping[str, Sequence[float]] = getattr(updates, "ratios", updates)
    wide = {n for n, p in getattr(updates, "parameters", {}).items() if p.ndim > 1}
    shown = {n: array(r) for n, r in ratios.items() if len(r) and (not wide or n in wide)}
    if not shown:
        raise ValueError(
            "no step was watched: train inside `with nn.plot.Updates(model, optimizer) as updates:`"
        )
    ax = axes(ax)
    plain(ax)
    ends = []
    for (name, ratio), color in zip(shown.items(), CYCLE * len(shown), strict=False):
        width = max(len(ratio) // 100, 1)  # a running median of many steps
        cut = ratio[: len(ratio) // width * width].reshape(-1, width)
        y, x = np.median(cut, axis=1), (np.arange(len(cut)) + 0.5) * width
        good = np.isfinite(y) & (y > 0)
        ax.semilogy(x[good], y[good], color=color, lw=1.5)
        if good.any():
            ends.append((x[good][-1], y[good][-1], name, color))
    ax.axhline(1e-3, color=MUTED, lw=1, ls="--", zorder=0)
    ax.set(xlabel="step", ylabel="update / weight")
    ax.set_title("size of the updates relative to the weights", loc="left", fontsize=11)
    _labels(ax, ends)
    return ax


def gradcheck(report: Any, *, ax: Any = None) -> Any:
    """The error of central differences against their step, from a gradient check.

    A right gradient is met by a V: truncation falls with the step until round-off rises.  A wrong
    one stays away at every step.

    Parameters
    ----------
    report : Report or dict
        What ``ag.gradcheck`` returned, or its ``steps``.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If the report has no steps.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag, nn
    >>> report = ag.gradcheck(np.tanh, np.array([0.3, 1.2]))
    >>> steps = report.steps or {
    ...     "step": [1e-8, 1e-5, 1e-2], "from gradient": [1e-8, 1e-11, 1e-5],
    ...     "from slope": [1e-8, 1e-11, 1e-5]}
    >>> nn.plot.gradcheck(steps).get_xlabel()
    'step'
    """
    steps = report if isinstance(report, Mapping) else report.steps
    if not steps:
        raise ValueError(
            "this report has no errors by step; they are kept for the worst derivative of a "
            "check that found something to look at"
        )
    ax = axes(ax)
    plain(ax)
    x = np.asarray(steps["step"], float)
    ends = []
    names = [n for n in steps if n != "step"]
    for name, color, style in zip(names, (ORANGE, BLUE), ("-", "--"), strict=False):
        y = np.asarray(steps[name], float)
        good = np.isfinite(y) & (y > 0)
        ax.loglog(x[good], y[good], color=color, ls=style, lw=1.8)
        if good.any():
            k = int(x[good].argmax())
            ends.append((x[good][k], y[good][k], name, color))
    ax.set(xlabel="step", ylabel="error")
    title = "error of central differences"
    ax.set_title(f"{title}: {getattr(report, 'name', '')}".rstrip(": "), loc="left", fontsize=11)
    _labels(ax, ends)
    return ax
