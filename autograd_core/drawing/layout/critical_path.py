"""The spine of a picture: the longest way from an input to an output, drawn as a straight line."""

from __future__ import annotations

from autograd_core.drawing.scene import Scene


def spine(scene: Scene) -> dict[str, int]:
    """The boxes on the longest chain that ends in an output, with their places from its end."""
    longest: dict[str, int] = {}
    before: dict[str, str] = {}
    incoming: dict[str, list[str]] = {b.id: [] for b in scene.boxes}
    kinds = {b.id: b.kind for b in scene.boxes}
    for a in scene.arrows:
        if not a.loop and kinds[a.source] != "parameter":
            incoming[a.target].append(a.source)
    for b in scene.boxes:  # every one after those that it reads
        longest[b.id] = 1
        for source in incoming[b.id]:
            if longest.get(source, 0) + 1 > longest[b.id]:
                longest[b.id] = longest[source] + 1
                before[b.id] = source
    ends = [b.id for b in scene.boxes if b.kind == "output"] or list(longest)
    if not ends:
        return {}
    place: str | None = max(ends, key=lambda i: longest[i])
    found: dict[str, int] = {}
    while place is not None:
        found[place] = len(found)
        place = before.get(place)
    return found
