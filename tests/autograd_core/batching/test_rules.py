"""Every rule under vmap: forward, vmap of vjp and vjp of vmap equal a loop over the examples."""

from __future__ import annotations

import collections
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.batching import looping
from autograd_core.rules.cases import CASES
from autograd_core.transforms.trees import Tree
from tests.sampling import sampled

EXAMPLES = 3

#: Functions that run example by example, by the reason why.
LOOPS = {
    "how many elements there are depends on the values": """np.argwhere np.flatnonzero
        np.intersect1d np.piecewise np.polymul np.setdiff1d np.setxor1d np.trim_zeros np.union1d
        np.unique np.unique_all np.unique_counts np.unique_inverse np.unique_values""",
    "NaN is left out, so that each example has another number of elements": """np.nanmedian
        np.nanpercentile np.nanquantile""",
    "NumPy takes bins, knots with a period, fractions and fill values that are one for all": """
        np.histogram np.histogram_bin_edges np.interp np.pad np.percentile np.quantile""",
    "NumPy takes one system of equations or one polynomial": """np.linalg.lstsq np.poly np.polydiv
        np.roots""",
}

#: NumPy's own values are wrong on some processors, see the cases.
WRONG_IN_NUMPY = ("arctan2.reduce axis", "power.reduce axis")


def plain(tree):
    """Return the leaves of a tree as arrays."""
    return [np.asarray(a.numpy() if isinstance(a, ag.Tensor) else a) for a in Tree(tree).leaves]


def number(a):
    return a if isinstance(a, (bool, str)) or a is None or np.ndim(a) else np.asarray(a)[()]


def cotangent(tree, *lead):
    """Return a cotangent for a tree, each example's the same."""
    rng, flat = np.random.default_rng(7), Tree(tree)

    def one(a):
        a = a if hasattr(a, "dtype") else np.asarray(a)
        shape = a.shape[len(lead) :]
        if a.dtype.kind not in "fc":
            return np.zeros((*lead, *shape), a.dtype)[()]
        c = rng.normal(size=shape)
        c = c + 1j * rng.normal(size=shape) if a.dtype.kind == "c" else c
        return np.broadcast_to(c.astype(a.dtype), (*lead, *shape)).copy()[()]

    return flat.restore([one(a) for a in flat.leaves])


def assert_same(found, rows, case):
    wanted = [np.stack(column) for column in zip(*map(plain, rows), strict=True)]
    for x, y in zip(plain(found), wanted, strict=True):
        assert x.shape == y.shape, case.id
        assert x.dtype == y.dtype, case.id
        if x.dtype.kind in "fc":
            scale = max(1.0, np.abs(y[np.isfinite(y)]).max(initial=0.0))
            assert np.allclose(x, y, rtol=1e-12, atol=1e-12 * scale, equal_nan=True), case.id
        else:
            assert np.array_equal(x, y), case.id


def check(case):
    """Compare a case under vmap with a loop, and return the functions that looped."""
    samples = [[number(a) for a in case.sample(i)] for i in range(EXAMPLES)]
    at = [
        i
        for i, a in enumerate(samples[0])
        if getattr(a, "dtype", np.dtype(object)).kind in "fc"
        and len({np.shape(s[i]) for s in samples}) == 1
    ]
    if not at:
        return None
    fixed = samples[0]

    def call(*xs):
        args = list(fixed)
        for i, x in zip(at, xs, strict=True):
            args[i] = x
        return case.f(*args)

    def pulled(*xs):
        value, pull = ag.vjp(call, *xs)
        return pull(cotangent(value))

    rows = [[s[i] for i in at] for s in samples]
    batch = [np.stack(column) for column in zip(*rows, strict=True)]
    looping.looped.clear()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if case.id not in WRONG_IN_NUMPY:
            assert_same(ag.vmap(call)(*batch), [call(*r) for r in rows], case)
        slopes = [pulled(*r) for r in rows]
        assert_same(ag.vmap(pulled)(*batch), slopes, case)
        value, pull = ag.vjp(ag.vmap(call), *batch)
        assert_same(pull(cotangent(value, EXAMPLES)), slopes, case)
        if len(at) > 1:
            mixed = ag.vmap(pulled, in_axes=(0, *(None,) * (len(at) - 1)))
            assert_same(
                mixed(batch[0], *rows[0][1:]), [pulled(r[0], *rows[0][1:]) for r in rows], case
            )
    return set(looping.looped)


def by_function(cases=CASES):
    """Return the functions that loop, each with the cases in which it does."""
    found = collections.defaultdict(list)
    for case in cases:
        for fun in check(case) or ():
            found[fun].append(case.id)
    return found


@pytest.mark.parametrize("case", sampled(CASES, 8), ids=[c.id for c in CASES])
def test_equals_the_loop(case):
    looped = check(case)
    if looped is None:
        pytest.skip("the case has no argument to batch")
    assert looped <= set(" ".join(LOOPS.values()).split()), f"{case.id} loops without a reason"


@pytest.mark.exhaustive
def test_every_loop_has_a_reason_and_every_reason_a_loop():
    listed = " ".join(LOOPS.values()).split()
    assert len(set(listed)) == len(listed)
    found = by_function()
    assert set(listed) == set(found)
    assert len(set().union(*found.values())) <= 60  # of all cases


@pytest.mark.parametrize("side", ["left", "right"])
def test_places_in_a_table_for_each_example(side):
    rng = np.random.default_rng(0)
    tables = np.sort(rng.integers(0, 6, (4, 5)).astype(float), axis=1)
    tables[1, 3:] = np.nan
    values = rng.integers(-1, 8, (4, 2, 3)).astype(float)
    values[1, 0, 0] = np.nan
    looping.looped.clear()
    for x, axis in ((values, 0), (values[0], None), (values[:, 0, 0], 0)):
        found = ag.vmap(lambda t, x: np.searchsorted(t, x, side), (0, axis))(tables, x)
        rows = [x if axis is None else x[i] for i in range(4)]
        wanted = [np.searchsorted(t, r, side) for t, r in zip(tables, rows, strict=True)]
        assert np.array_equal(found, wanted)
        assert found.dtype == np.asarray(wanted).dtype
    pairs = ag.vmap(lambda t: ag.vmap(lambda x: np.searchsorted(t, x, side))(values[0]))(tables)
    assert np.array_equal(pairs, [np.searchsorted(t, values[0], side) for t in tables])
    both = ag.vmap(lambda x: ag.vmap(lambda t: np.searchsorted(t, x, side))(tables))(values[0])
    assert np.array_equal(both.swapaxes(0, 1), pairs)
    assert not looping.looped


@pytest.mark.filterwarnings("ignore:ag.vmap")
def test_what_has_no_rule_loops_over_both_levels():
    @ag.primitive
    def opaque(x, y):
        return np.asarray(float(x) * float(y))

    opaque.defvjp(lambda g, _out, _x, y: g * y, lambda g, _out, x, _y: g * x)
    x, y = np.arange(1.0, 4.0), np.arange(5.0, 7.0)
    both = ag.vmap(ag.vmap(opaque, (0, None)), (None, 0))
    assert np.array_equal(both(x, y), np.outer(y, x))
    slope = ag.vmap(ag.vmap(ag.grad(opaque), (0, None)), (None, 0))
    assert np.array_equal(slope(x, y), np.outer(y, np.ones(3)))
