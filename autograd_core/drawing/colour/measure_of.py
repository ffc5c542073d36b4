"""Which measure a colour asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.drawing.colour.costs import ByFunction, Cost, Values
from autograd_core.drawing.colour.flow import GradientFlow
from autograd_core.drawing.colour.measures import Measure

COLOURS = ("kind", "grad", "time", "memory", "flops", "value")


def measure_for(color: str | Callable[[Any], Any], profile: Any) -> Measure:
    """The measure of a colour; ``profile`` is that of the run, if it was measured."""
    if callable(color):
        return ByFunction(color)
    if color == "grad":
        return GradientFlow()
    if color == "value":
        return Values()
    return Measure() if color == "kind" else Cost(color, profile)
