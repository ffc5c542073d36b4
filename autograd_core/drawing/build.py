"""A recorded graph as a scene.

Bookkeeping is left out, leaves are cloned at each use (shared boxes, not many boxes, make a
layout slow and tangled), and every name is deterministic: the same graph gives the same scene.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.drawing.palette import category, symbol
from autograd_core.drawing.scene import Arrow, Box, Scene
from autograd_core.graph import PICK, Leaf, Node, reachable
from autograd_core.primitive import Spec
from autograd_core.recording import Handle


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: ``32×784``; ``scalar`` for no axes."""
    return "×".join(str(n) for n in shape) if shape else "scalar"


def value_text(array: Any) -> str:
    """The value of a scalar; nothing for others."""
    if isinstance(array, Spec) or getattr(array, "size", 0) != 1:
        return ""
    return f"{np.asarray(array).reshape(())[()]:.4g}"


class _Builder:
    def __init__(self, roots: list[Any], names: Mapping[str, Any], max_nodes: int) -> None:
        self.given = {}
        for name, value in names.items():
            if isinstance(value, Handle):
                self.given[id(value._data)] = name
                self.given[id(value._node)] = name
            else:
                self.given[id(value)] = name
        order = list(reversed(reachable(t._node for t in roots)))
        operations = [n for n in order if n.primitive is not None and n.primitive is not PICK]
        self.kept = operations[-max_nodes:]
        self.roots = roots
        self.results = {t._node for t in roots}
        self.order = order
        self.counts: Counter[str] = Counter()
        self.ids: dict[Node, str] = {}
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self.omitted = len(operations) - len(self.kept)

    def fresh(self, name: str) -> str:
        """A name that no other box has, of printable characters."""
        stem = "".join(c if c.isprintable() else " " for c in name)
        self.counts[stem] += 1
        return stem if self.counts[stem] == 1 else f"{stem}_{self.counts[stem]}"

    def source(self, node: Node) -> Node:
        """The operation that a bookkeeping node stands for."""
        while node.primitive is PICK:
            node = node.parents[0]
        return node

    def leaf(self, node: Node, array: Any) -> str:
        """A box for one use of a leaf or a plain array."""
        name = self.given.get(id(node)) or node.name or self.given.get(id(array)) or ""
        kind = "parameter" if node.tracked else "data"
        shape = tuple(getattr(array, "shape", ()))
        title = name or ("parameter" if node.tracked else "data")
        note = shape_text(shape) if shape else value_text(array)
        facts = (("shape", shape_text(shape)),)
        box = Box(self.fresh(title), kind, title, "box", note=note, shape=shape, facts=facts)
        self.boxes.append(box)
        return box.id

    def operation(self, node: Node) -> None:
        assert node.primitive is not None
        title = symbol(node.primitive)
        outs = node.out if isinstance(node.out, (tuple, list)) else [node.out]
        shape = tuple(outs[0].shape)
        name = "" if node in self.results else self.given.get(id(node)) or node.name or ""
        box = Box(
            self.fresh(name or node.primitive.name),
            category(node.primitive),
            title,
            note=name,
            shape=shape,
            dtype=str(outs[0].dtype),
            facts=(("operation", node.primitive.name), ("shape", shape_text(shape))),
        )
        self.boxes.append(box)
        self.ids[node] = box.id
        args = node.args or (None,) * len(node.parents)
        shapes = []
        for parent, array in zip(node.parents, args, strict=False):
            origin = self.source(parent)
            if origin in self.ids:
                shapes.append(self.shape_of(parent))
                self.connect(parent, box.id)
            elif isinstance(origin, Leaf):
                value = array if origin.out is None else origin.out
                if value is None or (not getattr(value, "shape", ()) and not origin.name):
                    continue  # a number: part of the operation
                self.arrows.append(Arrow(self.leaf(origin, value), box.id, "", origin.tracked))

    def shape_of(self, node: Node) -> tuple[int, ...]:
        return tuple(node.out.shape)

    def connect(self, parent: Node, target: str) -> None:
        """An arrow from an operation, labelled where the shape is not its inputs' own."""
        origin = self.source(parent)
        shape = self.shape_of(parent)
        before = [
            self.shape_of(p)
            for p in origin.parents
            if not isinstance(p.out, (tuple, list)) and hasattr(p.out, "shape") and p.out.shape
        ]
        label = "" if shape in before else shape_text(shape)
        self.arrows.append(Arrow(self.ids[origin], target, label))

    def outputs(self) -> None:
        for t in self.roots:
            name = self.given.get(id(t._node)) or t.name or "output"
            text = value_text(t._data) or shape_text(t.shape)
            if isinstance(t._node, Leaf):
                self.leaf(t._node, t._data)
                continue
            facts = (("value", text),)
            box = Box(
                self.fresh(name), "output", name, "box", note=text, shape=t.shape, facts=facts
            )
            self.boxes.append(box)
            self.connect(t._node, box.id)


def build(roots: list[Any], names: Mapping[str, Any], title: str, max_nodes: int) -> Scene:
    """The scene of everything that ``roots`` depend on."""
    b = _Builder(roots, names, max_nodes)
    for node in b.kept:
        b.operation(node)
    b.outputs()
    leaves = [n for n in b.order if isinstance(n, Leaf)]
    parameters = sum(int(np.prod(n.out.shape)) for n in leaves)
    facts = [f"{parameters:,} parameters", str(roots[0].dtype), f"{len(b.kept) + b.omitted} ops"]
    if b.omitted:
        facts.append(f"the {b.omitted:,} oldest not drawn")
    return Scene(title, "  ·  ".join(facts), b.boxes, b.arrows, omitted=b.omitted)
