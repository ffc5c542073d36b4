"""Pictures: structure, determinism, formats, hostile names."""

import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import autograd_core as ag

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's dot is absent")


def network(**names):
    rng = np.random.default_rng(0)
    w = ag.tensor(rng.normal(size=(4, 3)), requires_grad=True, name=names.get("w", "W"))
    b = ag.tensor(np.zeros(3), requires_grad=True, name="b")
    x = np.ones((5, 4))
    loss = np.mean(np.tanh(x @ w + b) ** 2)
    title, theme = names.get("title", "net"), names.get("theme", "auto")
    return ag.draw(loss, names={"x": x, "loss": loss}, title=title, theme=theme)


def test_structure():
    scene = network().graph
    kinds = {b.id: b.kind for b in scene.boxes}
    assert kinds["W"] == kinds["b"] == "parameter"
    assert kinds["x"] == "data"
    assert kinds["matmul"] == "product"
    assert kinds["mean"] == "reduction"
    assert kinds["loss"] == "output"
    pairs = {(a.source, a.target) for a in scene.arrows}
    assert {("x", "matmul"), ("W", "matmul"), ("matmul", "add"), ("mean", "loss")} <= pairs
    assert next(a for a in scene.arrows if a.source == "matmul").label == "5×3"
    assert not next(a for a in scene.arrows if a.source == "x").gradient
    assert "15 parameters" in scene.subtitle


def test_the_same_graph_gives_the_same_bytes():
    assert network().dot == network().dot


def test_shared_parameters_are_cloned():
    w = ag.tensor([1.0], requires_grad=True, name="w")
    scene = ag.draw(w * (w * (w * 2.0))).graph
    assert [b.title for b in scene.boxes].count("w") == 3


def test_bookkeeping_is_not_drawn():
    x = ag.tensor(np.ones(4), requires_grad=True, name="x")
    a, b = np.split(x, 2)
    scene = ag.draw(np.sum(a * b)).graph
    assert [b.kind for b in scene.boxes if b.id.startswith("pick")] == []
    assert [a.source for a in scene.arrows].count("split") == 2


def test_large_graphs_are_capped_and_the_header_counts_the_rest():
    x = ag.tensor([1.0], requires_grad=True)
    y = x
    for _ in range(2000):
        y = -y
    scene = ag.draw(y, max_nodes=50, level="ops", fold=False).graph
    assert len(scene.boxes) < 60
    assert "1,950 oldest not drawn" in scene.subtitle


def test_drawing_after_backward():
    w = ag.tensor(np.ones((40, 40)), requires_grad=True, name="w")
    loss = np.sum(np.tanh(w))
    before = ag.draw(loss).dot
    loss.backward()
    assert ag.draw(loss).dot == before


HOSTILE = ["<b>&\"'", "a\nb", "数字", "🙂", "x" * 300, "</TABLE>", "\\N", "", "\x00\x1b"]


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_without_a_warning(name):
    picture = network(w=name, title=name)
    done = subprocess.run(
        ["dot", "-Tsvg"], input=picture.dot.encode(), capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    assert picture.svg.count("<svg") == 1


def test_files(tmp_path):
    pytest.importorskip(
        "cairosvg", reason="cairosvg is not installed", exc_type=(ImportError, OSError)
    )
    for theme in ("auto", "dark"):
        picture = network(theme=theme, title="∇ 卷积 hₜ")
        for ending, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
            picture.save(tmp_path / f"g.{ending}")
            assert (tmp_path / f"g.{ending}").read_bytes().startswith(magic)


def test_unknown_ending(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg"):
        network().save(tmp_path / "g.jpeg")


def test_without_dot_and_cairo_everything_but_png_and_pdf_works(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    picture = network()
    for ending in ("dot", "svg", "txt", "mmd", "json", "html"):
        assert picture.save(tmp_path / f"g.{ending}") == str(tmp_path / f"g.{ending}")
        assert (tmp_path / f"g.{ending}").stat().st_size > 100
    for ending in ("png", "pdf"):
        with pytest.raises(ImportError) as error:
            picture.save(tmp_path / f"g.{ending}")
        for command in ("autograd-core[pictures]", "apt install libcairo2", "brew install cairo"):
            assert command in str(error.value)
        assert not (tmp_path / f"g.{ending}").exists()
    assert picture._repr_mimebundle_()["image/svg+xml"].count("<svg") == 1


def test_a_dot_program_that_hangs_or_fails_is_replaced(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = network().svg
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("autograd_core.drawing.layout.graphviz._PATIENCE", 0.2)
    for script in ("sleep 5", "echo wrong >&2; exit 1", "exit 0", "echo '{\"objects\": []}'"):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        assert network().svg == plain


@needs_dot
def test_both_layouts_paint_the_same_boxes(tmp_path, monkeypatch):
    """Graphviz gives places alone: texts, classes and sizes are those of the built-in layout."""
    picture = network()
    by_dot = picture.svg
    monkeypatch.setenv("PATH", str(tmp_path))
    built_in = picture.svg
    assert by_dot != built_in

    def bare(svg):
        root = ElementTree.fromstring(svg)
        sized = [
            (e.tag, e.get("class"), e.text, e.get("width"), e.get("height")) for e in root.iter()
        ]
        return sorted((s for s in sized[1:] if s[1] not in ("page", "bare")), key=str)

    assert bare(by_dot) == bare(built_in)


def test_a_notebook_never_sees_an_error(monkeypatch):
    picture = network()
    monkeypatch.setattr(type(picture), "_svg", lambda *_: 1 / 0)
    monkeypatch.setattr(type(picture), "text", property(lambda self: 1 / 0))
    bundle = picture._repr_mimebundle_()
    assert "ZeroDivisionError" in bundle["text/plain"]
    assert "image/svg+xml" not in bundle


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_svg_is_well_formed_and_accessible(theme, monkeypatch, tmp_path):
    picture = network(title='a <b> & "c"', theme=theme)
    for path in (None, str(tmp_path)):
        if path:
            monkeypatch.setenv("PATH", path)  # the built-in layout
        svg = picture.svg
        root = ElementTree.fromstring(svg)
        assert root.get("role") == "img"
        space = "{http://www.w3.org/2000/svg}"
        assert root.find(space + "title").text == 'a <b> & "c"'
        assert "matmul" in root.find(space + "desc").text
        assert ("#0F1720" in svg) == (theme != "light")


def test_errors_name_what_is_expected():
    with pytest.raises(TypeError, match="Tensor"):
        ag.draw(np.ones(3))
    with pytest.raises(ValueError, match="direction"):
        ag.draw(ag.tensor(1.0), direction="up")
    with pytest.raises(ValueError, match="empty"):
        ag.draw([])


def test_every_level_of_a_page_shows_one_measurement():
    x = ag.tensor(np.ones((30, 30)), requires_grad=True, name="x")
    loss = np.sum(np.tanh(x @ x))
    picture = ag.draw(loss, color="time")
    again = picture._others("full")
    found = [{b.id: b.mark for b in scene.boxes if b.mark} for scene in (picture.graph, again)]
    assert found[0] == found[1]
    loss.backward()
    assert "<html" in ag.draw(loss, color="grad").html


def test_a_notebook_shows_no_more_than_a_page():
    x = ag.tensor(np.ones(3), requires_grad=True)
    for _ in range(40):
        x = np.tanh(x)
    picture = ag.draw(x, fold=False)

    def shown():
        root = ElementTree.fromstring(picture._repr_mimebundle_()["image/svg+xml"])
        return float(root.get("width")), float(root.get("height")), root.get("viewBox")

    natural = float(ElementTree.fromstring(picture.svg).get("height"))
    wide, high, box = shown()
    assert high <= 1100 < natural == float(box.split()[3])
    assert wide / high == pytest.approx(float(box.split()[2]) / natural, abs=0.001)
    picture.page = None
    assert shown()[1] == natural
