"""Ridge plots by layer: the activations of a batch, and the gradients of the parameters."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.calls import innermost_outputs
from nn.module import Module
from nn.plot.axes import BLUE, INK, MUTED, ORANGE, array, axes, despine, expect

#: The bounds at which an activation saturates, by the name of its class.
_BOUNDS = {"Sigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Softmax": (0.0, 1.0)}
_NEAR = 0.02  # the share of the range, next to a bound, that counts as saturated
_WARN = 0.4  # a share from which a note is emphasized


def _ridges(
    ax: Any, rows: Sequence[tuple[str, Any, str, bool]], edges: Any, empty: str = ""
) -> None:
    """Draw histograms above one another, from the bottom, each with a note at its right.

    Parameters
    ----------
    rows
        The name, the values, the note, and whether to emphasize the note.
    edges
        The edges of the bins.
    empty
        The text in place of a histogram without values.
    """
    despine(ax).spines["left"].set_visible(False)
    for k, (_, values, note, warn) in enumerate(rows):
        counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0].astype(float)
        height = 0.85 * counts / counts.max() if counts.max() else counts
        ax.stairs(k + height, edges, baseline=k, fill=True, color=BLUE, alpha=0.75)
        ax.hlines(k, edges[0], edges[-1], color=MUTED, lw=0.6)
        if not len(values) and empty:
            ax.text((edges[0] + edges[-1]) / 2, k + 0.3, empty, color=MUTED, ha="center")
        ax.annotate(
            note, (edges[-1], k + 0.3), (8, 0), textcoords="offset points", annotation_clip=False,
            color=ORANGE if warn else MUTED, fontsize=9, fontweight="bold" if warn else "normal",
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.set(xlim=(edges[0], edges[-1]), ylim=(-0.1, len(rows)))


def outputs(model: Module, x: Any) -> list[tuple[str, Module, Any]]:
    """Return the name and output of each innermost module for ``x``, in the order of running."""
    return [(name, module, array(out)) for name, module, out in innermost_outputs(model, x)]


def _health(module: Module, out: Any) -> tuple[str, bool]:
    """Return a note on a layer's outputs, such as the share saturated, and whether it is high."""
    kind = type(module).__name__
    if kind in _BOUNDS:
        low, high = _BOUNDS[kind]
        near = _NEAR * (high - low)
        share = float(np.mean((out < low + near) | (out > high - near)))
        return f"{100 * share:.0f} % saturated", share > _WARN
    zero = out == 0
    if zero.any() and kind != "Linear":
        dead = float(np.mean(zero.reshape(len(out), -1).all(0)))
        return f"{100 * dead:.0f} % dead, {100 * zero.mean():.0f} % zero", dead > _WARN
    return f"std {out.std():.2g}", False


def activations(model: Module, x: Any, *, ax: Any = None) -> Any:
    """Draw the distribution of each layer's outputs for a batch, and the share saturated or dead.

    A unit of a sigmoid or tanh is saturated within 2 % of its bounds, where its slope is almost
    zero; a unit of a ReLU is dead if it is zero for every example.

    Parameters
    ----------
    model
        The network; the outputs of its activations (modules without parameters) are drawn, or
        of all its innermost modules if it has none.
    x
        A batch of inputs.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If no module ran.

    Examples
    --------
    >>> import numpy as np, nn
    >>> x = np.random.default_rng(0).random((50, 8), np.float32)
    >>> ax = nn.plot.activations(nn.mlp([8, 6, 3], "sigmoid", rng=0), x)
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['1 Sigmoid', '3 Sigmoid']
    """
    ran = outputs(expect(model, "named_modules", "model is an nn.Module"), x)
    chosen = [r for r in ran if not list(r[1].parameters()) and type(r[1]).__name__ != "Flatten"]
    chosen = chosen or ran
    if not chosen:
        raise ValueError(f"nothing to draw: no module ran inside {type(model).__name__}")
    ax = axes(ax, 6.4, 1.2 + 0.9 * len(chosen))
    rows = [
        (f"{name} {type(m).__name__}", o[np.isfinite(o)], *_health(m, o)) for name, m, o in chosen
    ]
    finite = np.concatenate([values for _, values, *_ in rows])
    low, high = np.percentile(finite, [0.2, 99.8]) if finite.size else (0.0, 1.0)
    if all(type(m).__name__ in _BOUNDS for _, m, _ in chosen):
        low, high = min(_BOUNDS[type(m).__name__][0] for _, m, _ in chosen), 1.0
    edges = np.linspace(low, high if high > low else low + 1, 41)
    _ridges(ax, rows, edges)
    ax.set_xlabel("output")
    ax.set_title("activations of each layer", loc="left", fontsize=11)
    return ax


def gradients(model: Module, *, ax: Any = None) -> Any:
    """Draw the distribution of each parameter's gradient, by powers of ten, and the share of zeros.

    Ridges that move to the left from the last layer to the first show a vanishing gradient.

    Parameters
    ----------
    model
        The network, after ``loss.backward()``.
    ax
        Axes to draw on; by default those of a new figure.

    Raises
    ------
    ValueError
        If no parameter has a gradient.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.mlp([8, 6, 3], "sigmoid", rng=0)
    >>> nn.mse_loss(model(np.ones((4, 8), np.float32)), np.zeros((4, 3), np.float32)).backward()
    >>> ax = nn.plot.gradients(model)
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """
    found = [
        (name, np.abs(array(p.grad)).ravel().astype(float))
        for name, p in expect(model, "named_parameters", "model is an nn.Module").named_parameters()
        if p.grad is not None
    ]
    if not found:
        raise ValueError("no parameter has a gradient: call loss.backward() first")
    ax = axes(ax, 6.4, 1.2 + 0.7 * len(found))
    rows = []
    for name, g in found:
        finite = np.isfinite(g)
        log = np.log10(g[finite & (g > 0)])
        zero, bad = float(np.mean(g == 0)), float(np.mean(~finite))
        size = float(np.sqrt(np.mean(g[finite] ** 2))) if finite.any() else float("nan")
        note = f"rms {size:.1g}" + (f", {100 * zero:.0f} % zero" if zero >= 0.005 else "")
        note += f", {100 * bad:.2g} % not finite" if bad else ""
        rows.append((name, log, note, zero > _WARN or bad > 0))
    every = np.concatenate([log for _, log, *_ in rows])
    low, high = (np.percentile(every, 0.5), every.max()) if every.size else (-8.0, 0.0)
    edges = np.linspace(np.floor(low), np.ceil(high) + (np.ceil(high) == np.floor(low)), 41)
    _ridges(ax, rows, edges, "no gradient but zero")
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"$10^{{{v:.0f}}}$"))
    ax.set_xlabel("size of the gradient")
    ax.set_title("gradients of each parameter", loc="left", fontsize=11)
    return ax
