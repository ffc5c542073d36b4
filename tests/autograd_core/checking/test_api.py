"""Pairs, signatures, large inputs, the report, and refused arguments."""

import json
import time

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.checking.samples import signatures

X = np.array([[0.5, 1.5, -0.3], [-2.0, 1.0, 0.7]])


def cached_forward(x, w):
    return x @ w, (x, w)


def cached_backward(g, cache):
    x, w = cache
    return g @ w.T, x.T @ g


class Layer:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, g):
        return g * (1 - self.out**2)


def test_pairs_of_every_convention():
    w = X.T[:, :1] * 1.3
    assert ag.gradcheck((cached_forward, cached_backward), X, w, variants=False).ok
    assert ag.gradcheck((np.tanh, lambda g, out, x: g * (1 - out * out)), X).ok
    assert ag.gradcheck((np.square, lambda g, x: 2 * g * x), X).ok
    layer = Layer()
    assert ag.gradcheck((layer.forward, layer.backward), X).ok
    with pytest.raises(TypeError, match=r"backward\(g, out, \*inputs\)"):
        ag.gradcheck((np.square, lambda a, b, c, d: a), X)
    with pytest.raises(TypeError, match="two functions"):
        ag.gradcheck((np.square,), X)
    with pytest.raises(TypeError, match="takes a function"):
        ag.gradcheck(3, X)
    with pytest.raises(ValueError, match="order"):
        ag.gradcheck(np.tanh, X, order=3)


def test_a_large_input_is_bisected_to_the_wrong_element():
    calls = 0

    def forward(x):
        nonlocal calls
        calls += 1
        return np.sum(np.sin(x))

    def backward(g, out, x):
        d = g * np.cos(x)
        d[777] *= -1
        return d

    x = np.random.default_rng(0).uniform(0.3, 1.2, 100_000)
    report = ag.gradcheck((forward, backward), x, variants=False)
    assert report.findings[0].index == (777,)
    assert report.findings[0].ratio == pytest.approx(-1)
    assert calls < 1500
    assert ag.gradcheck((np.sin, lambda g, out, x: g * np.cos(x)), x, variants=False).ok


def test_a_signature_samples_shapes_and_ranks():
    def backward(g, out, a, b):  # right for matrices only
        if a.ndim == 2 and b.ndim == 2:
            return g @ b.T, a.T @ g
        ga, gb = g @ np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2) @ g
        return ga, gb  # not summed over broadcast leading axes

    report = ag.gradcheck(
        (np.matmul, backward), X, X.T, signature="(n,k),(k,m)->(n,m)", variants=False
    )
    assert report.verdict == "fail"
    assert report.findings[0].variant.startswith("with shapes")
    assert ag.gradcheck(np.matmul, X, X.T * 0.9, signature="(n,k),(k,m)->(n,m)", variants=False).ok
    assert signatures.parse("(),(3,n?)->(n)") == [[], ["3", "n?"]]
    with pytest.raises(ValueError, match="generalised-ufunc"):
        signatures.parse("n,k->n")
    with pytest.raises(ValueError, match="2 inputs"):
        ag.gradcheck(np.tanh, X, signature="(n),(n)->(n)", variants=False)


def swapped(g, out, x, y):
    return g * x, g * y


@pytest.mark.parametrize(
    ("pair", "inputs", "words"),
    [
        ((np.sin, lambda g, out, x: -g * np.cos(x)), (X,), "sign"),
        ((np.sin, lambda g, out, x: 0 * g), (X,), "0 throughout"),
        ((np.mean, lambda g, out, x: np.full(x.shape, g)), (X,), "6 times too large"),
        ((np.multiply, swapped), (X, 0.5 + X**2), "swapped"),
        ((lambda x: np.sum(x @ x), lambda g, out, x: g * (x.sum(0) + x.sum(1)[:, None])),
         (X[:, :2] + np.arange(2),), "transposed"),
        ((np.diff, lambda g, out, x: np.roll(np.pad(g, (1, 0)) - np.pad(g, (0, 1)), 1)),
         (X.ravel(),), "off by one"),
    ],
)  # fmt: skip
def test_the_diagnosis_names_the_mistake(pair, inputs, words):
    report = ag.gradcheck(pair, *inputs)
    assert report.verdict == "fail"
    assert any(words in sentence for sentence in report.diagnosis), report


def test_the_report_in_every_form():
    report = ag.gradcheck((np.sin, lambda g, out, x: -g * np.cos(x)), X, seed=5)
    assert "d out" in report.table()
    assert "ratio -1" in str(report)
    loaded = json.loads(report.to_json())
    assert loaded["verdict"] == "fail"
    assert loaded["findings"][0]["count"] == 6
    page = report._repr_html_()
    assert page.count("<svg") == 1
    assert "the sign is wrong" in page
    program = report.repro.replace("backward = ...", "backward = lambda g, out, x: -g * np.cos(x)")
    program = program.replace("forward = ...", "forward = np.sin").replace("print(", "again = (")
    space = {}
    exec(program, space)
    assert space["again"].to_dict()["findings"] == report.to_dict()["findings"]


def test_names_are_escaped_in_html():
    def forward(x):
        return np.sin(x)

    forward.__name__ = "<script>alert(1)</script>"
    report = ag.gradcheck((forward, lambda g, out, x: -g), X)
    assert "<script>" not in report._repr_html_()


def test_the_budget_is_kept_and_what_is_left_out_is_said():
    report = ag.gradcheck(np.tanh, X, budget_s=0.0)
    assert report.verdict == "inconclusive"
    assert "the time budget was spent on the sample" in report.skipped[0]
    calls = []

    def slow(x):
        calls.append(x)
        time.sleep(0.002)
        return np.tanh(x)

    report = ag.gradcheck(slow, X, budget_s=0.5)
    assert report.verdict == "pass"
    assert "the time budget was spent" in report.skipped[0]
    assert len(calls) < 400


def test_check_rules():
    reports = ag.check_rules("hypot")
    assert len(reports) > 5
    assert all(reports.values())
    with pytest.raises(ValueError, match="no case begins"):
        ag.check_rules("nothing of that name")


def test_gradchecked_makes_a_test_of_a_function():
    @ag.checking.gradchecked(shapes=[(2, 3), (3,)])
    def test_product(a, b):
        """Documented."""
        return a @ b

    test_product()
    assert (test_product.__name__, test_product.__doc__) == ("test_product", "Documented.")

    @ag.checking.gradchecked(signature="(n)->()", low=0.1, high=2.0)
    def wrong(a):
        return np.sum(np.log(ag.stop_gradient(a))) + np.sum(a)

    with pytest.raises(ag.GradcheckError):
        wrong()
    with pytest.raises(TypeError, match="one of the two"):
        ag.checking.gradchecked()
