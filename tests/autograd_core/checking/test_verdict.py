"""Right rules pass, wrong ones are named, and kinks are accepted."""

import numpy as np
import pytest

import autograd_core as ag


def operation(rule):
    f = ag.primitive(lambda x: x**3)
    f.defvjp(rule)
    return f


X = np.array([[0.5, 1.5], [-2.0, 1.0]])


@pytest.mark.parametrize(
    ("rule", "ratio"),
    [
        (lambda g, out, x: -3 * g * x**2, -1.0),
        (lambda g, out, x: 6 * g * x**2, 2.0),
        (lambda g, out, x: 0 * g * x**2, 0.0),
        (lambda g, out, x: 3 * abs(g) * x**2, None),
        (lambda g, out, x: 3 * g * g * x**2, None),
        (lambda g, out, x: 3 * g * x.T**2, None),
        (lambda g, out, x: 3 * g * x, None),
    ],
)
def test_wrong_rules_fail(rule, ratio):
    report = ag.gradcheck(operation(rule), X, order=1)
    assert report.verdict == "fail"
    assert not report
    finding = report.findings[0]
    assert finding.input == 0
    assert len(finding.index) == 2
    if ratio is not None:
        assert finding.ratio == pytest.approx(ratio, abs=1e-6)
    with pytest.raises(ag.GradcheckError, match="analytic") as caught:
        ag.assert_gradients(operation(rule), X, order=1)
    assert caught.value.report.findings


def test_a_rule_wrong_in_one_element_is_located():
    bump = np.zeros((2, 2))
    bump[1, 0] = 1e-3
    report = ag.gradcheck(operation(lambda g, out, x: 3 * g * x**2 * (1 + bump)), X, order=1)
    assert [f.index for f in report.findings] == [(1, 0)]


def test_a_rule_wrong_only_in_second_order_fails():
    def rule(g, out, x):
        return g * 3 * ag.stop_gradient(x) ** 2

    assert ag.gradcheck(operation(rule), X, order=1).ok
    report = ag.gradcheck(operation(rule), X)
    assert report.verdict == "fail"
    assert report.findings[0].order == 2


def test_non_finite_gradients_fail():
    report = ag.gradcheck(operation(lambda g, out, x: g * np.nan), X, order=1)
    assert report.findings[0].kind == "nan"


def test_kinks_accept_the_slopes_between_the_two_sides():
    ag.assert_gradients(np.abs, np.array([-1.0, 0.0, 2.0]))
    ag.assert_gradients(np.maximum, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    steep = ag.primitive(np.abs)
    steep.defvjp(lambda g, out, x: g * np.where(x == 0, 2.0, np.sign(x)))
    assert not ag.gradcheck(steep, np.array([0.0]), order=1).ok


def test_the_report():
    report = ag.gradcheck(lambda x, y: x * y, X, X, seed=3)
    assert report.ok
    assert report.entries > 16
    assert "pass" in str(report)
    d = report.to_dict()
    assert (d["verdict"], d["seed"]) == ("pass", 3)


def test_integer_arguments_are_passed_through():
    ag.assert_gradients(lambda x, i: x[i], X, np.array([0, 0, 1]))
    with pytest.raises(TypeError, match="floating-point"):
        ag.gradcheck(lambda i: i * 2, np.array([1, 2]))


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e4, 1e8])
def test_scales(scale):
    ag.assert_gradients(lambda x: scale * np.tanh(x), X)
    ag.assert_gradients(lambda x: np.sin(x / scale) * scale, X * scale)


def test_complex_functions():
    z = X + 1j * X[::-1]
    for f in (np.exp, np.abs, np.conj, np.real, np.imag, np.angle, lambda z: z * np.conj(z) + z**2):
        ag.assert_gradients(f, z)


def test_a_tree_of_results():
    ag.assert_gradients(lambda x: {"a": np.sin(x), "b": [x * x]}, X)


def test_zeros_do_not_hide_what_is_wrong_as_noise():
    """Outputs that are 0, and 1e-23 nearby, have no relative noise."""
    x = np.array([[0.0, 2, 3, 4], [2, 0, 0, 4]])

    def backward(g, out, x):
        wrong = np.zeros_like(x)
        for j in range(4):
            before = x[:, :j].prod(axis=1)
            for k in range(j, 4):
                wrong[:, j] += g[:, k] * before * x[:, j + 1 : k + 1].prod(axis=1)
        wrong[0, 2:] += 1.0 * g[0, 2:]
        return wrong

    report = ag.gradcheck((lambda x: np.cumprod(x, axis=1), backward), x, variants=False)
    assert report.verdict == "fail"


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (1.005, "inconclusive")])
def test_a_complex_step_doubts_what_differences_cannot_see(factor, verdict):
    """A small slope of a large value: its differences are worth two digits."""

    def forward(x):
        return 1.0 + 1e-11 * np.sin(x)

    def backward(g, out, x):
        return g * factor * 1e-11 * np.cos(x)

    x = np.array([0.3, 0.7, 1.1])
    assert ag.gradcheck((forward, backward), x, variants=False).verdict == verdict


def test_points_without_a_value_nearby_are_the_edge_of_a_domain():
    def inverse(x):
        if np.any(np.abs(x) > 1.5):
            raise ValueError("too large")
        return x * x

    report = ag.gradcheck(inverse, np.array([1.5, 0.4, 0.3]), variants=False)
    assert report.verdict == "pass"
    assert "6 of 9 derivatives were decided" in str(report)
    assert ag.gradcheck(inverse, np.full(2, 1.5), variants=False).verdict == "inconclusive"


def test_an_index_that_means_the_same_is_no_other_function():
    def backward(g, out, x, axis):
        return np.broadcast_to(
            g[None] if axis == 0 else g[:, None].reshape(x.shape[0], -1), x.shape
        )

    def forward(x, axis):
        return x.sum(axis=axis)

    x = np.arange(12.0).reshape(3, 4)
    report = ag.gradcheck((forward, backward), x, 0)
    assert report.verdict == "fail"
    assert "counted from the end" in report.findings[0].variant
