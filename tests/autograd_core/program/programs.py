"""Programs of functions, for tests of what is done with programs."""

from __future__ import annotations

import numpy as np

from autograd_core.engine.graph import TRACE
from autograd_core.engine.modes import in_mode
from autograd_core.engine.recording import TensorBase
from autograd_core.program.lines import Line, Program, replaced
from autograd_core.program.passes import PASSES
from autograd_core.program.traced import Trace, Traced, trace


def program_of(f, *args, names=()):
    """Return the program of a call, after the passes."""
    running = Trace()
    names = [*names, *(f"x{i}" for i in range(len(names), len(args)))]
    examples = (np.array(a) if isinstance(a, np.ndarray) else a for a in args)
    inputs = [
        Traced(running, a, name=name, role="input")
        for name, a in zip(names, examples, strict=True)
    ]  # fmt: skip
    token = trace.set(running)
    try:
        result = in_mode(TRACE, 0, f, *inputs)
    finally:
        trace.reset(token)
    outputs = replaced(
        result, lambda a: running.known(a._array if isinstance(a, TensorBase) else a)
    )
    captured = {value: array for array, value in running.captured.values()}
    program = Program(running.lines, inputs, outputs, captured)
    for value in program.written & captured.keys():  # made inside
        program.lines.insert(0, Line(np.copy, (captured.pop(value),), {}, value))
    for apply in PASSES:
        program = apply(program)
    return program


def same(found, wanted, exact=True):
    """Raise unless two results are alike: bit for bit, or to rounding."""
    if isinstance(wanted, (tuple, list)):
        assert len(found) == len(wanted)
        for p, q in zip(found, wanted, strict=True):
            same(p, q, exact)
        return
    p, q = np.asarray(found), np.asarray(wanted)
    assert (p.dtype, p.shape) == (q.dtype, q.shape)
    if exact:
        assert np.array_equal(p, q, equal_nan=p.dtype.kind in "fc")
    else:
        size = np.max(np.abs(q), initial=1, where=np.isfinite(q))
        loose = 64 * np.finfo(q.dtype).eps * size if q.dtype.kind in "fc" else 0
        assert np.allclose(
            p, q, rtol=1e-12 if q.dtype.itemsize > 4 else 1e-5, atol=loose, equal_nan=True
        )
