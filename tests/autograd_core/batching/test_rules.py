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


@pytest.mark.parametrize("case", sampled(CASES, 8), ids=[c.id for c in CASES])
def test_equals_the_loop(case):
    if check(case) is None:
        pytest.skip("the case has no argument to batch")


@pytest.mark.exhaustive
def test_few_loop():
    came = collections.Counter()
    for case in CASES:
        looped = check(case)
        came["none" if looped is None else "looped" if looped else "rules"] += 1
    assert came["looped"] <= 60, came


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
