"""``color="grad"``: its findings, and that measuring changes nothing."""

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.drawing.colour import palette
from tests.autograd_core.drawing import networks


def card(picture, name):
    return next(b for b in picture.graph.boxes if b.id == name)


def test_a_deep_sigmoid_network_vanishes():
    _, loss = networks.deep()
    picture = ag.draw(loss, level="modules", color="grad")
    assert picture.graph.title == "DeepSigmoid  —  gradient flow"
    assert picture.graph.subtitle.startswith("▼ vanishing: fc1 gets ")
    assert "of the gradient fc8 gets (median ratio" in picture.graph.subtitle
    first, last = card(picture, "fc1"), card(picture, "fc8")
    assert first.mark.startswith("▼ ×10⁻")
    assert (last.mark, last.fill) == ("×1", "#F7F7F7")
    assert first.fill == palette.GRADIENT[0]
    assert first.type == "Linear 784 → 64"
    assert first.spec.startswith("∇ ")
    arrows = [a for a in picture.graph.arrows if a.source.startswith("fc")]
    widths = [a.width for a in arrows]
    assert widths == sorted(widths)
    assert all(a.reverse for a in arrows)
    assert len(picture.graph.scale.cells) == 8


def test_the_sizes_are_those_of_the_gradients():
    model, loss = networks.mlp()
    picture = ag.draw(loss, level="modules", color="grad")
    facts = dict(card(picture, "fc1").facts)
    loss.backward()
    g = np.concatenate([model.fc1.weight.grad.data.ravel(), model.fc1.bias.grad.data])
    assert float(
        facts["rms of ∂L/∂W"]
        .replace("·10", "e")
        .translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    ) == pytest.approx(np.sqrt(np.mean(g.astype(float) ** 2)), rel=0.05)


def test_nothing_is_changed():
    model, loss = networks.mlp()
    seen = []
    model.fc1.weight.register_hook(seen.append)
    loss_before = loss.item()
    ag.draw(loss, color="grad")
    assert seen == []
    assert model.fc1.weight.grad is None
    loss.backward()
    assert len(seen) == 1
    assert loss.item() == loss_before


def test_exactly_zero_is_hollow_and_in_the_subtitle():
    w, dead = (nn.Linear(3, 3, rng=i) for i in range(2))
    y = w(np.ones((2, 3), np.float32)) + nn.relu(dead(np.ones((2, 3), np.float32)) - 100)
    picture = ag.draw(np.sum(y), level="modules", color="grad", names={"w": w, "dead": dead})
    box = card(picture, "dead")
    assert box.hollow
    assert box.mark == "0: no gradient"
    assert "exactly no gradient arrives at dead" in picture.graph.subtitle


def test_not_a_number_is_marked():
    w = ag.tensor([1.0, 0.0], requires_grad=True, name="w")
    with np.errstate(all="ignore"):
        y = np.sum(np.sqrt(w * 0.0) * np.inf)
        picture = ag.draw(y, color="grad")
    assert card(picture, "w").mark == "✕ NaN"
    assert picture.graph.subtitle.startswith("✕ the gradient of")


def test_exploding_is_in_the_subtitle():
    rng = np.random.default_rng(0)
    model = nn.Sequential(*[f for _ in range(6) for f in (nn.Linear(8, 8, rng=rng), np.sin)])
    for p in model.parameters():
        p.data = p.data * 20
    x = rng.normal(size=(4, 8)).astype(np.float32)
    picture = ag.draw(np.mean(model(x) ** 2), level="modules", color="grad")
    assert picture.graph.subtitle.startswith("▲ exploding: layer 0 gets ")
    assert picture.graph.subtitle.endswith(" times the gradient layer 10 gets")
    assert card(picture, "0").mark.startswith("▲ ×10")


def test_the_strip_of_an_rnn():
    _, loss = networks.rnn()
    cell = card(ag.draw(loss, level="modules", color="grad"), "cell")
    assert len(cell.strip) == 20
    assert cell.strip[-1].fill == "#F7F7F7"
    assert cell.strip[0].fill == palette.GRADIENT[0]
    assert cell.strip[0].text.startswith("▼ ×10⁻")
    assert cell.strip_ends[0].startswith("t = 0   ▼ ×")
    assert cell.strip_ends[1] == "t = 19"
    assert (
        "vanishing through time: step 0 of cell"
        in ag.draw(loss, level="modules", color="grad").graph.subtitle
    )


def test_after_backward_the_stored_gradients_are_drawn():
    _, loss = networks.deep()
    loss.backward()
    picture = ag.draw(loss, level="modules", color="grad")
    assert "from .grad: backward has freed the graph" in picture.graph.subtitle
    assert card(picture, "fc1").mark.startswith("▼ ×10⁻")


def test_a_part_without_gradient_is_plain():
    a, b = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
    x = np.ones((2, 3), np.float32)
    y = a(x) + ag.stop_gradient(b(x))
    scene = ag.draw([np.sum(y)], level="modules", color="grad").graph
    assert len([s for s in scene.boxes if s.form == "card"]) == 1


def test_gradients_of_several_results_are_of_their_sum():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    assert "of the sum of all results" in ag.draw(w * 2, color="grad").graph.subtitle


def test_vectors_complex_and_integers():
    w = ag.tensor(np.array([1 + 2j, 3.0]), requires_grad=True, name="w")
    assert card(ag.draw(np.abs(w), color="grad"), "w").mark
    v = ag.tensor(np.ones(3, np.float16), requires_grad=True, name="v")
    assert card(ag.draw(v * 60000, color="grad"), "v").mark == "×1"


def test_the_finding_names_the_layer_that_the_others_are_compared_with():
    embedding, cell = nn.Linear(3, 4, rng=0), nn.GRUCell(4, 5, rng=0)

    def run(x):
        h = np.zeros((2, 5), np.float32)
        late, first = nn.relu(embedding(x)), embedding(2 * x)
        for _ in range(4):
            h = cell(late + first, h)
        return np.sum(h)

    other = nn.Linear(3, 3, rng=0)
    picture = ag.draw(
        lambda x: run(other(x)), np.ones((2, 3), np.float32), level="modules", color="grad"
    )
    assert "of the gradient cell gets" in picture.graph.subtitle
