"""Themes of an SVG, and inks that are readable in both."""

import re

import pytest

from autograd_core.drawing.colour import palette


def colours(rules):
    return set(re.findall(r"#[0-9A-F]{6}", rules))


def test_dark_rules_have_the_dark_colours():
    light, dark = (palette.css("svg", d, palette.GRADIENT) for d in (False, True))
    assert colours(dark) <= {palette.DARK.get(c, c) for c in colours(light)}
    assert ".f2166AC{fill:#2166AC}" in light
    assert ".f2166AC{fill:#6DB1F2}" in dark
    assert [line.split("{")[0] for line in light.split("\n")] == [
        line.split("{")[0] for line in dark.split("\n")
    ]


def test_every_colour_of_a_picture_has_a_dark_counterpart():
    fixed = {palette.FRAME, palette.ALWAYS_DARK, palette.ALWAYS_LIGHT}
    every = colours(palette.css("svg", False, [*palette.GRADIENT, *palette.COST]))
    assert every - fixed <= set(palette.DARK)


def test_auto_follows_the_screen():
    auto = palette.style("auto", [])
    assert auto.count("@media screen and (prefers-color-scheme:dark)") == 1
    assert "@media" not in palette.style("light", []) + palette.style("dark", [])


def test_unknown_theme():
    with pytest.raises(ValueError, match="light, dark or auto, got 'night'"):
        palette.style("night", [])


FILLS = [s.fill for s in palette.STYLES.values()]


@pytest.mark.parametrize("fill", ["#000000", "#FF0000", *palette.GRADIENT, *palette.COST, *FILLS])
def test_an_ink_is_readable_in_both_themes(fill):
    ink = palette.ink_on(fill)
    assert palette.contrast(ink, fill) >= 4.5
    assert palette.contrast(palette.DARK.get(ink, ink), palette.DARK.get(fill, fill)) >= 4.5
