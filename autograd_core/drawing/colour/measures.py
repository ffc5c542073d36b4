"""Measures: what the colours of a picture mean.

A measure reads the graph and colours boxes and arrows. The base class colours nothing.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from autograd_core.drawing.scene import Arrow, Box, Scale
from autograd_core.drawing.trace.groups import Group
from autograd_core.drawing.trace.trace import Op, Source, Trace
from autograd_core.drawing.trace.wording import number_text
from autograd_core.engine.array_types import host_values
from autograd_core.engine.operands import ShapeDtype, all_examples

Facts = list[tuple[str, str]]
_LARGEST = 1 << 22  # number of elements up to which statistics are computed


class Measure:
    """Base class of measures; shows shapes and kinds only.

    A subclass colours boxes and also says in words what it measured. ``heading`` is written after
    the title of the picture.
    """

    heading = ""

    def prepare(self, trace: Trace, groups: list[Group]) -> None:
        """Measure the graph, before anything is drawn."""

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        """Return the box of a group, coloured."""
        return box

    def source(self, source: Source, box: Box) -> Box:
        """Return the box of a parameter or of data, coloured."""
        return box

    def arrow(self, arrow: Arrow, start: Op | Source) -> Arrow:
        """Return the arrow from an operation or a source, coloured."""
        return arrow

    def finding(self) -> str:
        """Return what was found, which replaces the subtitle; empty to keep the subtitle."""
        return ""

    def scale(self) -> Scale | None:
        """Return the legend of the colours, if there is one."""
        return None


class Ranges(Measure):
    """Adds the smallest, mean and greatest value of every result to the facts of its box.

    Parameters
    ----------
    known
        Statistics that were taken while the function ran, by the number of the node.
    """

    def __init__(self, known: dict[int, Facts]) -> None:
        self.known = known

    def group(self, trace: Trace, group: Group, box: Box) -> Box:
        node = trace.ops[group.ops[-1]].node
        values = self.known.get(node.seq) or statistics(node.out)
        hint = [("values", "not kept; draw the function, ag.draw(f, x), to see them")]
        return replace(box, facts=(*box.facts, *(values or hint)))


def statistics(array: Any) -> Facts:
    """Return the smallest, mean and greatest value of an array; empty where there are none."""
    array = all_examples(array)
    if isinstance(array, ShapeDtype) or not 0 < getattr(array, "size", 0) <= _LARGEST:
        return []
    array = host_values(array)
    if array.dtype.kind not in "fiub":
        return []
    with np.errstate(all="ignore"):
        values = {"min": array.min(), "mean": array.mean(dtype=float), "max": array.max()}
    return [(name, number_text(float(v))) for name, v in values.items()]
