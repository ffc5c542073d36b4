"""What CuPy takes: its functions, ufuncs and methods, each with its parameters.

``python -m tests.autograd_core.rules.cupy_table`` writes ``cupy_table.txt`` beside this file.  It needs CuPy
installed, but no GPU: only signatures are read.  The tests read the file and need neither.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("cupy_table.txt")


def qualified(fun: Any) -> str:
    """Return the name by which CuPy looks a function up, such as ``sum`` or ``linalg.svd``."""
    return ".".join([*fun.__module__.split(".")[1:], fun.__name__])


@functools.cache
def table() -> dict[str, dict[str, inspect.Signature]]:
    """Return the signatures by section (functions, ufuncs, methods) and name."""
    sections: dict[str, dict[str, inspect.Signature]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, _, parameters = line.partition("(")
            current[name] = inspect.signature(eval(f"lambda {parameters.rstrip(')')}: 0"))
    return sections


def _parameters(fun: Any) -> str:
    """Return the parameters of a function of Python or Cython; every default is written as 0."""
    try:
        found = inspect.signature(fun).parameters.values()
    except (TypeError, ValueError):
        head = (fun.__doc__ or "()").strip().splitlines()[0]
        inside = head[head.index("(") + 1 : head.rindex(")")].split(",")
        bare = [p.strip() for p in inside if p.strip() not in ("", "self")]
        # "int axis=-1", "_ndarray_base b", "axis: int = 0", "*shape"
        parts = [p.partition("=") for p in bare]
        return ", ".join(
            n.split(":")[0].strip().split(" ")[-1] + ("=0" if eq else "") for n, eq, _ in parts
        )
    plain = [
        p.replace(default=p.default if p.default is p.empty else 0, annotation=p.empty)
        for p in found
        if p.name != "self"
    ]
    return str(inspect.Signature(plain))[1:-1].replace("\\*", "*")


def dispatching() -> Iterator[Any]:
    """Return NumPy's functions that dispatch by NEP 18 or NEP 13."""
    for module in (np, np.linalg, np.fft, np.lib.stride_tricks):
        for name in sorted(dir(module)):
            fun = getattr(module, name)
            if not name.startswith("_") and (
                isinstance(fun, np.ufunc) or hasattr(fun, "_implementation")
            ):
                yield fun


def write() -> None:
    import cupy

    functions, ufuncs, methods = {}, {}, {}
    for fun in dispatching():
        try:
            if isinstance(fun, np.ufunc):
                own = getattr(cupy, fun.__name__)
                # what ufunc.__call__ takes by keyword; a generalized one says so itself
                simple = (
                    ", ".join(f"x{i}" for i in range(fun.nin)) + ", out=0, *, dtype=0, casting=0"
                )
                ufuncs[fun.__name__] = (
                    simple if isinstance(own, cupy.ufunc) else _parameters(own.__call__)
                )
                continue
            name = qualified(fun)
            own = functools.reduce(getattr, name.split("."), cupy)
        except AttributeError:
            continue
        if own is not fun:
            functions[name] = _parameters(own)
    for name in dir(np.ndarray):
        own = getattr(cupy.ndarray, name, None)
        if not name.startswith("_") and own is not None:
            methods[name] = _parameters(own) if callable(own) else ""
    lines = [f"# What CuPy {cupy.__version__} takes of NumPy; a default is written as 0.", ""]
    for title, section in (("functions", functions), ("ufuncs", ufuncs), ("methods", methods)):
        lines += [f"[{title}]", *(f"{n}({p})" for n, p in sorted(section.items())), ""]
    FILE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    write()
