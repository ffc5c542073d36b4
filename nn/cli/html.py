"""The HTML page of a training run: its pictures and epochs, with relative links and no script."""

from collections.abc import Sequence
from html import escape

from nn.training.loop import History
from nn.training.progress import label

_STYLE = """
:root{color-scheme:light dark;--page:#fff;--ink:#1f2933;--muted:#52606d;--panel:#f7f9fb;
--line:#cbd2d9;--accent:#005f99}
@media (prefers-color-scheme:dark){:root{--page:#0f1720;--ink:#e6edf3;--muted:#9fb0c0;
--panel:#16212d;--line:#334455;--accent:#3d9be9}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1240px;padding:20px;background:var(--page);color:var(--ink);
font:15px/1.5 Arial,Helvetica,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:0}
p{margin:0 0 12px;color:var(--muted)}
a{color:var(--accent)}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,360px),1fr));gap:16px;
align-items:start}
figure{margin:0;padding:12px;border:1px solid var(--line);border-radius:8px;
background:var(--panel)}
figcaption{margin-bottom:8px;color:var(--muted)}
figcaption h2{color:var(--ink)}
figure a{display:block;overflow-x:auto}
figure img{display:block;max-width:100%;max-height:620px;margin:0 auto;border-radius:4px}
a:focus-visible,summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
details{margin-top:18px}
details div{overflow-x:auto}
p,h1,figcaption{overflow-wrap:anywhere}
table{border-collapse:collapse;margin-top:8px;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:2px 14px 2px 0;border-bottom:1px solid var(--line)}
@media (max-width:480px){body{padding:12px;font-size:16px}figure{padding:8px}
figure img.wide{max-width:none;max-height:none;width:760px}}
"""


def _figure(name: str, title: str, caption: str) -> str:
    target = "graph.html" if name == "graph.svg" else name
    wide = ' class="wide"' if name.endswith(".svg") else ""  # scrolls in its frame on a phone
    return (
        f'<figure><figcaption><h2>{escape(title)}</h2>{escape(caption)}</figcaption>'
        f'<a href="{escape(target)}"><img{wide} src="{escape(name)}" loading="lazy" '
        f'alt="{escape(f"{title}: {caption}")}"></a></figure>'
    )  # fmt: skip


def _table(history: History) -> str:
    columns = list(history.epochs[-1])
    head = "".join(f'<th scope="col">{escape(c.replace("_", " "))}</th>' for c in columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{row.get(c, float('nan')):.4g}</td>" for c in columns) + "</tr>"
        for row in history.epochs
    )
    return (
        f"<details><summary>{len(history.epochs)} epochs in numbers</summary>"
        f"<div><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def page(
    title: str,
    shown: Sequence[tuple[str, str, str]],
    history: History,
    missing: str = "",
    files: Sequence[str] = (),
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title
        The heading.
    shown
        File, heading and caption of each picture.
    history
        The history of the training.
    missing
        A note on pictures that could not be drawn.
    files
        Names of files to link at the end.

    Examples
    --------
    >>> import nn
    >>> from nn.cli.html import page
    >>> page("digits", [("graph.svg", "The graph", "of a step")], nn.History()).count("<figure>")
    1
    """
    last = history.epochs[-1] if history.epochs else {}
    numbers = "  ·  ".join(label(name, v) for name, v in last.items() if name != "seconds")
    notes = "".join(f"<p>{escape(t)}</p>" for t in (numbers, missing) if t)
    links = ", ".join(f'<a href="{escape(f)}">{escape(f)}</a>' for f in files if f != "index.html")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src 'self' file: data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n{notes}\n<main>\n"
        + "\n".join(_figure(*s) for s in shown)
        + f"\n</main>\n{_table(history) if history.epochs else ''}\n"
        + (f"<p>Files: {links}</p>\n" if links else "")
        + "</body></html>\n"
    )
