"""Which measure a colour asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_core.drawing.flow import GradientFlow
from autograd_core.drawing.measures import Measure

COLOURS = ("kind", "grad", "time", "memory", "flops", "value")


def measure_for(color: str | Callable[[Any], Any], profile: Any) -> Measure:
    """The measure of a colour."""
    if color == "grad":
        return GradientFlow()
    return Measure()
