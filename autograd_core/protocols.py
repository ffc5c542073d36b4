"""NumPy's two dispatch protocols, and what of them is refused.

NEP 13 (``__array_ufunc__``) and NEP 18 (``__array_function__``) bring every NumPy call on a
Tensor here.  It is looked up, in this order, among the primitives, the compositions and the
functions with plain results; what is found nowhere raises, if a gradient could be lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.errors import InPlaceError, NotDifferentiableError
from autograd_core.graph import RECORD, mode
from autograd_core.primitive import Primitive, compositions, plain, table
from autograd_core.recording import Handle, any_tracked, apply, name_of, no_rule, raw, wrapped


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


#: ufunc methods, as the functions whose derivative is known.
_methods: dict[tuple[str, str], Any] = {
    ("add", "reduce"): np.sum, ("multiply", "reduce"): np.prod,
    ("maximum", "reduce"): np.max, ("minimum", "reduce"): np.min,
    ("add", "accumulate"): np.cumsum, ("multiply", "accumulate"): np.cumprod,
}  # fmt: skip


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
    known = _methods.get((ufunc.__name__, method)) or table.get(call)
    if known is not None:
        names = ("axis", "dtype", "out", "keepdims")
        options = {**dict(zip(names, args[1:], strict=False)), **kwargs}
        options.setdefault("axis", 0)
        return known(args[0], **{k: v for k, v in options.items() if v is not None or k == "axis"})
    if method == "outer":
        x, y = args
        return ufunc(np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y, **kwargs)
    raise NotDifferentiableError(
        f"{name} has no derivative rule; write it with functions that have one, such as "
        "np.sum, np.cumsum, or for np.add.at ag.scatter_add(base, index, values)"
    )


def _call_with_options(
    ufunc: np.ufunc, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """``np.f(t, dtype=...)``: the options concern the forward call, the rule is the same."""
    entry = table.get(ufunc)
    if entry is None:
        raise NotDifferentiableError(no_rule(name))
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
