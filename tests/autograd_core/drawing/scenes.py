"""Scenes made by hand and at random, for the writers that need no ``dot`` program."""

import itertools

from hypothesis import strategies as st

from autograd_core.drawing.colour.palette import GRADIENT, STYLES
from autograd_core.drawing.scene import Arrow, Box, Cell, Cluster, Scale, Scene


def card(id, type, spec, note="", **more):
    return Box(id, "module", id, "card", type=type, spec=spec, note=note, **more)


def data(id, note):
    return Box(id, "data", id, "box", note=note, facts=(("shape", note),))


def chain(ids, labels=None):
    labels = labels or {}
    return [Arrow(a, b, labels.get(a, "")) for a, b in itertools.pairwise(ids)]


def residual():
    boxes = [
        data("x", "input 8×64×16×16"),
        card("conv1", "Conv2d", "3×3 pad 1, 64 → 64", "36,928 params"),
        card("bn1", "BatchNorm2d", "64", "128 params"),
        Box("relu", "elementwise", "relu"),
        card("conv2", "Conv2d", "3×3 pad 1, 64 → 64", "36,928 params"),
        Box("add", "elementwise", "+"),
        card("fc", "Linear", "64 → 10", "650 params"),
        data("y", "labels 8"),
        Box("loss", "output", "cross entropy", "box", note="2.31"),
    ]
    spine = ["x", "conv1", "bn1", "relu", "conv2", "add", "fc", "loss"]
    arrows = [*chain(spine, {"fc": "8×10"}), Arrow("x", "add"), Arrow("y", "loss", gradient=False)]
    return Scene("ResidualNet", "74,762 parameters", boxes, arrows)


def ops():
    boxes, arrows, clusters, last = [data("x", "input 32×784")], [], [], "x"
    for name, n, m in (("fc1", 784, 16), ("fc2", 16, 10)):
        clusters.append(Cluster(name, name, "Linear"))
        boxes += [
            Box(f"{name}.W", "parameter", "W", "box", note=f"{n}×{m}", cluster=name, shape=(n, m)),
            Box(f"{name}.matmul", "product", "matmul", cluster=name, shape=(32, 16)),
            Box(f"{name}.b", "parameter", "b", "box", note=f"{m}", cluster=name, shape=(m,)),
            Box(f"{name}.add", "elementwise", "+", cluster=name),
            Box(f"{name}.sigmoid", "elementwise", "sigmoid"),
        ]
        spine = [last, f"{name}.matmul", f"{name}.add", f"{name}.sigmoid"]
        arrows += chain(spine, {f"{name}.add": "32×16"})
        arrows += [Arrow(f"{name}.W", f"{name}.matmul"), Arrow(f"{name}.b", f"{name}.add")]
        last = spine[-1]
    boxes.append(Box("loss", "output", "loss", "box", note="0.24"))
    arrows.append(Arrow(last, "loss"))
    return Scene("MLP", "13,002 parameters  ·  batch 32", boxes, arrows, clusters)


def rnn():
    strip = tuple(Cell(GRADIENT[min(4, i // 4)], f"step {i}: ×{i}") for i in range(20))
    boxes = [
        data("h0", "zeros 4×16"),
        data("x", "input 4×20×8"),
        card("cell", "RNNCell", "h ← tanh(x W + h U + b)", "416 params", repeats=20, strip=strip,
             strip_ends=("t = 0", "t = 19")),
        card("out", "Linear", "16 → 4", "68 params", fill=GRADIENT[0], mark="▼ ×10⁻⁴"),
        Box("loss", "output", "loss", "box", note="1.978"),
    ]  # fmt: skip
    arrows = [
        Arrow("h0", "cell", gradient=False), Arrow("x", "cell", "x[:, t]  4×8"),
        Arrow("cell", "cell", "hₜ → hₜ₊₁", loop=True),
        Arrow("cell", "out", "4×16", width=4.0, reverse=True),
        Arrow("out", "loss", "4×4", width=2.0, reverse=True),
    ]  # fmt: skip
    cells = tuple(Cell(c, f"10^{i}") for i, c in enumerate(GRADIENT))
    return Scene("RNN", "484 parameters", boxes, arrows, [],
                 Scale(cells, "▼ vanishing", "exploding ▲", "Strip: a cell a step."))  # fmt: skip


HOSTILE = ("</script><script>window.bad=1</script>", "<img src=x onerror=window.bad=1>", "a & b",
           "\"quoted'", "line\nbreak", "\x00\x1b[31m\u2028", "]]>", "<!--", "层·卷积", "🧠🔥",
           "n" * 300, "\ud800", "\u202eright to left")  # fmt: skip


def hostile():
    boxes = [
        Box(name, "product", name, ("card", "pill", "box")[i % 3], type=name, spec=name, note=name,
            absorbed=name, mark=name, cluster=name, facts=((name, name),))
        for i, name in enumerate(HOSTILE)
    ]  # fmt: skip
    arrows = [Arrow(a, b, a) for a, b in itertools.pairwise(HOSTILE)]
    clusters = [Cluster(name, name, name) for name in HOSTILE]
    scale = Scale(tuple(Cell("#2166AC", n) for n in HOSTILE[:3]), *HOSTILE[:3])
    return Scene(HOSTILE[0], "\n".join(HOSTILE), boxes, arrows, clusters, scale)


def long(count, skip=0):
    boxes = [Box(f"op{i}", "elementwise", f"op {i}") for i in range(count)]
    arrows = chain([b.id for b in boxes])
    if skip:
        arrows += [Arrow(f"op{i}", f"op{i + skip}") for i in range(0, count - skip, skip)]
    return Scene("long", "", boxes, arrows)


@st.composite
def random_scenes(draw):
    """Boxes of every kind and form, arrows both ways, nested clusters, any text."""
    text = st.text(max_size=8)
    count = draw(st.integers(0, 9))
    clusters = [
        Cluster(f"c{i}", draw(text), draw(text), draw(st.sampled_from(["", "c0", "c1", "none"])))
        for i in range(draw(st.integers(0, 3)))
    ]
    homes = ["", *(c.id for c in clusters)]
    boxes = [
        Box(f"b{i}", draw(st.sampled_from(sorted(STYLES))), draw(text),
            draw(st.sampled_from(["card", "pill", "box"])), draw(text), draw(text), draw(text),
            absorbed=draw(text), share=draw(st.none() | st.floats(0, 1)), mark=draw(text),
            hollow=draw(st.booleans()), repeats=draw(st.sampled_from([1, 1, 5])),
            strip=draw(st.sampled_from([(), (Cell("#2166AC", "a"),) * 3])),
            cluster=draw(st.sampled_from(homes)))
        for i in range(count)
    ]  # fmt: skip
    ends = st.integers(0, max(count - 1, 0))
    arrows = [
        Arrow(f"b{a}", f"b{b}", draw(text), draw(st.booleans()), draw(st.floats(0.1, 9)),
              draw(st.booleans()), a == b)
        for a, b in draw(st.lists(st.tuples(ends, ends), max_size=12 if count else 0))
    ]  # fmt: skip
    return Scene(draw(text), draw(text), boxes, arrows, clusters)
