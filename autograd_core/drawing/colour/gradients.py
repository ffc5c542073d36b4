"""The size of every gradient of a graph, without touching any ``.grad`` and running no hook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_core.drawing.trace.sources import Source
from autograd_core.drawing.trace.trace import Trace
from autograd_core.engine.backward import sweep
from autograd_core.engine.graph import Diagnostics, Leaf, Node, reachable
from autograd_core.errors import GraphError


@dataclass
class Sizes:
    """Root mean squares of gradients: of nodes' results, and of leaves.

    ``partial`` if backward had freed the graph: then leaves have what their ``.grad`` says.
    """

    nodes: dict[Node, float] = field(default_factory=dict)
    leaves: dict[Node, float] = field(default_factory=dict)
    partial: bool = False

    def of(self, sources: list[Source], count: Any) -> float | None:
        """Over all elements of several parameters; None where no gradient arrives."""
        total, n = 0.0, 0
        for source in sources:
            rms = self.leaves.get(source.node) if source.node is not None else None
            if rms is not None:
                total += rms * rms * count(source)
                n += count(source)
        return float(np.sqrt(total / n)) if n else None


def rms(g: Any) -> float:
    """The root mean square of an array, in double precision."""
    a = np.asarray(getattr(g, "_data", g))
    if not a.size:
        return 0.0
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    largest = float(np.max(np.abs(wide)))
    if not largest or not np.isfinite(largest):
        return largest  # NaN and infinity tell themselves
    return largest * float(np.sqrt(np.mean(np.abs(wide / largest) ** 2)))


def measure(trace: Trace) -> Sizes:
    """Run backward from the roots (from the sum of their elements) and note every size."""
    sizes = Sizes()
    roots = [t for t, _ in trace.roots if t._node.tracked]
    order = reachable(t._node for t in roots)
    cotangents: dict[Node, Any] = {}
    for t in roots:
        ones = np.ones(t.shape, t.dtype)
        before = cotangents.get(t._node)
        cotangents[t._node] = ones if before is None else before + ones
    kept = {node: node.diagnostics for node in order if node.diagnostics is not None}
    try:
        for node in order:
            if isinstance(node, Leaf):
                node.diagnostics = None
            elif not isinstance(node.out, (tuple, list)):
                node.diagnostics = _spy(node, sizes.nodes)
            else:
                node.diagnostics = None
        with np.errstate(all="ignore"):
            sweep(order, cotangents)
            sizes.leaves = {n: rms(g) for n, g in cotangents.items() if isinstance(n, Leaf)}
    except GraphError:
        sizes = Sizes(leaves=_stored(order), partial=True)
    finally:
        for node in order:
            node.diagnostics = kept.get(node)
    return sizes


def _spy(node: Node, sizes: dict[Node, float]) -> Diagnostics:
    """A watch that notes the size of a node's gradient as the sweep passes it."""
    watch = Diagnostics()

    def note(g: Any) -> None:
        sizes[node] = rms(g)

    watch.hooks[0] = note
    return watch


def _stored(order: list[Node]) -> dict[Node, float]:
    """What an earlier backward left in the ``.grad`` of the leaves."""
    found = {}
    for node in order:
        owner = node.owner() if isinstance(node, Leaf) and node.owner is not None else None
        gradient = getattr(owner, "_grad", None)
        if gradient is not None:
            found[node] = rms(gradient)
    return found
