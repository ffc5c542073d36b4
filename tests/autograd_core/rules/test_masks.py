"""Elements without influence have gradient 0, exactly, whatever their derivative, in all rules."""

import numpy as np
import pytest

import autograd_core as ag

X = np.array([-1.0, 0.0, 4.0])
SAFE = {
    "where": lambda x: np.where(x > 0, np.log(x), x),
    "where sqrt": lambda x: np.where(x > 0, np.sqrt(x), 0.0),
    "chain": lambda x: np.where(x > 0, np.exp(np.sqrt(np.sqrt(x)) * 2), 1.0),
    "through shape": lambda x: np.where(x[:, None] > 0, np.log(x).reshape(3, 1), 0.0),
    "through sum": lambda x: np.where(x > 0, np.stack([np.log(x), x]).sum(0), 0.0),
    "select": lambda x: np.select([x > 1, x > 0], [np.log(x), np.sqrt(x)], 0.0),
    "piecewise": lambda x: np.piecewise(x, [x > 0, x <= 0], [np.log, lambda r: r * r]),
    "choose": lambda x: np.choose((np.asarray(X) > 0).astype(int), [x, np.log(x)]),
    "assignment": lambda x: _assigned(np.log(x), np.asarray(X) <= 0),
    "sum where": lambda x: np.sum(np.log(x), where=np.asarray(X) > 0),
    "mean where": lambda x: np.mean(np.sqrt(x), where=np.asarray(X) > 0),
    "nansum": lambda x: np.nansum(np.log(np.where(x == 0, np.nan, x))),
    "index": lambda x: np.sqrt(x)[2:],
    "mask": lambda x: np.log(x)[np.asarray(X) > 0],
    "take": lambda x: np.take(np.log(x), [2, 2]),
    "max": lambda x: np.max(np.sqrt(x[1:])),
    "clip": lambda x: np.clip(np.sqrt(x[1:]), 0.5, 3.0),
    "maximum": lambda x: np.maximum(np.sqrt(x[1:]), 0.5),
    "sort": lambda x: np.sort(np.sqrt(x[1:]))[1:],
    "put": lambda x: ag.put(np.log(x), [0, 1], 2.0),
    "the unused part": lambda x: np.split(np.sqrt(x), [2])[1],
    "below max": lambda x: np.max(np.where(x > 0, np.sqrt(np.exp(np.log(x))), 0.0)),
}  # fmt: skip


def _assigned(y, mask):
    y = y * 1.0
    y[mask] = 7.0
    return y


@pytest.mark.parametrize("name", SAFE)
def test_no_nan_where_the_true_gradient_is_finite(name):
    f = SAFE[name]

    def loss(x):
        return np.sum(f(x))

    with np.errstate(all="ignore"):
        g = ag.grad(loss)(X)
        h = 1e-6
        numeric = [(loss(X + h * e) - loss(X - h * e)) / (2 * h) for e in np.eye(3)]
    numeric = np.where(np.isfinite(numeric), numeric, 0.0)  # at the edge of a domain: one-sided
    assert np.isfinite(g).all()
    np.testing.assert_allclose(g[[0, 2]], numeric[[0, 2]], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["where", "where sqrt", "chain", "select", "sum where", "index"])
def test_second_order_too(name):
    def loss(x):
        return np.sum(SAFE[name](x))

    with np.errstate(all="ignore"):
        assert np.isfinite(ag.grad(lambda x: np.sum(ag.grad(loss)(x) ** 2))(X)).all()


def test_strict_nan_gives_ieee_back_and_ends_with_its_block():
    def f(x):
        return np.sum(np.where(x > 0, np.log(x), x))

    with np.errstate(all="ignore"):
        with ag.strict_nan():
            assert np.isnan(ag.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(X)[1])
        assert ag.grad(f)(X).tolist() == [1.0, 1.0, 0.25]


def test_the_true_infinity_is_not_hidden():
    with np.errstate(all="ignore"):
        assert ag.grad(lambda x: np.sum(np.sqrt(x)))(X)[1] == np.inf
        assert ag.grad(lambda x: np.sum(np.where(x >= 0, np.sqrt(x), 0.0)))(X)[1] == np.inf


def test_nan_to_num():
    with np.errstate(all="ignore"):
        assert ag.grad(lambda x: np.sum(np.nan_to_num(np.log(x))))(X).tolist() == [0.0, 0.0, 0.25]


def test_detect_anomaly_reports_what_a_mask_hides():
    x = ag.tensor([0.0, 4.0], requires_grad=True)
    y = np.sum(np.where(x > 0, np.sqrt(x), 0.0))
    with (
        ag.detect_anomaly(),
        pytest.warns(RuntimeWarning, match="sqrt has 1 derivatives that are not"),
    ):
        y.backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_below_a_mask_with_one_rule_for_all_arguments():
    @ag.primitive
    def ratio(x, y):
        return x / y

    ratio.defvjp(vjp_all=lambda g, out, x, y: (g / y, -(g * out) / y), elementwise=True)

    def loss(x, y):
        return np.sum(np.where(y > 0, ratio(x, y), 0.0))

    with np.errstate(all="ignore"):
        gx, gy = ag.grad(loss, (0, 1))(np.ones(2), np.array([0.0, 2.0]))
    assert gx.tolist() == [0.0, 0.5]
    assert gy.tolist() == [0.0, -0.25]


def test_a_cotangent_that_is_zero_by_chance_is_not_masked():
    """The mean of x is its last element, so that deviation and first cotangent are 0 there."""
    x = np.array([1.0, 5.0, 3.0])

    def variance(x):
        d = np.where(x > 0, x, 0.0) - np.mean(x)
        return np.where(True, np.mean(d * d), 0.0)

    np.testing.assert_allclose(ag.hessian(variance)(x), 2 / 3 * (np.eye(3) - 1 / 3), atol=1e-12)
    ag.assert_gradients(lambda x: np.sum(np.where(x > 0, x**3 / 6, 0.0)[:2]), np.array([0.0, 1, 2]))


@pytest.mark.parametrize(
    "linear",
    [np.diff, np.cumsum, np.negative, lambda y: np.fft.rfft(y).real, lambda y: y - y[::-1]],
)
def test_an_adjoint_that_cancels_by_chance_masks_nothing(linear):
    """The cotangent of ones is 0 or tiny somewhere, but a path leads on, so the result is nan."""

    def f(x):
        y = linear(np.sqrt(x))
        return np.sum(np.where(np.ones(y.shape, bool), y, 0.0))

    with np.errstate(all="ignore"):
        assert not np.isfinite(ag.grad(f)(np.array([1.0, 0.0, 4.0, 9.0]))[1])


def test_a_zero_by_chance_times_infinity_is_nan():
    with np.errstate(all="ignore"):
        assert np.isnan(ag.grad(lambda x: np.sum(np.where(x >= 0, np.sqrt(x) ** 2, 0.0)))(X)[1])


def test_used_twice_and_used_elsewhere():
    def f(x):
        y = np.sqrt(x)
        return np.sum(np.where(x > 1, y, 0.0)) + np.sum(np.where(x > 2, y, 1.0))

    with np.errstate(all="ignore"):
        assert ag.grad(f)(X).tolist() == [0.0, 0.0, 0.5]
        assert ag.grad(lambda x: f(x) + np.sqrt(x)[1])(X)[1] == np.inf
        assert np.isnan(ag.grad(lambda x: f(x) + np.sum(0.0 * np.sqrt(x)))(X)[1])


def test_a_deep_chain_below_a_mask():
    def f(x):
        y = np.sqrt(x)
        for _ in range(3000):
            y = np.sin(y) + 1.0
        return np.sum(y[2:])

    with np.errstate(all="ignore"):
        assert ag.grad(f)(X)[:2].tolist() == [0.0, 0.0]


def test_masks_of_complex_numbers_and_of_broadcast_arguments():
    with np.errstate(all="ignore"):
        g = ag.grad(lambda z: np.sum(np.where(z != 0, np.sqrt(z), 0.0)).real)(
            np.array([0j, 4 + 0j])
        )
        np.testing.assert_allclose(g, [0.0, 0.25])
        g = ag.grad(
            lambda x: np.sum(np.where([[False], [True]], np.sqrt(x) * np.ones((2, 3)), 0.0))
        )(X)
        assert np.isnan(g[0])
        assert g[1:].tolist() == [np.inf, 0.25]
