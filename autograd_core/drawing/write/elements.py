"""Elements of SVG: texts, rectangles, groups. Their classes are coloured by a style sheet."""

from autograd_core.drawing.layout.placement import Rectangle
from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.scene import clean
from autograd_core.drawing.write.escaping import xml

SPACE = "{http://www.w3.org/2000/svg}"  # before the name of an element that was read
Words = tuple[str, float, str]  # a text, its size, and its classes: m(uted), b(old), k(ind)


def number(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def point(p: complex) -> str:
    """Return both coordinates of a point."""
    return f"{number(p.real)} {number(p.imag)}"


def text_at(x: float, y: float, text: str, size: float, css: str = "", anchor: str = "") -> str:
    """Return a text with its baseline at ``y``; nothing for an empty text."""
    if not text.strip():
        return ""
    named = f' class="{css}"' if css else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{size:g}"{named}{at}>{xml(text)}</text>'
    )


def rectangle(place: Rectangle, css: str = "", r: float = 0, tip: str = "") -> str:
    """Return a rectangle with corners of radius ``r``."""
    x, y, w, h = map(number, place)
    named = f' class="{css}"' if css else ""
    corners = f' rx="{r:g}"' if r else ""
    end = f"><title>{xml(tip)}</title></rect>" if tip else "/>"
    return f'<rect x="{x}" y="{y}" width="{w}" height="{h}"{corners}{named}{end}'


def fill_class(colour: str) -> str:
    """Return the class of a measured fill."""
    return f"f{colour[1:].upper()}"


def words_width(words: Words) -> float:
    """Return the width that a text takes."""
    text, size, css = words
    return width(clean(text), size, "b" in css)


def moved(x: float, y: float, content: str) -> str:
    """Return elements moved to the right and down."""
    return f'<g transform="translate({number(x)} {number(y)})">{content}</g>'
