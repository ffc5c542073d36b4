"""SVG without the ``dot`` program: valid, escaped, complete, the same each time."""

import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings

from autograd_core.drawing.colour import palette
from autograd_core.drawing.layout import graphviz
from autograd_core.drawing.write.dot import to_dot
from autograd_core.drawing.write.svg import box_sizes, to_svg
from tests.autograd_core.drawing import scenes

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is absent")
SVG = "{http://www.w3.org/2000/svg}"
EVERY = (scenes.residual, scenes.ops, scenes.rnn, scenes.hostile)


def parsed(scene, direction="TB"):
    return ElementTree.fromstring(to_svg(scene, direction))


@pytest.mark.parametrize("direction", ["TB", "LR", "BT", "RL"])
@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("engine", ["own", pytest.param("dot", marks=needs_dot)])
def test_every_box_and_arrow_is_there(make, direction, engine):
    scene = make()
    where = None
    if engine == "dot":
        sizes = box_sizes(scene)
        where = graphviz.place(scene, sizes, lambda: to_dot(scene, direction, sizes))
        printable = all(box.id.isprintable() for box in scene.boxes)  # else the layout is our own
        assert (where is not None) == printable
    root = ElementTree.fromstring(to_svg(scene, direction, "light", where))
    groups = [g.get("class", "").split(" ")[0] for g in root.iter(f"{SVG}g")]
    assert groups.count("node") == len(scene.boxes)
    assert groups.count("edge") == len(scene.arrows)
    assert groups.count("cluster") == len(scene.clusters)


@pytest.mark.parametrize("make", EVERY)
def test_boxes_have_titles_for_screen_readers(make):
    scene = make()
    root = parsed(scene)
    assert root.get("role") == "img"
    assert [child.tag for child in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    for g in root.iter(f"{SVG}g"):
        if g.get("class", "").startswith("node"):
            assert g[0].tag == f"{SVG}title"


@settings(max_examples=80, deadline=None)
@given(scene=scenes.random_scenes())
def test_random_scenes_are_valid_xml(scene):
    for direction in ("TB", "RL"):
        text = to_svg(scene, direction)
        text.encode()
        assert ElementTree.fromstring(text).tag == f"{SVG}svg"
        assert "nan" not in text.split("<title>")[0]


@pytest.mark.parametrize("make", EVERY)
def test_the_same_scene_gives_the_same_bytes(make):
    assert to_svg(make()) == to_svg(make())


def test_everything_lies_on_the_page():
    for make in EVERY:
        root = parsed(make())
        _, _, w, h = map(float, root.get("viewBox").split())
        for g in root.findall(f"{SVG}g"):
            dx, dy = map(float, g.get("transform")[10:-1].split())
            for r in g.iter(f"{SVG}rect"):
                x, y = float(r.get("x")) + dx, float(r.get("y")) + dy
                assert -1 <= x <= w + 1 - float(r.get("width"))
                assert -1 <= y <= h + 1 - float(r.get("height"))


def test_hostile_names_stay_text():
    root = parsed(scenes.hostile())
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "style", "title", "desc", "g", "rect", "text", "path"}  # fmt: skip
    found = "".join(root.itertext())
    for name in ("<img src=x onerror=window.bad=1>", "a & b", "层·卷积", "🧠🔥", "n" * 300):
        assert name in found


def test_long_names_are_elided_with_the_whole_in_the_tooltip():
    scene = scenes.residual()
    name = "layer" * 60
    object.__setattr__(scene.boxes[1], "title", name)
    root = parsed(scene)
    shown = [t.text for t in root.iter(f"{SVG}text")]
    assert any(t.startswith("layerlayer") and t.endswith("…") for t in shown)
    assert any(name in (t.text or "") for t in root.iter(f"{SVG}title"))


def test_a_stack_shows_its_steps_strip_and_loop():
    root = parsed(scenes.rnn())
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert "RNNCell  × 20 steps" in texts
    assert {"t = 0", "t = 19", "hₜ → hₜ₊₁", "▼ vanishing", "exploding ▲"} <= set(texts)
    tips = [t.text for t in root.iter(f"{SVG}title")]
    assert sum(str(t).startswith("step ") for t in tips) == 20


@pytest.mark.parametrize("make", EVERY)
def test_a_theme_changes_the_style_sheet_alone(make):
    whole = {t: to_svg(make(), "TB", t) for t in palette.THEMES}
    bare = {re.sub(r"<style>.*?</style>|ag-\w+", "", w, flags=re.DOTALL) for w in whole.values()}
    assert len(bare) == 1
    assert not re.findall(r'(?:fill|stroke)="#', bare.pop())
    style = {t: re.search("<style>(.*?)</style>", w, re.DOTALL)[1] for t, w in whole.items()}
    assert palette.INK in style["light"]
    assert palette.DARK[palette.INK] not in style["light"]
    assert palette.INK not in style["dark"]
    assert style["auto"].startswith(style["light"].replace("ag-light", "ag-auto"))
    assert (
        style["dark"].replace("ag-dark", "ag-auto") in style["auto"].split("@media screen and")[1]
    )
    with pytest.raises(ValueError, match="theme is light, dark or auto, got 'pink'"):
        to_svg(make(), "TB", "pink")


@pytest.mark.parametrize("make", EVERY)
def test_every_class_has_a_rule(make):
    text = to_svg(make())
    rules = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    for name in {
        n for e in ElementTree.fromstring(text).iter() for n in e.get("class", "").split()
    }:
        assert re.search(rf"\.{name}\b", rules) or name == "node", name


def test_an_empty_scene_is_a_page():
    from autograd_core.drawing.scene import Scene

    assert parsed(Scene("", "")).get("role") == "img"


def test_another_direction_is_refused():
    with pytest.raises(ValueError, match="TB, LR, BT or RL, got 'down'"):
        to_svg(scenes.residual(), "down")
