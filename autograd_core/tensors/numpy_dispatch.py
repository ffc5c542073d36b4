"""NumPy's two dispatch protocols, and which calls are refused.

NEP 13 (``__array_ufunc__``) and NEP 18 (``__array_function__``) bring every NumPy call on a
Tensor here.  The function is looked up, in this order, among the primitives, the compositions and
the functions with unrecorded results; one that is found nowhere raises, if a gradient could be
lost.
"""

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from autograd_core.engine.diagnostics import running_tape
from autograd_core.engine.graph import DRAW, mode
from autograd_core.engine.levels import on_batch
from autograd_core.engine.primitive import (
    NON_DIFFERENTIABLE,
    augmented_refused,
    compositions,
    cut_refused,
    finders,
    out_refused,
    table,
)
from autograd_core.engine.recording import (
    TensorBase,
    any_tracked,
    apply,
    is_recording,
    name_of,
    no_rule,
    run_plain,
)
from autograd_core.engine.rule_record import signature_of
from autograd_core.engine.views import note_views
from autograd_core.errors import InPlaceError, NotDifferentiableError
from autograd_core.tensors.ufunc_methods import call_method


def call_function(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a NumPy function that was called with a Tensor (NEP 18)."""
    args, kwargs, out = split_out(fun, args, kwargs)
    if out is not None:
        outs = out if isinstance(out, tuple) else (out,)
        return call_with_out(fun, name_of(fun), args, {**kwargs, "out": out}, outs)
    written = _written(fun, args, kwargs) if fun in IN_PLACE else None
    recording = written is not None and is_recording(args, *kwargs.values())
    if written is not None and not (recording and fun in compositions):
        return call_with_out(fun, name_of(fun), args, kwargs, (written,))
    entry = table.get(fun)
    if entry is not None and entry.rules is not None:
        if "initial" in kwargs and fun in compositions and any_tracked((kwargs["initial"],)):
            return compositions[fun](*args, **kwargs)
        return apply(entry, args, kwargs)
    if is_recording(args, *kwargs.values()):
        composed = compositions.get(fun)
        if composed is not None:
            try:
                return composed(*args, **kwargs)
            except Exception as error:
                if written is not None or fun in WRITERS:  # the loop would write into copies
                    raise
                return on_batch(error, fun, args, kwargs, composed=True)
        if fun not in NON_DIFFERENTIABLE:
            raise NotDifferentiableError(no_rule(name_of(fun)))
    result = _run_drawn(fun, args, kwargs) if mode.get() & DRAW else run_plain(fun, args, kwargs)
    if isinstance(result, (TensorBase, list, tuple)):
        note_views(result, fun, args, kwargs)
    return result


def _run_drawn(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a function for a picture: as the primitive that it is, if its composition calls one."""
    if fun in compositions:
        calls = running_tape().calls
        before = len(calls)
        with suppress(Exception):  # which the function itself will raise
            result = compositions[fun](*args, **kwargs)
            if len(calls) == before + 1:
                return result
        del calls[before:]
    return run_plain(fun, args, kwargs)


#: NumPy's functions that write into their first argument: always, or with an option of a value.
IN_PLACE: dict[Callable[..., Any], tuple[str, bool] | None] = {
    **dict.fromkeys((np.copyto, np.put, np.putmask, np.place, np.put_along_axis)),
    np.fill_diagonal: None,
    np.nan_to_num: ("copy", False),
    **dict.fromkeys(
        (np.median, np.nanmedian, np.quantile, np.nanquantile, np.percentile, np.nanpercentile),
        ("overwrite_input", True),
    ),
}

WRITERS = {fun for fun, option in IN_PLACE.items() if option is None}


def _written(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the Tensor that a call of one of :data:`IN_PLACE` writes, or None."""
    given = {**dict(zip(_names(fun), args, strict=False)), **kwargs}
    option = IN_PLACE[fun]
    if option is not None and given.get(option[0], not option[1]) != option[1]:
        return None
    target = args[0] if args else kwargs.get(_names(fun)[0])
    return target if isinstance(target, TensorBase) else None


@functools.cache
def _names(fun: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of the positional parameters of one of NumPy's functions."""
    signature = signature_of(fun)
    return signature.positional if signature is not None else ()


def split_out(
    fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], Any]:
    """Take ``out`` from a call's arguments, whether it came by position or by keyword.

    What follows an ``out`` by position becomes keywords.
    """
    out = kwargs.get("out")
    names = _names(fun) if len(args) > 1 else ()
    place = names.index("out") if "out" in names else len(args)
    if place >= len(args):
        return args, {k: v for k, v in kwargs.items() if k != "out"} if kwargs else kwargs, out
    options = dict(zip(names[place:], args[place:], strict=False))
    out = options.pop("out")
    return args[:place], {**options, **kwargs}, out


def call_with_out(
    fun: Callable[..., Any],
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    outs: tuple[Any, ...],
) -> Any:
    """Answer a call with ``out=``: refused where something is recorded, else plain NumPy."""
    if is_recording(args, outs, *kwargs.values()):
        augmented = outs[0] is args[0] and not isinstance(outs[0], TensorBase)
        raise InPlaceError(augmented_refused(name) if augmented else out_refused(name))
    for t in outs:
        if isinstance(t, TensorBase) and t._node.primitive is not None:
            raise InPlaceError(cut_refused(f"{name} into", t._node.primitive.name))
    result = run_plain(fun, args, kwargs, name.removeprefix("np."))
    for t in outs:
        if isinstance(t, TensorBase):
            t._wrote()  # type: ignore[attr-defined]
    return outs[0] if len(outs) == 1 and kwargs.get("out") is not None else result


def call_ufunc(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a ufunc beyond the plain call (NEP 13): options, reduce, accumulate, outer, at."""
    name = name_of(ufunc) + ("" if method == "__call__" else f".{method}")
    call = ufunc if method == "__call__" else getattr(ufunc, method)
    outs = tuple(o for o in kwargs.get("out", ()) if o is not None)
    if outs:
        return call_with_out(call, name, args, kwargs, outs)
    if not is_recording(*args, *kwargs.values()):
        result = run_plain(call, args, kwargs, name.removeprefix("np."))
        if method == "at" and isinstance(args[0], TensorBase):
            args[0]._wrote()  # type: ignore[attr-defined]
        return result
    if method == "__call__":
        if ufunc in NON_DIFFERENTIABLE:
            return run_plain(ufunc, args, kwargs)
        return _call_with_options(ufunc, name, args, kwargs)
    try:
        return call_method(ufunc, method, name, args, kwargs)
    except Exception as error:
        return on_batch(error, call, args, kwargs, composed=True)


def _call_with_options(
    ufunc: np.ufunc, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Record ``np.f(t, dtype=...)``: options concern the forward call, the rule is the same."""
    composed = compositions.get(ufunc)
    if composed is not None:
        return composed(*args, **kwargs)
    entry = table.get(ufunc) or next(filter(None, (find(ufunc) for find in finders)), None)
    if entry is None or entry.rules is None:
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
    if kwargs:
        entry = entry.with_function(lambda *arrays: ufunc(*arrays, **kwargs))
    return apply(entry, args, {})
