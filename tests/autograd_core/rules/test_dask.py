"""Every rule runs lazily on Dask arrays: nothing is computed before the end."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.rules.cases import CASES
from tests.autograd_core.rules.portable import assert_same, bare, gradients_of
from tests.sampling import sampled

pytest.importorskip("dask.array", reason="Dask's arrays are not installed")

from tests.autograd_core.rules.lazy import Computed, chunked, da, uncomputed, values, whole

SORTING = (FutureWarning, "order statistics sort, and Dask has no argsort")
CHOOSING = (Computed, "which elements a quantile takes depends on the values of q")
COINCIDING = (Computed, "whether singular values coincide decides about a gradient")
FULL = (NotImplementedError, "the gradient needs all singular vectors, Dask has the first ones")
SHAPED = (Computed, "the shape of the result depends on the values")
UNKNOWN = (TypeError, "the shape of the result is unknown, so this test makes no cotangent")
PARTED = (Computed, "each function gets its own elements, whose number depends on the values")
NO_RCOND = (TypeError, "the rule hands on rcond=, which Dask's lstsq does not take")

#: Calls whose rule has to look at values, or at what Dask does not know: by the beginning of the
#: case's name, what it raises, and why.
LOOKS = {
    "median": SORTING, "nanmedian": SORTING, "quantile": SORTING, "nanquantile": SORTING,
    "percentile": SORTING, "nanpercentile": SORTING, "pad median": SORTING,
    "quantile q": CHOOSING, "percentile q": CHOOSING,
    "svd s": FULL, "svd u": FULL, "svd vh": FULL, "svd thin": COINCIDING,
    "norm matrix": COINCIDING, "norm complex": COINCIDING,
    "unique": SHAPED, "union1d": SHAPED, "extract": SHAPED, "bincount": SHAPED,
    "mask": UNKNOWN, "piecewise": PARTED, "lstsq": NO_RCOND,
}  # fmt: skip


def taken(case):
    """Return the chunks in which Dask itself makes the call with the right result."""
    want, why = case.f(*case.args), None
    want = np.asarray(getattr(want, "data", want))
    for kind in (chunked, whole):
        try:
            with uncomputed():
                value = bare(case, kind)
            np.testing.assert_allclose(values(value), want, rtol=1e-9, atol=1e-9)
            return kind
        except Exception as error:
            why = f"{type(error).__name__} {error}".strip().splitlines()[0]
    pytest.skip(f"Dask does not make the call itself: {why}")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("case", sampled(CASES, 16), ids=[c.id for c in CASES])
def test_rules_on_dask_arrays(case):
    kind = taken(case)
    known = [v for name, v in LOOKS.items() if case.id.startswith(name)]
    try:
        with uncomputed():
            found = gradients_of(case, kind)
    except tuple(error for error, _ in known) as error:
        pytest.skip(next(why for kind, why in known if isinstance(error, kind)))
    assert_same(found, gradients_of(case, np.asarray), da.Array, values)


def test_training_on_dask_arrays():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    w = ag.tensor(da.from_array(np.zeros((3, 1))), requires_grad=True)
    for _ in range(3):
        loss = np.mean(
            (da.from_array(x, chunks=(10, 3)) @ w - da.from_array(y, chunks=(10, 1))) ** 2
        )
        loss.backward()
        with ag.no_grad():
            w -= 0.1 * w.grad
        w.zero_grad()
    v = np.zeros((3, 1))
    for _ in range(3):
        v -= 0.1 * 2 * x.T @ (x @ v - y) / 40
    np.testing.assert_allclose(w.data.compute(), v, rtol=1e-12)
