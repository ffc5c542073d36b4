"""Arrays without elements: the value is NumPy's, and gradients have the shapes of the arguments.

Every case of the rules is called with an axis of length 0, in each position of each argument and of
all arguments together, wherever NumPy itself takes that.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.recording import unwrap
from autograd_core.rules.cases import CASES, Case
from tests.sampling import sampled

#: NumPy returns memory that it never wrote, or read beyond the end; or it looks for Tensors among
#: the elements of the argument (poly, roots) and finds none.
UNDEFINED = ("irfft", "hfft", "einsum ii->i", "einsum iij->ji", "poly$", "roots")


def emptied(case: Case) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments with one axis of length 0."""
    arrays = [np.asarray(a) for a in case.args]
    widest = max(a.ndim for a in arrays)
    for axis in range(widest):
        for of in [*range(len(arrays)), "all", "last"] if len(arrays) > 1 else [0]:
            found = []
            for i, a in enumerate(arrays):
                k = axis - widest + a.ndim if of == "last" else axis
                empty = (isinstance(of, str) or of == i) and 0 <= k < a.ndim
                found.append(a[(slice(None),) * k + (slice(0),)] if empty else case.args[i])
            if any(np.size(a) == 0 for a in found):
                yield tuple(found)
    for n in {n for a in arrays for n in a.shape}:  # all axes of one length together, as in (0, 0)
        yield tuple(a[tuple(slice(0 if m == n else m) for m in a.shape)] for a in arrays)


def parts(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return [p for v in value for p in parts(v)]
    return [value]


def check(case: Case, args: tuple[Any, ...]) -> bool:
    """Compare a call with NumPy's; return whether there is anything to compare."""
    leaves = {
        i: ag.tensor(a, requires_grad=True)
        for i, a in enumerate(args)
        if np.asarray(a).dtype.kind in "fc"
    }
    recorded = [leaves.get(i, a) for i, a in enumerate(args)]
    try:
        expected = case.f(*args)
    except Exception as error:
        kind: Any = (type(error), ag.AutogradError, TypeError, ValueError)
        with contextlib.suppress(kind):
            case.f(*recorded)
        return False
    got = case.f(*recorded)
    outputs = []
    for g, e in zip(parts(got), parts(expected), strict=True):
        a, e = np.asarray(unwrap(g)), np.asarray(e)
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_array_equal(a, e)
        if e.dtype.kind in "fc" and (e.size or g.requires_grad):
            assert g.requires_grad
            outputs.append(g)
    for create_graph in (True, False):
        seeds = [np.ones(y.shape, y.dtype) for y in outputs]
        try:
            grads = ag.gradients(outputs, list(leaves.values()), seeds, create_graph=create_graph)
        except ag.AutogradError as refused:
            assert len(str(refused)) > 30  # noqa: PT017
            return True
        for x, g in zip(leaves.values(), grads, strict=True):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)
    if any(np.size(leaf.data) for leaf in leaves.values()) and np.all(
        [np.isfinite(y.data).all() for y in outputs]
    ):
        report = ag.gradcheck(case.f, *args, variants=False, order=1)
        assert report.ok, report
    return True


DEFINED = [c for c in CASES if not f"{c.id}$".startswith(UNDEFINED)]


@pytest.mark.parametrize("case", sampled(DEFINED, 3), ids=[c.id for c in DEFINED])
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
def test_empty_arguments(case):
    for args in emptied(case):
        check(case, args)


def test_most_functions_take_empty_arguments():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        taken = sum(any(_runs(c, args) for args in emptied(c)) for c in CASES)
    assert taken > 0.6 * len(CASES)


def _runs(case: Case, args: tuple[Any, ...]) -> bool:
    try:
        case.f(*args)
    except Exception:
        return False
    return True
