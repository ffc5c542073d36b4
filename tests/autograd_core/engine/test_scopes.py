"""Scopes: which module made which nodes, and that knowing it keeps nothing alive."""

import gc
import threading
import weakref

import numpy as np

import nn
from autograd_core.engine import scopes
from autograd_core.engine.graph import reachable

X = np.ones((3, 4), np.float32)


def names(y, model):
    known = {id(m): name for name, m in model.named_modules()}
    return [known[id(c.module)] for c in scopes.calls(reachable([y._node]))]


def test_calls_in_the_order_in_which_they_began():
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 2)))
    assert names(model(X), model) == ["", "0", "1", "1.0", "1.1"]


def test_a_call_covers_what_ran_inside_and_nothing_else():
    layer, other = nn.Linear(4, 4), nn.Linear(4, 4)
    h = layer(X) * 2
    y = np.tanh(other(h))
    nodes = reachable([y._node])
    first, second = scopes.calls(nodes)
    inside = [n.primitive.name for n in nodes if n.primitive and first.start < n.seq <= first.stop]
    assert inside == ["linear"]
    assert first.stop < second.start


def test_a_module_that_returns_its_input_made_nothing():
    model = nn.Sequential(nn.Linear(4, 2), nn.Identity())
    assert names(model(X), model) == ["", "0"]


def test_several_results():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 3)

        def forward(self, x):
            return {"a": self.a(x), "rest": [self.b(x), None]}

    model = Two()
    out = model(X)
    assert names(out["rest"][0], model) == ["", "b"]
    assert names(out["a"], model) == ["", "a"]


def test_nothing_is_kept_alive():
    gc.disable()
    try:
        model = nn.mlp([4, 3, 2])
        y = model(X)
        node, module = weakref.ref(y._node), weakref.ref(model)
        del model
        assert module() is None
        assert scopes.calls(reachable([y._node])) == []
        del y
        assert node() is None
    finally:
        gc.enable()


def test_threads_do_not_mix():
    model, other = nn.mlp([4, 3, 2]), nn.mlp([4, 3, 2])
    go, stop = threading.Event(), threading.Event()

    def busy():
        go.set()
        while not stop.is_set():
            other(X)

    thread = threading.Thread(target=busy)
    thread.start()
    go.wait()
    try:
        for _ in range(50):
            assert names(model(X), model) == ["", "0", "1", "2", "3"]
    finally:
        stop.set()
        thread.join()


def test_without_recording_nothing_is_noted():
    model = nn.mlp([4, 2])
    with nn.evaluating(model):
        y = model[1](np.ones(3))
    assert not hasattr(y, "_node")
