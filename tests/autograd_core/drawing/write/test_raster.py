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
    apart = float(parts[1].get("x")) - float(parts[0].get("x"))
    assert abs(apart - width("h", 12.5)) < 0.1
