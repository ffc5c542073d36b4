"""Where plots are drawn: new axes, the colours, and the error without matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

INK, MUTED, BLUE, ORANGE = "#1F2933", "#52606D", "#0072B2", "#D55E00"
#: Distinguishable for colour-blind readers (Okabe and Ito 2008); yellow is darkened for lines.
CYCLE = (BLUE, ORANGE, "#009E73", "#B3518A", "#A88600", "#3D9BE9", "#7A4A1E", "#52606D")
#: White is zero; green positive and red negative, or purple and orange.
SIGNS = {
    "green-red": ("#C0392B", "#FFFFFF", "#1E8449"),
    "PuOr": ("#B35806", "#FFFFFF", "#542788"),
}


def figure(width: float = 6.0, height: float = 4.0) -> Any:
    """A figure that no window and no registry holds.

    Raises
    ------
    ImportError
        Without matplotlib, naming the command that installs it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "nn.plot draws with matplotlib, which is not installed: pip install matplotlib "
            '(or pip install "autograd-core[plot]")'
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def axes(ax: Any = None, width: float = 6.0, height: float = 4.0) -> Any:
    """The given axes, or those of a new figure, which a notebook shows."""
    if ax is not None:
        return ax
    figure(1, 1)  # the teaching error
    from matplotlib import pyplot

    _, new = pyplot.subplots(figsize=(width, height), layout="constrained")
    return new


def plain(ax: Any) -> None:
    """Axes without the frame's top and right, in muted ink."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(MUTED)
    ax.tick_params(colors=MUTED, labelcolor=INK)


def array(values: Any) -> Any:
    """The plain array of a Tensor or of anything like an array."""
    return np.asarray(getattr(values, "data", values) if hasattr(values, "detach") else values)


def colours(name: str) -> Any:
    """A colour map with white in its middle.

    Raises
    ------
    ValueError
        For a name that is none.
    """
    if name not in SIGNS:
        raise ValueError(f"colors is {' or '.join(map(repr, SIGNS))}, got {name!r}")
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, list(SIGNS[name]))


def apart(values: list[float], least: float) -> list[float]:
    """The values, moved so that neighbours are at least so far apart: for labels.

    Examples
    --------
    >>> from nn.plot.axes import apart
    >>> apart([1.0, 1.1, 5.0], 1.0)
    [0.55, 1.55, 5.0]
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: list[tuple[list[int], float]] = []  # members and the lowest place
    for i in order:
        members, low = [i], values[i]
        while groups and groups[-1][1] + len(groups[-1][0]) * least > low:
            members = groups.pop()[0] + members
            middle = sum(values[k] for k in members) / len(members)
            low = middle - (len(members) - 1) / 2 * least
        groups.append((members, low))
    placed = list(values)
    for members, low in groups:
        for k, i in enumerate(members):
            placed[i] = round(low + k * least, 10)
    return placed
