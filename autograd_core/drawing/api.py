"""``ag.draw``: draw the graph of Tensors, of a function or of a module."""

import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from autograd_core.drawing.colour.costs import ByFunction, Cost, Values
from autograd_core.drawing.colour.gradients import GradientFlow
from autograd_core.drawing.colour.measures import Facts, Measure, Ranges, statistics
from autograd_core.drawing.colour.palette import THEMES
from autograd_core.drawing.picture import Picture
from autograd_core.drawing.scene import Scene
from autograd_core.drawing.scene_builder import SceneBuilder
from autograd_core.drawing.trace.folding import chosen_scopes
from autograd_core.drawing.trace.folding import fold as fold_groups
from autograd_core.drawing.trace.groups import LEVELS, group, merge_into_cards
from autograd_core.drawing.trace.trace import Trace, arguments
from autograd_core.engine import scopes
from autograd_core.engine.diagnostics import Tape
from autograd_core.engine.graph import RECORD
from autograd_core.engine.modes import in_mode
from autograd_core.engine.recording import TensorBase
from autograd_core.profiling.profiler import profile
from autograd_core.profiling.variables import (
    as_variables,
    drawable,
    is_module,
    of_frame,
    of_function,
)

COLOURS = ("kind", "grad", "time", "memory", "flops", "value")
DIRECTIONS = ("TB", "LR", "BT", "RL")
_WORDS: dict[str, tuple[str, ...]] = {
    "level": ("auto", *LEVELS), "color": COLOURS, "direction": DIRECTIONS, "theme": THEMES
}  # fmt: skip
_LEAST = {"depth": 0, "max_nodes": 1}
#: Number of operations up to which ``level="auto"`` draws each.
FEW = 40
#: Number of operations up to which they are run again for the times on an HTML page.
_REPLAYED = 2000
#: Number of operations that an HTML page has, most of them inside modules that are closed.
_ON_PAGE = 5000


def draw(
    what: Any,
    *inputs: Any,
    level: str = "auto",
    color: str | Callable[[Any], Any] = "kind",
    direction: str | None = None,
    theme: str = "auto",
    fold: bool | str | Collection[str] | Callable[[Any], bool] = True,
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
        Arguments of the function or module. To a function that refers to no Tensor and no module
        arrays of floating-point numbers are variables, with gradients; else they are data.
    level
        ``"modules"``: one card for each module with parameters. ``"compact"``: operations
        without parameters are rows of the card that feeds them. ``"ops"``: every operation,
        modules as clusters. ``"full"``: also shapes and bytes held for backward. ``"auto"``:
        ``"ops"`` for at most 40 operations, else ``"modules"``; of modules also ``"modules"``
        where gradients or costs are shown. ``"blocks"``: the volumes, slabs and bars of textbooks.
    color
        ``"kind"``; ``"grad"``, the size of the gradients; ``"time"``, ``"memory"`` or
        ``"flops"``, shares of the cost; ``"value"``, the size of results; or a function of a
        node (``graph.Node``) that returns a number, a colour ``"#RRGGBB"`` or None.
    direction
        ``"TB"`` (downwards), ``"LR"``, ``"BT"`` or ``"RL"``; by default ``"LR"`` for blocks and
        ``"TB"`` for all else.
    theme
        ``"light"``, ``"dark"``, or ``"auto"`` to follow the reader's screen.
    fold
        What is drawn as one stack. True: three or more equal steps; at the levels ``"modules"`` and
        ``"compact"`` also three or more modules of one class that are built alike out of modules,
        and nine or more equal layers, whatever their weights. False: nothing. Names: calls of these
        modules and no others, two or more, at every level; a name is a class (``"Encoder"``), a
        path, the path of a list of modules (``"encoder.layers"``) or a pattern (``"block*"``). A
        class or a function of a module that returns True or False chooses likewise.
    depth
        How deeply clusters of modules nest; at the levels of modules, deeper modules are part of
        one card.
    max_nodes
        Maximum number of operations or modules that are drawn, the newest ones; the header says
        how many are not.
    names
        Names of Tensors, arrays and modules: ``names={"x": x, "loss": loss}``.
    title
        Text above the picture; by default the name of the module or function.

    Returns
    -------
    Picture
        Shows itself in a notebook; ``.save("net.svg")`` writes it to a file.

    Raises
    ------
    TypeError
        If ``what`` holds nothing to draw, or an argument has the wrong type.
    ValueError
        If an argument has none of the values listed above.

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
    direction = direction or ("LR" if level == "blocks" else "TB")
    options = {"level": level, "color": color, "direction": direction, "theme": theme}
    numbers = {"depth": 0 if depth is None else depth, "max_nodes": max_nodes}
    _check({**options, **numbers}, names, title, fold)
    if isinstance(what, type) and is_module(what):
        raise TypeError(
            f"ag.draw draws a model, and {what.__name__} is a class of them: make one first, "
            f"ag.draw({what.__name__}(...), x)"
        )
    called = callable(what) and not isinstance(what, (TensorBase, list, tuple, dict))
    variables = of_frame(sys._getframe(1))
    if inputs and not called:
        raise TypeError(
            f"inputs are for a function or a module, but ag.draw was given a "
            f"{type(what).__name__} to draw; several Tensors are drawn as one list"
        )
    result, tape, times = what, None, None
    named: dict[str, Any] = {}
    ranges: dict[int, Facts] = {}
    if called:
        tape = Tape()
        result, named, times = _run(what, inputs, color, tape)
        ranges = {call.number: statistics(call.out) for call in tape.calls}
        variables |= of_function(what)
    trace = Trace(_tensors(result, called), names or {}, named, drawable(variables), tape)
    if not trace.ops and not any(s.tracked or s.role == "input" for s in trace.sources):
        raise TypeError(
            "nothing was recorded: no operation on a Tensor with requires_grad=True led here "
            "(or it ran under no_grad, or on detached values)"
        )
    chosen = chosen_scopes(trace, fold)
    heading = title if title is not None else _title(trace, what if called else None)
    if level == "auto":
        few = len(trace.ops) <= FEW and not (trace.scopes and color not in ("kind", "value"))
        level = "ops" if few else "modules"

    def scene(at: str, details: bool = False) -> Scene:
        measures = [_measure(color, times)]
        if details:
            timed = times is not None or len(trace.ops) <= _REPLAYED
            cost = Cost("time" if timed else "memory", times)
            measures += [Ranges(ranges), GradientFlow(), cost]
        most = max(max_nodes, _ON_PAGE) if details else max_nodes
        groups = group(trace, at, depth)
        if chosen or fold:
            # every operation, and every module of a page, is drawn unless it was chosen
            blocks = at in ("modules", "compact") and not details
            groups = fold_groups(trace, groups, blocks, chosen)
        if at == "compact":
            groups = merge_into_cards(trace, groups)
        return SceneBuilder(trace, groups, at, measures, most).scene(heading)

    return Picture(scene(level), direction, theme, level, scene)


def _measure(color: str | Callable[[Any], Any], times: dict[int, float] | None) -> Measure:
    """Return the measure that a colour asks for."""
    if callable(color):
        return ByFunction(color)
    if color in ("time", "memory", "flops"):
        return Cost(color, times)
    return {"kind": Measure, "grad": GradientFlow, "value": Values}[color]()


def _check(options: Mapping[str, Any], names: Any, title: Any, fold: Any) -> None:
    """Raise an error for an argument of a wrong type or value, naming the allowed ones."""
    for name, known in _WORDS.items():
        value = options[name]
        function = name == "color" and callable(value)
        if not function and not (isinstance(value, str) and value in known):
            also = ", or a function of a node" if name == "color" else ""
            raise ValueError(
                f"{name} is {', '.join(known[:-1])} or {known[-1]}{also}; got {value!r}"
            )
    for name, least in _LEAST.items():
        value = options[name]
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is a whole number from {least} upwards, got {value!r}")
    if names is not None and not (
        isinstance(names, Mapping)
        and all(isinstance(name, str) for name in names)
        and all(hasattr(v, "shape") or is_module(v) for v in names.values())
    ):
        raise TypeError(
            f'names maps names to Tensors, arrays or modules, names={{"x": x}}; got {names!r}'
        )
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title is a text, got {type(title).__name__}")
    several = isinstance(fold, Collection) and not isinstance(fold, str) and len(fold) > 0
    wanted = fold if several else [fold]
    if not (isinstance(fold, (bool, np.bool_)) or callable(fold)) and not all(
        isinstance(name, str) and name for name in wanted
    ):
        raise TypeError(
            "fold is True, False, names of modules (their class or path) or a function of a "
            f'module, got {fold!r}; fold="Encoder" folds equal calls of that class'
        )


def _tensors(what: Any, returned: bool = False) -> dict[str, Any]:
    """Return the Tensors in a result, in order; nested containers are read without recursion.

    Their keys are those of dicts and the fields of named tuples; others have numbers.
    """
    found: dict[str, Any] = {}
    waiting = [("", what)]
    while waiting:
        name, value = waiting.pop()
        fields = getattr(value, "_fields", ())
        if isinstance(value, TensorBase):
            numbers = map(str, range(len(found), 2 * len(found) + 1))
            found[next(n for n in (name, *numbers) if n and n not in found)] = value
        elif isinstance(value, dict) or fields:
            pairs = value.items() if isinstance(value, dict) else zip(fields, value, strict=True)
            waiting += reversed([(f"{name}.{k}" if name else str(k), v) for k, v in pairs])
        elif isinstance(value, (list, tuple)):
            waiting += reversed([(f"{name}[{i}]" if name else "", v) for i, v in enumerate(value)])
        else:
            among = " among them" if isinstance(what, (list, tuple, dict)) else ""
            if returned:
                raise TypeError(
                    f"ag.draw draws what the function returns, Tensors; it returned a "
                    f"{type(value).__name__}{among}"
                )
            raise TypeError(
                f"ag.draw takes a Tensor, several, or a function or module with its inputs; got a "
                f"{type(value).__name__}{among}. Compute with Tensors, w = ag.tensor(a, "
                "requires_grad=True), and draw the result"
            )
    if not found:
        raise ValueError("ag.draw needs a Tensor to draw, got an empty sequence")
    return found


def _run(
    what: Any, inputs: tuple[Any, ...], color: Any, tape: Tape
) -> tuple[Any, dict[str, Any], dict[int, float] | None]:
    """Run a function or module, and note its calls on a tape.

    Returns the result, the inputs by name, and the seconds of the calls if they are wanted.
    """
    inputs = scopes.as_tensors(as_variables(what, inputs))
    try:
        timed = color == "time"
        run = in_mode(RECORD, 0, profile, what, *inputs, backward=timed, into=tape)
    except TypeError as error:
        if not inputs and "argument" in str(error):
            raise TypeError(
                f"ag.draw runs {getattr(what, '__name__', type(what).__name__)} on the inputs "
                f"given after it, ag.draw(model, x): {error}"
            ) from error
        raise
    times = {call.number: call.seconds for call in tape.calls}
    times |= {number: row.seconds for number, row in run.by_number().items()}
    result = scopes.as_tensors(run.result)
    return result, arguments(what, inputs), times if timed else None


def _title(trace: Trace, function: Any) -> str:
    """Return the name of the only outermost module, or of the function that was run."""
    outer = {id(s.module): s for s in trace.scopes if s.parent < 0}
    if len(outer) == 1:
        (scope,) = outer.values()
        return scope.title
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() else "computation graph"
