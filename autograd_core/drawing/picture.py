"""``ag.draw``: the picture of a recorded graph, in a notebook or in a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_core.drawing.build import build
from autograd_core.drawing.dot import GraphvizError, render, to_dot
from autograd_core.drawing.scene import Scene
from autograd_core.recording import Handle

FORMATS = ("svg", "png", "pdf", "dot", "txt")


class Picture:
    """A drawn graph: shows itself in a notebook, and saves itself by a file's ending.

    Attributes
    ----------
    graph : Scene
        The boxes and arrows as plain dataclasses.
    """

    def __init__(self, graph: Scene, direction: str = "TB") -> None:
        self.graph = graph
        self.direction = direction

    @property
    def dot(self) -> str:
        """The picture in Graphviz's language; needs no program."""
        return to_dot(self.graph, self.direction)

    @property
    def svg(self) -> str:
        """The picture as SVG; needs the ``dot`` program."""
        return render(self.dot, "svg").decode()

    @property
    def text(self) -> str:
        """One line a box, for a terminal."""
        incoming: dict[str, list[str]] = {b.id: [] for b in self.graph.boxes}
        for a in self.graph.arrows:
            incoming[a.target].append(a.source)
        lines = [self.graph.title, self.graph.subtitle]
        for b in self.graph.boxes:
            sources = ", ".join(incoming[b.id])
            lines.append(
                f"{b.id:<20} {', '.join(f'{k} {v}' for k, v in b.facts)}"
                + (f"   from {sources}" if sources else "")
            )
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write ``.svg``, ``.png``, ``.pdf``, ``.dot`` or ``.txt``, by the ending.

        Raises
        ------
        ValueError
            For another ending.
        GraphvizError
            If the format needs the ``dot`` program and it is absent or fails; nothing is written.
        """
        target = os.fspath(path)
        ending = os.path.splitext(target)[1].lower().lstrip(".")
        if ending not in FORMATS:
            raise ValueError(
                f"cannot save a picture as {os.path.basename(target)!r}: use one of "
                + ", ".join("." + f for f in FORMATS)
            )
        if ending in ("dot", "txt"):
            content = (self.dot if ending == "dot" else self.text).encode()
        else:
            content = render(self.dot, ending)
        with open(target, "wb") as file:
            file.write(content)
        return target

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """SVG where ``dot`` is installed, and text; never raises in a notebook."""
        bundle = {"text/plain": self.text}
        try:
            bundle["image/svg+xml"] = self.svg
        except GraphvizError as error:
            bundle["text/plain"] += f"\n({error})"
        return bundle

    def __repr__(self) -> str:
        return f"Picture({self.graph.title!r}, {len(self.graph.boxes)} boxes)"


def draw(
    tensors: Any,
    *,
    names: Mapping[str, Any] | None = None,
    title: str = "computation graph",
    direction: str = "TB",
    max_nodes: int = 300,
) -> Picture:
    """Draw the graph that made a Tensor.

    Parameters
    ----------
    tensors
        A recorded Tensor, or several.
    names
        What to call things: ``names={"x": x, "loss": loss}``; Tensors with a name have one.
    title
        Written above the picture.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``.
    max_nodes
        Of a larger graph the newest so many operations are drawn, and the header says so.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> w = ag.tensor([[1.0, 2.0]], requires_grad=True, name="w")
    >>> picture = ag.draw(np.sum(np.tanh(w)), title="a neuron")
    >>> print(picture.text)
    a neuron
    2 parameters  ·  float64  ·  2 ops
    tanh                 operation tanh, shape 1×2   from w
    w                    shape 1×2
    sum                  operation sum, shape scalar   from tanh
    output               value 1.726   from sum
    """
    roots = [tensors] if isinstance(tensors, Handle) else list(tensors)
    for t in roots:
        if not isinstance(t, Handle):
            raise TypeError(
                f"ag.draw takes a Tensor or several, got {type(t).__name__}; call the function "
                "on Tensors and draw its result"
            )
    if direction not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"direction is TB, LR, BT or RL, got {direction!r}")
    _check(roots)
    return Picture(build(roots, dict(names or {}), title, max_nodes), direction)


def _check(roots: Sequence[Any]) -> None:
    if not roots:
        raise ValueError("ag.draw needs a Tensor to draw, got an empty sequence")
