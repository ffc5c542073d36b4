"""Variables of the user's code: names for arrays, and what a function refers to."""

import dis
import functools
from collections.abc import Callable, Mapping
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

from autograd_core.engine.recording import TensorBase, is_array
from autograd_core.tensors.tensor import Tensor
from autograd_core.transforms.trees import Tree

_MOST = 10_000  # how many objects are looked at


def _globals_read(code: CodeType, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the global variables that a piece of code reads, and what it takes from modules."""
    codes = [code]
    for inner in codes:
        codes += [c for c in inner.co_consts if isinstance(c, CodeType)]
    used = [i for c in codes for i in dis.get_instructions(c)]
    read = {i.argval for i in used if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    found = {name: value for name, value in known.items() if name in read}
    for module in [m for m in found.values() if isinstance(m, ModuleType)]:
        for name in {i.argval for i in used if i.opname in ("LOAD_ATTR", "LOAD_METHOD")}:
            found.setdefault(name, vars(module).get(name))
    return found


def of_function(fun: Callable[..., Any]) -> dict[str, Any]:
    """Return the variables of the surrounding code that a function reads, by name."""
    while isinstance(fun, functools.partial):
        fun = fun.func
    fun = getattr(fun, "__func__", fun)
    code = getattr(fun, "__code__", None)
    if code is None:
        return {}
    found = _globals_read(code, getattr(fun, "__globals__", {}))
    for name, cell in zip(code.co_freevars, getattr(fun, "__closure__", None) or (), strict=False):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found


def of_frame(frame: FrameType | None) -> dict[str, Any]:
    """Return the variables of the code that calls, by name; none of this package's own code."""
    if frame is None or frame.f_globals.get("__name__", "").startswith("autograd_core."):
        return {}
    return {**_globals_read(frame.f_code, frame.f_globals), **frame.f_locals}


def drawable(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays, Tensors and modules among variables; notebooks name their own with _."""
    return {
        name: value
        for name, value in variables.items()
        if (isinstance(value, TensorBase) or is_array(value) or is_module(value))
        and not name.startswith("_")
    }


def is_module(value: Any) -> bool:
    """Return whether a value is a module or a class of them; its attributes are not evaluated."""
    return hasattr(value if isinstance(value, type) else type(value), "named_parameters")


def holds_tensors(value: Any) -> bool:
    """Return whether a function or an object refers to a Tensor or a module, however deeply."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, TensorBase) or is_module(value):
            return True
        if id(value) in seen or isinstance(value, (type, ModuleType)) or len(seen) > _MOST:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set)):
            waiting += value
        elif isinstance(value, functools.partial):
            waiting += [value.func, *value.args, *value.keywords.values()]
        elif type(value).__module__.partition(".")[0] not in ("builtins", "numpy"):
            waiting += getattr(value, "__dict__", {}).values()
        if callable(value):
            waiting += [*of_function(value).values(), getattr(value, "__self__", None)]
    return False


def as_variables(fun: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments to record a call with.

    A function that refers to no Tensor and no module is one of its arrays: those of floating-point
    numbers, also in dicts, lists and dataclasses, become Tensors that need a gradient.
    """
    if holds_tensors((fun, args)):
        return args

    def variable(a: Any) -> Any:
        known = is_array(a) or isinstance(a, np.floating)
        return Tensor(a, requires_grad=True) if known and a.dtype.kind in "fc" else a

    tree = Tree(args)
    found: tuple[Any, ...] = tree.restore([variable(a) for a in tree.leaves])
    return found
