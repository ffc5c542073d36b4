"""What to call in place of a function of SciPy that converts Tensors to ndarrays."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

#: Methods of SciPy's objects that stand for a function of ours.
_OPERATORS = {"__matmul__": "matmul", "__rmatmul__": "matmul", "_matmul_dispatch": "matmul"}


def scipy_remedy() -> str:
    """Return the sentence that names our function, if SciPy is what asked for plain numbers.

    Only the frames between the user's code and the conversion count: a user's own conversion in a
    function that SciPy calls is not SciPy's.
    """
    frame: FrameType | None = sys._getframe(1)
    found = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.split(".")[0]
        if package == "scipy":
            found = _name(module, frame) or found
        elif package not in ("numpy", "autograd_core"):
            break
        frame = frame.f_back
    return (
        f"In place of scipy.{found} call ag.scipy.{found}, which has a derivative. "
        if found
        else ""
    )


def _name(module: str, frame: FrameType) -> str:
    """Return the name below ``scipy`` of a function that is running, if there is one of ours."""
    import autograd_core.scipy as ours

    function, owner = frame.f_code.co_name, frame.f_locals.get("self")
    wrapped = frame.f_locals.get("f")
    if function == "wrapper" and callable(wrapped):  # SciPy's decorator for stacks of matrices
        module, function = wrapped.__module__, wrapped.__name__
    package = (*module.split("."), "")[1]
    home: Any = getattr(ours, package, None)
    if home is None:
        return ""
    if package == "sparse":
        function = _OPERATORS.get(function, function)
        deep = "linalg." if function == "spsolve" else ""
        return f"sparse.{deep}{function}" if function in home.__all__ else ""
    if owner is not None:
        kind = type(owner).__name__
        owner = getattr(owner, "dist", None) or getattr(owner, "_dist", None) or owner
        name = getattr(owner, "name", None) or type(owner).__name__.removesuffix("_gen")
        if function == "__init__":
            return f"{package}.{kind}" if hasattr(home, kind) else ""
        known = getattr(home, str(name), None)
        return f"{package}.{name}.{function}" if function in dir(known) else ""
    return f"{package}.{function}" if function in getattr(home, "__all__", dir(home)) else ""
