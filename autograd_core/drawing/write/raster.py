"""PNG and PDF of an SVG, by cairosvg.

It paints what :mod:`svg` wrote, so that all formats show one picture; ``dot`` would need labels
of its own. It draws a text in one font, so that signs which Arial lacks get DejaVu Sans here.
"""

from itertools import groupby
from xml.etree import ElementTree

from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.write.elements import SPACE

_IN_ARIAL = frozenset("–—‘’“”•…→←↑↓▲▼◄►∂∑−√∞≈≠≤≥")
INSTALL = (
    "PNG and PDF need cairosvg and the cairo library: pip install 'autograd-core[pictures]', and "
    "apt install libcairo2 (Debian, Ubuntu), dnf install cairo (Fedora), brew install cairo "
    "(macOS), or on any system conda install -c conda-forge cairosvg. Every other format works "
    "without: g.save('graph.svg')"
)


def _in_arial(c: str) -> bool:
    return ord(c) < 0x500 or c in _IN_ARIAL


def _with_fonts(svg: str) -> bytes:
    """Return an SVG in which signs that Arial lacks have a font that has them."""
    root = ElementTree.fromstring(svg)
    for text in root.iter(f"{SPACE}text"):
        shown = " ".join((text.text or "").split())
        runs = [(ok, "".join(cs)) for ok, cs in groupby(shown, _in_arial)]
        if all(ok for ok, _ in runs):
            continue
        size, bold = float(text.get("font-size", 11)), "b" in text.get("class", "").split()
        back = {"end": 1.0, "middle": 0.5}.get(text.attrib.pop("text-anchor", ""), 0.0)
        text.set("x", f"{float(text.get('x', 0)) - back * width(shown, size, bold):.2f}")
        text.text = ""
        for ok, run in runs:
            part = ElementTree.SubElement(text, f"{SPACE}tspan")
            part.text = run
            if not ok:
                part.set("font-family", "DejaVu Sans")
    return ElementTree.tostring(root)


def rasterized(svg: str, format: str) -> bytes:
    """Return an SVG as PNG (at twice its size) or as PDF.

    Raises
    ------
    ImportError
        If cairosvg or the cairo library is absent; the error says how to install them.
    """
    try:
        import cairosvg
    except (ImportError, OSError) as error:  # OSError: the library of cairo is absent
        raise ImportError(INSTALL) from error
    write, scale = (cairosvg.svg2png, 2.0) if format == "png" else (cairosvg.svg2pdf, 1.0)
    return bytes(write(_with_fonts(svg), scale=scale))
