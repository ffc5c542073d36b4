"""Batch, multiply-adds, names and roles are facts, and where they are not certain nothing is said."""

import numpy as np
import pytest

import autograd_core as ag
import nn

rng = np.random.default_rng(0)
X_OF_THE_FILE = rng.normal(size=(20, 3))


def image(*shape):
    return rng.random(shape, np.float32)


def notes(picture):
    return [(b.title, b.note) for b in picture.graph.boxes if b.kind == "data"]


LAYERS = [
    (nn.Linear(6, 4, rng=0), (3, 6), 6 * 4),
    (nn.Linear(6, 4, rng=0), (3, 5, 6), 5 * 6 * 4),
    (nn.Conv1d(2, 4, 3, rng=0), (3, 2, 9), 4 * 7 * 2 * 3),
    (nn.Conv2d(2, 4, 3, rng=0), (3, 2, 9, 8), 4 * 7 * 6 * 2 * 9),
    (nn.Conv2d(4, 4, 3, padding=1, stride=2, groups=2, rng=0), (3, 4, 8, 8), 4 * 4 * 4 * 2 * 9),
    (nn.ConvTranspose2d(2, 4, 3, stride=2, rng=0), (3, 2, 5, 5), 2 * 5 * 5 * 4 * 9),
    (nn.RNN(3, 5, rng=0), (7, 4, 3), 4 * 5 * (3 + 5)),
    (nn.GRU(3, 5, rng=0), (7, 4, 3), 4 * 15 * (3 + 5)),
    (nn.LSTM(3, 5, rng=0), (7, 4, 3), 4 * 20 * (3 + 5)),
    (nn.GRU(3, 5, num_layers=2, bidirectional=True, rng=0), (7, 4, 3),
     2 * 4 * 15 * (3 + 5) + 2 * 4 * 15 * (10 + 5)),
    (nn.RNNCell(3, 5, rng=0), (7, 3), 5 * (3 + 5)),
    (nn.GRUCell(3, 5, rng=0), (7, 3), 15 * (3 + 5)),
    (nn.LSTMCell(3, 5, rng=0), (7, 3), 20 * (3 + 5)),
    (nn.Sequential(nn.Linear(6, 4, rng=0), nn.BatchNorm1d(4), nn.ReLU(), nn.LayerNorm(4)), (3, 6), 24),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "macs"), LAYERS)
def test_multiply_adds_are_those_of_a_hand_count_whatever_the_batch(layer, shape, macs):
    one = f"{macs:,} MAC / sample" if macs < 10_000 else f"{macs / 1000:.2f} k MAC / sample"
    for batch in (shape[0], 2 * shape[0]):
        x = image(batch, *shape[1:])
        result = layer(x)
        result = result[0] if isinstance(result, tuple) else result
        for picture in (ag.draw(layer, x, level="modules"), ag.draw(result, level="modules")):
            facts = picture.graph.subtitle.split("  ·  ")
            assert f"batch {batch}" in facts
            assert one in facts


def test_layers_without_products_have_no_multiply_adds():
    for layer, x in (
        (nn.Embedding(9, 4, rng=0), np.array([[1, 2, 3]])),
        (nn.MaxPool2d(2), image(2, 1, 4, 4)),
        (nn.AvgPool2d(2), image(2, 1, 4, 4)),
        (nn.GroupNorm(2, 4), image(2, 4, 3)),
        (nn.Dropout(0.5, rng=0), image(2, 3)),
        (nn.Softmax(), image(2, 3)),
    ):
        assert "MAC" not in ag.draw(layer, x, level="modules").graph.subtitle


def test_multiply_adds_of_what_is_frozen_or_in_evaluation_are_counted():
    model = nn.Sequential(nn.Linear(6, 4, rng=0), nn.BatchNorm1d(4), nn.Linear(4, 2, rng=1)).eval()
    for p in model[0].parameters():
        p.requires_grad = False
    subtitle = ag.draw(model, image(3, 6), level="modules").graph.subtitle
    assert "32 MAC / sample" in subtitle
    basis, head = rng.normal(size=(6, 5)), nn.Linear(5, 2, rng=0)
    for before in (lambda x: x @ basis, lambda x: np.einsum("ij,jk->ik", x, basis)):
        picture = ag.draw(lambda x, f=before: head(f(x)), image(3, 6), level="modules")
        assert "40 MAC / sample" in picture.graph.subtitle
        assert picture.graph.boxes[2].kind == "product"


def test_different_batches_have_no_multiply_adds_per_sample():
    a, b = nn.Linear(4, 2, rng=0), nn.Linear(4, 2, rng=0)
    subtitle = ag.draw(
        lambda x, y: np.sum(a(x)) + np.sum(b(y)), image(3, 4), image(5, 4), level="modules"
    ).graph.subtitle
    assert "batch" not in subtitle
    assert "MAC" not in subtitle


def test_plain_arrays_have_the_names_of_variables_or_none():
    target, w = X_OF_THE_FILE @ np.ones(3), ag.tensor(np.zeros(3), requires_grad=True)
    picture = ag.draw(np.mean((X_OF_THE_FILE @ w - target) ** 2))
    assert notes(picture) == [("X_OF_THE_FILE", "20×3"), ("target", "20")]
    assert [b.title for b in picture.graph.boxes if b.kind == "parameter"] == ["w"]
    loss = np.sum((rng.normal(size=(20, 3)) @ w - rng.normal(size=20)) ** 2)
    assert notes(ag.draw(loss)) == [("data", "20×3"), ("data", "20")]


def test_names_of_arguments_and_of_closures():
    w = ag.tensor(np.zeros(3), requires_grad=True)
    inner = rng.normal(size=20)

    def cost(rows, labels):
        return np.sum((rows @ w + inner - labels) ** 2)

    expected = [("rows", "input 20×3"), ("inner", "20"), ("labels", "input 20")]
    assert notes(ag.draw(cost, X_OF_THE_FILE, rng.normal(size=20))) == expected
    assert notes(ag.draw(lambda: np.sum(X_OF_THE_FILE @ w))) == [("X_OF_THE_FILE", "20×3")]


def test_a_loss_says_what_its_target_is():
    model, images, labels = nn.Linear(4, 3, rng=0), image(2, 4), np.array([0, 1])
    losses = [nn.mse_loss, nn.l1_loss, nn.huber_loss, nn.kl_div, nn.quadratic_cost,
              nn.binary_cross_entropy_with_logits, nn.cross_entropy]  # fmt: skip
    for loss in losses:
        for given in (image(2, 3), image(2, 3).astype(float)):
            picture = ag.draw(lambda x, t, loss=loss: loss(model(x), t), images, given)
            assert notes(picture) == [("x", "input 2×4"), ("t", "target 2×3")]
        assert notes(ag.draw(loss(model(images), image(2, 3))))[-1] == ("y", "target 2×3")
    for loss in (nn.cross_entropy, lambda x, y: nn.nll_loss(nn.log_softmax(x), y)):
        assert notes(ag.draw(lambda loss=loss: loss(model(images), labels))) == [
            ("images", "input 2×4"), ("labels", "2")
        ]  # fmt: skip


def test_a_loss_of_ones_own_says_so_by_the_name_of_its_argument():
    @ag.primitive
    def distance(prediction, target):
        return np.abs(prediction - target)

    distance.defvjp(lambda g, _out, p, t: g * np.sign(p - t), None)
    w = ag.tensor(np.ones(3), requires_grad=True)
    measured = np.zeros(3) + 2
    assert notes(ag.draw(np.sum(distance(w * 2, measured)))) == [("measured", "target 3")]


def test_the_input_of_an_autoencoder_is_no_target():
    model = nn.mlp([4, 2, 4], rng=0)
    picture = ag.draw(lambda x: nn.mse_loss(model(x), x), image(2, 4))
    assert notes(picture) == [("x", "input 2×4")]


def test_a_recorded_network_tells_its_input():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, rng=0))
    x = image(2, 3, 4)
    picture = ag.draw(model(x), level="modules")  # it was flattened as a plain array
    assert notes(picture) == [("x", "input 2×3×4")]
    assert picture.graph.arrows[0].label == "2×12"


def test_buffers_have_their_names():
    model = nn.BatchNorm1d(4).eval()
    model.running_mean[:] = 1
    found = dict(notes(ag.draw(model, image(3, 4), level="ops")))
    assert found["x"] == "input 3×4"
    assert found["running_mean"] == "1×4"


def test_several_networks_have_the_names_of_variables():
    generator, critic = nn.mlp([4, 3, 2], rng=0), nn.mlp([2, 3, 1], rng=1)
    scene = ag.draw(lambda z: critic(generator(z)), image(5, 4), level="modules").graph
    assert [c.title for c in scene.clusters] == ["generator", "critic"]


def test_a_tensor_that_is_gone_is_no_parameter_of_a_module():
    critic = nn.mlp([4, 3, 1], activation="tanh", rng=0)

    def penalty():
        x = ag.tensor(image(2, 4), requires_grad=True)
        (g,) = ag.gradients(np.sum(critic(x)), [x], create_graph=True)
        return np.mean(g * g)

    scene = ag.draw(penalty(), level="modules").graph
    assert scene.subtitle.startswith("19 parameters  ·  batch 2")
    assert [b.note for b in scene.boxes if b.form == "card"] == [
        "15 params, shared", "4 params, shared"
    ]  # fmt: skip
    assert next(b.note for b in scene.boxes if b.kind == "data") == "2×4"
