"""The planted bugs: backward passes that are wrong, each in one way that people get them wrong."""

from __future__ import annotations

from tests.gradcheck_quality import (
    planted_axes,
    planted_layout,
    planted_linearity,
    planted_points,
    planted_ranges,
    planted_second,
    planted_shapes,
    planted_sizes,
    planted_state,
    planted_values,
)
from tests.gradcheck_quality.entry import Entry, unique

FAMILIES = (
    planted_values,
    planted_axes,
    planted_shapes,
    planted_sizes,
    planted_layout,
    planted_state,
    planted_points,
    planted_ranges,
    planted_linearity,
    planted_second,
)

PLANTED: list[Entry] = unique(entry for family in FAMILIES for entry in family.ENTRIES)
