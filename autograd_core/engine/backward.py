"""The chain rule: one sweep over a recorded graph, newest node first.

The engine, not the rules, does accumulation, summing to the shape of a broadcast argument,
the cast to its dtype, and the check of every rule's result.

Complex numbers: inside a sweep a cotangent g of z means d(loss) = Re(sum(g dz)), for which
a holomorphic rule is ``g * f'(z)``, the same line as for real numbers.  The gradient shown to
users is its conjugate, the direction of steepest ascent (PyTorch's convention); the two ends
of a sweep conjugate.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import beside
from autograd_core.engine.cotangents import conjugate, fit
from autograd_core.engine.graph import (
    ANOMALY,
    PICK,
    STRICT_NAN,
    UNTRACKED,
    Node,
    digests,
    mode,
    pick_node,
)
from autograd_core.engine.mutation import written_since
from autograd_core.engine.primitive import SMALL, Spec
from autograd_core.engine.structural_zeros import Reach, hide, through
from autograd_core.errors import AnomalyError, GraphError, MutationError, RuleError

#: Makes a Tensor of an array and a node.
Handle = Callable[[Any, Node], Any]


def _zeros_for_unused(g: list[Any], outs: Any) -> list[Any]:
    """A cotangent for every output; where none came, one zero that is seen as the whole array."""
    return [
        np.broadcast_to(np.zeros_like(o, shape=()), o.shape) if x is None else x
        for x, o in zip(g, outs, strict=True)
    ]


def _lifted(node: Node, handle: Handle) -> tuple[Any, tuple[Any, ...]]:
    """The node's values as Tensors of the graph, so that a rule records itself."""
    assert node.args is not None
    out = node.out
    if isinstance(out, (tuple, list)):
        out = [handle(o, pick_node(node, o, i)) for i, o in enumerate(out)]
    elif type(out) is not Spec:
        out = handle(out, node)
    args = list(node.args)
    for i, parent in enumerate(node.parents):
        if parent.tracked and type(args[i]) is not Spec:
            args[i] = handle(args[i], parent)
    return out, tuple(args)


def _see(node: Node, g: Any, handle: Handle, create_graph: bool, seen: list[Any]) -> Any:
    """Run the hooks of a node on its gradient, and keep the gradient if it is wanted."""
    watch = node.watch
    assert watch is not None
    for hook in list(watch.hooks.values()):
        shown = conjugate(g) if create_graph else handle(conjugate(g), UNTRACKED)
        answer = hook(shown)
        if answer is not None:
            answer = answer if create_graph else getattr(answer, "_data", answer)
            if np.shape(answer) != g.shape:
                raise RuleError(
                    f"a hook returned shape {np.shape(answer)} for a gradient of shape {g.shape}"
                )
            if not hasattr(answer, "dtype"):
                answer = beside(np.asarray(answer, g.dtype), g)
            g = conjugate(answer)
    if watch.retain is not None:
        seen.append((watch.retain, g))
    return g


def _check_mutations(order: list[Node]) -> None:
    """Raise if an array that a rule will read was written after it was saved."""
    for node in reversed(order):  # leaves are the oldest: the first operation is soon found
        if node.primitive is not None:
            break
    else:
        return
    for write in written_since(node.seq):
        for node in order:
            if node.seq < write.seq and any(map(write.touched, node.saved())):
                assert node.primitive is not None
                raise MutationError(
                    f"{write.name} of shape {write.shape} was changed in place "
                    f"after {node.primitive.name} saved it for backward, so its gradient would be "
                    "wrong. Call backward() before the update, or update a copy: "
                    "w = ag.tensor(w.data - step, requires_grad=True)"
                )


def _check_anomaly(node: Node, c: Any, position: int) -> None:
    """Under ``detect_anomaly``: raise at the first cotangent that is not finite."""
    assert node.primitive is not None
    watch = node.watch
    made = f" (recorded at {watch.site})" if watch and watch.site else ""
    if watch and watch.digests:
        now = digests(node.args, node.kwargs)
        for i, (after, before) in enumerate(zip(now, watch.digests, strict=True)):
            if after != before:
                raise AnomalyError(
                    f"array {i} of {node.primitive.name}{made} was changed in place after "
                    "it was saved for backward"
                )
    values = getattr(c, "_data", c)
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise AnomalyError(
            f"backward of {node.primitive.name}{made} gave the first non-finite gradient, for "
            f"argument {position} of shape {values.shape}"
        )


def sweep(
    order: list[Node],
    cotangents: dict[Node, Any],
    handle: Handle,
    *,
    needed: set[Node] | None = None,
    keep: frozenset[Node] | set[Node] = frozenset(),
    create_graph: bool = False,
    free: bool = False,
) -> list[tuple[weakref.ref[Any], Any]]:
    """The chain rule, newest node first.

    Parameters
    ----------
    order
        What :func:`reachable` returned.
    cotangents
        The seeds; on return, the cotangents of leaves and of the nodes in ``keep``.
    handle
        Makes a Tensor of an array and a node.
    needed
        If given, only cotangents of these nodes are computed.
    create_graph
        Hand the rules Tensors, so that the gradients can be differentiated again.
    free
        Drop what each node saved once it is passed.

    Returns
    -------
    list of (weak reference to a Tensor, gradient)
        For the intermediate Tensors that asked by ``retain_grad()``.
    """
    _check_mutations(order)
    retained: list[tuple[weakref.ref[Any], Any]] = []
    owned: set[Node] = set()
    reaches: dict[Node, Reach] = {}
    anomaly, ieee = bool(mode.get() & ANOMALY), bool(mode.get() & STRICT_NAN)
    for node in order:
        g = cotangents.get(node)
        if g is None:
            continue
        if node.watch is not None:
            g = cotangents[node] = _see(node, g, handle, create_graph, retained)
        primitive = node.primitive
        if primitive is None:
            continue
        if node not in keep:
            del cotangents[node]
        parents = node.parents
        if primitive is PICK:
            slots = cotangents.setdefault(parents[0], [None] * len(parents[0].out))
            index = node.args[0]  # type: ignore[index]
            slots[index] = g if slots[index] is None else slots[index] + g
            continue
        out, args, kwargs = node.out, node.args, node.kwargs
        if args is None:
            raise GraphError(
                f"the values that {primitive.name} saved were freed by an earlier backward(); "
                "to go through a graph twice, call the first one with retain_graph=True"
            )
        unused = None
        if type(g) is list:
            unused = [x is None for x in g]
            g = _zeros_for_unused(g, out)
        if create_graph:
            out, args = _lifted(node, handle)
        rules: Any = primitive.vjps
        if rules is None:
            joint: Any = primitive.joint
            rules = joint(g, out, *args, **kwargs) if kwargs else joint(g, out, *args)
        above = reaches.pop(node, None) if reaches else None
        nonlinear = primitive.elementwise and not primitive.linear
        tracing = not ieee and (
            primitive.masks
            or (kwargs is not None and "where" in kwargs)
            or (above is not None and (primitive.elementwise or primitive.linear))
            or (unused is not None and primitive.linear and any(unused))
        )
        i = -1
        for rule, parent, a in zip(rules, parents, args):  # noqa: B905  (the shortest rules)
            i += 1
            if not parent.tracked or (needed is not None and parent not in needed):
                continue
            if primitive.joint is not None:
                c = rule
            elif nonlinear and above is not None:
                with np.errstate(all="ignore"):
                    c = rule(g, out, *args, **(kwargs or {}))
            elif kwargs:
                c = rule(g, out, *args, **kwargs)
            else:
                c = rule(g, out, *args)
            if nonlinear and above is not None:
                c = hide(node, above, c, anomaly)
            try:
                if c.shape != a.shape or c.dtype is not a.dtype:
                    c = fit(c, a, node, i)
            except AttributeError:
                c = fit(c, a, node, i)
            if anomaly:
                _check_anomaly(node, c, i)
            before = cotangents.get(parent)
            if tracing and (below := parent.primitive) and (below.elementwise or below.linear):
                other = reaches.get(parent)
                if before is None or other is not None:
                    reach = through(node, i, rule, above, g, unused)
                    reaches[parent] = reach if other is None else other | reach
            elif reaches:
                reaches.pop(parent, None)
            if before is None:
                cotangents[parent] = c
            elif c.__class__ is not np.ndarray or c.nbytes <= SMALL:
                cotangents[parent] = before + c
            elif parent in owned:  # nobody else has seen this sum
                before += c
            else:
                cotangents[parent] = before + c
                owned.add(parent)
        if free:
            node.args = node.kwargs = None
            if node.out.__class__ is np.ndarray and node.out.nbytes > SMALL:
                node.out = Spec(node.out)
        g = c = out = args = before = rule = rules = a = None  # a large array dies with its use
    return retained
