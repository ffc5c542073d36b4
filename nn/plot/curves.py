"""Curves: the losses of a training, the size of its updates, the error of a gradient check."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from nn.columns import usual_direction
from nn.plot.axes import (
    BLUE,
    CYCLE,
    INK,
    MUTED,
    ORANGE,
    array,
    axes,
    despine,
    expect,
    separate,
    shortly,
)

#: The name, x, y, and the options of the line.
_Curve = tuple[str, Any, Any, dict[str, Any]]


def _draw_curves(ax: Any, curves: Sequence[_Curve], log: bool = True) -> list[tuple[Any, Any]]:
    """Draw curves on an axis, along y logarithmic or not, and name them at the right.

    Points that are not finite, or on a logarithmic axis not positive, are left out.  Return x and
    y of the others, for each curve.
    """
    if log:
        ax.set_yscale("log")
    to_axis = np.log10 if log else np.asarray
    drawn, ends = [], []
    for name, x, y, style in curves:
        good = np.isfinite(y) & ((y > 0) | (not log))
        drawn.append((x[good], y[good]))
        ax.plot(x[good], y[good], **style)
        if good.any():
            k = x[good].argmax()
            ends.append((x[good][k], float(to_axis(y[good][k])), name, style["color"]))
    low, high = to_axis(ax.get_ylim())
    heights = separate([float(y) for _, y, _, _ in ends], 0.055 * (high - low))
    right = max((x for x, *_ in ends), default=0.0)
    for (_, _, name, color), y in zip(ends, heights, strict=True):
        ax.annotate(
            name, (right, 10**y if log else y), (6, 0), textcoords="offset points", color=color,
            va="center", annotation_clip=False,
        )  # fmt: skip
    return drawn


def _rows(history: Any) -> list[dict[str, float]]:
    """Return the rows of a history, of a dict of columns, or of a list of rows, with epochs."""
    rows = getattr(history, "epochs", history)
    if isinstance(rows, Mapping):
        columns = {name: array(values) for name, values in rows.items()}
        if any(c.ndim != 1 for c in columns.values()):
            raise TypeError(
                "a history as a dict holds the values of each epoch by the names of columns, as "
                f"{{'loss': [0.9, 0.5]}}; got {shortly(rows)}"
            )
        longest = max(map(len, columns.values()), default=0)
        rows = [{n: c[i] for n, c in columns.items() if i < len(c)} for i in range(longest)]
    if not isinstance(rows, Sequence) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(
            "history draws an nn.History, a dict of columns, or a list of one dict for each epoch; "
            f"got {shortly(history)}"
        )
    return [{"epoch": i + 1, **row} for i, row in enumerate(rows)]


def history(history: Any, columns: Sequence[str] | str = (), *, ax: Any = None) -> Any:
    """Draw columns of a training by epoch; a ring marks the best epoch.

    Losses, and all that improves by falling, have a logarithmic scale unless some are not positive;
    accuracies, R2 and other scores have a linear one, and a plot of their own.

    Parameters
    ----------
    history : nn.History, dict of columns, or list of dicts
        The result of :func:`nn.fit`; or ``{"loss": [...], ...}``; or one dict for each epoch.
        Epochs are counted from 1 unless there is a column ``epoch``.
    columns
        The columns to draw; those that the history does not have are left out.  By default they
        are ``loss`` and ``validation_loss`` (or ``val_loss``), and of a history without a loss all
        of its scores.  The ring marks the best value of the last one: the smallest loss, the
        largest score; of a column whose name does not tell which, the last value.
    ax
        Axes to draw on; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If the history is nothing like that, or a value of a column is no number.
    ValueError
        If the history has no epoch, or none of the columns, or if losses and scores are mixed.

    Examples
    --------
    >>> import nn
    >>> rows = [{"epoch": i + 1, "loss": 0.5**i, "validation_loss": 0.6**i} for i in range(9)]
    >>> ax = nn.plot.history(nn.History(rows))
    >>> ax.get_title(loc="left")
    'best validation loss 0.0168, in epoch 9'
    >>> nn.plot.history({"accuracy": [0.5, 0.75, 0.94]}).get_title(loc="left")
    'best accuracy 94.00 %, in epoch 3'
    """
    rows = _rows(history)
    have = list(dict.fromkeys(name for row in rows for name in row))
    wanted = [columns] if isinstance(columns, str) else list(columns)
    if not wanted:
        wanted = ["loss", "val_loss", "validation_loss"]
        if have and not set(have) & set(wanted):
            wanted = [c for c in have if usual_direction(c) == "max"] or wanted
    known = [c for c in wanted if c in have]
    if not known:
        raise ValueError(
            f"nothing to draw: the history has {', '.join(have) or 'no epoch'}, and not "
            f"{', '.join(wanted)}; train with nn.fit first, with validation= for a validation loss"
        )
    rising = [c for c in known if usual_direction(c) == "max"]
    if rising and len(rising) < len(known):
        falling = next(c for c in known if c not in rising)
        raise ValueError(
            f"{falling!r} improves by falling and {rising[0]!r} by rising, on other scales: draw "
            f"each in a plot of its own, nn.plot.history(history, [{rising[0]!r}])"
        )
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    ax = despine(axes(ax))
    curves = []
    for name, color in zip(known, CYCLE * len(known), strict=False):
        points = [(row["epoch"], row[name]) for row in rows if name in row]
        style = {"color": color, "lw": 1.8, "marker": "o" if len(points) == 1 else ""}
        try:
            x, y = np.array(points, float).T
        except (TypeError, ValueError):
            wrong = next(v for _, v in points if not np.isscalar(v) or isinstance(v, str))
            raise TypeError(
                f"column {name!r} holds one number for each epoch, got {shortly(wrong)}"
            ) from None
        curves.append((name.replace("_", " "), x, y, style))
    log = not rising and all((y[np.isfinite(y)] > 0).all() for _, _, y, _ in curves)
    drawn = zip(known, _draw_curves(ax, curves, log=log), strict=True)
    finite = [(name, x, y) for name, (x, y) in drawn if len(x)]
    epoch, best, last = 0.0, np.nan, known[-1]
    if finite:
        last, x, y = finite[-1]
    word = "best" if usual_direction(last) else "last"
    if finite:
        k = -1 if word == "last" else y.argmax() if rising else y.argmin()
        epoch, best = x[k], y[k]
        ax.plot(epoch, best, "o", ms=9, mfc="none", mec=INK, mew=1.3)
    shares = all(c.endswith("accuracy") for c in known)
    value = f"{100 * best:.2f} %" if shares else f"{best:.3g}"
    text = f"{word} {last} {value}, in epoch {epoch:.0f}" if finite else f"no {last} is finite"
    ax.set_title(text.replace("_", " "), loc="left", fontsize=11)
    ax.set(xlabel="epoch", ylabel="accuracy" if shares else "score" if rising else "loss")
    if shares:
        ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


class Updates:
    """Record how large each step of an optimizer is, relative to the parameters it changes.

    Parameters
    ----------
    model
        The model, for the names of its parameters.
    optimizer
        The optimizer whose ``step`` is observed until :meth:`remove`, or to the end of the
        ``with`` block.

    Attributes
    ----------
    ratios : dict of str to list of float
        For each parameter and step, the root mean square of the change divided by the root mean
        square of the parameter before it.

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
        optimizer.step = self._observed_step

    def _observed_step(self, closure: Any = None) -> Any:
        before = {name: p.data.copy() for name, p in self.parameters.items()}
        loss = self._step(closure)
        for name, p in self.parameters.items():
            size = float(np.sqrt(np.mean(np.square(before[name], dtype=float))))
            change = np.sqrt(np.mean(np.square(p.data - before[name], dtype=float)))
            self.ratios[name].append(float(change) / size if size else float("nan"))
        return loss

    def remove(self) -> None:
        """Stop recording."""
        vars(self.optimizer).pop("step", None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def update_ratio(updates: Any, *, ax: Any = None) -> Any:
    """Draw the size of each step relative to the weights; about 1e-3 is healthy.

    At much less, a parameter hardly learns; at much more, its values are overwritten rather than
    refined (Karpathy 2015).  Only parameters with two axes or more are drawn, if there are any,
    because biases begin at zero.  Many steps are drawn as a running median.

    Parameters
    ----------
    updates : Updates or dict of str to list of float
        The ratios of each step, by the names of the parameters.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If no step was recorded.

    Examples
    --------
    >>> import nn
    >>> ax = nn.plot.update_ratio({"0.weight": [0.02, 0.004], "2.weight": [0.01, 0.002]})
    >>> len(ax.get_lines())
    3
    """
    ratios: Mapping[str, Sequence[float]] = getattr(updates, "ratios", updates)
    expect(ratios, "items", "updates is an nn.plot.Updates, or a dict of the ratios of parameters")
    wide = {n for n, p in getattr(updates, "parameters", {}).items() if p.ndim > 1}
    shown = {n: array(r) for n, r in ratios.items() if len(r) and (not wide or n in wide)}
    if not shown:
        raise ValueError(
            "no step was recorded; train inside `with nn.plot.Updates(model, optimizer) as updates`"
        )
    ax = despine(axes(ax))
    ax.axhline(1e-3, color=MUTED, lw=1, ls="--", zorder=0)
    curves = []
    for (name, ratio), color in zip(shown.items(), CYCLE * len(shown), strict=False):
        width = max(len(ratio) // 100, 1)
        cut = ratio[: len(ratio) // width * width].reshape(-1, width)
        steps = (np.arange(len(cut)) + 0.5) * width
        curves.append((name, steps, np.median(cut, axis=1), {"color": color, "lw": 1.5}))
    _draw_curves(ax, curves)
    ax.set(xlabel="step", ylabel="update / weight")
    ax.set_title("size of the updates relative to the weights", loc="left", fontsize=11)
    return ax


def gradcheck(report: Any, *, ax: Any = None) -> Any:
    """Draw the error of central differences against their step, from a gradient check.

    For a right gradient the curve is a V: as the step shrinks, the truncation error falls until
    the round-off error rises.  For a wrong one the error stays large at every step.

    Parameters
    ----------
    report : Report or dict
        The result of ``ag.gradcheck``, or its ``steps``.
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
    whole = "report is what ag.gradcheck returned, or its steps"
    steps = report if isinstance(report, Mapping) else expect(report, "steps", whole).steps
    if not steps:
        raise ValueError(
            "this report has no errors by step; a check keeps them for its worst derivative, if "
            "that did not agree at once"
        )
    ax = despine(axes(ax))
    ax.set_xscale("log")
    x, names = np.asarray(steps["step"], float), [n for n in steps if n != "step"]
    styles = ({"color": ORANGE, "lw": 1.8}, {"color": BLUE, "lw": 1.8, "ls": "--"})
    _draw_curves(
        ax, [(n, x, np.asarray(steps[n], float), s) for n, s in zip(names, styles, strict=False)]
    )
    ax.set(xlabel="step", ylabel="error")
    title = "error of central differences"
    ax.set_title(f"{title}: {getattr(report, 'name', '')}".rstrip(": "), loc="left", fontsize=11)
    return ax
