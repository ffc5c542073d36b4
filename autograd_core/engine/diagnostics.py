"""Diagnostics of recorded calls: where they were made, what they saved, how long they took.

None of it runs unless a bit of the mode asks for it: ``ag.detect_anomaly`` or ``ag.profile``.
"""

import itertools
import sys
from contextvars import ContextVar
from time import perf_counter
from typing import Any

import numpy as np

from autograd_core.engine.graph import ANOMALY, PROFILE, Node, arrays_in, mode
from autograd_core.engine.primitive import Primitive
from autograd_core.errors import AnomalyError, NeedsNumbersError

#: [primitive, seconds, node, result] of every call while ``ag.profile`` runs.
timed_calls: ContextVar[list[Any] | None] = ContextVar("autograd_core.timed_calls", default=None)


def user_line() -> str:
    """Return the innermost line of code that is neither this package's nor NumPy's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        module = frame.f_globals.get("__name__", "").split(".")[0]
        if module not in ("autograd_core", "nn", "numpy", "contextlib"):
            break
        frame = frame.f_back
    file = frame.f_code.co_filename
    file = "notebook cell" if "ipykernel_" in file else file  # else the name of a temporary file
    return f"{file}:{frame.f_lineno}, in {frame.f_code.co_name}"


def run(primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the function of a primitive; under ``ag.profile`` note how long it took."""
    if not mode.get() & PROFILE:
        try:
            return primitive.fun(*args, **kwargs)
        except NeedsNumbersError as refusal:
            return refusal.as_one_line(primitive.fun)(*args, **kwargs)
    start = perf_counter()
    out = primitive.fun(*args, **kwargs)
    calls = timed_calls.get()
    assert calls is not None
    calls.append([primitive, perf_counter() - start, None, out])
    return out


def observe(node: Node, bits: int, *outputs: Any) -> None:
    """Note where a node was made, for the modes that need it; refuse non-finite values."""
    if not bits & (ANOMALY | PROFILE):
        return
    diagnostics = node.with_diagnostics()
    diagnostics.site = user_line()
    if bits & PROFILE:
        calls = timed_calls.get()
        assert calls is not None
        calls[-1][2] = node
    if bits & ANOMALY:
        diagnostics.digests = checksums(node)
        for out in outputs:
            if out.dtype.kind in "fc" and not np.isfinite(out).all():
                assert node.primitive is not None
                raise AnomalyError(
                    f"{node.primitive.name} gave the first non-finite value, in a result of shape "
                    f"{out.shape}, at {diagnostics.site}"
                )


def checksums(node: Node) -> tuple[int, ...]:
    """Return checksums of the bytes of the arrays that a call was given."""
    given = itertools.chain(node.args or (), (node.kwargs or {}).values())
    return tuple(hash(a.tobytes()) for a in arrays_in(given))


def origin(node: Node) -> str:
    """Return the primitive of a node and, where it is known, the line that recorded it."""
    assert node.primitive is not None
    site = node.diagnostics.site if node.diagnostics else None
    return node.primitive.name + (f" (recorded at {site})" if site else "")
