"""Colours and words of whole pictures: colour deficiencies, contrast, a word for every colour.

The simulation is of Viénot, Brettel and Mollon, "Digital video colourmaps for checking the
legibility of displays by dichromats" (1999) for protan and deutan, and Machado, Oliveira and
Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
severity 1, for tritan; distances are CIE76 in CIE L*a*b*.
"""

import itertools

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.drawing.colour import palette
from tests.autograd_core.drawing import networks

SIMULATED = {
    "normal": np.eye(3),
    "protan": [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]],
    "deutan": [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip


def linear(colour):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    m = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    xyz = m @ rgb / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(np.maximum(xyz, 0)), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, sight):
    m = np.array(SIMULATED[sight])
    a, b = (lab(np.clip(m @ linear(c), 0, 1)) for c in (one, other))
    return float(np.linalg.norm(a - b))


def test_the_simulation_knows_black_white_and_a_known_pair():
    assert distance("#000000", "#FFFFFF", "normal") == pytest.approx(100, abs=0.1)
    assert distance("#777777", "#777777", "protan") == 0
    assert distance("#FF0000", "#00A000", "deutan") < distance("#FF0000", "#00A000", "normal") / 2


#: Data and views are grey: a square box and a dashed outline distinguish them.
STROKES = ["parameter", "product", "elementwise", "reduction", "output"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIMULATED)
def test_strokes_are_distinct(sight, dark):
    colours = {k: palette.STYLES[k].stroke for k in STROKES}
    if dark:
        colours = {k: palette.DARK[c] for k, c in colours.items()}
    worst = min(
        (distance(a, b, sight), k, m)
        for (k, a), (m, b) in itertools.combinations(colours.items(), 2)
    )
    assert worst[0] >= (20 if dark else 14), worst


@pytest.mark.parametrize("sight", SIMULATED)
@pytest.mark.parametrize("scale", [palette.GRADIENT, palette.COST])
def test_neighbours_on_a_scale_are_distinct(scale, sight):
    for colours in (scale, [palette.DARK[c] for c in scale]):
        assert min(distance(a, b, sight) for a, b in itertools.pairwise(colours)) >= 5


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable_on_every_fill(dark):
    def seen(c):
        return palette.DARK.get(c, c) if dark else c

    for style in palette.STYLES.values():
        for ink in (palette.INK, palette.MUTED):
            assert palette.contrast(seen(ink), seen(style.fill)) >= 4.5, style
    assert palette.contrast(seen(palette.MUTED), seen(palette.PAGE)) >= 4.5
    assert palette.contrast(seen(palette.MUTED), seen(palette.CLUSTER.fill)) >= 4.5
    module, output = palette.STYLES["module"], palette.STYLES["output"]
    assert palette.contrast(seen(module.stroke), seen(module.fill)) >= 4.5  # the type of a card
    assert palette.contrast(seen(output.stroke), seen(output.fill)) >= 4.5  # its value
    assert palette.contrast(seen(palette.ABSORBED), seen(module.fill)) >= 4.5


@pytest.mark.parametrize("fill", [*palette.GRADIENT, *palette.COST])
def test_measured_fills_have_a_readable_ink(fill):
    ink = palette.ink_on(fill)
    assert palette.contrast(ink, fill) >= 4.5
    assert palette.contrast(palette.DARK.get(ink, ink), palette.DARK[fill]) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_outlines_stand_out_from_the_page(dark):
    for style in palette.STYLES.values():
        page, stroke = palette.PAGE, style.stroke
        if dark:
            page, stroke = palette.DARK[page], palette.DARK[stroke]
        assert palette.contrast(stroke, page) >= 3, style  # WCAG 1.4.11


@pytest.mark.parametrize("color", ["grad", "time", "memory", "flops", "value"])
def test_every_colour_has_words(color):
    _, loss = networks.deep()
    scene = ag.draw(loss, level="modules", color=color).graph
    plain = {"#FFFFFF", palette.COST[0]}
    for box in scene.boxes:
        assert box.mark or not box.fill or box.fill in plain, box
    assert all(c.text for c in scene.scale.cells)
