"""Light, dark, and a picture that follows its reader: themes by substitution of colours.

Every renderer draws with the colours of the light palette, as attributes (``fill="#FFFFFF"``).
:func:`apply` makes of such an SVG a dark one, or one that a ``prefers-color-scheme`` style turns
dark where the reader's screen is.  So a colour that must differ in the dark is a key of
:data:`DARK`, and one that is not stays as it is.

A measurement's fill is dark in one theme and light in the other; :func:`ink_on` names the ink
that is readable on it in both.
"""

from __future__ import annotations

import hashlib
import re

THEMES = ("light", "dark", "auto")

#: Inks for measured fills, beside the page's own (``#1F2933``): always dark, always light, and
#: light on the light page but dark on the dark one.
ALWAYS_DARK, ALWAYS_LIGHT, INVERSE = "#000000", "#FEFEFE", "#FDFDFD"

#: What each colour of the light palette is in the dark.
DARK: dict[str, str] = {
    "#FFFFFF": "#0F1720",  # page, and the fill of a view
    "#1F2933": "#E6EDF3",  # ink
    "#52606D": "#9FB0C0",  # muted
    "#8492A6": "#7C8DA0",  # edge
    "#F7F9FB": "#16212D",  # cluster
    "#CBD2D9": "#334455",
    "#F0F4F8": "#1E2A36",  # data
    "#7B8794": "#8FA3B5",
    "#FFF6D6": "#3A3410",  # parameter
    "#A88600": "#F0E442",
    "#DCEBF7": "#10314C",  # matmul, conv, module
    "#005F99": "#3D9BE9",
    "#DDF3EA": "#123C31",  # elementwise
    "#008A66": "#6FE0BE",
    "#00684D": "#6FE0BE",  # what a card has absorbed
    "#F8E6F0": "#3D2233",  # reduce, pool
    "#B3518A": "#CC79A7",
    "#7A8693": "#73859A",  # the dashed outline of a view
    "#FDE3D8": "#45220E",  # output
    "#A8320A": "#E8743B",
    INVERSE: ALWAYS_DARK,
    # the size of a gradient: on a dark page the middle is dark and the ends shine
    "#2166AC": "#6DB1F2",
    "#4F9BC8": "#4588C4",
    "#92C5DE": "#2C5F8F",
    "#D1E5F0": "#203F5C",
    "#F7F7F7": "#26323E",
    "#FDDBC7": "#553126",
    "#F4A582": "#8A3F2D",
    "#B2182B": "#F2705C",
    # a share of the cost: more is brighter
    "#FEFEFA": "#16212E",
    "#FDF1D8": "#33271A",
    "#FBD99A": "#5A3D14",
    "#F6B84E": "#8A5A12",
    "#E08A1E": "#C67A1C",
    "#A8570C": "#FFC66B",
}

_TAG = re.compile(r"<[A-Za-z][^<>]*>")
_COLOUR = re.compile(r'(\s(?:fill|stroke|stop-color))="(#[0-9a-fA-F]{6}|white|black|transparent)"')
_NAMES = {"white": "#FFFFFF", "black": "#000000", "transparent": "none"}
_ATTRIBUTES = ("fill", "stroke", "stop-color")


def luminance(colour: str) -> float:
    """The relative luminance of ``#RRGGBB``, between 0 and 1 (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, between 1 and 21 (WCAG 2.1); text wants 4.5.

    Examples
    --------
    >>> from autograd_core.drawing.colour.themes import contrast
    >>> round(contrast("#000000", "#FFFFFF"), 2)
    21.0
    """
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: str) -> str:
    """The ink that is most readable on a fill, in the light and in the dark.

    Examples
    --------
    >>> from autograd_core.drawing.colour.themes import ink_on
    >>> ink_on("#2166AC"), ink_on("#F7F7F7"), ink_on("#123456")
    ('#FDFDFD', '#1F2933', '#FEFEFE')
    """
    fill = fill.upper()
    inks = ("#1F2933", ALWAYS_DARK, ALWAYS_LIGHT, INVERSE)

    def worst(ink: str) -> float:
        return min(contrast(ink, fill), contrast(DARK.get(ink, ink), DARK.get(fill, fill)))

    if worst(inks[0]) >= 4.5:
        return inks[0]  # what everything else is written with
    return max(inks, key=worst)


def _normal(svg: str, colours: dict[str, str]) -> str:
    """``svg`` with the colours in its tags in capital hexadecimal, then substituted."""

    def colour(m: re.Match[str]) -> str:
        plain = _NAMES.get(m[2], m[2].upper())
        return f'{m[1]}="{colours.get(plain, plain)}"'

    return _TAG.sub(lambda tag: _COLOUR.sub(colour, tag[0]), svg)


def rules(scope: str) -> str:
    """CSS that turns the light colours below a selector dark.

    Examples
    --------
    >>> from autograd_core.drawing.colour.themes import rules
    >>> print(rules("svg.night").splitlines()[0])
    svg.night [fill="#FFFFFF"]{fill:#0F1720}
    """
    return "\n".join(
        f'{scope} [{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in DARK.items()
        for attribute in _ATTRIBUTES[:2]
    )


def apply(svg: str, theme: str) -> str:
    """An SVG drawn with the light palette, in a theme.

    Parameters
    ----------
    svg
        One ``<svg>`` whose colours are attributes of its elements.
    theme
        ``"light"``, ``"dark"``, or ``"auto"``: as the reader's screen is.

    Raises
    ------
    ValueError
        For another theme.

    Examples
    --------
    >>> from autograd_core.drawing.colour.themes import apply
    >>> apply('<svg><rect fill="#ffffff" stroke="transparent"/></svg>', "dark")
    '<svg><rect fill="#0F1720" stroke="none"/></svg>'
    """
    if theme not in THEMES:
        raise ValueError(f"theme is {', '.join(THEMES[:-1])} or {THEMES[-1]}, got {theme!r}")
    svg = _normal(svg, DARK if theme == "dark" else {})
    if theme != "auto":
        return svg
    name = "ag-" + hashlib.sha256(svg.encode()).hexdigest()[:12]
    present = {m[2] for tag in _TAG.finditer(svg) for m in _COLOUR.finditer(tag[0])}
    css = "\n".join(
        line for line in rules(f"svg.{name}").splitlines() if line.split('"')[1] in present
    )
    style = f"<style>@media (prefers-color-scheme: dark){{\n{css}\n}}</style>"

    def opened(m: re.Match[str]) -> str:
        return f'<svg class="{name}"{m[1]}>{style}'

    return re.sub(r"<svg\b([^>]*)>", opened, svg, count=1)


def dot(text: str, theme: str) -> str:
    """DOT in a theme, for formats that cannot follow the reader: ``auto`` is light."""
    if theme not in THEMES:
        raise ValueError(f"theme is {', '.join(THEMES[:-1])} or {THEMES[-1]}, got {theme!r}")
    if theme != "dark":
        return text
    return re.sub(
        r'(color|COLOR)="(#[0-9A-F]{6})"', lambda m: f'{m[1]}="{DARK.get(m[2], m[2])}"', text
    )
