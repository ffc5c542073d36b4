"""Boxes, clusters and arrows of each level, for the example networks."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.autograd_core.drawing import networks


def lines(picture):
    """Boxes as lines, in drawing order."""
    return [
        " ".join(t for t in (b.title, b.type, b.spec, b.note, b.absorbed) if t)
        for b in picture.graph.boxes
    ]


def pairs(picture):
    return {(a.source, a.target) for a in picture.graph.arrows}


def test_modules_of_an_mlp():
    _, loss = networks.mlp()
    picture = ag.draw(loss, level="modules")
    value = f"{loss.item():.4g}"
    assert lines(picture) == [
        "x input 32×784",
        "fc1 Linear 784 → 16 12,560 params",
        "sigmoid",
        "fc2 Linear 16 → 16 272 params",
        "sigmoid",
        "out Linear 16 → 10 170 params",
        "sigmoid",
        "y target 32×10",
        f"mean squared error {value}",
    ]
    assert picture.graph.title == "MLP"
    assert (
        picture.graph.subtitle
        == "13,002 parameters  ·  batch 32  ·  float32  ·  12.96 k MAC / sample"
    )
    labels = {(a.source, a.target): a.label for a in picture.graph.arrows if a.label}
    assert labels == {("fc1", "sigmoid"): "32×16", ("out", "sigmoid_3"): "32×10"}
    assert {a.source for a in picture.graph.arrows if not a.gradient} == {"x", "y"}


def test_lenet_compact_has_eight_boxes():
    _, loss = networks.lenet(4)
    picture = ag.draw(loss, level="compact")
    assert [b.id for b in picture.graph.boxes] == [
        "data",
        "conv1",
        "conv2",
        "fc1",
        "fc2",
        "fc3",
        "y",
        "output",
    ]
    absorbed = {b.id: b.absorbed for b in picture.graph.boxes}
    assert absorbed["conv1"] == "relu, maxpool 2×2"
    assert absorbed["conv2"] == "relu, maxpool 2×2, flatten"
    assert picture.graph.boxes[-1].title == "cross entropy"
    assert {b.id: b.note for b in picture.graph.boxes}["y"] == "labels 4"
    shares = [b.share for b in picture.graph.boxes if b.share is not None]
    assert sum(shares) == pytest.approx(1)


def test_lenet_modules():
    _, loss = networks.lenet(4)
    picture = ag.draw(loss, level="modules")
    pills = [b.title for b in picture.graph.boxes if b.form == "pill"]
    assert pills == ["relu", "maxpool 2×2", "relu", "maxpool 2×2", "flatten", "relu", "relu"]
    assert next(b for b in picture.graph.boxes if b.id == "conv1").spec == "5×5 pad 2, 1 → 6"


def test_operations_are_in_clusters_with_their_parameters():
    _, loss = networks.mlp()
    scene = ag.draw(loss, level="ops").graph
    assert [(c.id, c.title, c.type) for c in scene.clusters if c.type] == [
        (n, n, "Linear") for n in ("fc1", "fc2", "out")
    ]
    (loss_of,) = [c for c in scene.clusters if not c.type]
    assert loss_of.title == "mean squared error"
    assert next(b.title for b in scene.boxes if b.cluster == loss_of.id) == "squared_error"
    inside = {b.id: (b.title, b.cluster) for b in scene.boxes if b.cluster}
    assert inside["fc1.weight"] == ("weight", "fc1")
    assert inside["fc1.linear"] == ("linear", "fc1")
    assert next(b for b in scene.boxes if b.id == "sigmoid").cluster == ""


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (lambda p, t: np.mean((p - t) ** 2), "mean squared error"),
        (lambda p, t: np.sum(np.square(p - t)), "squared error"),
        (lambda p, t: np.mean(np.abs(p - t)), "mean absolute error"),
        (lambda p, t: np.mean(np.exp(p - t)), "output"),
        (lambda p, t: nn.quadratic_cost(p, t), "quadratic cost"),
    ],
)
def test_a_loss_has_its_name(loss, name):
    w = ag.tensor(np.ones((3, 2)), requires_grad=True, name="w")
    y = loss(np.tanh(np.ones((4, 3)) @ w), np.zeros((4, 2)) + 0.5)
    assert ag.draw(y, level="modules").graph.boxes[-1].title == name
    clusters = ag.draw(y, level="ops").graph.clusters
    several = "squared" in name or "absolute" in name
    assert [c.title for c in clusters] == ([name] if several else [])


def test_full_shows_the_bytes_held():
    _, loss = networks.mlp()
    notes = {b.id: b.note for b in ag.draw(loss, level="full").graph.boxes}
    assert notes["fc2.linear"].startswith("32×16  holds ")


class Block(nn.Module):
    def __init__(self, rng):
        self.a, self.b = nn.Linear(4, 4, rng=rng), nn.Linear(4, 4, rng=rng)

    def forward(self, x):
        return self.b(np.tanh(self.a(x)))


class Nested(nn.Module):
    def __init__(self):
        self.blocks = [Block(0), Block(1)]
        self.head = nn.Linear(4, 1, rng=2)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def test_nested_modules_are_nested_clusters_and_depth_limits_them():
    model = Nested()
    y = model(np.ones((3, 4), np.float32))
    scene = ag.draw(y, level="ops").graph
    parents = {c.id: c.parent for c in scene.clusters}
    assert parents["blocks.0.a"] == "blocks.0"
    assert parents["blocks.0"] == ""
    assert {c.id for c in ag.draw(y, level="ops", depth=1).graph.clusters} == {
        "blocks.0",
        "blocks.1",
        "head",
    }
    assert ag.draw(y, level="ops", depth=0).graph.clusters == []
    assert [c.title for c in scene.clusters][:3] == ["blocks.0", "a", "b"]
    modules = ag.draw(y, level="modules").graph
    assert [b.id for b in modules.boxes if b.form == "card"] == [
        *("blocks.0.a", "blocks.0.b", "blocks.1.a", "blocks.1.b", "head"),
    ]
    shallow = ag.draw(y, level="modules", depth=1).graph
    assert [(b.id, b.type) for b in shallow.boxes if b.form == "card"] == [
        ("blocks.0", "Block"),
        ("blocks.1", "Block"),
        ("head", "Linear"),
    ]


def test_two_networks_are_two_clusters():
    a, b = nn.mlp([4, 3, 2], rng=0), nn.mlp([2, 3, 4], rng=1)
    y = b(a(np.ones((2, 4), np.float32)))
    scene = ag.draw(y, level="modules", names={"encoder": a, "decoder": b}).graph
    assert [c.title for c in scene.clusters] == ["encoder", "decoder"]


def test_a_skip_connection_is_drawn():
    x = ag.tensor(np.ones((4, 8, 8, 8)), requires_grad=True, name="x")
    scene = ag.draw(networks.ResidualBlock(), x, level="modules").graph
    ends = {(a.source, a.target) for a in scene.arrows}
    assert {("x", "conv1"), ("x", "add"), ("bn2", "add")} <= ends
    assert {b.id: b.kind for b in scene.boxes}["x"] == "data"  # no module's parameter


def test_views_of_parameters_have_no_box():
    b = ag.tensor(np.ones(3), requires_grad=True, name="b")
    y = np.ones((4, 3, 1)) * b[:, None]
    scene = ag.draw(y).graph
    assert [x.id for x in scene.boxes] == ["data", "b", "multiply", "output"]
    assert next(a for a in scene.arrows if a.source == "b").label == "3×1"
    assert len(ag.draw(y, level="full").graph.boxes) == 5


def test_slices_of_one_array_are_one_box():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    x = np.arange(12.0).reshape(4, 3)
    y = w * x[0] + np.sin(w * x[1]) + np.exp(w * x[2])
    scene = ag.draw(np.sum(y)).graph
    assert [b.note for b in scene.boxes if b.kind == "data"] == ["3 slices of 3"]
    whole = np.zeros((4, 3)) + 1
    y = w * whole[0] + np.sin(w * whole[1]) + np.exp(w * whole[2])
    scene = ag.draw(np.sum(y)).graph
    assert [b.note for b in scene.boxes if b.kind == "data"] == ["4×3"]


def test_structure_stays_after_backward():
    _, loss = networks.mlp()
    before = ag.draw(loss).graph
    loss.backward()
    after = ag.draw(loss).graph
    assert [b.id for b in before.boxes] == [b.id for b in after.boxes]
    assert [(a.source, a.target) for a in before.arrows] == [
        (a.source, a.target) for a in after.arrows
    ]
    for scene in (before, after):
        assert next(b.note for b in scene.boxes if b.id == "y") == "target 32×10"


def test_tensors_of_many_outputs():
    w = ag.tensor(np.diag([1.0, 2.0, 4.0]), requires_grad=True, name="w")
    values, vectors = np.linalg.eigh(w)
    for color in ("kind", "grad", "time", "memory", "flops", "value"):
        scene = ag.draw(np.sum(values) + np.sum(vectors), color=color).graph
        assert [a.source for a in scene.arrows].count("eigh") == 2


class Lookup(nn.Module):
    def __init__(self):
        self.embed = nn.Parameter(np.random.default_rng(0).normal(size=(5, 3)))
        self.head = nn.Linear(3, 2, rng=0)

    def forward(self, ids):
        return self.head(nn.embedding(ids, self.embed))


@pytest.mark.parametrize("level", ["modules", "ops"])
def test_an_embedding_has_its_ids(level):
    scene = ag.draw(Lookup(), np.array([[0, 4, 2]]), level=level).graph
    assert [(b.title, b.note) for b in scene.boxes][:3] == [
        ("embed", "5×3"),
        ("ids", "input 1×3"),
        ("embedding", ""),
    ]
    assert ("embedding", "head") in {(a.source, a.target) for a in scene.arrows} or level == "ops"


def test_a_transposed_input_is_the_input():
    w = ag.tensor(np.ones((3, 2)), requires_grad=True, name="w")
    x = np.arange(12.0) + np.zeros((4, 12))
    x = x[:, :3].copy()
    y = ag.gradients(np.sum(np.tanh(x @ w)), w, create_graph=True)
    scene = ag.draw(np.sum(y * y)).graph
    notes = [b.note for b in scene.boxes if b.kind == "data"]
    assert "4×3" in notes
    assert not any("3×4" in note for note in notes)
