r"""TikZ: a complete LaTeX document, one page of its size, of the SVG that the painter made.

Every group of the SVG is a scope, with its title as a comment for those who edit the text by hand.
The rules of the style sheet in the SVG are applied here; they are those of one fixed theme. The
document compiles with ``pdflatex``, which shows ``?`` for letters that its fonts lack, such as
Chinese ones, and with ``lualatex`` and ``xelatex``, which take them from the font.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree

from autograd_core.drawing.scene import clean
from autograd_core.drawing.write.elements import SPACE, number
from autograd_core.drawing.write.escaping import tex

_UNIT = 0.75  # points to a pixel
_ANCHORS = {"": "base west", "middle": "base", "end": "base east"}
_DOCUMENT = r"""\documentclass{article}
\usepackage[paperwidth=%gbp, paperheight=%gbp, margin=0pt]{geometry}
\usepackage{tikz,amssymb,iftex}
\iftutex\usepackage{fontspec}
\IfFontExistsTF{TeX Gyre Heros}{\setsansfont{TeX Gyre Heros}}{}
\else\usepackage[T1]{fontenc}\usepackage{helvet}\fi
\renewcommand\familydefault\sfdefault
\newcommand\letter[1]{\iftutex#1\else?\fi} %% letters that the fonts of pdflatex lack
%s
\pagestyle{empty}\parindent=0pt\topskip=0pt
\begin{document}
\begin{tikzpicture}[x=%gbp, y=-%gbp, line width=%gbp,
  every node/.style={inner sep=0pt, outer sep=0pt}]
%s
\end{tikzpicture}
\end{document}
"""


class _Rule(NamedTuple):
    """A rule of a style sheet: names for each level of nesting, and what it declares."""

    levels: tuple[frozenset[str], ...]  # from the outermost: tags, and classes with their dot
    declared: dict[str, str]

    def fits(self, path: list[set[str]]) -> bool:
        """Return whether the rule applies to an element, by its names and those around it."""
        if not self.levels[-1] <= path[-1]:
            return False
        around = iter(reversed(path[:-1]))
        return all(any(level <= names for names in around) for level in self.levels[-2::-1])


def _rules(sheet: str) -> list[_Rule]:
    """Return the rules of a style sheet, those that win last."""
    found = []
    for selectors, declared in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        values = dict(one.split(":") for one in declared.split(";") if one)
        for selector in selectors.split(","):
            levels = tuple(frozenset(re.findall(r"\.?[\w-]+", part)) for part in selector.split())
            found.append(_Rule(levels, values))
    return sorted(found, key=lambda r: [sum(n[0] == "." for lev in r.levels for n in lev),
                                        sum(map(len, r.levels))])  # fmt: skip


def _point(x: float, y: float) -> str:
    return f"({number(x)},{number(y)})"


def _path(d: str) -> str:
    """Return a path of SVG (``M``, ``L``, ``C`` and ``Z``) as one of TikZ."""
    out = []
    for name, rest in re.findall(r"([MLCZ])([^MLCZ]*)", d):
        n = [float(v) for v in re.split(r"[ ,]+", rest.strip()) if v]
        points = [_point(*n[i : i + 2]) for i in range(0, len(n), 2)]
        if name == "C":
            out.append(f".. controls {points[0]} and {points[1]} .. {points[2]}")
        else:
            out.append({"M": "", "L": "-- ", "Z": "-- cycle"}[name] + "".join(points))
    return " ".join(out)


class _Writer:
    """Turns elements into lines of TikZ, and notes their colours."""

    def __init__(self, sheet: str) -> None:
        self.rules, self.colours = _rules(sheet), dict[str, None]()

    def colour(self, value: str) -> str:
        """Return the name of a colour ``#RRGGBB``."""
        self.colours.setdefault(value[1:].upper())
        return f"c{value[1:].upper()}"

    def options(self, look: dict[str, str]) -> str:
        """Return how a shape is drawn."""
        found = []
        for ours, theirs in (("fill", "fill"), ("stroke", "draw")):
            if look.get(ours, "none") != "none":
                found.append(f"{theirs}={self.colour(look[ours])}")
        if "fill-opacity" in look:
            found.append(f"fill opacity={look['fill-opacity']}")
        if "draw" in " ".join(found):
            if "stroke-width" in look:
                found.append(f"line width={number(float(look['stroke-width']) * _UNIT)}bp")
            if look.get("stroke-dasharray", "none") != "none":
                found.append("dash pattern=on 3.75bp off 3bp")
        if "rx" in look:
            found.append(f"rounded corners={number(float(look['rx']) * _UNIT)}bp")
        return ", ".join(found)

    def lines(
        self, element: ElementTree.Element, path: list[set[str]], look: dict[str, str]
    ) -> Iterator[str]:
        """Yield the lines of an element and of those in it.

        Parameters
        ----------
        element
            The element of SVG.
        path
            Tag and classes of each element around it.
        look
            What it inherits from them.
        """
        tag = element.tag.removeprefix(SPACE)
        path = [*path, {tag, *(f".{c}" for c in element.get("class", "").split())}]
        own = dict(element.attrib)
        for rule in self.rules:
            if rule.fits(path):
                own |= rule.declared
        names = ("fill", "stroke", "stroke-dasharray", "font-weight")
        look = look | {name: own[name] for name in names if name in own}
        x, y = (float(own.get(name, 0)) for name in ("x", "y"))
        shape = self.options(own | look)
        if tag in ("svg", "g"):
            shift = re.findall(r"[-\d.]+", own.get("transform", ""))
            inside = [line for e in element for line in self.lines(e, path, look)]
            title = (element.findtext(f"{SPACE}title") or "").split("\n")[0]
            yield f"\\begin{{scope}}{f'[shift={{({shift[0]},{shift[1]})}}]' if shift else ''}" + (
                f" % {clean(title)}" if title else ""
            )
            yield from inside
            yield r"\end{scope}"
        elif tag == "rect" and shape:
            w, h = float(own["width"]), float(own["height"])
            yield rf"\path[{shape}] {_point(x, y)} rectangle {_point(x + w, y + h)};"
        elif tag == "path" and shape:
            yield rf"\path[{shape}] {_path(own['d'])};"
        elif tag == "text":
            size = float(own["font-size"]) * _UNIT
            font = f"\\fontsize{{{number(size)}}}{{{number(size * 1.2)}}}\\selectfont"
            font += "\\bfseries" if look.get("font-weight") == "bold" else ""
            ink, anchor = self.colour(look["fill"]), _ANCHORS[own.get("text-anchor", "")]
            text = tex(element.text or "")
            yield (
                rf"\node[anchor={anchor}, text={ink}, font={font}] at {_point(x, y)} {{{text}}};"
            )


def to_tikz(svg: str) -> str:
    r"""Return a complete LaTeX document that shows an SVG of the painter.

    Parameters
    ----------
    svg
        What :func:`svg.to_svg` made, in the light or the dark theme.

    Examples
    --------
    >>> from autograd_core.drawing.scene import Box, Scene
    >>> from autograd_core.drawing.write.svg import to_svg
    >>> from autograd_core.drawing.write.tikz import to_tikz
    >>> scene = Scene("net", "", [Box("a", "product", "50 % & more")])
    >>> text = to_tikz(to_svg(scene, "TB", "light"))
    >>> text.count(r"{50 \% \& more};")
    1
    """
    root = ElementTree.fromstring(svg)
    writer = _Writer(root.findtext(f"{SPACE}style") or "")
    lines = "\n".join(writer.lines(root, [], {"fill": "#000000"}))
    colours = "\n".join(rf"\definecolor{{c{c}}}{{HTML}}{{{c}}}" for c in writer.colours)
    width, height = (_UNIT * float(root.attrib[name]) for name in ("width", "height"))
    return _DOCUMENT % (width, height, colours, _UNIT, _UNIT, _UNIT, lines)
