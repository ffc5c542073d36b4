"""Whole pictures of networks of nn's layers, in every colour and level."""

import numpy as np

import autograd_core as ag
import nn


class Net(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(1, 6, 5, padding=2, stride=2, rng=0)
        self.pool, self.flat, self.drop = nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5)
        self.fc = nn.Linear(294, 10, rng=1)

    def forward(self, x):
        return nn.softmax(self.fc(self.drop(self.flat(self.pool(nn.relu(self.conv(x)))))))


def test_a_convolutional_network():
    scene = ag.draw(Net(), np.ones((2, 1, 28, 28), np.float32), level="modules").graph
    found = [(b.title, b.type, b.spec, b.kind) for b in scene.boxes if b.kind != "data"]
    assert found == [
        ("conv", "Conv2d", "5×5 pad 2 stride 2, 1 → 6", "module"),
        ("relu", "", "", "elementwise"),
        ("maxpool2d 2", "", "", "reduction"),
        ("flatten", "", "", "view"),
        ("dropout 0.5", "", "", "elementwise"),
        ("fc", "Linear", "294 → 10", "module"),
        ("softmax", "", "", "elementwise"),
        ("output", "", "", "output"),
    ]
    assert "MAC / sample" in scene.subtitle


def test_a_recurrent_layer_is_a_card():
    model = nn.Sequential(nn.LSTM(3, 4, rng=0), lambda out: out[0][:, -1], nn.Linear(4, 2, rng=0))
    scene = ag.draw(model, np.ones((2, 5, 3), np.float32), level="modules").graph
    cards = [(b.title, b.type, b.spec) for b in scene.boxes if b.form == "card"]
    assert cards == [("0", "LSTM", "3 → 4"), ("2", "Linear", "4 → 2")]


def test_every_layer_is_drawn_in_every_colour():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(18, 4, rng=0), nn.LayerNorm(4), nn.GELU(),
    )  # fmt: skip
    y = np.sum(model(np.random.default_rng(0).random((3, 1, 8, 8), np.float32)))
    for color in ("kind", "grad", "time", "memory", "flops", "value"):
        for level in ("modules", "compact", "ops", "full"):
            scene = ag.draw(y, level=level, color=color).graph
            assert scene.title.startswith("Sequential")
            assert scene.boxes[-1].kind == "output"


def test_the_mask_of_dropout_is_part_of_it():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.5, rng=1), nn.Linear(4, 2, rng=2))
    x = np.ones((2, 3), np.float32)
    for level in ("blocks", "modules", "compact"):
        assert [b.id for b in ag.draw(model, x, level=level).graph.boxes if b.kind == "data"] == [
            "x"
        ]
    assert [b.id for b in ag.draw(model, x, level="ops").graph.boxes if b.kind == "data"] == [
        "x", "data"
    ]  # fmt: skip
