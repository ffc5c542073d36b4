"""NumPy's two dispatch protocols, and what of them is refused.

NEP 13 (``__array_ufunc__``) and NEP 18 (``__array_function__``) bring every NumPy call on a
Tensor here.  It is looked up, in this order, among the primitives, the compositions and the
functions with plain results; what is found nowhere raises, if a gradient could be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.graph import RECORD, mode
from autograd_core.engine.primitive import Primitive, compositions, finders, plain, table
from autograd_core.engine.recording import (
    Handle,
    any_tracked,
    apply,
    name_of,
    no_rule,
    raw,
    wrapped,
)
from autograd_core.errors import InPlaceError, NotDifferentiableError
from autograd_core.tensors.ufunc_methods import call_method


def recording(*values: Any) -> bool:
    """Whether something is recorded now and one of ``values`` needs gradients."""
    return bool(mode.get() & RECORD) and any_tracked(values)


def call_function(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """NEP 18: a NumPy function met a Tensor."""
    out = kwargs.get("out")
    if out is not None:
        outs = out if isinstance(out, tuple) else (out,)
        return with_out(fun, name_of(fun), args, kwargs, outs)
    entry = table.get(fun)
    if entry is not None and entry.differentiable:
        return apply(entry, args, kwargs)
    composed = compositions.get(fun)
    if composed is not None and recording(args, *kwargs.values()):
        return composed(*args, **kwargs)
    if fun not in plain and recording(args, *kwargs.values()):
        raise NotDifferentiableError(no_rule(name_of(fun)))
    return wrapped(fun(*raw(args), **raw(kwargs)))


def with_out(
    fun: Callable[..., Any],
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    outs: tuple[Any, ...],
) -> Any:
    """A call with ``out=``: refused where something is recorded, plain NumPy elsewhere."""
    if recording(args, outs, *kwargs.values()):
        raise InPlaceError(
            f"{name} with out= would overwrite values that the graph needs; write the "
            f"functional form, y = {name}(...)"
        )
    result = fun(*raw(args), **raw(kwargs))
    for t in outs:
        if isinstance(t, Handle):
            t._wrote()  # type: ignore[attr-defined]
    return outs[0] if len(outs) == 1 else wrapped(result)


def call_ufunc(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """NEP 13 beyond the plain call: ``out=``, ``dtype=``, reduce, accumulate, outer, at."""
    name = name_of(ufunc) + ("" if method == "__call__" else f".{method}")
    call = ufunc if method == "__call__" else getattr(ufunc, method)
    outs = tuple(o for o in kwargs.get("out", ()) if o is not None)
    if outs:
        return with_out(call, name, args, kwargs, outs)
    if not recording(*args, *kwargs.values()):
        result = call(*raw(args), **raw(kwargs))
        if method == "at" and isinstance(args[0], Handle):
            args[0]._wrote()  # type: ignore[attr-defined]
        return wrapped(result)
    if method == "__call__":
        if ufunc in plain:
            return wrapped(ufunc(*raw(args), **raw(kwargs)))
        return _call_with_options(ufunc, name, args, kwargs)
    return call_method(ufunc, method, name, args, kwargs)


def _call_with_options(
    ufunc: np.ufunc, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``np.f(t, dtype=...)``: the options concern the forward call, the rule is the same."""
    composed = compositions.get(ufunc)
    if composed is not None:
        return composed(*args, **kwargs)
    entry = table.get(ufunc) or next(filter(None, (find(ufunc) for find in finders)), None)
    if entry is None or not entry.differentiable:
        raise NotDifferentiableError(no_rule(name))
    layout = sorted(kwargs.keys() & {"axis", "axes", "keepdims"})
    if layout:
        raise NotDifferentiableError(
            f"{name} has no derivative rule for the keyword {', '.join(layout)}=; move the axes "
            "to the end with np.moveaxis first"
        )
    if kwargs.pop("where", True) is not True:
        raise NotDifferentiableError(
            f"{name} with where= leaves the other entries of its result uninitialised; "
            f"write np.where(mask, {name}(...), fill)"
        )
    if not kwargs:
        return apply(entry, args, {})
    typed = Primitive(lambda *arrays: ufunc(*arrays, **kwargs), entry.name)
    typed.__dict__.update({**entry.__dict__, "fun": typed.fun})
    return apply(typed, args, {})
