"""Places by Graphviz's ``dot`` program, where it is installed.

``dot`` is asked for positions and routes alone (``-Tjson``); it paints nothing. It takes minutes
for some graphs with few boxes and many arrows, so that it has a time limit. Ids that it does not
return as they were, those with control characters, are laid out by our own layout too.
"""

import json
import subprocess
from collections.abc import Callable

from autograd_core.drawing.layout import placement
from autograd_core.drawing.layout.placement import Path, Placement, Point, Rectangle, Route, Size
from autograd_core.drawing.scene import Scene

#: Beyond this many boxes ``dot`` would take too long.
_MOST = 700
#: Seconds that it has.
_PATIENCE = 3.0


def _point(text: str) -> Point:
    x, y = map(float, text.split(","))
    return x, -y  # Graphviz counts upwards


def _path(text: str) -> Path:
    """Return the path of a route of Graphviz, ``"s,x,y e,x,y x,y x,y ..."``."""
    words = text.split()
    ends = {w[0]: _point(w[2:]) for w in words if w[0] in "se"}
    points = [_point(w) for w in words if w[0] not in "se"]
    path: Path = [("M", (ends.get("s", points[0]),))]
    path += [("L", (points[0],))] if "s" in ends else []
    path += [("C", tuple(points[i : i + 3])) for i in range(1, len(points) - 2, 3)]
    return [*path, ("L", (ends["e"],))] if "e" in ends else path


def place(scene: Scene, sizes: list[Size], text: Callable[[], str]) -> Placement | None:
    """Return where ``dot`` puts everything; None where it is absent, fails, or takes too long.

    Parameters
    ----------
    scene
        The scene to lay out.
    sizes
        Width and height of each box.
    text
        Writes it as DOT, in which boxes have these sizes.
    """
    try:
        from graphviz import DOT_BINARY
    except ImportError:
        return None
    if not 0 < len(scene.boxes) <= _MOST:
        return None
    command = [str(DOT_BINARY), "-Tjson0"]
    try:
        done = subprocess.run(
            command, input=text().encode(), capture_output=True, timeout=_PATIENCE, check=True
        )
        return _read(scene, sizes, json.loads(done.stdout.decode(errors="replace"), strict=False))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _read(scene: Scene, sizes: list[Size], found: dict[str, list[dict[str, str]]]) -> Placement:
    """Return the places in the answer of ``dot``."""
    objects = {o["name"]: o for o in found["objects"]}
    boxes: dict[str, Rectangle] = {}
    for b, (w, h) in zip(scene.boxes, sizes, strict=True):
        x, y = _point(objects[b.id]["pos"])
        boxes[b.id] = (x - w / 2, y - h / 2, w, h)
    clusters: dict[str, Rectangle] = {}
    for c in scene.clusters:
        if (bounds := objects.get(f"cluster_{c.id}", {}).get("bb")) is not None:
            x, bottom, right, top = map(float, bounds.split(","))
            clusters[c.id] = (x, -top, right - x, top - bottom)
    numbers = {o["_gvid"]: o["name"] for o in found["objects"]}
    edges = {e["id"]: e for e in found.get("edges", [])}
    routes: dict[int, Route] = {}
    for n, a in enumerate(scene.arrows):
        if a.source == a.target:
            x, y, w, h = boxes[a.source]
            routes[n] = placement.loop(x + w, y + h / 2, h)
            continue
        edge = edges[str(n)]
        written = numbers[edge["tail"]] == a.source
        path = _path(edge["pos"])
        (x, y), (end, low) = path[0][1][0], path[-1][1][-1]
        above = abs(end - x) > abs(low - y)  # the label is above a flat arrow, else beside it
        x, y = _point(edge["lp"]) if "lp" in edge else (x, y)
        label = (x, y - 2 - a.width / 2) if above else (x, y)
        routes[n] = Route(path if written else placement.backwards(path), label, "on")
    return Placement(list(boxes.values()), clusters, routes)
