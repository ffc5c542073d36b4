"""Width of a text, computed without a font file from the advance widths of Liberation Sans.

The table holds the advance widths of Liberation Sans 2 (SIL Open Font License), in thousandths
of the font size, read from its ``hmtx`` table; Arial and Helvetica have the same by design.
East Asian wide characters and emoji count as one em, combining marks as zero.
"""

import unicodedata
from functools import lru_cache

from autograd_core.drawing.scene import clean

# the printable ASCII characters, from the space to the tilde
_REGULAR = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)  # fmt: skip
_OTHERS = {
    **dict.fromkeys("→←…—▼▲✕∇↳", 1000),
    **dict.fromkeys("×−", 584),
    **dict.fromkeys("÷√≤≥", 549),
    **dict.fromkeys("·", 278),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉", 400),
}


@lru_cache(maxsize=4096)
def _advance(c: str, bold: bool) -> int:
    code = ord(c)
    if 32 <= code < 127:
        return (_BOLD if bold else _REGULAR)[code - 32]
    if c in _OTHERS:
        return _OTHERS[c]
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    if code >= 0x1F000 or unicodedata.east_asian_width(c) in ("W", "F"):
        return 1000
    return 611 if bold else 580


@lru_cache(maxsize=8192)
def width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a text in the unit of ``size``.

    Examples
    --------
    >>> from autograd_core.drawing.layout.text_width import width
    >>> width("fc1", 10), width("卷积", 10)
    (13.34, 20.0)
    """
    return sum(_advance(c, bold) for c in text) * size / 1000


def elided(text: str, size: float, most: float, bold: bool = False) -> str:
    """Return a text on one line, shortened by an ellipsis where it is wider than ``most``.

    Examples
    --------
    >>> from autograd_core.drawing.layout.text_width import elided
    >>> elided("a name that is far too long", 10, 80)
    'a name that is f…'
    """
    text = clean(text[:2000])
    if width(text, size, bold) <= most:
        return text
    room, kept = most - size, 0
    for c in text:
        room -= _advance(c, bold) * size / 1000
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"
