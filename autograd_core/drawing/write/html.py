"""Scenes as one HTML page: pan, zoom, search, trace, details, levels, themes, keyboard.

The page is one file that needs no library and no network. Its content security policy allows only
its own script and style, by their hashes. The texts of a graph reach it as JSON, in which ``<`` is
written ``\\u003c``, and are shown as text, never as markup.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from autograd_core.drawing.colour.palette import check_theme, dark_rules
from autograd_core.drawing.scene import Box, Scene, clean
from autograd_core.drawing.write.escaping import script_json, xml
from autograd_core.drawing.write.svg import to_svg

_NAMES = {"modules": "Modules", "compact": "Compact", "ops": "Every op", "full": "Full"}
_DARK = (
    "{--page:#0f1720;--ink:#e6edf3;--muted:#9fb0c0;--panel:#16212d;--line:#334455;"
    "--accent:#3d9be9;--hit:#f0e442;color-scheme:dark}"
)
_KEYS = (
    ("/", "search; Enter goes to the next match, Shift+Enter to the previous one"),
    ("← ↑ → ↓", "from box to box"),
    ("+ − 0", "zoom in, zoom out, fit"),
    ("Esc", "clear the search and the highlight"),
    ("Tab", "to the buttons and the boxes of the picture"),
    ("?", "this help"),
)


@cache
def _asset(name: str) -> str:
    return (files("autograd_core.drawing.write") / name).read_text(encoding="utf-8")


@cache
def _style() -> str:
    """Return the style sheet, with dark colours for a dark page and for a reader's dark screen."""
    dark, auto = 'html[data-theme="dark"]', 'html[data-theme="auto"]'
    return "\n".join(
        [
            _asset("page.css"),
            dark + _DARK,
            dark_rules(f"{dark} svg"),
            "@media screen and (prefers-color-scheme: dark){",
            auto + _DARK,
            dark_rules(f"{auto} svg"),
            "}",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _details(box: Box) -> dict[str, Any]:
    """Return what the details panel and the search need of a box."""
    names = ("id", "title", "type", "spec", "note", "absorbed", "mark", "dtype")
    return {
        **{name: clean(getattr(box, name)) for name in names},
        "shape": "×".join(map(str, box.shape)),
        "repeats": box.repeats,
        "facts": [[clean(str(k)), clean(str(v))] for k, v in box.facts],
    }


def _inline(scene: Scene, direction: str) -> str:
    """Return the SVG without its title, which a browser would show wherever the pointer rests."""
    drawn = to_svg(scene, direction)
    start, end = drawn.index("<title>"), drawn.index("</desc>") + len("</desc>")
    return drawn[:start] + drawn[end:]


def to_html(
    scenes: Mapping[str, Scene], level: str, direction: str = "TB", theme: str = "auto"
) -> str:
    """Return one page that shows scenes of one graph, with a button for each level.

    Parameters
    ----------
    scenes
        Scenes by the names of their levels; at least one.
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
    script, style = _asset("page.js"), _style()
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    known = {
        name: {
            "title": clean(s.title),
            "subtitle": s.subtitle,
            "boxes": [_details(b) for b in s.boxes],
        }
        for name, s in scenes.items()
    }
    data = script_json({"scenes": known, "level": level, "theme": theme})
    title = xml(scenes[level].title) or "computation graph"
    buttons = "".join(
        f'<button type="button" data-show="{xml(n)}" aria-pressed="false">'
        f"{xml(_NAMES.get(n, n))}</button>"
        for n in scenes
    )
    drawn = "\n".join(
        f'<div class="level" data-level="{xml(n)}" hidden>{_inline(s, direction)}</div>'
        for n, s in scenes.items()
    )
    keys = "".join(f"<dt><kbd>{xml(k)}</kbd></dt><dd>{xml(v)}</dd>" for k, v in _KEYS)
    return f"""<!DOCTYPE html>
<html lang="en" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<div class="group" role="group" aria-label="Level of detail">{buttons}</div>
<input id="find" type="search" placeholder="find a box…  ( / )" aria-label="Find a box">
<output id="count" aria-live="polite"></output>
<div class="group" role="group" aria-label="Zoom">
<button type="button" id="out" aria-label="Zoom out">−</button>
<button type="button" id="in" aria-label="Zoom in">+</button>
<button type="button" id="fit">Fit</button>
</div>
<button type="button" id="theme">Theme: {theme}</button>
<button type="button" id="ask" aria-label="Help: keys">?</button>
</header>
<main id="view" aria-label="The graph">
{drawn}
</main>
<aside id="panel" aria-live="polite" aria-label="Details"></aside>
<dialog id="help" aria-label="Keys"><dl>{keys}</dl>
<p>Drag to move, turn the wheel to zoom, click a box to trace it.</p>
<button type="button" id="close">Close</button></dialog>
<script type="application/json" id="scenes">{data}</script>
<script>{script}</script>
</body>
</html>
"""
