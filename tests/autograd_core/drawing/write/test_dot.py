"""DOT: structure, determinism, and no complaint from Graphviz, whatever the names."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core.drawing.scene import Arrow, Box, Cell, Cluster, Scale, Scene
from autograd_core.drawing.write.dot import to_dot
from tests.autograd_core.drawing import networks

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is absent")


def parse(dot, *arguments):
    """Return the output of the dot program, which must write nothing to stderr."""
    command = ["dot", *(arguments or ("-Tcanon",))]
    done = subprocess.run(command, input=dot.encode(), capture_output=True, check=False, timeout=60)
    assert done.stderr == b"", done.stderr.decode()[:500]
    assert done.returncode == 0
    return done.stdout.decode()


def skeleton(dot):
    """Boxes, arrows, ranks and clusters, without attributes."""
    found = []
    for line in dot.splitlines():
        line = line.strip()
        if m := re.match(r'("[^"]*")(?: -> ("[^"]*"))?(?: \[|;)', line):
            found.append(f"{m[1]} -> {m[2]}" if m[2] else m[1])
        elif line.startswith(("subgraph", "{rank", "}")):
            found.append(line.removesuffix(" {"))
    return found


def test_golden_mlp_of_modules():
    _, loss = networks.mlp()
    dot = ag.draw(loss, level="modules").dot
    assert skeleton(dot) == [
        '"x"', '"fc1"', '"sigmoid"', '"fc2"', '"sigmoid_2"', '"out"', '"sigmoid_3"', '"y"', '"output"',
        '"x" -> "fc1"', '"fc1" -> "sigmoid"', '"sigmoid" -> "fc2"', '"fc2" -> "sigmoid_2"',
        '"sigmoid_2" -> "out"', '"out" -> "sigmoid_3"', '"sigmoid_3" -> "output"',
        '"output" -> "y"', '{rank=same; "y"; "output"}',
        "}",
    ]  # fmt: skip
    assert '"fc1" [label="fc1  Linear\\n784 → 16  12,560 params" ' in dot
    assert '"fc1" -> "sigmoid" [label="  32×16  " weight=20];' in dot
    assert '"output" -> "y" [dir=back style=dashed];' in dot
    assert "peripheries=2" in dot
    assert "<TABLE" not in dot


def test_golden_operations():
    _, loss = networks.mlp()
    lines = skeleton(ag.draw(loss, level="ops").dot)
    assert lines[:6] == ['"x"', '"sigmoid"', '"sigmoid_2"', '"sigmoid_3"', '"y"', '"output"']
    at = lines.index('subgraph "cluster_loss of several"')
    assert lines[at + 1 : at + 3] == ['"squared_error"', '"multiply"']
    at = lines.index('subgraph "cluster_fc1"')
    assert lines[at + 1 : at + 5] == ['"fc1.weight"', '"fc1.bias"', '"fc1.linear"', "}"]
    assert '{rank=same; "fc1.weight"; "fc1.linear"}' in lines
    assert '"fc1.linear" -> "fc1.bias"' in lines  # the second parameter is at the right


def test_a_stack_has_its_steps_and_a_loop():
    _, loss = networks.rnn()
    dot = ag.draw(loss, level="modules", color="grad").dot
    lines = skeleton(dot)
    assert sorted(lines[:6]) == sorted(['"h₀"', '"x"', '"cell"', '"out"', '"y"', '"output"'])
    assert {'"x" -> "cell"', '"h₀" -> "cell"', '"cell" -> "cell"', '"cell" -> "out"'} <= set(lines)
    loop = next(s for s in dot.splitlines() if '"cell" -> "cell"' in s)
    assert 'label="  hₜ → hₜ₊₁  "' in loop
    assert "× 20 steps" in dot
    assert "▼ vanishing" in dot


def test_the_same_network_gives_the_same_bytes():
    for make in (networks.mlp, networks.rnn, networks.deep):
        one, other = make(), make()
        for color in ("kind", "grad", "memory", "flops", "value"):
            assert ag.draw(one[1], color=color).dot == ag.draw(other[1], color=color).dot


def test_direction():
    _, loss = networks.mlp()
    dot = ag.draw(loss, level="modules", direction="LR").dot
    assert "rankdir=LR;" in dot


@needs_dot
@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("level", ["modules", "compact", "ops", "full"])
def test_every_level_and_direction_is_parsed(level, direction):
    for make in (networks.mlp, networks.rnn):
        _, loss = make()
        for color in ("kind", "grad", "time", "value"):
            parse(ag.draw(loss, level=level, direction=direction, color=color).dot, "-Tsvg")


HOSTILE = ["<b>&\"'", "a\nb", "数字", "🙂", "x" * 300, "</TABLE>", "\\N", "", " ", "\x00\x1b", "\\", "a\\",
           '"]; evil [label="', "cluster_page", "\u202e", "]", "]]>", "--><script>", "\ud800"]  # fmt: skip


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_everywhere(name):
    class Evil(nn.Module):
        def __init__(self):
            vars(self)[name] = nn.Linear(3, 3, rng=0)

        def forward(self, x):
            return np.tanh(vars(self)[name](x))

        def describe(self):
            return name

    Evil.__name__ = name.replace("\x00", "").encode("utf-8", "replace").decode() or "E"
    model = Evil()
    x = np.ones((2, 3), np.float32)
    y = np.sum(model(x))
    for level in ("modules", "compact", "ops", "full"):
        picture = ag.draw(y, level=level, names={name: x, name + "!": y}, title=name)
        svg = parse(picture.dot, "-Tsvg")
        assert svg.count("<svg") == 1
        assert "<script" not in svg
        assert len(picture.graph.boxes) == len({b.id for b in picture.graph.boxes})


text = st.text(max_size=12)


@st.composite
def scenes(draw):
    """Scenes with every form, mark, strip, nesting and text that a builder could make."""
    n = draw(st.integers(1, 7))
    clusters = []
    for i in range(draw(st.integers(0, 3))):
        parent = draw(st.sampled_from(["", *(c.id for c in clusters)]))
        clusters.append(Cluster(f"c{i}", draw(text), draw(text), parent))
    fills = st.sampled_from(["", "#2166AC", "#F7F7F7", "#FEFEFA", "#123456"])
    boxes = []
    for i in range(n):
        form = draw(st.sampled_from(["card", "pill", "box"]))
        repeats = draw(st.sampled_from([1, 1, 4])) if form == "card" else 1
        strip = tuple(Cell("#2166AC", "1") for _ in range(repeats)) if repeats > 1 else ()
        kind = draw(st.sampled_from(["module", "product", "elementwise", "view", "reduction"]))
        if form == "box":
            kind = draw(st.sampled_from(["data", "parameter", "output"]))
        boxes.append(
            Box(
                f"{draw(text)}{i}",
                kind,
                draw(text),
                form,
                type=draw(text),
                spec=draw(text),
                note=draw(text),
                absorbed=draw(text),
                share=draw(st.none() | st.floats(0, 1)),
                fill=draw(fills),
                mark=draw(text),
                hollow=draw(st.booleans()),
                repeats=repeats,
                strip=strip,
                strip_ends=(draw(text), draw(text)),
                cluster=draw(st.sampled_from(["", *(c.id for c in clusters)])),
                facts=((draw(text), draw(text)),),
            )
        )
    arrows = []
    for i in range(1, n):
        sources = draw(st.lists(st.integers(0, i - 1), max_size=3))
        widths, flags = st.sampled_from([1.2, 0.5, 4.0]), st.booleans()
        arrows += [
            Arrow(boxes[j].id, boxes[i].id, draw(text), draw(flags), draw(widths), draw(flags))
            for j in sources
        ]
    arrows += [Arrow(b.id, b.id, draw(text), loop=True) for b in boxes if b.repeats > 1]
    scale = draw(
        st.none() | st.just(Scale((Cell("#2166AC", "a"), Cell("#F7F7F7", "")), "", "r", "c  d"))
    )
    return Scene(draw(text), draw(text), boxes, arrows, clusters, scale)


@needs_dot
@settings(max_examples=60, deadline=None)
@given(scene=scenes(), direction=st.sampled_from(["TB", "LR"]))
def test_random_scenes_are_parsed_without_a_warning(scene, direction):
    dot = to_dot(scene, direction)
    assert dot == to_dot(scene, direction)
    parse(dot, "-Tsvg")


@st.composite
def graphs(draw):
    """Random recorded graphs: elementwise, products, views, splits, reuse."""
    w = ag.tensor(np.ones((3, 3)), requires_grad=True, name=draw(text) or None)
    pool = [w, ag.tensor(np.eye(3), requires_grad=True), w * 1.0]
    pick = st.integers(0, 10_000)
    for _ in range(draw(st.integers(1, 25))):
        a, b = pool[draw(pick) % len(pool)], pool[draw(pick) % len(pool)]
        kind = draw(st.integers(0, 6))
        if kind == 0:
            pool.append(a + b)
        elif kind == 1:
            pool.append(np.tanh(a))
        elif kind == 2:
            pool.append(a @ b * 0.1)
        elif kind == 3:
            pool.append(a.T)
        elif kind == 4:
            pool.append(np.concatenate(np.split(a, 3), axis=0))
        elif kind == 5:
            pool.append(a[::-1] - np.ones((3, 3)))
        else:
            for _ in range(4):
                a = a * 0.5 + b
            pool.append(a)
    return np.sum(pool[-1])


@needs_dot
@settings(max_examples=40, deadline=None)
@given(root=graphs(), level=st.sampled_from(["modules", "compact", "ops", "full"]),
       color=st.sampled_from(["kind", "grad", "memory", "flops", "value"]), fold=st.booleans())  # fmt: skip
def test_random_graphs_are_drawn(root, level, color, fold):
    scene = ag.draw(root, level=level, color=color, fold=fold).graph
    place = {b.id: i for i, b in enumerate(scene.boxes)}
    assert len(place) == len(scene.boxes)
    assert all(a.loop or place[a.source] < place[a.target] for a in scene.arrows)
    assert scene.boxes[-1].kind == "output" or len(scene.boxes) == 1
    parse(to_dot(scene))
