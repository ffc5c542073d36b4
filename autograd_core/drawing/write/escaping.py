"""Escaping: any text made safe inside each of the formats.

A name can hold anything, also markup, quotes, control characters and lone surrogates.
"""

import html
import json
import re
import unicodedata
from typing import Any

from autograd_core.drawing.scene import clean

_LONGEST = 60  # characters of one text in a label of Graphviz or Mermaid
_MERMAID = frozenset(" .,:/()[]=+%'!?@$^|{}-")
_TEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    **{"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    **{"-": "{-}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}", "…": r"\dots{}"},
    **{"→": r"$\to$", "←": r"$\gets$", "↳": r"$\hookrightarrow$", "×": r"$\times$", "−": "$-$"},
    **{"▼": r"$\blacktriangledown$", "▲": r"$\blacktriangle$", "✕": r"$\times$", "·": r"$\cdot$"},
    **{"∇": r"$\nabla$", "∂": r"$\partial$", "÷": r"$\div$", "≤": r"$\le$", "≥": r"$\ge$"},
    **{"√": r"$\surd$", "∞": r"$\infty$", "∑": r"$\sum$", "—": "---", "–": "--"},
}
_SMALL = {"<super>": "$^{%s}$", "<sub>": "$_{%s}$", "<circle>": r"\textcircled{\tiny %s}"}
_LIST = re.compile(r"^(?:([-+])|(\d+)([.)]))")  # would begin a list


def cut(text: str, longest: int = _LONGEST) -> str:
    """Return a text on one line, shortened by an ellipsis to at most ``longest`` characters."""
    text = clean(text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def xml(text: str) -> str:
    """Return a text for an element or an attribute of SVG or HTML."""
    return html.escape(clean(text))


def dot_string(text: str) -> str:
    r"""Return a quoted string of Graphviz, in which its own escapes (``\N``) mean nothing."""
    text = "\n".join(map(clean, text.split("\n")))
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def mermaid_text(text: str) -> str:
    """Return a quoted text in which nothing is markup to Mermaid or HTML.

    Characters that could be are written by their number.

    Examples
    --------
    >>> from autograd_core.drawing.write.escaping import mermaid_text
    >>> print(mermaid_text("- a & <b>"))
    "#45; a #38; #60;b#62;"
    """
    safe = "".join(
        c if c.isalnum() or c in _MERMAID or ord(c) > 127 else f"#{ord(c)};" for c in cut(text)
    )
    safe = _LIST.sub(lambda m: f"{m[2] or ''}#{ord(m[1] or m[3])};", safe.strip())
    return f'"{safe or " "}"'


def tex(text: str) -> str:
    r"""Return a text in which nothing is a command of LaTeX.

    It needs the package ``amssymb``, and the command ``\letter`` of our documents.

    Examples
    --------
    >>> from autograd_core.drawing.write.escaping import tex
    >>> print(tex("a_1 → 50 % × 10⁻⁵"))
    a\_1 $\to$ 50 \% $\times$ 10$^{-}$$^{5}$
    """

    def written(c: str) -> str:
        if c in _TEX or ord(c) < 128:
            return _TEX.get(c, c)
        kind, _, code = unicodedata.decomposition(c).partition(" ")
        if kind in _SMALL and len(code) == 4:
            return _SMALL[kind] % chr(int(code, 16)).replace("−", "-")
        return c if ord(c) < 0x180 else rf"\letter{{{c}}}"

    return "".join(map(written, clean(text)))


def script_json(value: Any) -> str:
    """Return JSON that is safe inside a script element.

    Examples
    --------
    >>> from autograd_core.drawing.write.escaping import script_json
    >>> print(script_json("</script><!--"))
    "\\u003c/script\\u003e\\u003c!--"
    """
    text = json.dumps(value, separators=(",", ":"))
    for c in "<>&":
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text  # U+2028 and lone surrogates are written as escapes already
