"""The value and the dtype of a call on recorded Tensors are those of the call on their arrays, bit for bit.

All cases of the rules and all calls of ``tests/calls/calls.txt`` are made with each dtype, with mixed
ones, and with Python numbers in place of arrays without axes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.recording import unwrap
from autograd_core.rules.cases import CASES
from tests.calls.__main__ import shared, variables
from tests.sampling import sampled

#: The dtypes of real and complex arguments, in turn.
DTYPES = {
    "half": ["f2 F"], "single": ["f4 F"], "double": ["f8 D"], "complex64": ["F F"], "complex128": ["D D"],
    "single, double": ["f4 F", "f8 D"], "double, single": ["f8 D", "f4 F"], "half, single": ["f2 F", "f4 F"],
    "single, complex64": ["f4 F", "F F"], "numbers": ["f4 F"],
}  # fmt: skip

#: Calls whose values may differ by some units in the last place, and why.
ROUNDED = {
    # the slopes of eigenvalues need those that belong to the vectors, which LAPACK finds otherwise
    "np.linalg.eigvals": 99,
}
if np.lib.NumpyVersion(np.__version__) < "2.4.0":  # older ones may take the axes in another order
    ROUNDED |= {"np.fft.rfft2": 9, "np.fft.rfftn": 9}


def is_number(a: Any) -> bool:
    return np.asarray(a).dtype.kind in "fc"


def cast(values: list[Any], word: str) -> list[Any]:
    """Return the arguments in the dtypes of a word; as "numbers", those without axes as Python's."""
    kinds, found, turn = DTYPES[word], [], 0
    for a in values:
        if is_number(a):
            real, complex_ = kinds[turn % len(kinds)].split()
            turn += 1
            a = np.asarray(a).astype(complex_ if np.asarray(a).dtype.kind == "c" else real)
            if word == "numbers" and a.ndim == 0:
                a = a.item()
        found.append(a)
    return found


def parts(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from parts(part)
    else:
        yield np.asarray(unwrap(value))


def compare(call: Callable[..., Any], args: list[Any], ulps: float = 0) -> None:
    """Assert that a call on Tensors has NumPy's results, or fails as NumPy does."""
    tensors = [
        ag.tensor(a, requires_grad=True) if isinstance(a, np.ndarray) and is_number(a) else a
        for a in args
    ]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = call(*(a.copy() if isinstance(a, np.ndarray) else a for a in args))
        except Exception as error:
            with pytest.raises((type(error), ag.NotDifferentiableError, TypeError, ValueError)):
                call(*tensors)
            return
        try:
            got = call(*tensors)
        except (ag.AutogradError, TypeError) as refused:
            assert str(refused)  # noqa: PT017
            return
    for g, e in zip(parts(got), parts(expected), strict=True):
        assert (g.shape, g.dtype) == (e.shape, e.dtype)
        if ulps:
            limit = ulps * float(np.finfo(e.dtype).eps)
            np.testing.assert_allclose(g, e, rtol=limit, atol=limit * np.abs(e).max(initial=0))
        elif e.dtype.kind in "fc":
            np.testing.assert_array_equal(g, e)
            for side in ("real", "imag"):  # of zeros too
                a, b = (np.where(np.isnan(v), 0, getattr(v, side)) for v in (g, e))
                np.testing.assert_array_equal(np.signbit(a), np.signbit(b))
        else:
            np.testing.assert_array_equal(g, e)


def ulps_of(text: str, names: Iterable[str]) -> float:
    return next((ROUNDED[n] for n in names if n.rpartition(".")[2] in text), 0)


def compare_all(call: Callable[..., Any], values: list[Any], ulps: float) -> None:
    for word in DTYPES:
        try:
            compare(call, cast(values, word), ulps)
        except Exception as error:
            error.add_note(f"with {word}")
            raise


@pytest.mark.parametrize("case", sampled(CASES, 7), ids=[c.id for c in CASES])
def test_values_of_recorded_calls_are_those_of_numpy(case):
    compare_all(case.f, list(case.args), ulps_of(case.id.partition(" ")[0], ROUNDED))


LINES = (Path(__file__).parents[2] / "calls/calls.txt").read_text(encoding="utf-8").splitlines()
CALLS = [line for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize("call", sampled(CALLS, 11), ids=CALLS)
def test_values_of_calls_are_those_of_numpy(call):
    pytest.importorskip("scipy.special", reason="SciPy is not installed")
    values = variables()
    code = compile(call, call, "eval")
    nested = [n for c in code.co_consts if hasattr(c, "co_names") for n in c.co_names]
    names = [n for n in dict.fromkeys([*code.co_names, *nested]) if n in values]

    def run(*args: Any) -> Any:
        return eval(code, {**shared(), **values, **dict(zip(names, args, strict=True))})

    compare_all(run, [values[n] for n in names], ulps_of(call, ROUNDED))
