"""Diagnostics of calls: where they were made, what they read and saved, how long they took.

None of it runs unless a bit of the mode asks for it: ``ag.detect_anomaly``, ``ag.profile`` or
``ag.draw``.
"""

import itertools
import sys
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from autograd_core.engine.graph import ANOMALY, PROFILE, TRACE, Node, arrays_in, clock, mode
from autograd_core.engine.levels import on_batch
from autograd_core.engine.operands import all_examples
from autograd_core.engine.primitive import Primitive
from autograd_core.errors import AnomalyError


@dataclass(slots=True, eq=False)
class TimedCall:
    """One call of a primitive while ``ag.profile`` runs.

    Attributes
    ----------
    primitive, seconds, out
        What was called, how long it took, what it returned (plain arrays).
    node
        Its node; None where nothing was recorded.
    args, kwargs, result
        What it was given and what it returned as Tensors; only while ``ag.draw`` runs.
    """

    primitive: Primitive
    seconds: float
    out: Any
    node: Node | None = None
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    _number: int = field(default_factory=clock.__next__)

    @property
    def number(self) -> int:
        """The number of its node, or a number of its own in the same order."""
        return self.node.seq if self.node is not None else self._number


@dataclass(slots=True, eq=False)
class Tape:
    """What ran while ``ag.profile`` or ``ag.draw`` listened.

    Attributes
    ----------
    calls
        The calls of primitives, in their order.
    modules
        ``(module, start, stop, args, kwargs)`` of the calls of modules, which made what is numbered
        between ``start`` and ``stop``; only for ``ag.draw``.
    copies
        Arrays that are copies of others, ``(copy, original)`` by the id of the copy.
    """

    calls: list[TimedCall] = field(default_factory=list)
    modules: list[tuple[Any, int, int, Any, Any]] = field(default_factory=list)
    copies: dict[int, tuple[Any, Any]] = field(default_factory=dict)


#: The tape of this thread or task, if one is running.
tape: ContextVar[Tape | None] = ContextVar("autograd_core.tape", default=None)


def running_tape() -> Tape:
    """Return the tape that a bit of the mode says is running."""
    found = tape.get()
    assert found is not None
    return found


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
    bits = mode.get()
    if bits & TRACE:
        return primitive(*args, **kwargs)  # which traced arrays intercept
    start = perf_counter() if bits & PROFILE else 0.0
    try:
        out = primitive.fun(*args, **kwargs)
    except Exception as error:
        out = on_batch(error, primitive.fun, args, kwargs)
    if not bits & PROFILE:
        return out
    running_tape().calls.append(TimedCall(primitive, perf_counter() - start, out))
    return out


def note_call(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Note of the call that ran last what it was given and what it returned, as Tensors."""
    call = running_tape().calls[-1]
    call.args, call.kwargs, call.result = args, kwargs, result


def observe(node: Node, bits: int, *outputs: Any) -> None:
    """Note where a node was made, for the modes that need it; refuse non-finite values."""
    if not bits & (ANOMALY | PROFILE):
        return
    diagnostics = node.with_diagnostics()
    diagnostics.site = user_line()
    if bits & PROFILE:
        running_tape().calls[-1].node = node
    if bits & ANOMALY:
        diagnostics.digests = checksums(node)
        for out in outputs:
            if out.dtype.kind in "fc" and not np.isfinite(all_examples(out)).all():
                assert node.primitive is not None
                raise AnomalyError(
                    f"{node.primitive.name} gave the first non-finite value, in a result of shape "
                    f"{out.shape}, at {diagnostics.site}"
                )


def checksums(node: Node) -> tuple[int, ...]:
    """Return checksums of the bytes of the arrays that a call was given."""
    given = itertools.chain(node.args or (), (node.kwargs or {}).values())
    return tuple(hash(a.tobytes()) for a in arrays_in(given) if hasattr(type(a), "tobytes"))


def origin(node: Node) -> str:
    """Return the primitive of a node and, where it is known, the line that recorded it."""
    assert node.primitive is not None
    site = node.diagnostics.site if node.diagnostics else None
    return node.primitive.name + (f" (recorded at {site})" if site else "")
