"""``ag.draw``: from Tensors, a function or a module to a picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_core.drawing.colour.measure_of import COLOURS, measure_for
from autograd_core.drawing.colour.measures import Measure
from autograd_core.drawing.colour.themes import THEMES
from autograd_core.drawing.picture import Picture
from autograd_core.drawing.scene import Scene
from autograd_core.drawing.trace.groups import LEVELS
from autograd_core.drawing.trace.scene_builder import build
from autograd_core.drawing.trace.trace import Trace
from autograd_core.engine.graph import RECORD, mode
from autograd_core.engine.recording import Handle
from autograd_core.tensors.tensor import Tensor

DIRECTIONS = ("TB", "LR", "BT", "RL")
#: Up to so many operations ``level="auto"`` draws each.
FEW = 40


def draw(
    what: Any,
    *inputs: Any,
    level: str = "auto",
    color: str | Callable[[Any], Any] = "kind",
    direction: str = "TB",
    theme: str = "auto",
    fold: bool = True,
    depth: int | None = None,
    max_nodes: int = 300,
    names: Mapping[str, Any] | None = None,
    title: str | None = None,
) -> Picture:
    """Draw a recorded graph.

    Parameters
    ----------
    what
        A recorded Tensor, several (a list, tuple or dict), or a function or module, which is run
        on ``inputs`` and recorded.
    *inputs
        Of the function or module.  Arrays of floating-point numbers that a plain function is
        given are recorded as its inputs.
    level
        ``"modules"``: one card for each module with parameters.  ``"compact"``: operations
        without parameters are rows of the card that feeds them.  ``"ops"``: every operation,
        modules as clusters.  ``"full"``: also shapes and bytes held for backward.  ``"auto"``:
        every operation of at most 40, else modules, and those where gradients or costs are shown.
    color
        ``"kind"``; ``"grad"``, the size of the gradients; ``"time"``, ``"memory"`` or
        ``"flops"``, shares of the cost; ``"value"``, the size of results; or a function of a
        node (``graph.Node``), whose answer is a number, a colour ``"#RRGGBB"``, or None.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``.
    theme
        ``"light"``, ``"dark"``, or ``"auto"``: as the reader's screen is.
    fold
        Draw three or more equal steps as one stack.
    depth
        How many modules nest in one another as clusters; at the levels of modules, deeper ones
        are one card.
    max_nodes
        At most so many operations or modules are drawn, the newest; the header says what is not.
    names
        What to call things: ``names={"x": x, "loss": loss}``: Tensors, arrays, modules.
    title
        Above the picture; by default the name of the module or function.

    Returns
    -------
    Picture
        Shows itself in a notebook; ``.save("net.svg")`` writes it.

    Raises
    ------
    TypeError
        If there is nothing to draw in ``what``.
    ValueError
        For an argument that is none of those above.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> w = ag.tensor([[1.0, 2.0]], requires_grad=True, name="w")
    >>> picture = ag.draw(np.sum(np.tanh(w)), title="a neuron")
    >>> [box.id for box in picture.graph.boxes]
    ['w', 'tanh', 'sum', 'output']
    >>> def f(x):
    ...     return np.sum(x ** 2)
    >>> [box.title for box in ag.draw(f, np.ones(3)).graph.boxes]
    ['x', 'square', 'sum', 'output']
    """
    _check(level, color, direction, theme, depth, max_nodes, names, title, fold)
    given = dict(names or {})
    called = callable(what) and not isinstance(what, (Handle, list, tuple, dict))
    if inputs and not called:
        raise TypeError(
            f"inputs are for a function or a module, but ag.draw was given a "
            f"{type(what).__name__} to draw; several Tensors are drawn as one list"
        )
    run_names: dict[str, Any] = {}
    ranges: dict[int, list[tuple[str, str]]] = {}
    result, profile = what, None  # what: a module must live until its name is read
    if called:
        result, run_names, profile, ranges = _run(what, inputs, color)
    roots = _tensors(result)
    trace = Trace(roots, given, run_names)
    if not trace.ops and not any(t._node.tracked for t in roots):
        raise TypeError(
            "nothing was recorded: no operation on a Tensor with requires_grad=True led here "
            "(or it ran under no_grad, or on detached values)"
        )
    heading = title if title is not None else _title(trace, what if called else None)
    chosen = level
    if level == "auto":
        few = len(trace.ops) <= FEW and not (trace.scopes and color not in ("kind", "value"))
        chosen = "ops" if few else "modules"

    def scene(at: str, details: bool = False) -> Scene:
        measure = measure_for(color, profile)
        if details:
            from autograd_core.drawing.colour.tooltips import Detailed

            measure = Detailed(measure, profile, ranges)
        return build(
            trace, at, measure, title=heading, folded=fold, depth=depth, max_nodes=max_nodes
        )

    return Picture(scene(chosen), direction, theme, chosen, scene)


def _check(
    level: Any, color: Any, direction: Any, theme: Any, depth: Any, max_nodes: Any, names: Any,
    title: Any, fold: Any,
) -> None:  # fmt: skip
    """Refuse what cannot be meant, saying what can."""
    for name, value, known in (
        ("level", level, ("auto", *LEVELS)),
        ("direction", direction, DIRECTIONS),
        ("theme", theme, THEMES),
        ("color", color if not callable(color) else COLOURS[0], COLOURS),
    ):
        if not isinstance(value, str) or value not in known:
            also = ", or a function of a node" if name == "color" else ""
            raise ValueError(
                f"{name} is {', '.join(known[:-1])} or {known[-1]}{also}; got {value!r}"
            )
    for name, value, least in (("depth", depth, 0), ("max_nodes", max_nodes, 1)):
        if name == "depth" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is a whole number from {least}, got {value!r}")
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(
            f'names maps names to Tensors, arrays or modules, names={{"x": x}}; got a '
            f"{type(names).__name__}"
        )
    for name in names or ():
        if not isinstance(name, str):
            raise TypeError(f'names maps names to things, names={{"x": x}}; {name!r} is no name')
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title is a text, got a {type(title).__name__}")
    if not isinstance(fold, (bool, np.bool_)):
        raise TypeError(f"fold is True or False, got {fold!r}")


def _tensors(what: Any) -> list[Any]:
    """The Tensors in a result, in order; nested containers are emptied without recursion."""
    found: list[Any] = []
    waiting = [what]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Handle):
            found.append(value)
        elif isinstance(value, dict):
            waiting += reversed(list(value.values()))
        elif isinstance(value, (list, tuple)):
            waiting += reversed(value)
        elif found or waiting or isinstance(what, (list, tuple, dict)):
            raise TypeError(
                f"ag.draw takes Tensors, but there is a {type(value).__name__} among them"
            )
        else:
            raise TypeError(
                f"ag.draw takes a Tensor, several, or a function or module with its inputs; got a "
                f"{type(value).__name__}. Compute with Tensors, w = ag.tensor(a, "
                "requires_grad=True), and draw the result"
            )
    if not found:
        raise ValueError("ag.draw needs a Tensor to draw, got an empty sequence")
    return found


def _run(
    what: Any, inputs: tuple[Any, ...], color: Any
) -> tuple[Any, dict[str, Any], Any, dict[int, list[tuple[str, str]]]]:
    """Run a function or module, recording: result, inputs by name, profile, values by node."""
    names = _parameters(what, len(inputs))
    if not hasattr(what, "named_parameters"):
        inputs = tuple(
            Tensor(x, requires_grad=True)
            if isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind in "fc"
            else x
            for x in inputs
        )
    named = dict(zip(names, inputs, strict=False))
    token = mode.set(mode.get() | RECORD)
    try:
        from autograd_core.profiling.profiler import profile

        ranges: dict[int, list[tuple[str, str]]] = {}

        def look(node: Any, out: Any) -> None:
            ranges[node.seq] = Measure().statistics(out)

        measured = profile(what, *inputs, backward=color == "time", look=look)
        return measured.result, named, measured if color == "time" else None, ranges
    except TypeError as error:
        if not inputs and "argument" in str(error):
            raise TypeError(
                f"ag.draw runs {getattr(what, '__name__', type(what).__name__)} on the inputs "
                f"given after it, ag.draw(model, x): {error}"
            ) from error
        raise
    finally:
        mode.reset(token)


def _parameters(what: Any, count: int) -> list[str]:
    """The names of the first ``count`` positional parameters."""
    fun = getattr(what, "forward", what) if hasattr(what, "named_parameters") else what
    try:
        of = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        of = []
    names = [p.name for p in of if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*names, *(f"input{i}" for i in range(len(names), count))][:count]


def _title(trace: Trace, function: Any) -> str:
    """The name of the one module that made it, or of the function that was run."""
    outer = {id(s.module): s for s in trace.scopes if s.parent < 0}
    if len(outer) == 1:
        (scope,) = outer.values()
        return scope.title
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() else "computation graph"
