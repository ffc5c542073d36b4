"""Recording: what happens when a primitive is called on Tensors.

:func:`apply` is the one way into the graph.  It brings the call into its one form
(:meth:`Primitive.bind`), runs the function on plain arrays, and links the result: :func:`link`
makes the node and the Tensor.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.admission import admit
from autograd_core.engine.diagnostics import note_call, observe, run
from autograd_core.engine.graph import (
    DRAW,
    RECORD,
    TRACE,
    UNTRACKED,
    Given,
    Node,
    make_node,
    mode,
    output_node,
)
from autograd_core.engine.levels import on_batch
from autograd_core.engine.mutation import COPIED, private_copy, watch
from autograd_core.engine.primitive import SMALL, Operand, Primitive, table
from autograd_core.engine.rule_record import Rules
from autograd_core.engine.views import note_views
from autograd_core.errors import NotDifferentiableError

_new = object.__new__
_ndarray = np.ndarray

#: Types of operands that nothing can change and that need no admission.
_NUMBERS = frozenset({float, int, complex, type(None), *np.sctypeDict.values()})


class TensorBase(Operand):
    """An array, the node that made it, and its gradient; the engine knows no more of a Tensor.

    The subclass defined with ``results=True`` is the class of every result.
    """

    __slots__ = ("__weakref__", "_array", "_grad", "_node", "_sharing")

    _array: Any
    _grad: Any
    _node: Node
    _sharing: Any  # the Tensors whose memory is also this one's (see views.py)

    def __init_subclass__(cls, *, results: bool = False) -> None:
        global _Result
        super().__init_subclass__()
        if results:
            _Result = cls

    def apply_primitive(
        self, primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return apply(primitive, args, kwargs)


_Result: Any = TensorBase


def make_tensor(data: Any, node: Node) -> Any:
    """Make a Tensor of an array and a node."""
    t = _new(_Result)
    t._array = data
    t._node = node
    t._grad = t._sharing = None
    return t


def unwrap(value: Any) -> Any:
    """Return the array inside a Tensor, also inside lists, tuples and dicts of Tensors."""
    if isinstance(value, TensorBase):
        return value._array
    if type(value) in (list, tuple):
        return type(value)(unwrap(v) for v in value)
    if type(value) is dict:
        return {k: unwrap(v) for k, v in value.items()}
    return value


def wrap(out: Any) -> Any:
    """Make unrecorded Tensors of the arrays and NumPy numbers in a result."""
    if type(out) is np.ndarray or isinstance(out, np.generic):
        return make_tensor(out, UNTRACKED)
    if type(out) is list:
        return [wrap(o) for o in out]
    if isinstance(out, tuple):
        parts = [wrap(o) for o in out]
        return type(out)(*parts) if hasattr(out, "_fields") else tuple(parts)
    if hasattr(out, "__array_ufunc__") and not isinstance(out, TensorBase):
        return make_tensor(admit(out), UNTRACKED)
    return out


def is_array(a: Any) -> bool:
    """Return whether a value is an array and no Tensor: of NumPy, of another library, a batch."""
    return hasattr(type(a), "__array_function__") and not isinstance(a, TensorBase)


def any_tracked(values: Any) -> bool:
    """Return whether a Tensor that needs gradients is among ``values``, or in a list there."""
    for v in values:
        if isinstance(v, TensorBase):
            if v._node.tracked:
                return True
        elif isinstance(v, (list, tuple)) and any_tracked(v):
            return True
    return False


def is_recording(*values: Any) -> bool:
    """Return whether calls are recorded now and one of ``values`` needs gradients."""
    return bool(mode.get() & RECORD) and any_tracked(values)


def holds_tensor(value: Any) -> bool:
    """Return whether a Tensor is among nested lists and tuples, recorded or not."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_tensor, value))
    return isinstance(value, TensorBase)


def holds_operand(value: Any) -> bool:
    """Return whether a Tensor, a batched or a traced array is among nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_operand, value))
    return isinstance(value, Operand)


def stack_nested(value: Any) -> Any:
    """Stack nested lists of Tensors, arrays and numbers to one Tensor."""
    if not isinstance(value, (list, tuple)):
        return value if isinstance(value, Operand) else np.asarray(value)
    if value and not holds_operand(value):
        return np.asarray(value)
    members = [stack_nested(v) for v in value]
    for m in members:  # beside an array of another library, numbers become arrays of its type
        if isinstance(m, TensorBase) and not isinstance(m._array, (np.ndarray, np.generic)):
            like = m._array
            members = [
                v if isinstance(v, TensorBase) else np.asarray(v, like=like) for v in members
            ]
            break
    shapes = {m.shape for m in members}
    if len(shapes) > 1:
        raise ValueError(
            f"an array of Tensors needs members of one shape, got {sorted(shapes)}; "
            "np.concatenate joins along an axis that exists"
        )
    return np.stack(members)


def apply(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a primitive on Tensors and arrays, and record it if a gradient may be wanted.

    Plain arrays that are saved for backward are the user's, who may refill them: small ones are
    copied, large ones watched (see :mod:`autograd_core.engine.mutation`).
    """
    rules, bits = primitive.rules, mode.get()
    bound, options = args, kwargs
    given: list[Any] | None = None
    large: list[Any] | None = None
    if kwargs or rules is None or len(args) > rules.plain_args:
        if not (bits & RECORD and any_tracked((*args, *kwargs.values()))):
            return run_unrecorded(primitive, args, kwargs)
        if rules is None:
            raise NotDifferentiableError(no_rule(primitive.name))
        bound, options = primitive.bind(args, kwargs)
        given, large = check_options(primitive, rules, bound, options)
    arrays: list[Any] = []
    parents: list[Any] = []
    tracked = False
    foreign: list[int] = []
    for a in bound:
        if not isinstance(a, TensorBase):
            kind = a.__class__
            if kind is _ndarray:
                if a.nbytes > COPIED:
                    large = large or []
                    if rules.reads(len(arrays)):
                        large.append(a)
                elif not rules.reads_no_values and not bits & TRACE:  # a program reads it anew
                    arrays.append(a.copy("K"))
                    parents.append(Given(a, False))
                    continue
            elif kind not in _NUMBERS:
                if isinstance(a, (list, tuple)):
                    if any_tracked(a):
                        a = stack_nested(a)
                    else:
                        a = np.asarray(a) if rules.takes_array(len(arrays)) else unwrap(a)
                else:
                    foreign.append(len(arrays))
            if not isinstance(a, TensorBase):
                arrays.append(a)
                parents.append(UNTRACKED)
                continue
        node = a._node
        arrays.append(a._array)
        parents.append(node)
        if node.tracked:
            tracked = True
    if not tracked or not bits & RECORD:
        return run_unrecorded(primitive, args, kwargs)
    if given:
        parents += given
    if foreign:
        large = large or []
        for i in foreign:
            arrays[i] = admit(arrays[i])
            if rules.reads(i) and not bits & TRACE:  # its memory is the user's
                copied: list[Any] = []
                arrays[i] = private_copy(arrays[i], copied, large)
                if copied:
                    parents[i] = Given(copied[0].out, False)
    saved = tuple(arrays)
    if options is kwargs and bits == RECORD:
        try:
            out = primitive.fun(*saved)
        except Exception as error:
            out = on_batch(error, primitive.fun, saved, kwargs)
        result = link(primitive, out, saved, None, tuple(parents))
    else:
        # the function gets options by position as they came: array types differ in their names
        taken = (list(saved),) if rules is not None and rules.takes_list else saved
        by_position = primitive.parameters[primitive.first_option : len(args)] if options else ()
        by_keyword = {k: options[k] for k in kwargs if k in options} if by_position else options
        out = run(primitive, (*taken, *map(options.get, by_position)), by_keyword)
        result = link(primitive, out, saved, options or None, tuple(parents))
        if bits & DRAW:
            note_call(args, kwargs, result)
    if large:
        watch(result, large)
    if primitive.makes_views:
        note_views(result, primitive, args, kwargs)
    return result


def run_unrecorded(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a primitive on the arrays inside Tensors, without a node."""
    result = wrap(run(primitive, tuple(map(admit, unwrap(args))), unwrap(kwargs)))
    if mode.get() & DRAW:
        note_call(args, kwargs, result)
    if primitive.makes_views:
        note_views(result, primitive, args, kwargs)
    return result


def run_plain(
    fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str = ""
) -> Any:
    """Run any function on the arrays inside Tensors; its results are unrecorded Tensors."""
    if not mode.get() & DRAW:
        return wrap(fun(*unwrap(args), **unwrap(kwargs)))
    entry = table.get(fun) or Primitive(fun, name)
    result = wrap(run(entry, unwrap(args), unwrap(kwargs)))
    note_call(args, kwargs, result)
    return result


def link(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
) -> Any:
    """Add one call to the graph: make its node, and the Tensor of its result.

    Results are read-only, as rules will read them.  Those of several outputs share one node.
    """
    if out.__class__ is np.ndarray:
        for a in args:
            if a is out:  # the argument must stay as writeable as it is
                out = out.view()
        out.setflags(False)
    elif isinstance(out, (tuple, list)):
        return _link_several(primitive, out, args, kwargs, parents)
    elif not hasattr(out, "dtype"):
        out = _read_only(out, ())
    kept, rules = out, primitive.rules
    assert rules is not None
    if out.dtype.kind not in "fc":  # rounded to whole numbers: piecewise constant
        if out.dtype.kind == "O":
            raise NotDifferentiableError(object_array(primitive.name))
        return make_tensor(out, UNTRACKED)
    if rules.drops_values and (out.nbytes > SMALL or not rules.elementwise):
        kept, args = primitive.drop_unread(out, args)
    node = make_node(primitive, kept, args, kwargs, parents)
    bits = mode.get()
    if bits != RECORD:
        observe(node, bits, out)
    t = _new(_Result)  # as make_tensor, without a call
    t._array = out
    t._node = node
    t._grad = t._sharing = None
    return t


def _link_several(
    primitive: Primitive,
    out: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    parents: tuple[Node, ...],
) -> Any:
    parts = [_read_only(o, args) for o in out]
    _, args = primitive.drop_unread(None, args)
    node = make_node(primitive, tuple(parts), args, kwargs, parents)
    bits = mode.get()
    if bits != RECORD:
        observe(node, bits, *parts)
    tensors = [make_tensor(o, output_node(node, o, i)) for i, o in enumerate(parts)]
    return type(out)(*tensors) if hasattr(out, "_fields") else type(out)(tensors)


def _read_only(out: Any, args: tuple[Any, ...]) -> Any:
    """Return one of several results as a read-only array that is not one of the arguments."""
    out = out if hasattr(out, "dtype") else np.asarray(out)
    if out.__class__ is np.ndarray:
        out = out.view() if any(a is out for a in args) else out
        out.setflags(False)
    return out


#: Types of options that hold no Tensor.
_PLAIN = frozenset({int, float, bool, str, slice, type(None)})


def check_options(
    primitive: Primitive, rules: Rules, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[list[Any], list[Any]]:
    """Raise if an argument that has no rule needs gradients; unwrap the options and copy them.

    Returns the parents that stand for the arrays that were copied, and those too large for it.
    """
    without = ""
    given: list[Any] = []
    large: list[Any] = []
    for name, value in options.items():
        if type(value) in _PLAIN or (type(value) is tuple and _PLAIN.issuperset(map(type, value))):
            continue
        if any_tracked((value,)):
            without = f"{name}="
        options[name] = private_copy(admit(unwrap(value)), given, large)
    if rules.has_gaps or (len(args) > rules.n_rules and not rules.takes_list):
        vjps: Any = rules.vjps
        for i, a in enumerate(args):
            if (i >= rules.n_rules or vjps[i] is None) and any_tracked((a,)):
                without = str(i)
    if without:
        raise NotDifferentiableError(
            f"{primitive.name} has no gradient with respect to its argument {without}, which "
            "is a recorded Tensor; detach() it if none is wanted"
        )
    return given, large


def no_rule(name: str) -> str:
    """Return the message for a function that has no derivative rule."""
    return (
        f"{name} has no derivative rule. Give it one with ag.defvjp({name}, rule, ...), or wrap "
        "your own function with @ag.primitive and f.defvjp(rule, ...); if no gradient is wanted, "
        "call it on t.detach()"
    )


def object_array(name: str) -> str:
    """Return the message for an operand that is an array of Python objects."""
    return (
        f"{name} of a recorded Tensor and an array of Python objects cannot be recorded; join "
        "Tensors and numbers with ag.array([...]) or np.stack([...]), and give arrays of numbers "
        "their dtype (a.astype(float))"
    )


def name_of(fun: Any) -> str:
    """Return a function's name with its module, as a user writes it: ``np.linalg.svd``."""
    module = (getattr(fun, "__module__", "") or "").replace("numpy", "np", 1)
    if isinstance(fun, np.ufunc) and not module:
        module = "np"
    return f"{module}.{fun.__name__}" if module else str(fun.__name__)
