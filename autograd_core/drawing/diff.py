"""The difference between two pictures, in words and as a picture."""

import os
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from autograd_core.drawing.colour.palette import COST
from autograd_core.drawing.scene import Box, Cell, Scale, Scene, toposort

#: Fills of boxes that were added, removed and changed, and of all others. Sky blue, vermilion and
#: yellow of Okabe and Ito (2008), "Color universal design", are distinct to colour-blind readers.
ADDED, REMOVED, CHANGED, SAME = "#56B4E9", "#D55E00", "#F0E442", COST[0]
_COMPARED = ("title", "type", "spec", "note", "absorbed", "repeats", "shape", "dtype", "mark")


def _text(value: Any) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def changes(before: Box, after: Box) -> list[str]:
    """Return what differs in two boxes of one name: ``spec 784 → 16, now 784 → 32``."""
    values = [(n, getattr(before, n), getattr(after, n)) for n in _COMPARED]
    return [f"{n} {_text(a) or 'none'}, now {_text(b) or 'none'}" for n, a, b in values if a != b]


def _matched(before: Scene, after: Scene) -> dict[str, str]:
    """Return the new id of each box that both pictures have, by its old one.

    Ids of equal operations are numbered, so that one more ``relu`` renames those behind it. Boxes
    are therefore aligned in their order by ids without numbers, and what is left by its whole id.
    """
    old, new = ([b.id for b in scene.boxes] for scene in (before, after))
    a, b = ([re.sub(r"_\d+$", "", name) for name in names] for names in (old, new))
    blocks = SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks()
    found = {old[m.a + k]: new[m.b + k] for m in blocks for k in range(m.size)}
    rest = set(new).difference(found.values())
    return found | {name: name for name in old if name not in found and name in rest}


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
        names = _matched(before.graph, after.graph)
        matched = {names[i]: b for i, b in old.items() if i in names}
        self.added = [i for i in new if i not in matched]
        self.removed = [i for i in old if i not in names]
        self.changed = {i: found for i, b in matched.items() if (found := changes(b, new[i]))}
        for i in self.removed:  # their own names in the new picture
            names[i] = i if i not in new else f"{i} (removed)"
        arrows = [
            replace(a, source=names[a.source], target=names[a.target]) for a in before.graph.arrows
        ]
        was = {(a.source, a.target): a for a in arrows}
        now = {(a.source, a.target): a for a in after.graph.arrows}
        self.arrows_added = sorted(now.keys() - was.keys())
        self.arrows_removed = sorted(was.keys() - now.keys())
        clusters = {c.id for c in after.graph.clusters}
        boxes = [
            replace(
                old[i], id=names[i], fill=REMOVED, mark="− removed",
                cluster=old[i].cluster if old[i].cluster in clusters else "",
            )
            for i in self.removed
        ]  # fmt: skip
        boxes += [self._marked(b, matched.get(i)) for i, b in new.items()]
        arrows = [
            replace(a, width=2.4, label=f"+ {a.label}") if ends not in was else a
            for ends, a in now.items()
        ]
        arrows += [
            replace(was[ends], gradient=False, label=f"− {was[ends].label}")
            for ends in self.arrows_removed
        ]
        words = {ADDED: "+ added", CHANGED: "~ changed", REMOVED: "− removed", SAME: "the same"}
        scale = Scale(tuple(Cell(fill, text) for fill, text in words.items()))
        count = f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"
        title = f"{after.graph.title}  —  what changed"
        scene = Scene(title, count, toposort(boxes, arrows), arrows, after.graph.clusters, scale)
        self.picture = make(scene, after.direction, after.theme, after.level)

    def _marked(self, box: Box, old: Box | None) -> Box:
        """Return a box of the new picture, with a colour and words for what changed in it."""
        if old is None:
            return replace(box, fill=ADDED, mark="+ added")
        if box.id not in self.changed:
            return replace(box, fill=SAME)
        b = replace(box, fill=CHANGED, mark="~ changed")
        was = [
            getattr(old, n) for n in ("type", "spec", "note") if getattr(old, n) != getattr(b, n)
        ]
        if text := ", ".join(filter(None, was)):
            if b.form == "card":
                b = replace(b, absorbed=", ".join(filter(None, (b.absorbed, f"was {text}"))))
            else:
                b = replace(b, note=f"{b.note} (was {text})")
        return replace(b, facts=(*b.facts, *(("changed", text) for text in self.changed[b.id])))

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the picture to a file, as :meth:`Picture.save` does, and return the path."""
        return str(self.picture.save(path))

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
