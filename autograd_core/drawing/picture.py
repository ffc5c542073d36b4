"""A drawn graph: shows itself in a notebook, and saves itself by a file's ending."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from autograd_core.drawing.colour import themes
from autograd_core.drawing.diff import Difference
from autograd_core.drawing.scene import Scene
from autograd_core.drawing.write.accessibility import described
from autograd_core.drawing.write.dot import to_dot
from autograd_core.drawing.write.graphviz import GraphvizError, render

FORMATS = ("svg", "png", "pdf", "dot", "html", "mmd", "json", "txt")

#: Beyond so many boxes ``dot`` is not asked for an SVG: it would take too long.
_DOT_BOXES = 700
#: Seconds that ``dot`` has for an SVG before the built-in layout does it.
_PATIENCE = 3.0


class Picture:
    """A drawn graph; made by :func:`draw`.

    It holds the graph that it shows, for the other levels of its page.

    Attributes
    ----------
    graph : Scene
        The boxes and arrows as plain dataclasses.
    direction : str
        ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    theme : str
        ``"auto"``, ``"light"`` or ``"dark"``.
    level : str
        The level of ``graph``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> w = ag.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> picture = ag.draw(np.sum(w * w))
    >>> picture
    Picture('computation graph', 5 boxes)
    >>> picture.dot.splitlines()[0]
    'digraph {'
    """

    def __init__(
        self,
        graph: Scene,
        direction: str = "TB",
        theme: str = "auto",
        level: str = "ops",
        others: Callable[..., Scene] | None = None,
    ) -> None:
        self.graph = graph
        self.direction = direction
        self.theme = theme
        self.level = level
        self._others = others  # makes the scene of a level, with all details if wanted

    # -- formats ------------------------------------------------------------------------------

    @property
    def dot(self) -> str:
        """The picture in Graphviz's language, in the light palette; needs no program."""
        return to_dot(self.graph, self.direction)

    @property
    def svg(self) -> str:
        """The picture as SVG: laid out by ``dot`` where it is installed and quick, or built in."""
        drawn = ""
        if len(self.graph.boxes) <= _DOT_BOXES:
            try:
                drawn = render(self.dot, "svg", _PATIENCE).decode()
            except GraphvizError:
                drawn = ""
        if not drawn:
            from autograd_core.drawing.write.svg import to_svg

            drawn = to_svg(self.graph, self.direction)
        return themes.apply(described(drawn, self.graph), self.theme)

    @property
    def html(self) -> str:
        """One page that needs nothing else: pan, zoom, search, details, a switch of levels."""
        from autograd_core.drawing.write.html import to_html

        scenes = {}
        for level in ("modules", "compact", "ops", "full"):
            if self._others is not None:
                scenes[level] = self._others(level, details=True)
            else:
                scenes[self.level] = self.graph
        return to_html(scenes, self.level, self.direction, self.theme)

    @property
    def mermaid(self) -> str:
        """The picture for a README, as Mermaid."""
        from autograd_core.drawing.write.mermaid import to_mermaid

        return to_mermaid(self.graph, self.direction)

    @property
    def json(self) -> str:
        """Everything in the picture, as JSON."""
        from autograd_core.drawing.write.export import to_json

        return to_json(self.graph)

    @property
    def text(self) -> str:
        """The picture in words, for a terminal."""
        from autograd_core.drawing.write.export import to_text

        return to_text(self.graph)

    def to_networkx(self) -> Any:
        """The picture as a ``networkx.MultiDiGraph``; needs networkx."""
        from autograd_core.drawing.write.export import to_networkx

        return to_networkx(self.graph)

    def diff(self, other: Picture) -> Difference:
        """What changes from this picture to another: boxes added, removed and changed.

        Raises
        ------
        TypeError
            If ``other`` is no picture.
        """
        if not isinstance(other, Picture):
            raise TypeError(f"a.diff(b) compares two pictures, got {type(other).__name__}")
        return Difference(self, other, Picture)

    # -- files and notebooks ------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write a file in the format of its ending.

        Parameters
        ----------
        path
            ``.svg .png .pdf .dot .html .mmd .json`` or ``.txt``.

        Returns
        -------
        str
            The path.

        Raises
        ------
        ValueError
            For another ending.
        GraphvizError
            For PNG and PDF if the ``dot`` program is absent or fails; nothing is written then.
        """
        target = os.fspath(path)
        ending = os.path.splitext(target)[1].lower().lstrip(".")
        if ending not in FORMATS:
            raise ValueError(
                f"cannot save a picture as {os.path.basename(target)!r}: use one of "
                + ", ".join("." + f for f in FORMATS)
            )
        content = self.to_bytes(ending)
        with open(target, "wb") as file:
            file.write(content)
        return target

    def to_bytes(self, format: str) -> bytes:
        """The picture in one of the formats that :meth:`save` knows, by its ending."""
        if format in ("png", "pdf"):
            return render(themes.dot(self.dot, self.theme), format)
        attribute = {"mmd": "mermaid", "txt": "text"}.get(format, format)
        text: str = getattr(self, attribute)
        return (text if text.endswith("\n") else text + "\n").encode("utf-8", "replace")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """SVG and text; in a notebook nothing raises."""
        bundle = {"text/plain": repr(self)}
        for kind, attribute in (("text/plain", "text"), ("image/svg+xml", "svg")):
            try:
                bundle[kind] = getattr(self, attribute)
            except Exception as error:  # a notebook must show what there is
                bundle["text/plain"] += f"\n({type(error).__name__}: {error})"
        return bundle

    def __repr__(self) -> str:
        return f"Picture({self.graph.title!r}, {len(self.graph.boxes)} boxes)"
