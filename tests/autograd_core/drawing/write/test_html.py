"""The HTML page as a text: self-contained, escaped, with a strict policy."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.drawing.write.html import to_html
from tests.autograd_core.drawing import networks, scenes


def page(**more):
    given = {"compact": scenes.residual(), "ops": scenes.ops()}
    return to_html(given, "compact", **more)


def test_nothing_is_fetched():
    text = page()
    assert not re.findall(r"<(?:link|img|iframe|script\s+src)", text)
    assert not re.findall(r"https?://", text)


def test_the_policy_lets_only_the_pages_own_script_and_style_run():
    text = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    body = text[text.index("<body>") : text.index("<script type")]
    assert not re.findall(r"<[^>]*\s(?:style|on\w+)=", body)


def test_hostile_names_stay_inside():
    text = to_html({"ops": scenes.hostile()}, "ops")
    assert text.count("<script") == text.count("</script") == 2
    assert "<img" not in text
    data = re.search(r'<script type="application/json" id="scenes">(.*?)</script>', text, re.S)[1]
    assert not set(data) & set("<>&\u2028\u2029")
    found = json.loads(data)["scenes"]["ops"]
    assert len(found["boxes"]) == len(scenes.HOSTILE) + len(found["frames"])
    text.encode()


def test_the_same_scenes_give_the_same_bytes():
    assert page() == page()


def test_the_levels_have_a_button_and_a_picture_each():
    text = page()
    assert re.findall(r'data-show="(\w+)"', text) == ["compact", "ops"]
    assert re.findall(r'data-level="(\w+)"', text) == ["compact", "ops"]


def test_modules_are_the_closed_cards_of_every_operation():
    _, loss = networks.lenet()
    picture = ag.draw(loss, level="modules")
    given = {n: picture._others(n, details=True) for n in ("modules", "ops")}
    text = to_html(given, "modules")
    assert re.findall(r'data-show="(\w+)"', text) == ["modules", "ops"]
    assert re.findall(r'data-level="(\w+)"', text) == ["ops"]
    data = re.search(r'<script type="application/json" id="scenes">(.*?)</script>', text, re.S)[1]
    found = json.loads(data)["scenes"]["ops"]
    units = found["boxes"]
    cards = {b.id: b for b in given["modules"].boxes if b.form == "card"}
    first = len(units) - len(found["frames"])
    closed = {units[first + k]["id"]: units[first + k] for k in found["closed"]}
    assert set(cards) <= set(closed)
    for name, card in cards.items():
        assert (closed[name]["spec"], closed[name]["note"]) == (card.spec, card.note)
    for k, (x, y, w, h) in enumerate(found["frames"]):  # a card lies in the space of its module
        cx, cy, cw, ch = found["at"][first + k]
        assert x <= cx < cx + cw <= x + w
        assert y <= cy < cy + ch <= y + h


def test_a_page_of_thousands_of_boxes_is_small():
    few, many = (len(to_html({"ops": scenes.long(n, 7)}, "ops")) for n in (10, 2010))
    assert (many - few) / 2000 < 750  # bytes for a box and its arrows, without its facts


def test_unknown_levels_and_themes_are_refused():
    with pytest.raises(ValueError, match="level is one of compact, ops; got 'full'"):
        to_html({"compact": scenes.residual(), "ops": scenes.ops()}, "full")
    with pytest.raises(ValueError, match="theme is light, dark or auto, got 'pink'"):
        page(theme="pink")


def test_the_page_has_the_measured_numbers_of_every_operation():
    """Values, gradient, time, memory and the line of code, whatever the colours show."""
    w = ag.tensor(np.array([[1.0, 2.0], [3.0, 5.0]]), requires_grad=True, name="w")
    picture = ag.draw(lambda x: np.sum(np.tanh(x @ w)), np.array([[0.1, -0.2]]))
    facts = {b.id: dict(b.facts) for b in picture._others("ops", details=True).boxes}
    found = facts["matmul"]
    assert (found["min"], found["mean"], found["max"]) == ("-0.8", "-0.65", "-0.5")
    assert "test_html.py" in found["line"]
    for name in ("rms of ∂L/∂result", "held for backward", "time, forward and backward"):
        assert found[name]
    assert facts["w"]["max"] == "5"
    assert "rms of the gradient" in facts["w"]
    assert "test_html.py" in picture.html
    assert "min" not in dict(picture.graph.boxes[0].facts) or picture.graph.boxes[0].kind == "data"
