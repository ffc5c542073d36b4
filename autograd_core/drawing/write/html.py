"""Scenes as one HTML page: modules that open and close, pan, zoom, search, trace, details, play.

The page is one file that needs no library and no network. Its content security policy allows only
its own script and style, by their hashes. The texts of a graph reach it as JSON, in which ``<`` is
written ``\\u003c``, and are shown as text, never as markup.

A scene is laid out once, with every module open. A closed module is a card in the middle of the
space of its boxes, and the script takes out the empty strips that are left.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from math import prod
from string import Template
from typing import Any

from autograd_core.drawing.colour.palette import FONT, check_theme, css
from autograd_core.drawing.layout.layout_result import LayoutResult
from autograd_core.drawing.scene import Box, Scene, clean, cluster_paths
from autograd_core.drawing.write import svg
from autograd_core.drawing.write.elements import moved
from autograd_core.drawing.write.escaping import script_json, xml


@cache
def _asset(name: str) -> str:
    return (files("autograd_core.drawing.write") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _details(box: Box, words: dict[str, int]) -> dict[str, Any]:
    """Return what the details panel and the search need of a box.

    Facts are numbers in ``words``, to which new ones are added: most boxes of a graph share them.
    """
    names = ("id", "title", "type", "spec", "note", "absorbed", "mark", "dtype")
    texts = {name: clean(getattr(box, name)) for name in names}
    texts |= {"shape": "×".join(map(str, box.shape)), "steps": box.steps}
    facts = [words.setdefault(str(t), len(words)) for fact in box.facts for t in fact]
    return {name: text for name, text in texts.items() if text} | {"facts": facts}


def _cards(scene: Scene, cards: Mapping[str, Box]) -> dict[str, tuple[Box, bool]]:
    """Return the card of every cluster, and whether it is closed at the level of modules.

    That are modules with parameters inside which no module has any, and modules without
    parameters that have no modules inside.
    """
    outer, paths = {c.parent for c in scene.clusters}, cluster_paths(scene)
    inside: dict[str, list[Box]] = {c.id: [] for c in scene.clusters}
    for b in scene.boxes:
        for around in paths.get(b.cluster, ()):
            inside[around].append(b)
    found = {}
    for c in scene.clusters:
        own = [b for b in inside[c.id] if b.kind == "parameter"]
        n = sum(b.form != "box" for b in inside[c.id])
        card = Box(
            c.id, "module" if own else "elementwise", c.title, "card", type=c.type,
            spec=f"{n} operation{'s' * (n != 1)}",
            note=f"{sum(prod(b.shape) for b in own):,} params" if own else "",
        )  # fmt: skip
        closed = all(b.cluster == c.id for b in own) if own else c.id not in outer
        card = replace(cards.get(c.id, card), repeats=1, strip=(), cluster=c.parent)
        found[c.id] = (card, closed)
    return found


def _badge(x: float, y: float, opens: bool) -> str:
    """Return the sign that opens a card, or closes a cluster."""
    bar = "M-4 0H4M0-4V4" if opens else "M-4 0H4"
    return moved(x, y, f'<g class="badge"><circle r="8"/><path d="{bar}"/></g>')


def _drawn(scene: Scene, direction: str, closed: Mapping[str, Box]) -> tuple[str, dict[str, Any]]:
    """Return a scene as elements without its header, and as the data of the script."""
    cards = _cards(scene, closed)
    alike = svg.box_sizes(Scene("", "", [card for card, _ in cards.values()]))
    sizes = dict(zip(cards, alike, strict=True))
    layout = LayoutResult(scene, direction, svg.box_sizes(scene, direction), sizes)
    where = layout.placement()
    ids = list(where.clusters)
    number, at = {c: k for k, c in enumerate(ids)}, layout.layers.number
    parts = svg.paint(scene, where, tips=False)
    places = [layout.card(c) for c in ids]
    parts["titles"] = [
        f"<g>{_badge(where.clusters[c][0] + 2, where.clusters[c][1] + 4, False)}{title}</g>"
        for c, title in zip(ids, parts["titles"], strict=True)
    ]
    parts["cards"] = [
        svg.paint_box(cards[c][0], place, False).removesuffix("</g>")
        + _badge(place[0] + place[2] - 2, place[1] + 2, True) + "</g>"
        for c, place in zip(ids, places, strict=True)
    ]  # fmt: skip
    layers = "".join(f'<g class="{k}">{chr(10).join(v)}</g>' for k, v in parts.items())
    words: dict[str, int] = {}
    shown = replace(scene, boxes=[*scene.boxes, *(cards[c][0] for c in ids)])
    legend, wide, high = svg.footer(shown, 1000.0)
    legend = (
        f'<svg class="legend" width="{wide:.0f}" height="{max(high - 24, 0):.0f}" '
        f'viewBox="0 24 {wide:.0f} {max(high - 24, 0):.0f}" font-family="{FONT}">{legend}</svg>'
    )
    data = {
        "title": clean(scene.title),
        "subtitle": scene.subtitle,
        "flat": layout.flat,
        "boxes": [_details(b, words) for b in shown.boxes],
        "words": [clean(text) for text in words],
        "in": [number.get(b.cluster, -1) for b in shown.boxes],
        "at": [[round(v, 1) for v in place] for place in (*where.boxes, *places)],
        "frames": [[round(v, 1) for v in place] for place in where.clusters.values()],
        "closed": [k for k, c in enumerate(ids) if cards[c][1]],
        "arrows": [[at[a.source], at[a.target], int(a.reverse), int(a.gradient)]
                   for a in (scene.arrows[n] for n in where.routes)],
    }  # fmt: skip
    picture = f'<svg class="graph" font-family="{FONT}"><g class="world">{layers}</g></svg>'
    return picture + legend, data


def to_html(
    scenes: Mapping[str, Scene], level: str, direction: str = "TB", theme: str = "auto"
) -> str:
    """Return one page that shows scenes of one graph, with a button for each level.

    Parameters
    ----------
    scenes
        Scenes by the names of their levels; at least one. Where ``"ops"`` is among them, it is
        drawn for ``"modules"`` too, with its modules closed to the cards of that scene.
    level
        Level that is shown first.
    direction
        ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    theme
        ``"auto"``, ``"light"`` or ``"dark"``; the page has a button to change it.

    Raises
    ------
    ValueError
        If there is no scene of ``level``, or the theme or direction is unknown.

    Examples
    --------
    >>> from autograd_core.drawing.write.html import to_html
    >>> from autograd_core.drawing.scene import Box, Scene
    >>> page = to_html({"ops": Scene("net", "", [Box("x", "data", "x", "box")])}, "ops")
    >>> page.splitlines()[0]
    '<!DOCTYPE html>'
    """
    if level not in scenes:
        raise ValueError(f"level is one of {', '.join(scenes)}; got {level!r}")
    check_theme(theme)
    cards: dict[str, Box] = {}
    if "ops" in scenes and "modules" in scenes:
        cards = {b.id: b for b in scenes["modules"].boxes if b.form == "card"}
    drawn = {
        n: _drawn(s, direction, cards if n == "ops" else {})
        for n, s in scenes.items()
        if n != "modules" or "ops" not in scenes
    }
    fills = sorted(svg.fills(*scenes.values()))
    dark = css('html[data-theme="dark"] svg', True, fills)
    style = "\n".join([css("svg", False, fills), _asset("page.css"), f"@media screen{{{dark}}}"])
    script = _asset("page.js")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    known = {name: data for name, (_, data) in drawn.items()}
    data = script_json({"scenes": known, "level": level, "theme": theme})
    title = xml(scenes[level].title) or "computation graph"
    buttons = "".join(
        f'<button type="button" data-show="{xml(n)}" aria-pressed="false">'
        f"{xml('Every op' if n == 'ops' else n.capitalize())}</button>"
        for n in scenes
    )
    pictures = "\n".join(
        f'<div class="level" data-level="{xml(n)}" hidden>{picture}</div>'
        for n, (picture, _) in drawn.items()
    )
    return Template(_asset("page.html")).substitute(
        title=title, theme=theme, policy=policy, style=style, buttons=buttons,
        pictures=pictures, data=data, script=script,
    )  # fmt: skip
