"""PNG and PDF: a font for every sign."""

from xml.etree import ElementTree

from autograd_core.drawing.layout.text_width import width
from autograd_core.drawing.scene import Box, Scene
from autograd_core.drawing.write.raster import _with_fonts
from autograd_core.drawing.write.svg import to_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_signs_that_arial_lacks_get_another_font_at_their_place():
    svg = to_svg(Scene("∇ W", "plain → text", [Box("a", "product", "hₜ × 2")]), theme="light")
    root = ElementTree.fromstring(_with_fonts(svg))
    texts = {"".join(t.itertext()): t for t in root.iter(f"{SVG}text")}
    assert set(texts) >= {"∇ W", "hₜ × 2", "plain → text"}
    assert len(texts["plain → text"]) == 0
    parts = list(texts["hₜ × 2"])
    assert [p.text for p in parts] == ["h", "ₜ", " × 2"]
    assert [p.get("font-family") for p in parts] == [None, "DejaVu Sans", None]
    assert all(p.get("x") is None for p in parts)  # each begins where the last one ends


def test_the_beginning_of_a_text_is_where_its_anchor_puts_it():
    svg = f'<svg xmlns="{SVG[1:-1]}"><text x="90" y="5" font-size="10" text-anchor="end">aₜ</text></svg>'
    (text,) = ElementTree.fromstring(_with_fonts(svg))
    assert text.get("text-anchor") is None
    assert abs(float(text.get("x")) - (90 - width("aₜ", 10))) < 0.01
