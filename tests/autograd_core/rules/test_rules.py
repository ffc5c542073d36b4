"""All rules by all cases: differences, dtypes, memory layouts, dropped values."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine import backward, graph, recording
from autograd_core.engine.primitive import table
from autograd_core.rules.cases import CASES, Case
from autograd_core.transforms.evaluation import alias
from tests.sampling import sampled

primitive_module = __import__("sys").modules["autograd_core.engine.primitive"]
every_fifth_case = pytest.mark.parametrize("case", sampled(CASES, 5), ids=[c.id for c in CASES])
sampled_case = pytest.mark.parametrize("case", sampled(CASES, 3), ids=[c.id for c in CASES])


def wrt(case: Case) -> list[int]:
    return [i for i, a in enumerate(case.args) if np.asarray(a).dtype.kind in "fc"]


def pulled(case: Case, args, seed=0):
    """Return the value of a case and the cotangents of its floating-point arguments."""
    value, pull = ag.vjp(case.f, *args)
    rng = np.random.default_rng(seed)
    g = rng.uniform(0.5, 1.5, np.shape(value))
    back = pull(g.astype(np.asarray(value).dtype))
    return value, back if isinstance(back, tuple) else (back,)


@every_fifth_case
def test_differences_to_second_order(case):
    report = ag.gradcheck(case.f, *case.args, variants=False)
    assert report.ok, report


KINKED = [c for c in CASES if c.kinks]


@pytest.mark.parametrize("case", KINKED, ids=[c.id for c in KINKED])
def test_a_gradient_at_a_kink_lies_between_the_slopes_of_its_sides(case):
    reports = ag.check_rules(case.id, order=1)
    at_kinks = [r for name, r in reports.items() if "kink" in name]
    assert len(at_kinks) >= len(case.kinks)
    assert all(at_kinks), at_kinks


BOUNDED = [c for c in CASES if any(np.isfinite(c.domain).any() for _ in c.domain)]


@pytest.mark.parametrize("case", BOUNDED, ids=[c.id for c in BOUNDED])
def test_samples_lie_in_the_domain_and_beyond_its_ends_there_is_no_value(case):
    for seed in range(3):
        for a, (low, high) in zip(case.sample(seed), case.domain, strict=True):
            assert np.all((a > low) & (a < high))
    for i, interval in enumerate(case.domain):
        for end, away in zip(interval, (-0.7, 0.7), strict=True):
            if np.isfinite(end):
                args = [np.full(1, 0.5) for _ in case.args]
                args[i] = np.full(1, end + away)
                with np.errstate(invalid="ignore"):
                    assert np.isnan(case.f(*args)).all()


#: Where other samples have no gradient: abscissae out of order, a double root, the branch point of
#: the root, signed zeros, an index that depends on which element is the largest, QR factors of a
#: matrix of rank 1.
DEGENERATE = (
    "interp", "polydiv", "roots", "sqrt complex", "copysign", "take_along_axis", "logspace", "irfft",
    "qr r tall complex",
)  # fmt: skip
OTHERS = [  # by their names, so that a new case changes no other's turn
    c for c in CASES if crc32(c.id.encode()) % 24 == 0 and not c.id.startswith(DEGENERATE)
]


@pytest.mark.parametrize("case", sampled(OTHERS, 3), ids=[c.id for c in OTHERS])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_other_samples_of_some(case):
    report = ag.gradcheck(case.f, *case.sample(1), seed=1)
    assert report.ok, report


@sampled_case
def test_float32_gives_float32(case):
    args = [
        np.asarray(a, {"f": np.float32, "c": np.complex64}.get(np.asarray(a).dtype.kind))
        for a in case.args
    ]
    _, exact = pulled(case, case.args)
    _, single = pulled(case, args)
    for a, e, s in zip(args, exact, single, strict=True):
        assert np.asarray(s).dtype == a.dtype
        assert s.shape == a.shape
        np.testing.assert_allclose(s, e, rtol=2e-3, atol=2e-3 * max(1.0, np.abs(e).max(initial=0)))


LAYOUTS = {
    "Fortran": lambda a: a.copy(order="F"),
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "read-only": lambda a: (b := a.copy(), b.setflags(write=False))[0],
    "zero strides": lambda a: np.broadcast_to(a, (3, *a.shape))[1],
}


@sampled_case
def test_memory_layouts_change_nothing(case):
    _, expected = pulled(case, case.args)
    for layout in LAYOUTS.values():
        args = [layout(np.asarray(a)) for a in case.args]
        before = [a.copy() for a in args]
        _, got = pulled(case, args)
        for e, g in zip(expected, got, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-12)
        for a, b in zip(args, before, strict=True):
            np.testing.assert_array_equal(a, b)


@sampled_case
def test_rules_read_no_value_that_they_renounce(case, monkeypatch):
    _, expected = pulled(case, case.args)
    for module in (primitive_module, backward, recording):
        monkeypatch.setattr(module, "SMALL", 0)
    _, got = pulled(case, case.args)
    for e, g in zip(expected, got, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-12)


@sampled_case
def test_cotangents_with_zero_strides(case):
    value, pull = ag.vjp(case.f, *case.args)
    one = np.asarray(1.0, dtype=np.asarray(value).dtype)
    flat = pull(np.broadcast_to(one, np.shape(value)))
    full = pull(np.ones(np.shape(value), one.dtype))
    for a, b in zip(np.atleast_1d(flat) if not isinstance(flat, tuple) else flat,
                    np.atleast_1d(full) if not isinstance(full, tuple) else full, strict=True):  # fmt: skip
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_every_rule_has_a_case():
    seen = set()
    for case in CASES:
        args = [
            ag.tensor(a, requires_grad=True) if np.asarray(a).dtype.kind in "fc" else a
            for a in case.args
        ]
        y = case.f(*args)
        for node in graph.reachable([y._node]):
            if node.primitive is not None:
                seen.add(node.primitive)
    unseen = [p.name for p in table.values() if p.rules is not None and p not in seen]
    assert unseen in ([], [p.name for p in (alias,) if p in unseen])


EMPTY = {
    "sum": lambda x: np.sum(x, axis=0), "prod": lambda x: np.prod(x, axis=1), "tanh": np.tanh,
    "multiply": lambda x: x * x, "matmul": lambda x: x @ x.T, "reshape": lambda x: x.reshape(3, 0),
    "concatenate": lambda x: np.concatenate([x, x]), "cumsum": lambda x: np.cumsum(x, axis=1),
    "cumprod": lambda x: np.cumprod(x, axis=1), "getitem": lambda x: x[:0], "einsum": lambda x: np.einsum("ij->i", x),
    "sort": lambda x: np.sort(x, axis=0), "var": lambda x: np.var(x, axis=1) if x.shape[1] else np.sum(x, axis=1),
    "pad": lambda x: np.pad(x, 1), "tile": lambda x: np.tile(x, 2), "take": lambda x: np.take(x, np.array([], int), axis=0),
}  # fmt: skip


@pytest.mark.parametrize("f", EMPTY.values(), ids=EMPTY.keys())
def test_empty_arrays(f):
    x = ag.tensor(np.zeros((0, 3)), requires_grad=True)
    y = f(x)
    y.backward(np.ones(y.shape))
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize(
    "f", [np.tanh, np.sum, np.prod, np.max, np.cumsum, np.ravel, np.square, np.copy]
)
def test_zero_axes_and_length_one(f):
    for a in (np.array(0.7), np.array([0.7]), np.array([[0.7]])):
        ag.assert_gradients(f, a, variants=False)


def test_kinks():
    def slopes(f, *args):
        return (
            [np.asarray(g).tolist() for g in ag.vjp(f, *args)[1](np.ones(np.shape(f(*args))))]
            if len(args) > 1
            else np.asarray(ag.vjp(f, *args)[1](np.ones(np.shape(f(*args))))).tolist()
        )

    zero, one = np.zeros(2), np.ones(2)
    assert slopes(np.abs, zero) == [0, 0]
    assert slopes(np.maximum, one, one) == [[0.5, 0.5], [0.5, 0.5]]
    assert slopes(np.minimum, one, one) == [[0.5, 0.5], [0.5, 0.5]]
    assert slopes(np.max, np.array([3.0, 1, 3, 3])) == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])
    assert slopes(np.hypot, zero, zero) == [[0, 0], [0, 0]]
    assert slopes(np.arctan2, zero, zero) == [[0, 0], [0, 0]]
    assert slopes(np.std, one) == [0, 0]
    assert slopes(lambda x: x**0, zero) == [0, 0]
    assert slopes(np.power, zero, one * 2) == [[0, 0], [0, 0]]
    assert slopes(lambda x: np.clip(x, 0.0, 1.0), np.array([0.0, 1.0])) == [1, 1]
    assert slopes(np.sinc, zero) == [0, 0]
    assert ag.grad(ag.grad(np.sinc))(0.0) == pytest.approx(-(np.pi**2) / 3)
    with np.errstate(divide="ignore"):
        assert slopes(np.sqrt, zero) == [np.inf, np.inf]
    assert slopes(np.logaddexp, np.array([-np.inf]), np.array([0.0])) == [[0], [1]]
    assert slopes(np.sort, np.array([2.0, 1.0, 2.0])) == [1, 1, 1]


def test_extreme_scales():
    gx, gy = ag.grad(lambda x, y: x / y, (0, 1))(1e200, 1e200)
    assert (gx, gy) == (1e-200, -1e-200)
    gx, gy = ag.grad(np.hypot, (0, 1))(3e200, 4e200)
    assert (gx, gy) == pytest.approx((0.6, 0.8))
    assert ag.grad(np.arctan)(1e200) == 0
    assert ag.grad(np.tanh)(1e3) == 0


def test_refusals_are_by_name():
    x = ag.tensor(np.ones((2, 3)), requires_grad=True)
    for call, word in (
        (lambda: np.pad(x, 1, mode="empty"), "empty"),
        (lambda: np.matmul(x, x, axes=[(1, 0), (0, 1), (0, 1)]), "axes="),
        (lambda: np.linalg.qr(x, mode="raw"), "raw"),
        (lambda: np.quantile(x, 0.5, weights=np.ones((2, 3)), method="inverted_cdf"), "weights="),
        (lambda: np.polyfit(x[0], x[1], 1, full=True), "full=True"),
        (lambda: np.logaddexp.at(x, [0], 1.0), "logaddexp.at"),
        (lambda: np.histogram2d(x[0], x[1]), "np.histogram2d"),
        (lambda: np.exp(x, where=np.ones((2, 3), bool)), "np.where"),
        (lambda: np.is_busday(x), "is_busday"),
    ):
        with pytest.raises(ag.NotDifferentiableError, match=word):
            call()
