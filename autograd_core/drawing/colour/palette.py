"""Colours: the palette, the light and dark themes, and inks that are readable on a fill.

Shape carries the meaning and colour repeats it: parameters and data are square boxes, operations
are pills (dashed where only the view changes), the output has a double border.

Scenes name colours of the light palette. A colour that differs on a dark page is a key of
:data:`DARK`; any other stays as it is. An SVG has classes, and :func:`css` gives the rules that
colour them in a theme.
"""

from collections.abc import Iterable
from typing import NamedTuple

from autograd_core.drawing.scene import Box


class Style(NamedTuple):
    """Fill and stroke of one kind of box, its name in the legend, and both on a dark page."""

    fill: str
    stroke: str
    label: str
    dark: tuple[str, str]


THEMES = ("light", "dark", "auto")

PAGE = WHITE = "#FFFFFF"
INK, MUTED, EDGE = "#1F2933", "#52606D", "#8492A6"
CLUSTER = Style("#F7F9FB", "#CBD2D9", "", ("#16212D", "#334455"))
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
    "module": Style("#DCEBF7", "#005F99", "module with parameters", ("#10314C", "#3D9BE9")),
    "parameter": Style("#FFF6D6", "#A88600", "parameter", ("#3A3410", "#F0E442")),
    "product": Style("#DCEBF7", "#005F99", "matmul / conv", ("#10314C", "#3D9BE9")),
    "elementwise": Style("#DDF3EA", "#008A66", "elementwise", ("#123C31", "#6FE0BE")),
    "reduction": Style("#F8E6F0", "#B3518A", "reduce", ("#3D2233", "#CC79A7")),
    "view": Style("#FFFFFF", "#7A8693", "view", ("#0F1720", "#73859A")),
    "data": Style("#F0F4F8", "#7B8794", "data", ("#1E2A36", "#8FA3B5")),
    "output": Style("#FDE3D8", "#A8320A", "output", ("#45220E", "#E8743B")),
}

#: Inks on measured fills, besides :data:`INK`: always dark, always light, and light on a light page
#: but dark on a dark one.
ALWAYS_DARK, ALWAYS_LIGHT, INVERSE = "#000000", "#FEFEFE", "#FDFDFD"

#: The size of a gradient: on a dark page the middle is dark and the ends shine.
_DARK_GRADIENT = (
    *("#6DB1F2", "#4588C4", "#2C5F8F", "#203F5C"),
    *("#26323E", "#553126", "#8A3F2D", "#F2705C"),
)
#: A share of the cost: more is brighter.
_DARK_COST = ("#16212E", "#33271A", "#5A3D14", "#8A5A12", "#C67A1C", "#FFC66B")

#: The dark counterpart of each colour of the light palette.
DARK: dict[str, str] = {
    PAGE: "#0F1720",
    INK: "#E6EDF3",
    MUTED: "#9FB0C0",
    EDGE: "#7C8DA0",
    ABSORBED: "#6FE0BE",
    INVERSE: ALWAYS_DARK,
    **{c: d for s in (CLUSTER, *STYLES.values()) for c, d in zip(s[:2], s.dark, strict=True)},
    **dict(zip(GRADIENT, _DARK_GRADIENT, strict=True)),
    **dict(zip(COST, _DARK_COST, strict=True)),
}


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


def css(scope: str, dark: bool, fills: Iterable[str]) -> str:
    """Return the rules that colour a picture inside a selector.

    Parameters
    ----------
    scope
        A selector, such as ``".ag-dark"``.
    dark
        Whether the colours are those of a dark page.
    fills
        The measured fills that occur, of the light palette; each has a class (``.f2166AC``).

    Examples
    --------
    >>> from autograd_core.drawing.colour.palette import css
    >>> print(css(".night", True, []).splitlines()[0])
    .night .page{fill:#0F1720}
    """

    def seen(colour: str) -> str:
        return DARK.get(colour, colour) if dark else colour

    rules = {
        ".page": f"fill:{seen(PAGE)}",
        "text": f"fill:{seen(INK)};stroke:none",
        ".m": f"fill:{seen(MUTED)}",
        ".a": f"fill:{seen(ABSORBED)}",
        ".b": "font-weight:bold",
        ".bare": "stroke:none",
        ".cluster": f"fill:{seen(CLUSTER.fill)};stroke:{seen(CLUSTER.stroke)}",
        ".edge": f"fill:{seen(EDGE)};stroke:{seen(EDGE)}",
        ".cell": f"stroke:{FRAME}",
        **{f".{k}": f"fill:{seen(s.fill)};stroke:{seen(s.stroke)}" for k, s in STYLES.items()},
        **{f".{k} .k": f"fill:{seen(s.stroke)};stroke:none" for k, s in STYLES.items()},
        **{f".edge.{k}": f"fill:{seen(s.stroke)};stroke:{seen(s.stroke)}"
           for k, s in STYLES.items()},
        **{f".f{c[1:]}": f"fill:{seen(c)}" for c in fills},
        **{f".node.f{c[1:]} text": f"fill:{seen(ink_on(c))}" for c in fills},
        ".line": "fill:none",
        ".head": "stroke:none",
        ".view,.dashed": "stroke-dasharray:5 4",
    }  # fmt: skip
    return "\n".join(
        f"{','.join(f'{scope} {one}' for one in names.split(','))}{{{rule}}}"
        for names, rule in rules.items()
    )


def style(theme: str, fills: Iterable[str]) -> str:
    """Return the style sheet of an SVG whose class is ``ag-`` and the name of its theme.

    ``"auto"`` follows the reader's screen.

    Raises
    ------
    ValueError
        If the theme is not one of :data:`THEMES`.
    """
    check_theme(theme)
    scope, fills = f".ag-{theme}", sorted(fills)
    rules = css(scope, theme == "dark", fills)
    if theme == "auto":
        dark = css(scope, True, fills)
        rules += f"\n@media screen and (prefers-color-scheme:dark){{\n{dark}\n}}"
    return rules
