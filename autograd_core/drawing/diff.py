"""The difference between two pictures, in words and as a picture."""

from dataclasses import replace
from typing import Any

from autograd_core.drawing.colour.palette import COST, GRADIENT
from autograd_core.drawing.scene import Box, Cell, Scale, Scene, toposort

#: Fills of boxes that were added, removed and changed; the palette has their dark counterparts.
ADDED, REMOVED, CHANGED = GRADIENT[3], GRADIENT[5], COST[2]
_COMPARED = ("title", "type", "spec", "note", "absorbed", "repeats", "shape", "dtype", "mark")


def _text(value: Any) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def changes(before: Box, after: Box) -> list[str]:
    """Return what differs in two boxes of one name: ``spec 784 → 16, now 784 → 32``."""
    values = [(n, getattr(before, n), getattr(after, n)) for n in _COMPARED]
    return [f"{n} {_text(a) or 'none'}, now {_text(b) or 'none'}" for n, a, b in values if a != b]


class Difference:
    """The changes from one picture to another; the ``repr`` lists them.

    Attributes
    ----------
    added, removed : list of str
        Names of boxes that only one of the pictures has.
    changed : dict of str to list of str
        What differs in boxes of the same name.
    arrows_added, arrows_removed : list of (str, str)
        Sources and targets of arrows that only one of the pictures has.
    picture : Picture
        The new picture, coloured and marked ``+ added``, ``− removed`` and ``~ changed``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    >>> print(ag.draw(np.sum(w * w)).diff(ag.draw(np.sum(np.tanh(w)))))
    + tanh
    − w_2
    − multiply
    ~ output: note 3, now 2.285
    """

    def __init__(self, before: Any, after: Any, make: Any) -> None:
        old = {b.id: b for b in before.graph.boxes}
        new = {b.id: b for b in after.graph.boxes}
        self.added = [i for i in new if i not in old]
        self.removed = [i for i in old if i not in new]
        self.changed = {i: found for i in new if i in old and (found := changes(old[i], new[i]))}
        was = {(a.source, a.target) for a in before.graph.arrows}
        now = {(a.source, a.target) for a in after.graph.arrows}
        self.arrows_added = sorted(now - was)
        self.arrows_removed = sorted(was - now)
        scene = self._scene(before.graph, after.graph, old, new)
        self.picture = make(scene, after.direction, after.theme, after.level)

    def _scene(
        self, before: Scene, after: Scene, old: dict[str, Box], new: dict[str, Box]
    ) -> Scene:
        """Return the new scene with the boxes and arrows that were removed added to it."""
        clusters = {c.id for c in after.clusters}
        boxes = []
        gone = {i: old[i] for i in self.removed}
        for b in gone.values():
            cluster = b.cluster if b.cluster in clusters else ""
            boxes.append(replace(b, fill=REMOVED, mark="− removed", cluster=cluster))
        for i, b in new.items():
            if i in self.changed:
                facts = (*b.facts, *(("changed", t) for t in self.changed[i]))
                b = replace(b, fill=CHANGED, mark="~ changed", facts=facts)
            elif i not in old:
                b = replace(b, fill=ADDED, mark="+ added")
            boxes.append(b)
        lost = [a for a in before.arrows if a.source in gone or a.target in gone]
        arrows = [*after.arrows, *(replace(a, gradient=False) for a in lost)]
        cells = (Cell(ADDED, "+ added"), Cell(CHANGED, "~ changed"), Cell(REMOVED, "− removed"))
        count = f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"
        title = f"{after.title}  —  what changed"
        return Scene(title, count, toposort(boxes, arrows), arrows, after.clusters, Scale(cells))

    def __bool__(self) -> bool:
        """Return whether anything changed."""
        return bool(
            self.added or self.removed or self.changed or self.arrows_added or self.arrows_removed
        )

    def __repr__(self) -> str:
        lines = [f"+ {i}" for i in self.added] + [f"− {i}" for i in self.removed]
        lines += [f"~ {i}: {'; '.join(found)}" for i, found in self.changed.items()]
        touched = {*self.added, *self.removed}
        for sign, arrows in (("+", self.arrows_added), ("−", self.arrows_removed)):
            lines += [
                f"{sign} {a} -> {b}" for a, b in arrows if a not in touched and b not in touched
            ]
        return "\n".join(lines) or "no change"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle: dict[str, str] = self.picture._repr_mimebundle_()
        return {**bundle, "text/plain": repr(self)}
