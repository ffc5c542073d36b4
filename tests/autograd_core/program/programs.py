"""Programs of functions, for tests of what is done with programs."""

from __future__ import annotations

import numpy as np

from autograd_core.program.passes import PASSES
from autograd_core.program.recording import record, settled


def program_of(f, *args, names=()):
    """Return the program of a call, after the passes."""
    first, second = (record(f, args, {}, set()) for _ in range(2))
    program = settled(first, second, "f")
    names = [*names, *(f"x{i}" for i in range(len(names), len(args)))]
    for value, name in zip(program.inputs, names, strict=True):
        value.name = name
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
