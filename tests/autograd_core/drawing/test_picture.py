"""Pictures: structure, determinism, formats, hostile names."""

import shutil
import subprocess
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


@needs_dot
def test_files(tmp_path):
    picture = network()
    for ending, magic in (
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph"),
    ):
        picture.save(tmp_path / f"g.{ending}")
        assert (tmp_path / f"g.{ending}").read_bytes().startswith(magic)
    assert "image/svg+xml" in picture._repr_mimebundle_()


def test_unknown_ending(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg"):
        network().save(tmp_path / "g.jpeg")


def test_without_dot_everything_but_png_and_pdf_works(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    picture = network()
    for ending in ("dot", "svg", "txt", "mmd", "json", "html"):
        assert picture.save(tmp_path / f"g.{ending}") == str(tmp_path / f"g.{ending}")
        assert (tmp_path / f"g.{ending}").stat().st_size > 100
    for ending in ("png", "pdf"):
        with pytest.raises(RuntimeError) as error:
            picture.save(tmp_path / f"g.{ending}")
        for command in (
            "apt install graphviz",
            "dnf install",
            "brew install",
            "winget install",
            "conda install",
        ):
            assert command in str(error.value)
        assert not (tmp_path / f"g.{ending}").exists()
    assert picture._repr_mimebundle_()["image/svg+xml"].count("<svg") == 1


def test_a_dot_program_that_hangs_or_fails_is_replaced(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("autograd_core.drawing.picture._PATIENCE", 0.2)
    for script in ("sleep 5", "echo wrong >&2; exit 1", "exit 0"):
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        assert "<svg" in network().svg
    with pytest.raises(RuntimeError, match="dot failed"):
        network().save(tmp_path / "g.png")


def test_a_notebook_never_sees_an_error(monkeypatch):
    picture = network()
    monkeypatch.setattr(type(picture), "svg", property(lambda self: 1 / 0))
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
        root = ElementTree.fromstring(svg[svg.index("<svg") :])
        assert root.get("role") == "img"
        space = "{http://www.w3.org/2000/svg}"
        assert root.find(space + "title").text == 'a <b> & "c"'
        assert "matmul" in root.find(space + "desc").text
        assert "transparent" not in svg
        assert (root.find(space + "style") is not None) == (theme == "auto")
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
