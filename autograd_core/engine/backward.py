"""The chain rule: one sweep over a recorded graph, newest node first.

The engine, not the rules, accumulates cotangents, sums them to the shape of a broadcast argument,
casts them to its dtype, and checks every rule's result.

Complex numbers: inside a sweep a cotangent g of z means d(loss) = Re(sum(g dz)), for which
a holomorphic rule is ``g * f'(z)``, the same line as for real numbers.  The gradient that users
see is its conjugate, the direction of steepest ascent (PyTorch's convention); both ends
of a sweep conjugate.
"""

import functools
import weakref
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.cotangents import conjugate, match_argument, name_cotangent
from autograd_core.engine.diagnostics import checksums, origin
from autograd_core.engine.graph import (
    ANOMALY,
    GET_OUTPUT,
    STRICT_NAN,
    TRACE,
    UNTRACKED,
    Node,
    leading_to,
    mode,
    output_node,
    reachable,
)
from autograd_core.engine.levels import on_batch, sum_ended
from autograd_core.engine.mutation import check_mutations, check_samples
from autograd_core.engine.operands import Level, all_examples, newest
from autograd_core.engine.primitive import SMALL, Primitive, ShapeDtype
from autograd_core.engine.recording import make_tensor, unwrap
from autograd_core.engine.structural_zeros import (
    ZeroMask,
    begins_mask,
    passes_mask,
    propagate,
    zero_unreachable,
)
from autograd_core.errors import (
    AnomalyError,
    GraphError,
    MutationError,
    NeedsNumbersError,
    RuleError,
)

#: Gradients of intermediate Tensors that asked for them by ``retain_grad()``.
Retained = list[tuple[weakref.ref[Any], Any]]


def sweep(
    order: list[Node],
    cotangents: dict[Node, Any],
    *,
    needed: set[Node] | None = None,
    keep: frozenset[Node] | set[Node] = frozenset(),
    create_graph: bool = False,
    free: bool = False,
    hooks: bool = True,
    observer: Callable[[list[Node]], Iterable[Node]] = iter,
) -> Retained:
    """Apply the chain rule, newest node first.

    Parameters
    ----------
    order
        What :func:`reachable` returned.
    cotangents
        The seeds; on return, the cotangents of leaves and of the nodes in ``keep``.
    needed
        If given, only cotangents of these nodes are computed.
    create_graph
        Give the rules Tensors, so that the gradients can be differentiated again.
    free
        Release what each node saved once it is passed.
    hooks
        Run the hooks of Tensors, and keep what ``retain_grad()`` asked for.
    observer
        Yields the nodes, and so sees when each begins and ends (``ag.profile``).

    Returns
    -------
    list of (weak reference to a Tensor, gradient)
        For the intermediate Tensors that asked by ``retain_grad()``.
    """
    check_mutations(order)
    products = Products(cotangents, needed, create_graph, keep, free, hooks)
    products.go_through(observer(order))
    return products.retained


class Recomputed(Primitive):
    """A call whose graph is not kept: ``node.kwargs["again"]()`` records it anew.

    It returns the time when that began, by the clock of the graph, and the Tensors that the node's
    outputs were.  Their graph ends at older nodes, the parents of the node.
    """


def unit_cotangents(tensors: Iterable[Any]) -> dict[Node, Any]:
    """Return ones for every Tensor: a sweep from them differentiates the sum of all elements."""
    cotangents: dict[Node, Any] = {}
    for t in tensors:
        ones = asarray_like(np.ones(t.shape, t.dtype), t)
        cotangents[t._node] = cotangents.get(t._node, 0) + ones
    return cotangents


class Products:
    """The state of one sweep: vector-Jacobian products of one node after the other."""

    def __init__(
        self,
        cotangents: dict[Node, Any],
        needed: set[Node] | None,
        create_graph: bool,
        keep: frozenset[Node] | set[Node],
        free: bool,
        hooks: bool,
    ) -> None:
        self.cotangents, self.needed, self.create_graph = cotangents, needed, create_graph
        self.keep, self.free, self.hooks = keep, free, hooks
        self.retained: Retained = []
        self.owned: set[Node] = set()
        self.masks: dict[Node, ZeroMask] = {}
        self.ended: set[Level] = set()  # levels of vmap that this sweep has passed
        bits = mode.get()
        self.anomaly, self.ieee = bool(bits & ANOMALY), bool(bits & STRICT_NAN)
        self.tracing = bool(bits & TRACE)

    def go_through(self, nodes: Iterable[Node]) -> None:
        """Give each node's cotangent to its rules, and add what they return to its parents'."""
        cotangents, keep, owned = self.cotangents, self.keep, self.owned
        for node in nodes:
            g = cotangents.get(node)
            if g is None:
                continue
            if node.diagnostics is not None:
                if node.diagnostics.samples:
                    check_samples(node)
                if self.hooks:
                    g = cotangents[node] = run_hooks(node, g, self.create_graph, self.retained)
            if self.tracing:
                name_cotangent(g, node.out)
            if node.primitive is None:
                continue
            if node not in keep:
                del cotangents[node]
            try:
                contributions = self(node, g)
            except NeedsNumbersError:  # in a trace: the rule becomes one line
                contributions = self(node, g, NeedsNumbersError.as_one_line)
            except Exception as error:
                if newest((g, node.args or (), node.kwargs or {})) is None:
                    raise
                contributions = self(node, g, functools.partial(_batched_rule, error))
            for parent, c in contributions:
                before = cotangents.get(parent)
                cotangents[parent] = c if before is None else accumulate(before, c, parent, owned)
            if self.free and node.primitive is not GET_OUTPUT:
                release(node)
            g = c = before = None  # a large array dies with its use

    def __call__(
        self, node: Node, g: Any, instead: Callable[..., Any] | None = None
    ) -> list[tuple[Node, Any]]:
        """Return the parents that need a cotangent, each with what this node contributes."""
        primitive, parents, needed = node.primitive, node.parents, self.needed
        if primitive is GET_OUTPUT:
            return [(parents[0], {node.args[0]: g})]  # type: ignore[index]
        out, args, kwargs = node.out, node.args, node.kwargs
        if args is None:
            raise GraphError(
                f"the values that {primitive} saved were freed by an earlier backward(); "
                "to go through a graph twice, call the first one with retain_graph=True"
            )
        unused = None
        if type(g) is dict:
            unused = [i not in g for i in range(len(out))]
            g = [_unused_cotangent(o) if i not in g else g[i] for i, o in enumerate(out)]
        if self.create_graph:
            out, args = _recorded(node)
        rules = primitive.rules  # type: ignore[union-attr]
        assert rules is not None
        vjps: Any = rules.vjps
        if vjps is None:
            if primitive.__class__ is Recomputed:
                self._recompute(node, g, unused)
                return []
            vjp_all: Any = rules.vjp_all
            if instead is not None or (self.tracing and primitive.opaque):  # type: ignore[union-attr]
                vjp_all = (instead or NeedsNumbersError.as_one_line)(vjp_all)
            vjps = vjp_all(g, out, *args, **(kwargs or {}))
        elif instead is not None or (self.tracing and primitive.opaque):  # type: ignore[union-attr]
            instead = instead or NeedsNumbersError.as_one_line
            vjps = [rule and instead(rule) for rule, _ in zip(vjps, args)]  # noqa: B905
        if primitive.ends_level:  # type: ignore[union-attr]
            assert kwargs is not None
            self.ended.add(kwargs["level"])
        if self.masks or rules.selects or unused or (kwargs and "where" in kwargs):
            return self._masked(node, g, out, args, vjps, unused)
        found = []
        i = -1
        for rule, parent, a in zip(vjps, parents, args):  # noqa: B905  (the shortest: rules)
            i += 1
            if parent.tracked and (needed is None or parent in needed):
                if rules.vjp_all is not None:
                    c = rule
                else:
                    c = rule(g, out, *args, **kwargs) if kwargs else rule(g, out, *args)
                if self.ended:
                    c = sum_ended(c, a, self.ended)
                alike = c.__class__ is a.__class__ and c.shape == a.shape and c.dtype is a.dtype
                if not alike or self.anomaly:
                    c = self._checked(c, a, node, i)
                found.append((parent, c))
        return found

    def _recompute(self, node: Node, g: Any, unused: list[bool] | None) -> None:
        """Go through the graph of a call that is recorded anew, in the place of its node."""
        assert node.kwargs is not None
        begin, results = node.kwargs["again"]()
        several = isinstance(node.out, tuple)
        mask, skipped = self.masks.pop(node, None), unused or [False] * len(results)
        roots: list[Node] = []
        for t, c, unneeded in zip(results, g if several else [g], skipped, strict=True):
            if not unneeded:
                before = self.cotangents.get(t._node)
                self.cotangents[t._node] = c if before is None else before + c
                roots.append(t._node)
                if mask is not None:
                    self.masks[t._node] = mask
        inner = reachable(roots, since=begin)
        known = {*inner, *node.parents}
        if not all(p in known for n in inner for p in n.parents if p.tracked):
            raise MutationError(
                f"{node.primitive} uses other Tensors when backward runs it again, so their "
                "gradients would be lost; call backward() before they are replaced"
            )
        if self.needed is not None:
            self.needed |= leading_to(inner, self.needed)
        self.go_through(inner)

    def _checked(self, c: Any, a: Any, node: Node, position: int) -> Any:
        """Return a rule's result as a cotangent of the argument ``a``."""
        try:
            if c.shape != a.shape or c.dtype is not a.dtype:
                c = match_argument(c, a, node, position)
        except AttributeError:
            c = match_argument(c, a, node, position)
        if self.anomaly:
            check_cotangent(node, position, c)
        return c

    def _masked(
        self,
        node: Node,
        g: Any,
        out: Any,
        args: tuple[Any, ...],
        vjps: Any,
        unused: list[bool] | None,
    ) -> list[tuple[Node, Any]]:
        """Return what :meth:`__call__` does, and propagate the masks of structural zeros."""
        rules, kwargs = node.primitive.rules, node.kwargs or {}  # type: ignore[union-attr]
        assert rules is not None
        above = self.masks.get(node)
        hides = above is not None and rules.elementwise and not rules.reads_no_values
        passes = not self.ieee and (
            begins_mask(node, unused) or (above is not None and passes_mask(node))
        )
        pairs: list[tuple[Node, Any]] = []
        reached: set[Node] = set()
        for i, (rule, parent, a) in enumerate(zip(vjps, node.parents, args)):  # noqa: B905
            if not parent.tracked or (self.needed is not None and parent not in self.needed):
                continue
            with np.errstate(all="ignore") if hides else nullcontext():
                c = rule if rules.vjp_all is not None else rule(g, out, *args, **kwargs)
            if above is not None and hides:
                c = zero_unreachable(node, above, c, self.anomaly)
            if self.ended:  # after the mask, which may have the batch
                c = sum_ended(c, a, self.ended)
            pairs.append((parent, self._checked(c, a, node, i)))
            if passes and passes_mask(parent):
                other = self.masks.get(parent)
                first = parent not in self.cotangents and parent not in reached
                if first or other is not None:  # else something unmasked reaches the parent
                    mask = propagate(node, i, rule, above, g, unused, self.ended)
                    self.masks[parent] = mask if other is None else other | mask
            else:
                self.masks.pop(parent, None)
            reached.add(parent)
        self.masks.pop(node, None)
        return pairs


def _batched_rule(error: Exception, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a rule that failed on batched arrays as one that runs for each example."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return on_batch(error, rule, args, kwargs, composed=True)

    call.__name__ = getattr(rule, "__name__", "rule")
    return call


def accumulate(before: Any, c: Any, parent: Node, owned: set[Node]) -> Any:
    """Return the sum of two cotangents of a node; of one with several outputs, output by output.

    ``owned`` holds the nodes whose sum nothing else has seen, so that it can grow in place.
    """
    if type(c) is dict:
        for index, g in c.items():
            before[index] = before[index] + g if index in before else g
        return before
    if c.__class__ is not np.ndarray or c.nbytes <= SMALL:
        return before + c
    if parent in owned:
        before += c
        return before
    owned.add(parent)
    return before + c


def release(node: Node) -> None:
    """Drop what a node saved for the sweep that has passed it."""
    node.args = node.kwargs = None
    if getattr(node.out, "nbytes", 0) > SMALL:
        node.out = ShapeDtype(node.out)


def _unused_cotangent(out: Any) -> Any:
    """Return one zero, seen as an array of the shape of an output that nothing used."""
    return np.broadcast_to(np.zeros_like(out, shape=()), out.shape)


def _recorded(node: Node) -> tuple[Any, tuple[Any, ...]]:
    """Return the node's values as Tensors of the graph, so that a rule records itself."""
    assert node.args is not None
    out = node.out
    if isinstance(out, (tuple, list)):
        out = [make_tensor(o, output_node(node, o, i)) for i, o in enumerate(out)]
    elif type(out) is not ShapeDtype:
        out = make_tensor(out, node)
    args = list(node.args)
    for i, parent in enumerate(node.parents):
        if parent.tracked and type(args[i]) is not ShapeDtype:
            args[i] = make_tensor(args[i], parent)
    return out, tuple(args)


def run_hooks(node: Node, g: Any, create_graph: bool, retained: Retained) -> Any:
    """Return a node's cotangent after its hooks, and keep it where ``retain_grad()`` asked."""
    diagnostics = node.diagnostics
    assert diagnostics is not None
    for hook in list(diagnostics.hooks.values()):
        shown = conjugate(g) if create_graph else make_tensor(_frozen(conjugate(g)), UNTRACKED)
        array = unwrap(shown)
        answer = hook(shown)
        if unwrap(shown) is not array:
            raise RuleError(
                "a hook changed its argument in place, which would change the gradients of other "
                "Tensors too; return the new gradient instead: lambda g: g * 10"
            )
        if answer is not None:
            answer = answer if create_graph else getattr(answer, "_array", answer)
            if np.shape(answer) != g.shape:
                raise RuleError(
                    f"a hook returned shape {np.shape(answer)} for a gradient of shape {g.shape}"
                )
            if not hasattr(answer, "dtype"):
                answer = asarray_like(np.asarray(answer, g.dtype), g)
            g = conjugate(answer)
    if diagnostics.retain is not None:
        retained.append((diagnostics.retain, g))
    return g


def _frozen(g: Any) -> Any:
    """Return a view that cannot be written, of an array that other cotangents may share."""
    if type(g) is np.ndarray:
        g = g.view()
        g.setflags(False)
    return g


def check_cotangent(node: Node, position: int, c: Any) -> None:
    """Raise at the first cotangent that is not finite, or at saved values that changed."""
    before = node.diagnostics.digests if node.diagnostics else ()
    for i, (now, then) in enumerate(zip(checksums(node) if before else (), before, strict=True)):
        if now != then:
            raise AnomalyError(
                f"array {i} of {origin(node)} was changed in place after it was saved for backward"
            )
    values = all_examples(getattr(c, "_array", c))
    if values.dtype.kind in "fc" and not np.isfinite(values).all():
        raise AnomalyError(
            f"backward of {origin(node)} gave the first non-finite gradient, for "
            f"argument {position} of shape {values.shape}"
        )
