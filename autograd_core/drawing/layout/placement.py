"""Where everything in a picture is: what a layout hands to a painter."""

from dataclasses import dataclass

Point = tuple[float, float]
Size = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, width, height
#: Commands as in SVG: ``("M", (p,))``, ``("L", (p,))``, ``("C", (p, q, r))``.
Path = list[tuple[str, tuple[Point, ...]]]
LOOP = 46.0  # how far a loop reaches


def backwards(path: Path) -> Path:
    """Return a path from its end to its beginning."""
    starts = [points[-1] for _, points in path]
    back: Path = [("M", (starts[-1],))]
    for k in range(len(path) - 1, 0, -1):
        back.append((path[k][0], (*path[k][1][-2::-1], starts[k - 1])))
    return back


@dataclass
class Route:
    """The path of an arrow, and where its label is.

    ``side`` is where the label is of the point ``label``: ``"right"`` or ``"left"`` of it,
    ``"above"`` it, ``"below"`` it, or ``"on"`` it.
    """

    path: Path
    label: Point
    side: str = "right"


def loop(right: float, y: float, h: float) -> Route:
    """Return the route from the right side of a box, of height ``h`` around ``y``, back to it."""
    reach, low, high = LOOP * 1.2, y - h * 0.28, y + h * 0.28
    points = ((right + reach, high + h * 0.2), (right + reach, low - h * 0.2), (right, low))
    return Route([("M", ((right, high),)), ("C", points)], (right + reach * 0.78, y))


@dataclass
class Placement:
    """Positions on the page.

    Attributes
    ----------
    boxes
        Place of each box, in the order of the scene.
    clusters
        Place of each cluster that is drawn, outer ones before inner ones.
    routes
        Route of each arrow that is drawn, by its number.
    """

    boxes: list[Rectangle]
    clusters: dict[str, Rectangle]
    routes: dict[int, Route]
