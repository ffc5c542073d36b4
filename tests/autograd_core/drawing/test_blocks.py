"""Block pictures: volumes, slabs and bars."""

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.drawing.blocks import size_text
from autograd_core.drawing.scene import Box
from autograd_core.drawing.write.block import block_size
from autograd_core.drawing.write.svg import box_sizes
from tests.autograd_core.drawing import networks


def lenet(**options):
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2, rng=rng), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1176, 10, rng=rng),
    )  # fmt: skip
    return ag.draw(model, np.ones((2, 1, 28, 28), np.float32), level="blocks", **options)


def test_maps_are_volumes_and_what_keeps_their_size_is_a_slab():
    found = [(b.form, b.title, b.note) for b in lenet().graph.boxes]
    assert found == [
        ("block", "x", "1 @ 28×28"),
        ("block", "Conv2d 5×5 pad 2", "6 @ 28×28"),
        ("slab", "relu", ""),
        ("block", "maxpool2d 2", "6 @ 14×14"),
        ("block", "flatten", "1176"),
        ("block", "Linear", "10"),
        ("box", "output", "2×10"),
    ]


def test_what_was_measured_is_written():
    model, _ = networks.deep(12)
    x = np.random.default_rng(0).random((4, 784), np.float32)
    picture = ag.draw(lambda x: np.sum(model(x)), x, level="blocks", color="grad")
    marks = [b.mark for b in picture.graph.boxes if b.mark]
    assert "▼ ×10⁻⁴" in marks
    assert all(mark in picture.svg for mark in marks)
    assert not re.search(
        r'class="node module f', picture.svg
    )  # texts are on the page, not on the fill


def test_a_norm_is_a_slab_and_a_convolution_of_equal_size_a_volume():
    model = networks.ResidualBlock()
    scene = ag.draw(model, np.ones((4, 8, 8, 8), np.float32), level="blocks").graph
    forms = {b.id: b.form for b in scene.boxes}
    assert forms["conv1"] == forms["conv2"] == "block"
    assert forms["bn1"] == forms["add"] == "slab"
    assert ("x", "add") in {(a.source, a.target) for a in scene.arrows}


def test_targets_and_parameters_are_left_out():
    _, loss = networks.mlp()
    scene = ag.draw(loss, level="blocks").graph
    assert {b.kind for b in scene.boxes} == {"data", "module", "elementwise", "output"}
    assert [b.id for b in scene.boxes if b.kind == "data"] == ["x"]
    ids = {b.id for b in scene.boxes}
    assert all({a.source, a.target} <= ids for a in scene.arrows)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ((6, 14, 14), (6, 28, 28)),
        ((6, 14, 14), (60, 14, 14)),
        ((10,), (400,)),
        ((7, 32), (7, 64)),
        ((1, 1, 1), (4, 512, 512)),
    ],
)
def test_sizes_grow_as_logarithms(smaller, larger):
    (w, h), (wide, high) = (
        block_size(Box("a", "module", "", "block", shape=s)) for s in (smaller, larger)
    )
    assert w <= wide < w + 100
    assert h <= high < h + 150
    assert (w, h) != (wide, high)


def test_captions_in_a_row_are_one_line():
    picture = lenet()
    assert picture.direction == "LR"
    sizes = box_sizes(picture.graph, "LR")
    assert (
        len({h for b, (_, h) in zip(picture.graph.boxes, sizes, strict=True) if b.form != "box"})
        == 1
    )
    titles = [b.title for b in picture.graph.boxes if b.form != "box"]
    lines = {
        m[1]
        for t in titles
        for m in re.finditer(rf'y="([\d.-]+)"[^>]*>{re.escape(t)}</text>', picture.svg)
    }
    assert len(lines) == 1


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
def test_arrows_reach_the_blocks(direction):
    svg = lenet(direction=direction).svg
    heads = re.findall(r'<path d="M([\d.-]+) ([\d.-]+)L[^"]*Z" class="head"/>', svg)
    fronts = re.findall(
        r'</title>(?:<g>)?<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"',
        svg,
    )
    assert len(heads) == 6
    places = [tuple(map(float, f)) for f in fronts]
    for x, y in (tuple(map(float, h)) for h in heads):
        near = [
            (a, b) for a, b, w, h in places if a - 3 < x < a + w + 40 and b - 62 < y < b + h + 26
        ]  # the front of a block, its faces behind, or a text
        assert near, (x, y)


def test_it_is_saved_in_every_format(tmp_path):
    picture = lenet()
    for ending in ("svg", "tex", "dot", "html", "mmd", "json", "txt"):
        assert picture.save(tmp_path / f"net.{ending}")
    assert "fill opacity=0.15" in picture.tex
    assert 'data-show="blocks"' in picture.html


@pytest.mark.parametrize(("shape", "text"), [((), ""), ((3,), "3"), ((2, 3, 4, 5), "2×3 @ 4×5")])
def test_sizes_are_written(shape, text):
    assert size_text(shape) == text


def test_a_caption_has_all_options_but_the_sizes():
    class Net(nn.Module):
        def __init__(self):
            self.embedding, self.cell = nn.Embedding(9, 4, rng=0), nn.GRUCell(4, 5, rng=0)
            self.out = nn.Linear(5, 4, rng=0)

        def forward(self, x):
            x = self.embedding(x)
            h = np.zeros((2, 5))
            for _ in range(4):
                h = self.cell(x, h)
                x = self.out(h)
            return x

    titles = [b.title for b in ag.draw(Net(), np.ones(2, int), level="blocks").graph.boxes]
    assert "embedding 9, 4" in titles
    assert "step out, cell × 3 steps" in titles
