"""``ag.draw``: what it runs, which level it chooses, what it refuses."""

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.drawing import networks


def test_auto_is_operations_of_a_small_graph_and_modules_of_a_large_one():
    _, small = networks.mlp()
    _, large = networks.rnn()
    assert ag.draw(small).level == "ops"
    assert ag.draw(large).level == "modules"


def test_a_function_is_run_and_its_inputs_named():
    def cost(x, scale):
        return np.sum(np.exp(x) * scale)

    scene = ag.draw(cost, np.ones(3), 2.0, title="cost").graph
    assert [b.id for b in scene.boxes] == ["x", "exp", "multiply", "sum", "output"]
    assert scene.boxes[0].note == "input 3"
    assert scene.boxes[2].title == "× 2"
    assert ag.draw(cost, np.ones(3), 2.0).graph.title == "cost"
    assert ag.draw(lambda x: np.sum(x), np.ones(3)).graph.title == "computation graph"


def test_a_module_is_run():
    scene = ag.draw(networks.MLP(), np.ones((2, 784), np.float32), level="modules").graph
    assert scene.boxes[0].id == "x"
    assert scene.boxes[-1].note == "2×10"


def test_a_module_is_run_though_nothing_records():
    with ag.no_grad():
        scene = ag.draw(networks.MLP(), np.ones((2, 784), np.float32)).graph
    assert len(scene.boxes) > 5


def test_several_roots():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    a, b = np.sum(w), np.mean(w * 2)
    scene = ag.draw({"a": a, "b": b}, names={"first": a, "second": b}).graph
    assert [x.title for x in scene.boxes if x.kind == "output"] == ["first", "second"]
    assert ag.draw([[a], (b,)]).graph.boxes


def test_a_single_leaf():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    assert [b.id for b in ag.draw(w).graph.boxes] == ["w"]


def test_errors_name_what_is_expected():
    w = ag.tensor(np.ones(3), requires_grad=True)
    y = np.sum(w)
    for wrong, message in [
        ({"level": "layers"}, "level is auto, blocks, modules, compact, ops or full; got 'layers'"),
        ({"color": "red"}, "or a function of a node; got 'red'"),
        ({"direction": "up"}, "direction is TB, LR, BT or RL; got 'up'"),
        ({"theme": 3}, "theme is light, dark or auto; got 3"),
        ({"depth": -1}, "depth is a whole number from 0"),
        ({"max_nodes": 0}, "max_nodes is a whole number from 1"),
        ({"max_nodes": True}, "max_nodes"),
        ({"fold": "no"}, "'no' is none in this graph: no module was called"),
    ]:
        with pytest.raises(ValueError, match=message):
            ag.draw(y, **wrong)
    for wrong, message in [
        ({"names": [1]}, "names maps names"),
        ({"names": {1: y}}, r"got \{1: "),
        ({"names": {"b": 3}}, r"got \{'b': 3\}"),
        ({"title": 4}, "title is a text"),
        ({"fold": 3}, "fold is True, False, names of modules .* got 3"),
        ({"fold": []}, "fold is True, False, names of modules .* or a function of a module"),
        ({"fold": ["Encoder", 3]}, "fold is True, False, names of modules"),
    ]:
        with pytest.raises(TypeError, match=message):
            ag.draw(y, **wrong)
    with pytest.raises(TypeError, match="drawn as one list"):
        ag.draw(y, y)
    with pytest.raises(TypeError, match="a str among them"):
        ag.draw([y, "loss"])
    with pytest.raises(TypeError, match="nothing was recorded"):
        ag.draw(ag.tensor(1.0))
    with pytest.raises(TypeError, match=r"ag.draw\(model, x\)"):
        ag.draw(networks.MLP())
    with pytest.raises(TypeError, match=r"make one first, ag.draw\(MLP\(...\), x\)"):
        ag.draw(networks.MLP, np.ones((2, 4)))
    with pytest.raises(ValueError, match="color function returns a number"):
        ag.draw(y, color=lambda node: "red")


def test_outputs_whose_keys_look_like_numbers_are_all_drawn():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    scene = ag.draw([{"1": np.sum(w)}, np.prod(w), {"1": np.max(w)}]).graph
    assert len([b for b in scene.boxes if b.kind == "output"]) == 3


def test_what_a_function_returns_besides_tensors_is_refused():
    with pytest.raises(
        TypeError, match="what the function returns, Tensors; it returned a NoneType"
    ):
        ag.draw(lambda x: None, np.ones(3))
    with pytest.raises(TypeError, match="it returned a str among them"):
        ag.draw(lambda x: [np.sum(x), "sum"], np.ones(3))
    with pytest.raises(ValueError, match=r"format is svg, png, .* or txt; got 'gif'"):
        ag.draw(np.sum, np.ones(3)).to_bytes("gif")
