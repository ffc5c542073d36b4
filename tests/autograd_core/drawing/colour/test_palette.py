"""Themes of an SVG, and inks that are readable in both."""

import pytest

from autograd_core.drawing.colour import palette

SVG = (
    '<svg width="1"><title>fill="#FFFFFF"</title><rect fill="#ffffff" stroke="transparent"/></svg>'
)


def test_light_keeps_the_colours_and_makes_the_transparent_none():
    light = palette.themed(SVG, "light")
    assert '<rect fill="#FFFFFF" stroke="none"/>' in light
    assert "<style" not in light


def test_dark_substitutes_in_tags_alone():
    dark = palette.themed(SVG, "dark")
    assert '<rect fill="#0F1720"' in dark
    assert '<title>fill="#FFFFFF"</title>' in dark


def test_auto_adds_one_style_for_this_svg_and_the_colours_in_it():
    auto = palette.themed(SVG, "auto")
    assert auto.count("<style>@media (prefers-color-scheme: dark)") == 1
    name = auto.split('class="')[1].split('"')[0]
    assert f'svg.{name} [fill="#FFFFFF"]{{fill:#0F1720}}' in auto
    assert "#DCEBF7" not in auto
    assert palette.themed(SVG, "auto") == auto
    assert name not in palette.themed(SVG.replace("width", "height"), "auto")


def test_unknown_theme():
    with pytest.raises(ValueError, match="light, dark or auto, got 'night'"):
        palette.themed(SVG, "night")


FILLS = [s.fill for s in palette.STYLES.values()]


@pytest.mark.parametrize("fill", ["#000000", "#FF0000", *palette.GRADIENT, *palette.COST, *FILLS])
def test_an_ink_is_readable_in_both_themes(fill):
    ink = palette.ink_on(fill)
    assert palette.contrast(ink, fill) >= 4.5
    assert palette.contrast(palette.DARK.get(ink, ink), palette.DARK.get(fill, fill)) >= 4.5
