"""Fixtures of the tests of plots: axes to draw on, and a trained network."""

import pytest

import nn


@pytest.fixture
def ax():
    figure = nn.plot.axes.figure(5, 4)
    yield figure.subplots()
    figure.canvas.draw()  # a plot that cannot be rendered, or warns, fails


@pytest.fixture(scope="module")
def trained():
    d = nn.load_digits()
    model = nn.mlp([64, 16, 10], "sigmoid", init="xavier_normal", rng=0)
    data = nn.DataLoader((d.x_train, nn.one_hot(d.y_train, 10)), 10, shuffle=True, rng=1)
    optimizer = nn.SGD(model.parameters(), lr=3.0)
    held_out = (d.x_test, nn.one_hot(d.y_test, 10))
    with nn.plot.Updates(model, optimizer) as updates:
        history = nn.fit(model, data, nn.quadratic_cost, optimizer, 3, validation=held_out,
                         progress=False)  # fmt: skip
    return model, d, history, updates
