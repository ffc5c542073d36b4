"""What colours mean: a measure reads the graph and colours boxes; this one colours nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.drawing.scene import Arrow, Box, Scale
from autograd_core.drawing.trace.groups import Unit
from autograd_core.drawing.trace.names import bytes_text, number_text
from autograd_core.drawing.trace.sources import Source
from autograd_core.drawing.trace.trace import Trace

_LARGEST = 1 << 22  # elements of which statistics are taken


class Measure:
    """The base: shape and kind only.  Others colour boxes, and say in words what they measured."""

    heading = ""  # after the picture's title

    def prepare(self, trace: Trace, units: list[Unit]) -> None:
        """Measure, before anything is drawn."""

    def unit(self, trace: Trace, unit: Unit, box: Box) -> Box:
        """The box of a unit, coloured."""
        return box

    def source(self, source: Source, box: Box) -> Box:
        """The box of a parameter or of data, coloured."""
        return box

    def arrow(self, trace: Trace, op: int, arrow: Arrow) -> Arrow:
        """The arrow from operation ``op``."""
        return arrow

    def from_source(self, arrow: Arrow, source: Source) -> Arrow:
        """The arrow from a source."""
        return arrow

    def finding(self) -> str:
        """What was found, in place of the subtitle."""
        return ""

    def scale(self) -> Scale | None:
        """The legend of the colours."""
        return None

    def statistics(self, array: Any) -> list[tuple[str, str]]:
        """Least, mean and greatest value of an array."""
        if not isinstance(array, np.ndarray) or not 0 < array.size <= _LARGEST:
            return []
        if array.dtype.kind not in "fiub":
            return []
        with np.errstate(all="ignore"):
            values = (array.min(), array.mean(dtype=float), array.max())
        return [
            (name, number_text(float(v)))
            for name, v in zip(("min", "mean", "max"), values, strict=True)
        ]

    def saved_text(self, trace: Trace, unit: Unit) -> str:
        """How much the operations of a unit hold for backward."""
        held = {id(a): a.nbytes for i in unit.ops for a in trace.ops[i].node.saved()}
        return f"holds {bytes_text(sum(held.values()))}" if held else ""
