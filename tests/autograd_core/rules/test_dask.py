"""Every rule on Dask arrays, lazily: nothing is computed before the end."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.rules.cases import CASES
from tests.autograd_core.rules.portable import assert_same, bare, gradients_of

dask = pytest.importorskip("dask", reason="Dask is not installed")
da = pytest.importorskip("dask.array", reason="Dask's arrays are not installed")

#: Calls whose rule has to look at values, by the beginning of the case's name.
LOOKS = {
    "median": "order statistics sort, and Dask has no argsort",
    "nanmedian": "order statistics sort, and Dask has no argsort",
    "quantile": "order statistics sort, and Dask has no argsort",
    "nanquantile": "order statistics sort, and Dask has no argsort",
    "percentile": "order statistics sort, and Dask has no argsort",
    "nanpercentile": "order statistics sort, and Dask has no argsort",
    "pad median": "order statistics sort, and Dask has no argsort",
    "svd": "whether singular values coincide decides between a gradient and an error",
    "norm": "whether singular values coincide decides between a gradient and an error",
    "unique": "the shape of the result depends on the values",
    "union1d": "the shape of the result depends on the values",
    "mask": "the shape of the result depends on the values",
    "extract": "the shape of the result depends on the values",
    "bincount": "the shape of the result depends on the values",
    "piecewise": "each function gets its own elements, whose number depends on the values",
    "lstsq": "the rank depends on the values",
}  # fmt: skip


class Computed(Exception):
    """Something was computed while the graph was still being made."""


def forbid(*args, **kwargs):
    raise Computed


def chunked(a):
    """Two chunks along every axis."""
    return da.from_array(a, chunks=tuple(max(1, (n + 1) // 2) for n in a.shape))


def whole(a):
    return da.from_array(a, chunks=-1)


def taken(case):
    """In which chunks Dask itself makes the call, and makes it right."""
    want, why = case.f(*case.args), None
    for kind in (chunked, whole):
        try:
            with dask.config.set(scheduler=forbid):
                value = bare(case, kind)
            got = value.compute(scheduler="sync")
            np.testing.assert_allclose(
                got, np.asarray(getattr(want, "data", want)), rtol=1e-9, atol=1e-9
            )
            return kind
        except Exception as error:
            why = f"{type(error).__name__} {error}".splitlines()[0]
    pytest.skip(f"Dask does not make the call itself: {why}")


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("case", CASES, ids=[c.id for c in CASES])
def test_rules_on_dask_arrays(case):
    kind = taken(case)
    try:
        with dask.config.set(scheduler=forbid):
            found = gradients_of(case, kind)
    except Exception:
        for name, reason in LOOKS.items():
            if case.id.startswith(name):
                pytest.skip(reason)
        raise
    expected = gradients_of(case, np.asarray)
    assert_same(found, expected, da.Array, lambda a: a.compute(scheduler="sync"))


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
