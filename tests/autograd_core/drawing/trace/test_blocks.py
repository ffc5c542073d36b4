"""Equal blocks become one stack, whether their weights are shared or not, and as the user says."""

import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from tests.autograd_core.drawing.trace.test_folding import stacks


class Residual(nn.Module):
    """Two layers and a shortcut."""

    def __init__(self, width, rng):
        self.low, self.high = nn.Linear(width, 2 * width, rng=rng), nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.high(nn.relu(self.low(x)))


class Stage(nn.Module):
    """A convolution that halves the image, and one that keeps it."""

    def __init__(self, before, after):
        self.down = nn.Conv2d(before, after, 3, stride=2, padding=1, rng=0)
        self.same = nn.Conv2d(after, after, 3, padding=1, rng=0)

    def forward(self, x):
        return nn.relu(self.same(nn.relu(self.down(x))))


class Tower(nn.Module):
    """A layer, blocks, and a layer."""

    def __init__(self, blocks, first, last):
        self.first, self.blocks, self.last = first, blocks, last

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def residual_tower(n=6, shared=False):
    block = Residual(8, 0)
    blocks = [block if shared else Residual(8, i) for i in range(n)]
    return Tower(blocks, nn.Linear(5, 8, rng=0), nn.Linear(8, 3, rng=0))


X = np.ones((2, 5), np.float32)


def parameters_of(scene):
    """Return the sum of the numbers of parameters on the cards that are not counted elsewhere."""
    notes = [b.note for b in scene.boxes if b.form == "card"]
    return sum(int(m[1].replace(",", "")) for n in notes if (m := re.match(r"([\d,]+) params", n)))


@pytest.mark.parametrize("level", ["modules", "compact"])
def test_blocks_with_weights_of_their_own(level):
    model = residual_tower()
    scene = ag.draw(model, X, level=level).graph
    (block,) = [b for b in scene.boxes if b.repeats > 1]
    assert (block.title, block.type, block.steps) == ("blocks.0–5", "Residual", "× 6")
    assert block.spec == "low, high"
    assert block.note == f"{6 * (8 * 16 + 16 + 16 * 8 + 8):,} params"
    assert [b.title for b in scene.boxes][:2] == ["x", "first"]
    shares = [b.share for b in scene.boxes if b.form == "card"]
    assert shares == [None] * 3 if level == "modules" else sum(shares) == pytest.approx(1)
    loop = next(a for a in scene.arrows if a.loop)
    assert (loop.source, loop.label) == (block.id, "to the next")


@pytest.mark.parametrize("shared", [False, True])
def test_figures_are_those_of_the_picture_that_is_not_folded(shared):
    model = residual_tower(shared=shared)
    folded = ag.draw(model, X, level="modules")
    drawn = ag.draw(model, X, level="modules", fold=False)
    header = drawn.graph.subtitle
    assert stacks(folded)
    assert not stacks(drawn)
    assert folded.graph.subtitle.removesuffix("  ·  one step drawn for 6") == header
    total = sum(p.size for _, p in model.named_parameters())
    assert header.startswith(f"{total:,} parameters")
    assert parameters_of(folded.graph) == parameters_of(drawn.graph) == total


def test_the_cost_of_a_stack_is_that_of_its_blocks():
    model = residual_tower()
    folded = ag.draw(model, X, level="modules", color="flops")
    drawn = ag.draw(model, X, level="modules", color="flops", fold=False)
    assert folded.graph.subtitle == drawn.graph.subtitle
    (block,) = stacks(folded)
    assert len(block.strip) == 6
    assert block.strip_ends[0] == "blocks.0"
    marks = [b.mark for b in drawn.graph.boxes if b.id.startswith("blocks.")]
    assert abs(int(block.mark[:-2]) - sum(int(m[:-2]) for m in marks if m.endswith(" %"))) < 20


def test_shared_blocks_are_steps_of_one_module():
    (block,) = stacks(ag.draw(residual_tower(shared=True), X, level="modules"))
    assert (block.type, block.steps) == ("Residual", "× 6 steps")
    assert block.note.endswith("shared")


def test_two_blocks_are_drawn():
    assert not stacks(ag.draw(residual_tower(2), X, level="modules"))


def test_the_range_of_what_differs():
    sizes = [(4, 8), (8, 16), (16, 32), (32, 64)]
    model = Tower([Stage(*s) for s in sizes], nn.Conv2d(1, 4, 1, rng=0), nn.Flatten())
    x = np.ones((2, 1, 32, 32), np.float32)
    (stage,) = stacks(ag.draw(model, x, level="modules"))
    assert (stage.type, stage.spec, stage.steps) == ("Stage", "8..64 channels", "× 4")
    picture = ag.draw(model, x, level="ops", fold="Stage")
    assert [b.spec for b in stacks(picture)] == ["8..64 channels"]


@pytest.mark.parametrize("level", ["modules", "ops"])
@pytest.mark.parametrize(
    "fold",
    ["Conv2d", "conv*", "convs", ["convs.0", "convs.1", "convs.2"], nn.Conv2d,
     lambda m: isinstance(m, nn.Conv2d), {"Conv2d"}],
)  # fmt: skip
def test_the_user_says_what_folds(fold, level):
    class Net(nn.Module):
        def __init__(self):
            self.convs = [
                nn.Conv2d(n, m, 3, padding=1, rng=0) for n, m in ((3, 16), (16, 32), (32, 64))
            ]

        def forward(self, x):
            for conv in self.convs:
                x = nn.relu(conv(x))
            return x

    x = np.ones((1, 3, 8, 8), np.float32)
    assert not stacks(ag.draw(Net(), x, level=level))
    (convs,) = stacks(ag.draw(Net(), x, level=level, fold=fold))
    assert (convs.title, convs.type, convs.steps) == ("convs.0–2", "Conv2d", "× 3")
    assert convs.spec == "3×3 pad 1, 3..32 → 16..64"


def test_only_what_was_chosen_folds():
    model = residual_tower(4)
    assert not stacks(ag.draw(model, X, level="modules", fold="Linear"))
    assert not stacks(ag.draw(model, X, level="modules", fold=lambda module: False))
    assert stacks(ag.draw(residual_tower(2), X, level="modules", fold="Residual"))


def test_a_name_that_is_none_says_which_there_are():
    with pytest.raises(ValueError, match="'Residul' is none in this graph: there are Linear, Res"):
        ag.draw(residual_tower(), X, fold="Residul")
    with pytest.raises(ValueError, match="no module was called; fold=True folds"):
        ag.draw(lambda x: np.sum(x * x), np.ones(3), fold=["step"])


def test_a_function_answers_true_or_false():
    with pytest.raises(TypeError, match=r"for Tower Tower it returned 'low'; write bool"):
        ag.draw(residual_tower(), X, fold=lambda module: "low")


def test_few_layers_are_drawn_and_many_fold():
    def net(n):
        layers = [layer for i in range(n) for layer in (nn.Linear(8, 8, rng=i), nn.Tanh())]
        return nn.Sequential(nn.Linear(5, 8, rng=0), nn.Tanh(), *layers, nn.Linear(8, 2, rng=0))

    assert not stacks(ag.draw(net(8), X, level="modules"))
    (layers,) = stacks(ag.draw(net(30), X, level="modules"))
    assert (layers.type, layers.spec, layers.steps) == ("Linear", "8 → 8", "× 30")
    assert layers.note == f"{30 * 72:,} params"


def test_layers_of_plain_code_fold():
    rng = np.random.default_rng(0)
    weights = [ag.tensor(rng.normal(size=(4, 4)), requires_grad=True) for _ in range(12)]
    y = np.ones((2, 4))
    for w in weights:
        y = np.tanh(y @ w)
    picture = ag.draw(y, level="modules")
    (layers,) = stacks(picture)
    assert (layers.repeats, layers.note) == (12, "192 params")
    assert [b.title for b in picture.graph.boxes] == ["h₀", "step", "output"]


def test_parameters_behind_views_are_those_of_the_steps():
    w, b = (ag.tensor(np.ones(s), requires_grad=True) for s in ((4, 4), 4))
    y = np.ones((2, 4, 4))
    for _ in range(5):
        y = np.tanh(y @ w + b[:, None])
    for level in ("ops", "modules"):
        (step,) = stacks(ag.draw(y, level=level))
        assert (step.note, step.steps) == ("20 params, shared", "× 5 steps")


def test_blocks_beside_each_other_fold_without_a_loop():
    class Branches(nn.Module):
        def __init__(self):
            self.heads = [
                nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 4)) for _ in "abcd"
            ]

        def forward(self, x):
            return np.concatenate([head(x) for head in self.heads], axis=1)

    scene = ag.draw(Branches(), X, level="modules").graph
    assert [(b.title, b.steps) for b in scene.boxes if b.form == "card"] == [("heads.0–3", "× 4")]
    assert [b.spec for b in scene.boxes if b.repeats > 1] == ["Linear, ReLU, Linear"]
    arrows = [(a.source, a.target) for a in scene.arrows]
    assert arrows == [("x", "heads.0"), ("heads.0", "concatenate"), ("concatenate", "output")]


def test_both_halves_of_a_u_net_fold_with_what_joins_them():
    class UNet(nn.Module):
        def __init__(self):
            self.down = [Stage(n, 2 * n) for n in (2, 4, 8)]
            self.middle = Stage(16, 32)
            self.up = [Stage(32 + 16, 16), Stage(16 + 8, 8), Stage(8 + 4, 4)]

        def forward(self, x):
            skipped = []
            for block in self.down:
                x = block(x)
                skipped.append(x)
            x = self.middle(x)
            for block, skip in zip(self.up, skipped[::-1], strict=True):
                wider = np.repeat(np.repeat(x, 2, axis=2), 2, axis=3)
                x = np.repeat(np.repeat(block(np.concatenate([wider, skip], axis=1)), 2, 2), 2, 3)
            return x

    scene = ag.draw(UNet(), np.ones((1, 2, 32, 32), np.float32), level="modules").graph
    folded = [(b.title, b.spec) for b in scene.boxes if b.repeats > 1]
    assert folded == [("down.0–2", "4..16 channels"), ("up.0–2", "16..4 channels")]
    assert ("down.0", "up.0") in {(a.source, a.target) for a in scene.arrows}


def test_three_calls_of_the_network_itself_are_drawn():
    net = nn.Sequential(nn.Linear(5, 4, rng=0), nn.ReLU(), nn.Linear(4, 2, rng=0))

    def triplet(a, b, c):
        u, v, w = net(a), net(b), net(c)
        return np.sum((u - v) ** 2) - np.sum((u - w) ** 2)

    scene = ag.draw(triplet, X, X + 1, X + 2, level="modules").graph
    assert [b.type for b in scene.boxes if b.form == "card"] == ["Linear"] * 6
    (stack,) = stacks(ag.draw(triplet, X, X + 1, X + 2, level="modules", fold="Sequential"))
    assert stack.steps == "× 3"


def test_the_gradient_of_every_block_is_a_cell_and_a_layer():
    model = residual_tower()
    picture = ag.draw(np.sum(model(X) ** 2), level="modules", color="grad")
    (block,) = stacks(picture)
    assert len(block.strip) == 6
    assert block.strip_ends[0].startswith("blocks.0   ×")
    assert block.strip_ends[1].startswith("blocks.5   ×")
    assert picture.graph.subtitle.startswith("every layer gets between")


def test_the_page_has_every_block():
    picture = ag.draw(residual_tower(), X, level="modules")
    assert len(stacks(picture)) == 1
    page = picture.html
    assert all(f'"blocks.{i}' in page for i in range(6))


def runge_kutta(steps):
    a = ag.tensor(np.ones(3), requires_grad=True, name="a")

    def slope(t, y):
        return a * np.sin(y) - 0.1 * t * y

    t, h, y = 0.0, 0.1, a * 1.0
    for _ in range(steps):
        k1 = slope(t, y)
        k2 = slope(t + h / 2, y + h / 2 * k1)
        k3 = slope(t + h / 2, y + h / 2 * k2)
        k4 = slope(t + h, y + h * k3)
        t, y = t + h, y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(y)


@pytest.mark.parametrize("steps", [3, 5, 20, 200])
def test_steps_of_runge_kutta_fold(steps):
    picture = ag.draw(runge_kutta(steps))
    assert [b.repeats for b in stacks(picture)] == [steps]
    assert len(picture.graph.boxes) <= 8


def test_multiply_adds_of_a_residual_network_and_of_its_folded_picture():
    class Block(nn.Module):
        def __init__(self, n, m, stride):
            self.one = nn.Conv2d(n, m, 3, stride=stride, padding=1, bias=False, rng=0)
            self.two = nn.Conv2d(m, m, 3, padding=1, bias=False, rng=0)
            self.short = nn.Conv2d(n, m, 1, stride=stride, bias=False, rng=0)

        def forward(self, x):
            return nn.relu(self.two(nn.relu(self.one(x))) + self.short(x))

    sizes = [(4, 8), (8, 16), (16, 32)]
    model = Tower([Block(n, m, 2) for n, m in sizes], nn.Conv2d(3, 4, 3, padding=1), nn.Flatten())
    x = np.ones((2, 3, 16, 16), np.float32)
    macs = 3 * 4 * 9 * 256 + sum(
        (n * m * 9 + m * m * 9 + n * m) * (16 >> k) ** 2 for k, (n, m) in enumerate(sizes, 1)
    )
    subtitles = {ag.draw(model, x, level="modules", fold=f).graph.subtitle for f in (True, False)}
    (subtitle,) = subtitles
    assert f"{macs / 1e6:.2f} M MAC / sample" in subtitle or f"{macs / 1e3:.2f} k MAC" in subtitle


def test_a_decoder_that_attends_is_a_stack_of_steps():
    class Translator(nn.Module):
        def __init__(self):
            self.enc, self.dec = nn.GRUCell(4, 6, rng=0), nn.GRUCell(4, 6, rng=1)
            self.out = nn.Linear(12, 4, rng=0)

        def forward(self, source, target):
            h, states, outs = np.zeros((len(source), 6), np.float32), [], []
            for t in range(5):
                h = self.enc(source[:, t], h)
                states.append(h)
            memory = np.stack(states, axis=1)
            for t in range(4):
                h = self.dec(target[:, t], h)
                weights = nn.softmax(np.einsum("bh,bth->bt", h, memory))
                context = np.einsum("bt,bth->bh", weights, memory)
                outs.append(self.out(np.concatenate([h, context], axis=1)))
            return np.stack(outs, axis=1)

    rng = np.random.default_rng(0)
    source, target = (rng.normal(size=(3, n, 4)).astype(np.float32) for n in (5, 4))
    picture = ag.draw(Translator(), source, target, level="modules")
    cell = 3 * (4 * 6 + 6 * 6)
    macs = 5 * cell + 4 * (cell + 2 * 5 * 6 + 12 * 4)
    assert f"batch 3  ·  float32  ·  {macs:,} MAC / sample" in picture.graph.subtitle
    assert [(b.title, b.steps) for b in stacks(picture)] == [
        ("enc", "× 5 steps"),
        ("step", "× 4 steps"),
    ]


def test_networks_of_a_function_lead_the_names_inside_them():
    generator = nn.Sequential(nn.Linear(3, 6, rng=0), nn.Tanh())
    critic = nn.Sequential(nn.Linear(6, 5, rng=0), nn.ReLU(), nn.Linear(5, 1, rng=0))

    def loss(z, real):
        fake = generator(z)
        return np.mean(critic(fake)) - np.mean(critic(real)) + np.mean(critic(fake + real) ** 2)

    picture = ag.draw(loss, np.ones((4, 3)), np.ones((4, 6)), level="modules")
    cards = {b.id: b.note for b in picture.graph.boxes if b.form == "card"}
    assert cards == {
        "generator.0": "24 params",
        "critic.0": "35 params, shared",
        "critic.2": "6 params, shared",
        "critic.0_2": "35 shared",
        "critic.2_2": "6 shared",
        "critic.0_3": "35 shared",
        "critic.2_3": "6 shared",
    }
    assert f"{3 * 6 + 3 * (6 * 5 + 5)} MAC / sample" in picture.graph.subtitle


class Powered(nn.Module):
    """A convolution, and a power of it."""

    def __init__(self, stride=1, power=2):
        self.conv, self.power = nn.Conv2d(4, 4, 3, stride=stride, padding=1, rng=0), power

    def forward(self, x):
        return np.tanh(self.conv(x)) ** self.power


@pytest.mark.parametrize(("strides", "powers", "folded"), [
    ((1, 1, 1, 1), (2, 2, 2, 2), 4), ((1, 2, 1, 1), (2, 2, 2, 2), 0),
    ((1, 1, 1, 1), (2, 3, 4, 2), 0), ((2, 1, 1, 1), (2, 2, 2, 2), 3),
])  # fmt: skip
def test_blocks_of_other_options_or_numbers_are_not_equal(strides, powers, folded):
    model = nn.Sequential(*map(Powered, strides, powers))
    boxes = stacks(ag.draw(model, np.ones((2, 4, 16, 16)), level="modules"))
    assert [b.steps for b in boxes] == ([f"× {folded}"] if folded else [])


def test_numbers_that_differ_between_steps_are_told_as_a_range():
    def steps(x):
        for i in range(5):
            x = x + 0.1 * (i + 1) * np.sin(x)
        return x.sum()

    (box,) = stacks(ag.draw(steps, np.ones(3)))
    assert (box.spec, box.steps) == ("h ← h + 0.1..0.5 · sin(h)", "× 5 steps")

    def powers(x):
        for i in range(5):
            x = x + 0.1 * np.sin(x) ** (i + 1)
        return x.sum()

    (box,) = stacks(ag.draw(powers, np.ones(3)))
    assert box.spec == "sin, power, 0.1 ×, +, numbers differ"


@pytest.mark.parametrize(("step", "expected"), [
    (lambda h, w, b: h - (h @ w + b), "h ← h − (h w + b)"),
    (lambda h, w, b: b / (h * b), "h ← b / (h · b)"),
    (lambda h, w, b: np.cosh(np.tanh(b / (h / b))), "h ← cosh(tanh(b / (h / b)))"),
    (lambda h, w, b: 2 / (h * b), "h ← 2 / (h · b)"),
    (lambda h, w, b: (h * b) @ w, "h ← (h · b) w"),
    (lambda h, w, b: np.tanh(h @ w.T + b[None, :]), "h ← tanh(h wᵀ + b)"),
    (lambda h, w, b: np.tanh(h @ w[:, ::-1]), "h ← tanh(h w[:, ::-1])"),
    (lambda h, w, b: (h + b)[:, 1:] @ w[1:], "h ← (h + b)[:, 1:] w[1:]"),
])  # fmt: skip
def test_the_formula_of_a_step_is_what_it_computes(step, expected):
    w = ag.tensor(np.eye(3) + 1, requires_grad=True, name="w")
    b = ag.tensor(np.arange(1.0, 4), requires_grad=True, name="b")
    h = np.ones((2, 3))
    for _ in range(4):
        h = step(h, w, b)
    (box,) = stacks(ag.draw(h.sum()))
    assert box.spec == expected


def test_numbers_that_the_text_of_a_step_rounds_or_leaves_out_are_said_to_differ():
    def near(x):
        for i in range(4):
            x = np.sin(x * (1 + 1e-6 * i))
        return x.sum()

    def clipped(x):
        for i in range(4):
            x = np.clip(x, -1 - i, 1 + i)
        return x.sum()

    (box,) = stacks(ag.draw(near, np.ones(3)))
    assert box.spec == "h ← sin(h · 1), numbers differ"
    (box,) = stacks(ag.draw(clipped, np.ones(3)))
    assert box.spec == "numbers differ"


class Scaled(nn.Module):
    def __init__(self, rate, scale):
        self.fc, self.drop, self.scale = nn.Linear(4, 4, rng=0), nn.Dropout(rate, rng=1), scale

    def forward(self, x):
        return self.drop(self.fc(x)) * self.scale


@pytest.mark.parametrize(("rates", "scales", "folded"), [
    ((0.1, 0.1, 0.1), (2, 2, 2), True),
    ((0.1, 0.2, 0.5), (2, 2, 2), False),
    ((0.1, 0.1, 0.1), (2, 3, 4), False),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [float, np.float32, lambda s: np.array(s, np.float32)])
def test_blocks_with_other_rates_of_dropout_or_numbers_of_numpy_are_not_equal(
    rates, scales, folded, dtype
):
    model = nn.Sequential(*[Scaled(r, dtype(s)) for r, s in zip(rates, scales, strict=True)])
    found = stacks(ag.draw(model, np.ones((2, 4), np.float32), level="modules"))
    assert bool(found) == folded


class Picked(nn.Module):
    def __init__(self, index):
        self.fc, self.out, self.index = nn.Linear(4, 4, rng=0), nn.Linear(1, 4, rng=1), index

    def forward(self, x):
        return self.out(self.fc(x)[:, self.index])


@pytest.mark.parametrize(("indices", "folded"), [
    ([slice(0, 1)] * 3, True),
    ([slice(0, 1), slice(1, 2), slice(2, 3)], False),
    ([[0], [1], [2]], False),
])  # fmt: skip
def test_blocks_that_take_other_parts_are_not_equal(indices, folded):
    model = nn.Sequential(*map(Picked, indices))
    assert bool(stacks(ag.draw(model, np.ones((2, 4)), level="modules"))) == folded
