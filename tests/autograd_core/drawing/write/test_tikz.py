"""TikZ: balanced, escaped, the same texts as the SVG; compiled where a TeX is installed."""

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest

import autograd_core as ag
from autograd_core.drawing.write.escaping import tex
from autograd_core.drawing.write.svg import to_svg
from autograd_core.drawing.write.tikz import to_tikz
from tests.autograd_core.drawing import networks, scenes

SCENES = {
    "residual": scenes.residual,
    "ops": scenes.ops,
    "rnn": scenes.rnn,
    "hostile": scenes.hostile,
}
COMPILERS = [c for c in ("pdflatex", "lualatex", "xelatex") if shutil.which(c)]


def written(scene, theme="light", direction="TB"):
    svg = to_svg(scene, direction, theme)
    return svg, to_tikz(svg)


def without_comments(text):
    return re.sub(r"(?<!\\)%.*", "", text)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_braces_and_environments_are_balanced(name, theme):
    text = without_comments(written(SCENES[name](), theme)[1])
    open_ = []
    for sign, kind, environment in re.findall(r"(\\[{}]|[{}])|\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_.append(environment)
        elif kind == "end":
            assert open_.pop() == environment
        elif sign == "{":
            open_.append("{")
        elif sign == "}":
            assert open_.pop() == "{"
    assert not open_
    for line in text.splitlines():
        assert not line.startswith((r"\node", r"\path")) or line.rstrip().endswith(";")


@pytest.mark.parametrize("name", SCENES)
def test_it_shows_what_the_svg_shows(name):
    svg, text = written(SCENES[name]())
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(svg)
    texts = [tex(e.text) for e in root.iter(f"{space}text")]
    assert [t for t in texts if f"{{{t}}};" not in text] == []
    assert text.count(r"\node[") == len(texts)
    assert text.count(" rectangle ") == len(list(root.iter(f"{space}rect")))
    defined = set(re.findall(r"\\definecolor\{(\w+)\}", text))
    assert set(re.findall(r"(?:fill|draw|text)=(\w+)", text)) <= defined


def test_colours_are_those_of_the_theme():
    scene = scenes.ops()
    light, dark = (written(scene, theme)[1] for theme in ("light", "dark"))
    assert r"\path[fill=cDCEBF7, draw=c005F99, rounded corners=6.8bp]" in light
    assert r"\path[fill=c10314C, draw=c3D9BE9, rounded corners=6.8bp]" in dark
    assert "dash pattern" not in light  # every arrow carries a gradient, and nothing is a view


@pytest.mark.parametrize("c", r"\{}$&#^_~%<>|")
def test_specials_are_escaped(c):
    assert tex(f"a{c}b") != f"a{c}b"
    bare = re.sub(r"\\(?:[&%$#_{}]|[a-z]+\{\})", "", tex(f"a{c}b"))
    assert bare == "ab"


def test_a_picture_is_saved_as_tex(tmp_path):
    _, loss = networks.lenet(2)
    path = tmp_path / "net.tex"
    ag.draw(loss, level="modules", theme="dark").save(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(r"\documentclass")
    assert "{5$\\times$5 pad 2, 1 $\\to$ 6};" in text


@pytest.mark.skipif(not COMPILERS, reason="no LaTeX is installed")
@pytest.mark.parametrize("name", SCENES)
def test_it_compiles(name, tmp_path):
    (tmp_path / "net.tex").write_text(written(SCENES[name]())[1], encoding="utf-8")
    command = [COMPILERS[0], "-interaction=nonstopmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "net.pdf").stat().st_size > 1000
