"""Colours: the palette, the light and dark themes, and inks that are readable on a fill.

Shape carries the meaning and colour repeats it: parameters and data are square boxes, operations
are pills (dashed where only the view changes), the output has a double border.

Every writer draws with the light palette, in attributes (``fill="#FFFFFF"``); :func:`themed`
makes such an SVG dark, or lets it follow the reader's screen by a ``prefers-color-scheme`` style
sheet, and :func:`recoloured` does the same to DOT. A colour that differs on a dark page is a key
of :data:`DARK`; any other stays as it is.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from autograd_core.drawing.scene import Box


class Style(NamedTuple):
    """Fill and stroke of one kind of box, and its name in the legend."""

    fill: str
    stroke: str
    label: str


THEMES = ("light", "dark", "auto")

PAGE = WHITE = "#FFFFFF"
INK, MUTED, EDGE = "#1F2933", "#52606D", "#8492A6"
CLUSTER = Style("#F7F9FB", "#CBD2D9", "")
#: Outline of the cells of a scale, the same in both themes.
FRAME = "#9AA5B1"
#: Text of the operations that a card has absorbed.
ABSORBED = "#00684D"
FONT = "Arial,Helvetica,sans-serif"

#: Size of a gradient by its rounded power of ten, from 1e-4 (and below) to 1e3 (and above).
GRADIENT = (
    *("#2166AC", "#4F9BC8", "#92C5DE", "#D1E5F0"),
    *("#F7F7F7", "#FDDBC7", "#F4A582", "#B2182B"),
)
#: Share of the cost: below 5 %, 10 %, 20 %, 35 %, 50 %, and above.
COST = ("#FEFEFA", "#FDF1D8", "#FBD99A", "#F6B84E", "#E08A1E", "#A8570C")

STYLES: dict[str, Style] = {
    "module": Style("#DCEBF7", "#005F99", "module with parameters"),
    "parameter": Style("#FFF6D6", "#A88600", "parameter"),
    "product": Style("#DCEBF7", "#005F99", "matmul / conv"),
    "elementwise": Style("#DDF3EA", "#008A66", "elementwise"),
    "reduction": Style("#F8E6F0", "#B3518A", "reduce"),
    "view": Style("#FFFFFF", "#7A8693", "view"),
    "data": Style("#F0F4F8", "#7B8794", "data"),
    "output": Style("#FDE3D8", "#A8320A", "output"),
}

#: Inks on measured fills, besides :data:`INK`: always dark, always light, and light on a light page
#: but dark on a dark one.
ALWAYS_DARK, ALWAYS_LIGHT, INVERSE = "#000000", "#FEFEFE", "#FDFDFD"

#: The dark counterpart of each colour of the light palette.
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
    "#DCEBF7": "#10314C",  # module, product
    "#005F99": "#3D9BE9",
    "#DDF3EA": "#123C31",  # elementwise
    "#008A66": "#6FE0BE",
    "#00684D": "#6FE0BE",  # absorbed operations
    "#F8E6F0": "#3D2233",  # reduction
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
_NAMED = {"white": "#FFFFFF", "black": "#000000", "transparent": "none"}
_COLOUR = re.compile(rf'(fill|stroke|color|COLOR)="(#[0-9a-fA-F]{{6}}|{"|".join(_NAMED)})"')


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#RRGGBB``, between 0 and 1 (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, between 1 and 21 (WCAG 2.1); text needs 4.5.

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import contrast
    >>> round(contrast("#000000", "#FFFFFF"), 2)
    21.0
    """
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(fill: str) -> str:
    """Return the ink that is most readable on a fill in both the light and the dark theme.

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import ink_on
    >>> ink_on("#2166AC"), ink_on("#F7F7F7"), ink_on("#123456")
    ('#FDFDFD', '#1F2933', '#FEFEFE')
    """
    fill = fill.upper()

    def worst(ink: str) -> float:
        return min(contrast(ink, fill), contrast(DARK.get(ink, ink), DARK.get(fill, fill)))

    if worst(INK) >= 4.5:
        return INK  # the ink of all other text
    return max((INK, ALWAYS_DARK, ALWAYS_LIGHT, INVERSE), key=worst)


def inks(box: Box) -> tuple[str, str, str]:
    """Return the inks of a box: for its title, for its note and for its type."""
    if box.fill:
        return (ink_on(box.fill),) * 3
    stroke = STYLES[box.kind].stroke
    if box.form == "card":
        return INK, MUTED, stroke
    return MUTED if box.kind == "view" else INK, stroke if box.kind == "output" else MUTED, stroke


def legend(boxes: Iterable[Box]) -> list[tuple[str, Style]]:
    """Return the kinds that are present and their styles; products look like modules."""
    present = {b.kind for b in boxes}
    if "module" in present:
        present.discard("product")
    return [(kind, style) for kind, style in STYLES.items() if kind in present]


def check_theme(theme: str) -> None:
    """Raise ValueError unless ``theme`` is one of :data:`THEMES`."""
    if theme not in THEMES:
        raise ValueError(f"theme is {', '.join(THEMES[:-1])} or {THEMES[-1]}, got {theme!r}")


def recoloured(text: str, theme: str) -> str:
    """Return tags or DOT with every colour attribute in capital hexadecimal, and in a theme.

    ``"auto"`` is light, because DOT and single tags cannot follow the reader's screen.

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import recoloured
    >>> recoloured('<rect fill="#ffffff" stroke="transparent"/>', "dark")
    '<rect fill="#0F1720" stroke="none"/>'
    """
    check_theme(theme)
    colours = DARK if theme == "dark" else {}

    def colour(m: re.Match[str]) -> str:
        plain = _NAMED.get(m[2], m[2].upper())
        return f'{m[1]}="{colours.get(plain, plain)}"'

    return _COLOUR.sub(colour, text)


def dark_rules(scope: str, present: str | None = None) -> str:
    """Return CSS that makes the light colours inside a selector dark.

    With ``present``, only the colours that occur in that text get a rule.

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import dark_rules
    >>> print(dark_rules("svg.night").splitlines()[0])
    svg.night [fill="#FFFFFF"]{fill:#0F1720}
    """
    return "\n".join(
        f'{scope} [{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in DARK.items()
        for attribute in ("fill", "stroke")
        if present is None or light in present
    )


def themed(svg: str, theme: str) -> str:
    """Return an SVG that was drawn with the light palette in a theme.

    Parameters
    ----------
    svg
        One ``<svg>`` whose colours are attributes of its elements.
    theme
        ``"light"``, ``"dark"``, or ``"auto"`` to follow the reader's screen.

    Raises
    ------
    ValueError
        If the theme is another one.

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import themed
    >>> themed('<svg><title>fill="#ffffff"</title><rect fill="#ffffff"/></svg>', "dark")
    '<svg><title>fill="#ffffff"</title><rect fill="#0F1720"/></svg>'
    """
    check_theme(theme)
    svg = _TAG.sub(lambda tag: recoloured(tag[0], theme), svg)
    if theme != "auto":
        return svg
    name = "ag-" + hashlib.sha256(svg.encode()).hexdigest()[:12]
    css = dark_rules(f"svg.{name}", present=" ".join(_TAG.findall(svg)))
    style = f"<style>@media (prefers-color-scheme: dark){{\n{css}\n}}</style>"
    return re.sub(r"<svg\b([^>]*)>", rf'<svg class="{name}"\1>{style}', svg, count=1)
