"""Widths of texts, without a font."""

from autograd_core.drawing.layout.text_width import elided, width


def test_widths_are_those_of_the_font():
    assert width("Aim", 1000) == 667 + 222 + 833
    assert width("Aim", 1000, bold=True) == 722 + 278 + 889
    assert width("卷", 10) == width("🧠", 10) == 10
    assert width("e\u0301", 1000) == 556
    assert elided("short", 10, 100) == "short"
    for text in ("m" * 300, "层" * 300, "🧠" * 300):
        assert width(elided(text, 12, 90), 12) <= 90
        assert elided(text, 12, 90).endswith("…")
