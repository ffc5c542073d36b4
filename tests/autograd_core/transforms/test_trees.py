"""Trees: containers of every kind, matched by key, of any depth, and what is no leaf."""

from __future__ import annotations

import collections
import dataclasses
import types

import numpy as np
import pytest

import autograd_core as ag

X = np.array([1.0, 2.0, 3.0])


def test_trees_are_matched_by_key():
    p, v = {"a": X, "b": 2 * X}, {"b": np.zeros(3), "a": np.ones(3)}
    found = ag.hvp(lambda p: np.sum(p["a"] ** 3) + np.sum(p["b"] ** 2), p, v)
    assert (found["a"].tolist(), found["b"].tolist()) == ([6, 12, 18], [0, 0, 0])
    _, along = ag.jvp(lambda p: np.sum(p["a"]) + 10 * np.sum(p["b"]), [p], [v])
    assert along == 3
    _, pull = ag.vjp(lambda x: {"a": x, "b": 10 * x}, X)
    assert pull(v).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": X}, r"has the keys \['a'\]"),
        ({"a": X, "b": X, "c": X}, "keys"),
        ({"a": X, "B": X}, "keys"),
        ({"a": X, "b": 1.0}, r"\['b'\] has shape \(\)"),
        ({"a": X, "b": np.ones((1, 3))}, "shape"),
        ([X, X], "keys"),
        (X, "array|expected a tree"),
        ({"a": X, "b": "x"}, "str"),
        ({"a": X, "b": None}, "None"),
    ],
)
def test_trees_that_do_not_match(other, message):
    p = {"a": X, "b": X}
    for call in (
        lambda: ag.hvp(lambda p: np.sum(p["a"] * p["b"]), p, other),
        lambda: ag.jvp(lambda p: p["a"] * p["b"], [p], [other]),
        lambda: ag.vjp(lambda x: {"a": x, "b": x}, X)[1](other),
    ):
        with pytest.raises(ag.GraphError, match=message):
            call()


@dataclasses.dataclass
class Late:
    w: object
    scale: object = dataclasses.field(init=False)

    def __post_init__(self):
        self.scale = 2.0


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: object


Named = collections.namedtuple("Named", ["w", "b"])
CONTAINERS = {
    "defaultdict": (collections.defaultdict(list, {"w": X}), lambda t: t["w"]),
    "OrderedDict": (collections.OrderedDict(w=X), lambda t: t["w"]),
    "mappingproxy": (types.MappingProxyType({"w": X}), lambda t: t["w"]),
    "deque": (collections.deque([X], maxlen=3), lambda t: t[0]),
    "namespace": (types.SimpleNamespace(w=X), lambda t: t.w),
    "namedtuple": (Named(X, 1.0), lambda t: t.w),
    "dataclass, init=False": (Late(X), lambda t: t.w * t.scale / 2),
    "dataclass, frozen": (Frozen(X), lambda t: t.w),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(name):
    tree, w = CONTAINERS[name]
    g = ag.grad(lambda t: np.sum(w(t) ** 2))(tree)
    assert type(g) is (dict if name == "mappingproxy" else type(tree))
    np.testing.assert_allclose(np.asarray(w(g) if name[:10] != "dataclass," else g.w), 2 * X)
    vector, restore = ag.ravel(tree)
    again, _ = ag.ravel(restore(vector))
    np.testing.assert_array_equal(again, vector)


def test_a_deep_tree():
    tree = 3.0
    for _ in range(5000):
        tree = [tree]

    def bottom(t):
        while isinstance(t, list):
            t = t[0]
        return t

    assert bottom(ag.grad(lambda t: bottom(t) ** 2)(tree)) == 6.0
    loop: list = []
    loop.append(loop)
    with pytest.raises(ag.GraphError, match="contains itself"):
        ag.grad(lambda t: 1.0)(loop)


def test_leaves_that_are_no_floating_point_numbers():
    for tree, message in (
        ({"a": np.array([0, 0])}, r"\['a'\].*int64"),
        ([True], r"\[0\].*bool"),
        ("x", "str"),
        ({"a": {1.0}}, "set"),
    ):
        for call in (ag.ravel, ag.grad(lambda t: 1.0)):
            with pytest.raises(TypeError, match=message):
                call(tree)
    vector, _ = ag.ravel([1 + 1j, 2])
    assert vector.tolist() == [1 + 1j, 2]
    assert ag.ravel(3)[0].tolist() == [3.0]


def test_stop_gradient_of_trees():
    for tree, w in CONTAINERS.values():
        g = ag.grad(lambda t, w=w: np.sum(w(ag.stop_gradient(t)) ** 2))(tree)
        assert not any(np.any(leaf) for leaf in ag.ravel(g)[0])
    assert (
        ag.grad(lambda x: np.sum(ag.stop_gradient(types.SimpleNamespace(a=x)).a * x))(X).tolist()
        == X.tolist()
    )
    for unknown in (iter([X]), {1.0}, np.array([X, None], object), (u for u in [X])):
        with pytest.raises(TypeError, match="which may hold"):
            ag.stop_gradient(unknown)
    assert ag.stop_gradient({"name": "a", "n": 3, "x": None}) == {"name": "a", "n": 3, "x": None}


def test_jvp_of_constants_and_whole_numbers():
    value, along = ag.jvp(lambda x: {"a": 3.0, "n": 2, "y": x}, [X], [X])
    assert (value["a"], value["n"]) == (3.0, 2)
    assert (along["a"], along["n"], along["y"].tolist()) == (0.0, 0, X.tolist())
    assert ag.jvp(lambda x: 3.0, [X], [X]) == (3.0, 0.0)


@dataclasses.dataclass
class Layer:
    w: np.ndarray
    scale: float = 1.0
    power: int = 2
    kind: str = "tanh"
    biased: bool = True
    shape: tuple[int, ...] | int | None = None
    act: object = dataclasses.field(default=np.tanh, metadata={"static": True})


def power(layer):
    out = layer.act(layer.w * layer.scale) ** layer.power
    return np.sum(out) * (2 if layer.kind == "tanh" and layer.biased else 1)


def test_static_fields_are_no_leaves():
    layer = Layer(X, scale=3, shape=7)
    g = ag.grad(power)(layer)
    assert (g.power, g.kind, g.biased, g.shape, g.act) == (2, "tanh", True, 7, np.tanh)
    t = np.tanh(3 * X)
    np.testing.assert_allclose(g.w, 12 * t * (1 - t * t), rtol=1e-12)
    np.testing.assert_allclose(g.scale, 4 * np.sum(X * t * (1 - t * t)), rtol=1e-12)
    vector, restore = ag.ravel(layer)
    assert vector.shape == (X.size + 1,)
    assert restore(2 * vector).power == 2
    _, slope = ag.jvp(power, [layer], [dataclasses.replace(layer, scale=0.0)])
    np.testing.assert_allclose(slope, np.sum(g.w * X), rtol=1e-12)
    ag.assert_gradients(lambda w, scale: power(Layer(w, scale)), X, np.float64(0.5))


def test_static_fields_under_vmap_and_compile():
    layers = Layer(np.stack([X, 2 * X]), np.array([1.0, 3.0]), shape=7)
    wanted = [power(Layer(X, 1.0)), power(Layer(2 * X, 3.0))]
    np.testing.assert_allclose(ag.vmap(power)(layers), wanted)
    axes = Layer(0, None, shape=None)
    found = ag.vmap(power, in_axes=(axes,))(dataclasses.replace(layers, scale=1.0))
    np.testing.assert_allclose(found, [wanted[0], power(Layer(2 * X))])
    compiled = ag.compile(ag.grad(power))
    for change in ({}, {"power": 3}, {"kind": "relu"}, {"biased": False}, {"act": np.sin}):
        layer = dataclasses.replace(Layer(X), **change)
        np.testing.assert_allclose(compiled(layer).w, ag.grad(power)(layer).w, rtol=1e-12)


def test_a_checkpoint_keeps_what_static_fields_were():
    def loss(x):
        layer = Layer(x)
        out = ag.checkpoint(power)(layer)
        layer.power = 3
        return out

    np.testing.assert_allclose(ag.grad(loss)(X), ag.grad(power)(Layer(X)).w, rtol=1e-12)
