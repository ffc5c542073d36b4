"""Random compositions of NumPy's functions, compiled: value, first and second derivative; across files.

Each is called with several values, so that guards fail and other programs run.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core.program.compiled import compile

UNARY = [
    np.tanh, np.sin, np.exp, np.abs, np.square, np.negative, lambda a: a**3, lambda a: a * 1.0,
    lambda a: 1 / (a * a + 2), lambda a: np.sqrt(np.abs(a) + 1), np.ravel, np.transpose,
    lambda a: a[::-1] if a.ndim else a, lambda a: a[..., None], lambda a: np.cumsum(a),
    lambda a: np.sum(a, axis=-1) if a.ndim else a, lambda a: np.mean(a, keepdims=True),
    lambda a: a[1:] if a.ndim and len(a) > 1 else a, lambda a: a[[0, -1, 0]] if np.size(a) and a.ndim else a,
    lambda a: np.where(a.real > 0, a, 0.5 * a), lambda a: np.sum(a), lambda a: a.astype(a.dtype),
    lambda a: np.stack([a, 2 * a]), lambda a: np.repeat(a, 2), lambda a: a.reshape(-1).copy(),
    lambda a: np.diff(np.ravel(a)), lambda a: np.sort(np.ravel(a.real)), lambda a: a.real + 0.0,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, lambda a, b: a / (np.abs(b) + 1), lambda a, b: a + 2 * b,
    lambda a, b: np.where(np.abs(a) > 1, a, b), lambda a, b: np.outer(a, b)[:3],
    lambda a, b: np.concatenate([np.ravel(a), np.ravel(b)]), lambda a, b: np.ravel(a)[:1] * b,
    lambda a, b: np.dot(np.ravel(a)[:2], np.ravel(b)[:2]) if min(a.size, b.size) > 1 else a,
    lambda a, b: np.maximum(a.real, b.real),
]  # fmt: skip


def into_a_view(a, b):
    out = np.zeros_like(np.ravel(a) + b.ravel()[:1].sum())
    part = out[::2]
    part += np.ravel(a)[::2] * 2
    out[1::2] = np.ravel(a)[1::2] - b.ravel()[:1].sum()
    return out


def branches(a, b):
    if np.sum(a.real) > 0:
        return a * 2
    return a - 1 if np.sum(b.real) > 1 else a + 1


def loops(a, b):
    total, i = a, 0
    while np.sum(np.abs(total)) > 4 and i < 3:
        total, i = total / 2, i + 1
    return total + i


def draws(a, b, rng=None):
    return a + rng.normal(size=np.shape(a)) * rng.random()


SPECIAL = [into_a_view, branches, loops]


@st.composite
def compositions(draw):
    """Return shapes, a dtype, and steps: (function, operands)."""
    dtype = draw(st.sampled_from([np.float64, np.float64, np.float32, np.complex128]))
    shapes = draw(
        st.lists(
            st.sampled_from([(), (1,), (3,), (2, 3), (3, 1), (0,), (0, 3)]), min_size=2, max_size=3
        )
    )
    steps = []
    for i in range(draw(st.integers(1, 7))):
        at = st.integers(0, len(shapes) + i - 1)
        table = draw(st.sampled_from([UNARY, BINARY, BINARY, SPECIAL, [draws]]))
        steps.append((draw(st.sampled_from(table)), draw(at), draw(at)))
    return shapes, dtype, steps


def build(steps, rng):
    def f(*args):
        values = list(args)
        for function, i, j in steps:
            a, b = values[i], values[j]
            if function in UNARY:
                found = function(a)
            elif function is draws:
                found = draws(a, b, rng)
            else:
                try:
                    np.broadcast_shapes(np.shape(a), np.shape(b))
                except ValueError:
                    b = np.sum(b)
                found = function(a, b)
            values.append(found)
        total = 0.0
        for k, v in enumerate(values):
            wave = np.cos(np.arange(v.size) + k).reshape(v.shape).astype(v.real.dtype)
            total = total + np.sum(v.real * wave) * wave.dtype.type(0.1)
        return total

    return f


def is_same(found, wanted, exact=True):
    if isinstance(wanted, (tuple, list)):
        pairs = zip(found, wanted, strict=True)
        return all(is_same(p, q, exact) for p, q in pairs)
    p, q = np.asarray(found), np.asarray(wanted)
    kinds = (type(found), p.dtype, p.shape) == (type(wanted), q.dtype, q.shape)
    if not exact:
        return kinds and np.allclose(p, q, rtol=1e-10, atol=1e-10, equal_nan=True)
    return kinds and np.array_equal(p, q, equal_nan=True)


def check(drawn, order):
    shapes, dtype, steps = drawn
    exact = dtype is not np.complex128  # scalars and arrays multiply with other bits
    sides = []
    for _ in range(2):
        rng = np.random.default_rng(5)
        f = build(steps, rng)
        if order:
            f = ag.value_and_grad(f, tuple(range(len(shapes))))
        if order == 2:
            first = f

            def g(*args, first=first):
                return sum(np.sum((d * d.conj()).real) for d in first(*args)[1])

            f = ag.grad(g, tuple(range(len(shapes))))
        sides.append((f, rng))
    (f, rng), (g, other) = sides
    compiled = compile(g, blocks=False, check=False)
    values = np.random.default_rng(len(steps))
    for k in range(4):
        args = [np.asarray(values.normal(size=s) * (1 + k)).astype(dtype) for s in shapes]
        if dtype is np.complex128:
            args = [a + 1j * values.normal(size=a.shape) for a in args]
        args = [a if np.ndim(a) else np.asarray(a) for a in args]
        with np.errstate(all="ignore"):
            try:
                wanted = f(*args)
            except Exception as error:
                with pytest.raises(type(error)):
                    compiled(*args)
                return
            found = compiled(*args)
        assert rng.bit_generator.state == other.bit_generator.state
        assert is_same(found, wanted, exact), (k, found, wanted)
    assert compiled.traces


quick = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@given(compositions())
@settings(max_examples=60, **quick)
def test_values(drawn):
    check(drawn, 0)


@given(compositions())
@settings(max_examples=50, **quick)
def test_gradients(drawn):
    check(drawn, 1)


@given(compositions())
@settings(max_examples=30, **quick)
def test_second_derivatives(drawn):
    check(drawn, 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize("order", [0, 1, 2])
def test_many(order):
    given(compositions())(settings(max_examples=150, **quick)(lambda drawn: check(drawn, order)))()
