"""A drawn graph, which shows itself in a notebook and is saved in the format of a file's ending."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from autograd_core.drawing.diff import Difference
from autograd_core.drawing.layout import graphviz
from autograd_core.drawing.scene import Scene
from autograd_core.drawing.trace.groups import LEVELS
from autograd_core.drawing.write import export
from autograd_core.drawing.write.dot import to_dot
from autograd_core.drawing.write.html import to_html
from autograd_core.drawing.write.mermaid import to_mermaid
from autograd_core.drawing.write.raster import rasterized
from autograd_core.drawing.write.svg import box_sizes, to_svg
from autograd_core.drawing.write.tikz import to_tikz

FORMATS = ("svg", "png", "pdf", "tex", "dot", "html", "mmd", "json", "txt")


class Picture:
    """A drawn graph, as returned by :func:`draw`.

    It keeps the recorded graph alive, for the other levels of its HTML page.

    Attributes
    ----------
    graph : Scene
        The boxes and arrows as plain dataclasses.
    direction : str
        ``"TB"``, ``"LR"``, ``"BT"`` or ``"RL"``.
    theme : str
        ``"auto"``, ``"light"`` or ``"dark"``.
    level : str
        Level of ``graph``.
    page : tuple of float or None
        Largest width and height in a notebook, in pixels, which may be changed; None for the
        natural size.

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
        self.page: tuple[float, float] | None = (900.0, 1100.0)
        self._others = others  # makes the scene of another level, with all details if wanted

    # -- formats ------------------------------------------------------------------------------

    @property
    def dot(self) -> str:
        """Return the picture in Graphviz's language, in the light palette; needs no program."""
        return to_dot(self.graph, self.direction)

    @property
    def svg(self) -> str:
        """Return the picture as SVG, laid out by ``dot`` if installed and quick, else built in."""
        return self._svg(self.theme)

    def _svg(self, theme: str, page: tuple[float, float] | None = None) -> str:
        scene, direction = self.graph, self.direction
        where, sizes = None, box_sizes(scene)
        if self.level != "blocks":  # which are in ranks of one height, unknown to dot
            where = graphviz.place(scene, sizes, lambda: to_dot(scene, direction, sizes))
        return to_svg(scene, direction, theme, where, page)

    def _fixed(self) -> str:
        """Return the SVG for a file that cannot follow the reader's screen."""
        return self._svg("light" if self.theme == "auto" else self.theme)

    @property
    def tex(self) -> str:
        """Return the picture as a complete LaTeX document, drawn by TikZ."""
        return to_tikz(self._fixed())

    @property
    def html(self) -> str:
        """Return one self-contained page: pan, zoom, search, details, a switch of levels."""
        scenes = {self.level: self.graph}
        if self._others is not None:
            wanted = ("modules", "ops", self.level)
            scenes = {n: self._others(n, details=True) for n in LEVELS if n in wanted}
        return to_html(scenes, self.level, self.direction, self.theme)

    @property
    def mermaid(self) -> str:
        """Return the picture as Mermaid, for a README."""
        return to_mermaid(self.graph, self.direction)

    @property
    def json(self) -> str:
        """Return everything in the picture as JSON."""
        return export.to_json(self.graph)

    @property
    def text(self) -> str:
        """Return the picture in words, for a terminal."""
        return export.to_text(self.graph)

    def to_networkx(self) -> Any:
        """Return the picture as a ``networkx.MultiDiGraph``; needs networkx."""
        return export.to_networkx(self.graph)

    def diff(self, other: Picture) -> Difference:
        """Return what changes from this picture to another: boxes added, removed and changed.

        Raises
        ------
        TypeError
            If ``other`` is not a picture.
        """
        if not isinstance(other, Picture):
            raise TypeError(
                f"a.diff(b) compares two pictures, got {type(other).__name__}; draw it first: "
                "a.diff(ag.draw(b))"
            )
        return Difference(self, other, Picture)

    # -- files and notebooks ------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write the picture to a file, in the format of its ending.

        Parameters
        ----------
        path
            ``.svg .png .pdf .tex .dot .html .mmd .json`` or ``.txt``.

        Returns
        -------
        str
            The path.

        Raises
        ------
        ValueError
            If the ending is another one.
        ImportError
            If cairosvg, which PNG and PDF need, is not installed. Nothing is written.
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
        """Return the picture in one of the formats that :meth:`save` knows, by its ending."""
        if format not in FORMATS:
            raise ValueError(
                f"format is {', '.join(FORMATS[:-1])} or {FORMATS[-1]}; got {format!r}"
            )
        if format in ("png", "pdf"):
            return rasterized(self._fixed(), format)
        attribute = {"mmd": "mermaid", "txt": "text"}.get(format, format)
        text: str = getattr(self, attribute)
        return (text if text.endswith("\n") else text + "\n").encode("utf-8", "replace")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return SVG no larger than a page and text for a notebook; raises nothing."""
        bundle = {"text/plain": repr(self)}
        makers: dict[str, Callable[[], str]] = {
            "text/plain": lambda: self.text,
            "image/svg+xml": lambda: self._svg(self.theme, self.page),
        }
        for kind, make in makers.items():
            try:
                bundle[kind] = make()
            except Exception as error:  # a notebook shows whatever could be made
                bundle["text/plain"] += f"\n({type(error).__name__}: {error})"
        return bundle

    def __repr__(self) -> str:
        return f"Picture({self.graph.title!r}, {len(self.graph.boxes)} boxes)"
