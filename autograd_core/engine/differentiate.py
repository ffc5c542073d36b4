"""Gradients of recorded Tensors: ``backward()`` stores them, ``gradients()`` returns them."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.engine.admission import admit
from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.backward import Retained, sweep
from autograd_core.engine.cotangents import conjugate
from autograd_core.engine.graph import (
    BATCH,
    RECORD,
    UNTRACKED,
    Leaf,
    Node,
    leading_to,
    mode,
    reachable,
)
from autograd_core.engine.modes import in_mode
from autograd_core.engine.operands import all_examples
from autograd_core.engine.recording import TensorBase, make_tensor, unwrap
from autograd_core.engine.runs import reaches_open_run
from autograd_core.errors import GraphError, VmapError


def _seed(output: Any, gradient: Any, create_graph: bool) -> Any:
    """Return the cotangent that starts at ``output``."""
    if not output._node.tracked:
        raise GraphError(
            f"nothing was recorded for this Tensor of shape {output.shape}: no operation on a "
            "Tensor with requires_grad=True made it (or it was made under no_grad, or detached)"
        )
    if gradient is None:
        if output.size != 1:
            raise GraphError(
                f"the gradient of an output of shape {output.shape} needs a cotangent of that "
                "shape: backward(gradient=...), or reduce the output to a scalar first"
            )
        if output.dtype.kind == "c":
            raise GraphError(
                "a complex output has no single gradient: give its cotangent, "
                "backward(gradient=...), or take a real function of it (z.real, np.abs(z))"
            )
        if isinstance(output._array, np.generic):
            return output._array.dtype.type(1)
        return np.ones_like(output._array)
    if not hasattr(gradient, "dtype"):
        gradient = asarray_like(np.asarray(gradient), output)
    elif not isinstance(gradient, TensorBase):
        gradient = admit(gradient)
    if gradient.dtype.kind == "c" and output.dtype.kind != "c":
        raise GraphError(f"the cotangent of a {output.dtype} output is real, got {gradient.dtype}")
    if gradient.shape != output.shape:
        raise GraphError(
            f"a cotangent has the shape of its output, {output.shape}, got {gradient.shape}"
        )
    if gradient.dtype != output.dtype:
        gradient = gradient.astype(output.dtype)
    return conjugate(gradient if create_graph else unwrap(gradient))


def pull_back(
    outputs: Sequence[Any],
    seeds: Sequence[Any],
    targets: set[Node] | None,
    create_graph: bool,
    free: bool,
) -> tuple[dict[Node, Any], list[Any]]:
    """Run the sweep from ``outputs``; cotangents of the targets (None: of all leaves)."""
    cotangents: dict[Node, Any] = {}
    for output, gradient in zip(outputs, seeds, strict=True):
        seed, node = _seed(output, gradient, create_graph), output._node
        if create_graph and not isinstance(seed, TensorBase):
            seed = make_tensor(seed, UNTRACKED)
        cotangents[node] = cotangents[node] + seed if node in cotangents else seed
    order = reachable(cotangents)
    needed = None if targets is None else leading_to(order, targets)
    retained = in_mode(
        RECORD if create_graph else 0,
        0,
        sweep,
        order,
        cotangents,
        needed=needed,
        keep=targets or frozenset(),
        create_graph=create_graph,
        free=free,
    )
    return cotangents, retained


def private(g: Any, taken: set[int]) -> Any:
    """Return a cotangent as a gradient: a Tensor whose memory has no other holder.

    ``taken`` holds the identities of the arrays that somebody else holds.
    """
    if isinstance(g, TensorBase):
        if g._node.tracked:  # never written in place; only the handle could be
            g = conjugate(g)
            return make_tensor(g._array, g._node)
        g = g._array
    if isinstance(g, np.generic):
        return make_tensor(conjugate(g), UNTRACKED)
    memory = all_examples(g)
    free = id(memory) not in taken and getattr(memory, "base", None) is None
    if free and g.dtype.kind != "c" and (memory.__class__ is not np.ndarray or g.flags.writeable):
        taken.add(id(memory))
        return make_tensor(g, UNTRACKED)
    return make_tensor(conjugate(g).copy(), UNTRACKED)


#: Held while gradients are added to leaves: threads may share a model.
_committing: Any = threading.RLock()


def _stop_committing() -> None:
    while _committing._is_owned():
        _committing.release()


#: Set ``.grad`` of many Tensors in one call of C, which no interrupt can divide.
_set_grad = vars(TensorBase)["_grad"].__set__


def run_backward(output: Any, gradient: Any, create_graph: bool, free: bool) -> None:
    """Compute all gradients of an output, then add them to the leaves' ``.grad`` together."""
    if mode.get() & BATCH:
        raise VmapError(
            "backward() under ag.vmap would add the gradients of all examples to one .grad; take "
            "ag.vmap(ag.grad(loss)) for the gradients of each, or call backward() on a sum of what "
            "vmap returned"
        )
    if reaches_open_run([output._node]):
        create_graph, free = True, False
    cotangents, retained = pull_back([output], [gradient], None, create_graph, free)
    found = [
        (node.owner, g)
        for node, g in cotangents.items()
        if isinstance(node, Leaf) and node.owner is not None
    ]
    taken = {id(gradient), id(all_examples(unwrap(gradient)))}
    try:
        try:
            _committing.acquire()
            _add([*found, *retained], taken, create_graph)
        finally:
            _stop_committing()
    finally:  # once more, for an interrupt in the first
        _stop_committing()


def _add(found: Retained, taken: set[int], create_graph: bool) -> None:
    """Add gradients to the Tensors that weak references lead to: all of them, or none."""
    tensors, totals = [], []
    for reference, g in found:
        tensor = reference()
        if tensor is None:
            continue
        tensors.append(tensor)
        before = tensor._grad
        if before is None:
            totals.append(private(g, taken))
        elif create_graph or before._node.tracked:
            totals.append(before + conjugate(g))
        else:
            totals.append(make_tensor(before._array + conjugate(g), UNTRACKED))
    deque(map(_set_grad, tensors, totals), maxlen=0)


def gradients(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> Any:
    """Return gradients of recorded outputs with respect to inputs, without touching any ``.grad``.

    Parameters
    ----------
    outputs
        A Tensor or a sequence of Tensors.
    inputs
        A Tensor or a sequence of Tensors, leaves or intermediate ones.
    grad_outputs
        One cotangent per output, of its shape; None is 1 for a scalar output.
    create_graph
        Record the computation, so that the gradients can be differentiated again; inside a function
        that ``grad`` or another transform is differentiating, it is recorded where that needs it.
    allow_unused
        Give None for an input on which no output depends, instead of raising.

    Returns
    -------
    Tensor, or tuple of Tensor if ``inputs`` is a sequence
        The sum over outputs of (cotangent times Jacobian), each of its input's shape and dtype.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x = ag.tensor(2.0, requires_grad=True)
    >>> y = x ** 3
    >>> dy = ag.gradients(y, x, create_graph=True)
    >>> ag.gradients(dy, x)
    Tensor(12., float64)
    """
    outs = [outputs] if isinstance(outputs, TensorBase) else list(outputs)
    single = isinstance(inputs, TensorBase)
    wanted = [inputs] if single else list(inputs)
    if isinstance(outputs, TensorBase) and isinstance(grad_outputs, (list, tuple)):
        shapes = [np.shape(unwrap(g)) for g in grad_outputs]
        if shapes == [np.shape(unwrap(outputs))]:  # a sequence of one, for one output
            grad_outputs = grad_outputs[0]
    if grad_outputs is None:
        seeds = [None] * len(outs)
    else:
        seeds = [grad_outputs] if isinstance(outputs, TensorBase) else list(grad_outputs)
    if len(seeds) != len(outs):
        raise GraphError(f"{len(outs)} outputs need {len(outs)} grad_outputs, got {len(seeds)}")
    for t in (*outs, *wanted):
        if not isinstance(t, TensorBase):
            raise TypeError(f"gradients() takes Tensors, got {type(t).__name__}")
    for i, t in enumerate(wanted):
        if not t._node.tracked:
            raise GraphError(
                f"input {i} (shape {t.shape}) does not require gradients; make it with "
                "ag.tensor(..., requires_grad=True)"
            )
    targets = {t._node for t in wanted}
    create_graph = create_graph or reaches_open_run(t._node for t in outs)
    cotangents, _ = pull_back(outs, seeds, targets, create_graph, free=False)
    taken = {id(all_examples(unwrap(s))) for s in seeds}
    results: list[Any] = []
    for i, t in enumerate(wanted):
        g = cotangents.get(t._node)
        if g is None:
            if not allow_unused:
                raise GraphError(
                    f"no output depends on input {i} (shape {t.shape}); "
                    "pass allow_unused=True to get None for it"
                )
            results.append(None)
        else:
            results.append(private(g, taken))
    return results[0] if single else tuple(results)
