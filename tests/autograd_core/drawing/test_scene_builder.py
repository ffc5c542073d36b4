"""Sharing, the order of operands, names of outputs, cut edges, source lines."""

import json
import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.drawing.picture import FORMATS

rng = np.random.default_rng(0)


def image(*shape):
    return rng.random(shape, np.float32)


def cards(picture):
    return [b.note for b in picture.graph.boxes if b.form == "card"]


def told(picture):
    """Return the sum of the parameters on the cards, without those that are said to be shared."""
    counts = [re.match(r"([\d,]+) params", note) for note in cards(picture)]
    return sum(int(m[1].replace(",", "")) for m in counts if m)


def of_header(picture):
    return int(re.match(r"([\d,]+) parameter", picture.graph.subtitle)[1].replace(",", ""))


class Tied(nn.Module):
    def __init__(self):
        self.embed, self.out = nn.Embedding(10, 4, rng=0), nn.Linear(4, 10, rng=0)
        self.out.weight = self.embed.weight

    def forward(self, ids):
        return self.out(self.embed(ids))


def siamese():
    net = nn.mlp([4, 8, 2], rng=0)
    return lambda a, b: np.sum((net(a) - net(b)) ** 2), (image(3, 4), image(3, 4))


def discriminator_called_three_times():
    g, d = nn.mlp([4, 8, 6], rng=0), nn.mlp([6, 8, 1], rng=1)

    def losses(z, real):
        fake = g(z)
        return {"d": np.sum(d(real)) - np.sum(d(fake.detach())), "g": np.sum(d(fake))}

    return losses, (image(3, 4), image(3, 6))


def unrolled():
    cell = nn.RNNCell(3, 4, rng=0)

    def run(x):
        h = cell(x[:, 0])
        for t in (1, 2, 3, 4):
            h = cell(x[:, t], h)
        return h

    return run, (image(7, 5, 3),)


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("level", ["modules", "compact"])
@pytest.mark.parametrize(
    ("make", "total"),
    [
        (lambda: (Tied(), (np.array([[1, 2]]),)), 50),
        (siamese, 58),
        (discriminator_called_three_times, 94 + 65),
        (unrolled, 3 * 4 + 4 * 4 + 4 + 4),
    ],
)
def test_the_figures_on_cards_add_up_to_the_headers(make, total, level, fold):
    f, inputs = make()
    picture = ag.draw(f, *inputs, level=level, fold=fold)
    assert told(picture) == of_header(picture) == total
    assert sum("shared" in note for note in cards(picture)) > 1 or fold


def test_sharing_is_told_on_every_card():
    assert cards(ag.draw(Tied(), np.array([[1, 2]]), level="modules")) == [
        "40 params, shared", "10 params, 40 shared"
    ]  # fmt: skip
    f, inputs = siamese()
    assert cards(ag.draw(f, *inputs, level="modules")) == [
        "40 params, shared", "18 params, shared", "40 shared", "18 shared"
    ]  # fmt: skip
    scene = ag.draw(Tied(), np.array([[1, 2]]), level="ops").graph
    weights = [(b.title, b.note) for b in scene.boxes if b.kind == "parameter"]
    assert weights == [
        ("weight", "10×4 shared"), ("embed.weight", "10×4 shared"), ("bias", "10")
    ]  # fmt: skip


def numbers(f, *inputs, **options):
    scene = ag.draw(f, *inputs, **options).graph
    return {(a.source, a.target): a.label[0] for a in scene.arrows if a.label[:1] in tuple("①②③")}


def test_the_order_of_operands_is_visible():
    a, b, mask = rng.random((3, 3)), rng.random(3), np.array([True, False, True])
    for name, f in {
        "subtract": lambda x, y: x - y,
        "divide": lambda x, y: x / y,
        "matmul": lambda x, y: x @ y,
        "solve": np.linalg.solve,
        "power": lambda x, y: x**y,
        "arctan2": np.arctan2,
    }.items():
        for first, second in (("x", "y"), ("y", "x")):
            g = lambda x, y, f=f, swap=first == "y": f(y, x) if swap else f(x, y)
            assert numbers(g, a, a.T) == {(first, name): "①", (second, name): "②"}
    assert numbers(lambda x, y, m: np.where(m, y, x), b, -b, mask) == {
        ("m", "where"): "①", ("y", "where"): "②", ("x", "where"): "③"
    }  # fmt: skip
    assert numbers(lambda x, y: x + y * x, a, a) == {}


def test_an_operand_that_tells_what_it_is_has_no_number():
    model = nn.Linear(4, 2, rng=0)
    assert numbers(lambda x, t: nn.mse_loss(model(x), t), image(3, 4), image(3, 2)) == {}
    scene = ag.draw(lambda x: x / x, np.ones(3)).graph
    assert sorted(a.label for a in scene.arrows if a.target == "divide") == ["①", "②"]
    split = ag.draw(lambda x: np.concatenate(np.split(x, 2)[::-1]), np.ones(4), level="modules")
    assert [a.label for a in split.graph.arrows if a.target == "concatenate"] == ["① 2", "②"]


def test_outputs_have_the_names_of_a_dict_and_of_fields():
    w = ag.tensor(np.eye(3), requires_grad=True)
    titles = lambda what: [b.title for b in ag.draw(what).graph.boxes if b.kind == "output"]
    assert titles({"loss": np.sum(w), "heads": {"a": w * 2, "b": [w * 3, w * 4]}}) == [
        "loss", "heads.a", "heads.b[0]", "heads.b[1]"
    ]  # fmt: skip
    assert titles(np.linalg.eigh(w)) == ["eigenvalues", "eigenvectors"]
    assert titles([np.sum(w), w * 2]) == ["output", "output"]


def test_every_cut_edge_is_kept():
    w = ag.tensor(np.ones(3), requires_grad=True, name="w")
    early = [np.sin(w * k) for k in (2.0, 3.0, 4.0)]
    y = w
    for h in early:
        y = np.tanh(y) * h
    scene = ag.draw(y, max_nodes=6, fold=False, level="ops").graph
    assert {b.id: b.note for b in scene.boxes}["earlier"] == "6 earlier operations"
    into = [a.target for a in scene.arrows if a.source == "earlier"]
    assert into == ["multiply", "multiply_2", "multiply_3"]


def test_no_absolute_path_is_in_any_format(tmp_path, monkeypatch):
    model, x = nn.mlp([4, 3, 2], rng=0), image(2, 4)
    source = tmp_path / "users_code.py"
    source.write_text("import numpy as np\ndef f(model, x):\n    return np.sum(model(x) ** 2)\n")
    space = {}
    exec(compile(source.read_text(), str(source), "exec"), space)
    for folder, line in ((tmp_path, "users_code.py:3"), ("/", "<...>/users_code.py:3")):
        monkeypatch.chdir(folder)
        picture = ag.draw(space["f"], model, x, level="ops")
        facts = {k: v for b in picture.graph.boxes for k, v in b.facts if k == "line"}
        assert facts["line"].startswith(line)
        for ending in set(FORMATS) - {"png", "pdf"}:
            text = picture.to_bytes(ending).decode()
            assert str(tmp_path) not in text
            assert json.dumps(str(tmp_path))[1:-1] not in text


def test_a_number_is_shown_with_its_sign_and_its_gradient():
    a, b = (ag.tensor(v, requires_grad=True) for v in (-4.0, 2.0))
    c = a * b + b**3
    marks = {b.title: b.mark for b in ag.draw(c - a * 2.0, color="value").graph.boxes}
    assert marks["a"] == "∇ 0"
    assert marks["b"] == "∇ 8"
    assert marks["×"] == "-8  ∇ 1"
    assert marks["−"] == "8  ∇ 1"
    loss = a * b
    loss.backward()
    marks = {b.title: b.mark for b in ag.draw(loss, color="value").graph.boxes}
    assert (marks["a"], marks["b"]) == ("∇ 2", "∇ -4")  # the graph is freed, .grad is known
    plain = ag.draw(lambda x: np.sin(x) / x, np.float64(-2.0), color="value").graph
    assert [b.mark for b in plain.boxes[:3]] == ["∇ 0.4354", "-0.9093  ∇ -0.5", "0.4546  ∇ 1"]


def test_the_length_of_an_output_is_not_taken_for_its_value():
    def notes(f):
        return [b.note for b in ag.draw(f, np.ones(2)).graph.boxes if b.kind == "output"]

    assert notes(lambda x: x * 2) == ["2 values"]
    assert notes(lambda x: np.sum(x)) == ["2"]
    assert notes(lambda x: np.ones((3, 2)) * x) == ["3×2"]
