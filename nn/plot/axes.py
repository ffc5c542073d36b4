"""New axes, their look, the colours, and what several plots share."""

from typing import Any

import numpy as np

INK, MUTED, BLUE, ORANGE = "#1F2933", "#52606D", "#0072B2", "#D55E00"
#: Distinguishable for colour-blind readers (Okabe and Ito 2008); yellow is darkened for lines.
CYCLE = (BLUE, ORANGE, "#009E73", "#B3518A", "#A88600", "#3D9BE9", "#7A4A1E", "#52606D")
#: Colour maps in which zero is white: green positive and red negative, or purple and orange.
SIGNS = {
    "green-red": ("#C0392B", "#FFFFFF", "#1E8449"),
    "PuOr": ("#B35806", "#FFFFFF", "#542788"),
}


def figure(width: float = 6.0, height: float = 4.0) -> Any:
    """Return a figure that pyplot neither shows nor keeps.

    Parameters
    ----------
    width, height
        In inches.

    Raises
    ------
    ImportError
        If matplotlib is not installed; the message names the command that installs it.
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
    """Return the given axes, or those of a new figure, which a notebook shows.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        The axes to use.
    width, height
        The size of the new figure, in inches.
    """
    if ax is not None:
        return expect(
            ax, "imshow", "ax is the axes of a matplotlib figure, as of pyplot.subplots()"
        )
    figure(1, 1)  # raises the error that says how to install matplotlib
    from matplotlib import pyplot

    _, new = pyplot.subplots(figsize=(width, height), layout="constrained")
    return new


def expect(value: Any, attribute: str, what: str) -> Any:
    """Return a value that has an attribute; TypeError, which says what it should be, without."""
    if not hasattr(value, attribute):
        raise TypeError(f"{what}; got {type(value).__name__} {shortly(value)}")
    return value


def shortly(value: Any) -> str:
    """Return the beginning of a value's text."""
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def despine(ax: Any) -> Any:
    """Remove the top and right of the frame, mute the rest, and return the axes."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(MUTED)
    ax.tick_params(colors=MUTED, labelcolor=INK)
    return ax


def array(values: Any) -> Any:
    """Return the NumPy array of a Tensor or of anything like an array."""
    return np.asarray(getattr(values, "data", values) if hasattr(values, "detach") else values)


def colours(name: str) -> Any:
    """Return a colour map that is white in the middle.

    Parameters
    ----------
    name
        ``"green-red"`` or ``"PuOr"``, from positive to negative.

    Raises
    ------
    ValueError
        For any other name.
    """
    if name not in SIGNS:
        raise ValueError(f"colors must be {' or '.join(map(repr, SIGNS))}, got {name!r}")
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, list(SIGNS[name]))


def separate(values: list[float], least: float) -> list[float]:
    """Move values, as little as possible, until neighbours are at least ``least`` apart.

    Labels are placed by it.

    Examples
    --------
    >>> from nn.plot.axes import separate
    >>> separate([1.0, 1.1, 5.0], 1.0)
    [0.55, 1.55, 5.0]
    """
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: list[tuple[list[int], float]] = []  # members, and the lowest position of the group
    for i in order:
        members, low = [i], values[i]
        while groups and groups[-1][1] + len(groups[-1][0]) * least > low:
            members = groups.pop()[0] + members
            middle = sum(values[k] for k in members) / len(members)
            low = middle - (len(members) - 1) / 2 * least
        groups.append((members, low))
    moved = {i: low + k * least for members, low in groups for k, i in enumerate(members)}
    return [round(moved[i], 10) for i in range(len(values))]
