"""Pairs, signatures, large inputs, the report, and refused arguments."""

import dataclasses
import json
import time
import zlib
from collections import namedtuple

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
        (np.matmul, backward), X, X.T, signature="(...,n,k),(...,k,m)->(...,n,m)", variants=False
    )
    assert report.verdict == "fail"
    assert report.findings[0].variant.startswith("with shapes")
    assert ag.gradcheck(
        np.matmul, X, X.T * 0.9, signature="(...,n,k),(...,k,m)->(...,n,m)", variants=False
    ).ok
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
    assert page.count("<table") == 1
    assert set(report.steps) == {"step", "from gradient", "from slope"}
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
        time.sleep(0.01)
        return np.tanh(x)

    report = ag.gradcheck(slow, X, budget_s=2.5)
    assert report.verdict == "pass"
    assert "the time budget was spent" in report.skipped[0]
    assert len(calls) < 400


class TestOfMine:
    """Methods of a class of tests, decorated."""

    scale = 2.0

    @ag.checking.gradchecked(shapes=[(2, 3)])
    def test_method(self, x):
        return self.scale * np.tanh(x)


def test_a_cache_and_an_option_are_understood():
    def backward(g, cache, keep=True):
        assert keep
        return g * cache

    def forward(x):
        return np.sin(x), np.cos(x)

    assert ag.gradcheck((forward, backward), X).ok
    assert ag.gradcheck((lambda x: (np.sin(x), np.cos(x)), lambda g, x: g[0] * np.cos(x) - g[1] * np.sin(x)),
                        X).ok  # fmt: skip


def test_one_number_tells_no_factor():
    report = ag.gradcheck((np.sin, lambda g, out, x: 1.37 * g * np.cos(x)), np.array([0.5]))
    assert report.verdict == "fail"
    assert not report.diagnosis


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


def test_a_signature_restricts_the_shapes():
    seen = set()

    def forward(x, w, b):
        seen.add((x.shape, w.shape, b.shape))
        return x @ w + b

    def backward(g, out, x, w, b):
        return g @ w.T, x.T @ g, g.sum(0)

    x, w, b = np.ones((2, 3)) * X[0], np.ones((3, 8)) * 0.1, np.arange(8.0)
    report = ag.gradcheck((forward, backward), x, w, b, signature="(n,k),(k,4h),(4h)->(n,4h)")
    assert report.verdict == "pass"
    shapes = {(s[0], s[1]) for s in seen}
    assert len(shapes) > 3
    assert all(w[1] % 4 == 0 and x[1] == w[0] for x, w in shapes)
    labels = lambda x, y: -np.log(x[np.arange(len(y)), y]).sum()

    def back(g, out, x, y):
        d = np.zeros_like(x)
        d[np.arange(len(y)), y] = -g / x[np.arange(len(y)), y]
        return d, None

    given = np.abs(X) + 0.5, np.array([2, 0])
    assert ag.gradcheck((labels, back), *given, signature="(n,3),(n)->()").verdict == "pass"
    assert signatures.parse("(...,n,k),(k,4h)->(...,n,4h)") == [["...", "n", "k"], ["k", "4h"]]
    for wrong in ("(n,...)->()", "(2.5)->()", "(n,h4?k)->()"):
        with pytest.raises(ValueError, match="generalised-ufunc"):
            signatures.parse(wrong)


def test_a_fault_on_a_sample_that_was_made_up_is_a_warning():
    pair = np.exp, lambda g, out, x: g * out * (1.0 if np.size(x) < 4 else 1.1)
    report = ag.gradcheck(pair, X[0])
    assert (report.verdict, report.ok) == ("warn", True)
    assert len(report.findings) == 1
    assert "a fault if your operation is meant to take such inputs" in str(report)
    assert ag.assert_gradients(pair, X[0]).verdict == "warn"
    assert ag.gradcheck(pair, X[0], strict=True).verdict == "fail"
    assert ag.gradcheck(pair, X[0], signature="(n)->(n)").verdict == "fail"
    flat = np.exp, lambda g, out, x: g * out * (1.0 if x.flags.c_contiguous else 1.1)
    assert ag.gradcheck(flat, X).verdict == "fail"  # the given sample in another layout
    single = np.exp, lambda g, out, x: g.astype(float) * out
    assert ag.gradcheck(single, X).verdict == "warn"
    assert ag.gradcheck(single, X.astype(np.float32)).verdict == "fail"


@pytest.mark.parametrize(("pair", "x", "verdict"), [
    ((np.exp, lambda g, out, x: g * out * (x != 0)), np.array([0.5, 0.0]), "fail"),
    ((lambda x: np.clip(x, 0, 6), lambda g, out, x: g * np.where(x == 6, 100, (x > 0) & (x < 6))),
     np.array([1.0, 6.0]), "fail"),
    ((lambda x: np.log(x) if abs(x.sum() - 1) < 1e-9 else np.nan * x, lambda g, out, x: 99 * g / x),
     np.array([0.25, 0.75]), "inconclusive"),
    ((lambda x: np.tanh(x.astype(np.float16)), lambda g, out, x: -g * (1 - out**2)),
     np.array([0.5, 0.75]), "inconclusive"),
    ((lambda x: np.where(x == np.round(x), x, np.nan), lambda g, out, x: 99 * g),
     np.array([1.0, 2.0, 3.0]), "inconclusive"),
    ((lambda x: (1e5 + x).astype(np.float32) - np.float32(1e5), lambda g, out, x: g.astype(float)),
     np.array([0.3, 0.6]), "inconclusive"),
    ((lambda x: np.where(abs(x - 2) < 1e-9, 3 * x, np.nan), lambda g, out, x: 3 * g),
     np.full(3, 2.0), "pass"),
    ((lambda x: None, lambda g, out, x: g), np.array([0.5]), "fail"),
    ((lambda x: np.argsort(x), lambda g, out, x: g), np.array([0.5, 0.1]), "fail"),
])  # fmt: skip
def test_what_was_not_decided_is_no_pass(pair, x, verdict):
    assert ag.gradcheck(pair, x).verdict == verdict


@dataclasses.dataclass
class Layer2:
    w: np.ndarray
    b: np.ndarray


@pytest.mark.parametrize("wrap", [
    lambda w, b: {"w": w, "b": b}, lambda w, b: [w, b], lambda w, b: (w, [b]), Layer2,
])  # fmt: skip
def test_trees_are_checked_leaf_by_leaf(wrap):
    def unwrap(p):
        p = list(
            vars(p).values() if isinstance(p, Layer2) else p.values() if isinstance(p, dict) else p
        )
        return p[0], p[1][0] if isinstance(p[1], list) else p[1]

    def forward(x, p, name):
        w, b = unwrap(p)
        return np.tanh(x @ w + b)

    def backward(g, out, x, p, name):
        h = g * (1 - out**2)
        return h @ unwrap(p)[0].T, wrap(x.T @ h, factor * h.sum(0)), None

    given = X, wrap(X.T[:, :2] * 1.1, np.array([0.3, -0.2])), "tanh"
    factor = 1
    report = ag.gradcheck((forward, backward), *given)
    assert report.ok, report
    assert report.fixed == ["name (<U4)"]
    assert ag.gradcheck(forward, *given).ok
    factor = -999
    report = ag.gradcheck((forward, backward), *given)
    assert report.verdict == "fail"
    assert report.findings[0].input_name in ("p['b']", "p[1]", "p[1][0]", "p.b")


@pytest.mark.parametrize("tolerance", [0, 1e-12, 1e-8, 1e-6])
def test_a_projected_gradient_of_a_function_that_validates_its_input_is_not_accused(tolerance):
    def log_determinant(a):
        if not np.allclose(a, a.T, rtol=tolerance, atol=tolerance):
            raise ValueError("not symmetric")
        return np.log(np.prod(np.diag(np.linalg.cholesky(a)) ** 2))

    a = X @ X.T + np.eye(2)
    pair = log_determinant, lambda g, out, a: g * np.linalg.inv(a)
    report = ag.gradcheck(pair, a)
    assert report.verdict == "inconclusive"
    assert "domain=" in str(report)
    assert ag.gradcheck(pair, a, domain=ag.checking.spd).verdict == "pass"
    wrong = log_determinant, lambda g, out, a: 2 * g * np.linalg.inv(a)
    assert ag.gradcheck(wrong, a).verdict != "pass"
    assert ag.gradcheck(wrong, a, domain=ag.checking.spd).verdict == "fail"


@pytest.mark.parametrize("seed", range(20))
def test_a_function_that_raises_here_and_there_beside_the_sample_never_escapes(seed):
    def picky(x):
        if not np.array_equal(x, X) and zlib.crc32(np.asarray(x).tobytes()) % 20 < seed:
            raise RuntimeError("not here")
        return np.tanh(x)

    report = ag.gradcheck((picky, lambda g, out, x: g * (1 - out * out)), X, signature="(n)->(n)")
    assert report.verdict in ("pass", "warn", "inconclusive"), report


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_kernels_that_cast_inside_are_accused_of_nothing(dtype):
    def cast(x):
        return np.tanh(x.astype(dtype))

    pair = cast, lambda g, out, x: g * (1 - out * out)
    for given in (None, dtype):
        report = ag.gradcheck(pair, X, dtype=given)
        assert report.verdict != "fail", report
        assert report.verdict != "pass" or dtype is np.float32
    wrong = cast, lambda g, out, x: 2 * g * (1 - out * out)
    assert ag.gradcheck(wrong, X).verdict in ("fail", "inconclusive")


@pytest.mark.parametrize("offset", [1e4, 3e4, 1e5])
def test_values_that_larger_steps_move_and_finer_ones_do_not_are_coarse(offset):
    pair = (
        lambda x: (offset + x).astype(np.float32) - np.float32(offset),
        lambda g, out, x: g.astype(x.dtype),
    )
    for x in (np.array([0.3, 0.6]), np.random.default_rng(0).normal(size=5)):
        for dtype in (None, np.float32):
            report = ag.gradcheck(pair, x, dtype=dtype)
            assert report.verdict in ("pass", "inconclusive"), report


def test_gradients_of_integers_are_refused_as_such():
    steps = np.floor, lambda g, out, x: np.zeros(x.shape, int)
    report = ag.gradcheck(steps, X + 0.1, variants=False)
    assert [f.kind for f in report.findings] == ["dtype"]


def test_forms_of_gradients():
    Pair = namedtuple("Pair", "a b")

    def both(p):
        return p.a * np.sin(p.b)

    x = np.array([0.5, 0.75])
    right = both, lambda g, out, p: Pair(g * np.sin(p.b), g * p.a * np.cos(p.b))
    wrong = both, lambda g, out, p: Pair(g * np.sin(p.b), g * p.a * np.sin(p.b))
    assert ag.gradcheck(right, Pair(x, x + 1)).ok
    assert ag.gradcheck(wrong, Pair(x, x + 1)).findings[0].input_name == "p[1]"

    def take(p):
        return p["table"][p["rows"]]

    def scatter(g, out, p):
        return {"table": np.eye(len(p["table"]))[:, p["rows"]] @ g}

    tree = {"table": X.T, "rows": np.array([0, 2, 2])}
    assert ag.gradcheck((take, scatter), tree).ok
    named = ag.gradcheck((take, lambda g, out, p: {"tabel": p["table"]}), tree)
    assert "tabel" in str(named)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"wrt": [1]}, ValueError, "names no input"),
    ({"rtol": -1.0}, ValueError, "rtol is 0 or more"),
    ({"budget_s": float("nan")}, ValueError, "budget_s is 0 or more"),
    ({"domain": 3}, TypeError, "domain is a projection"),
    ({"deliberate": "yes"}, TypeError, "deliberate is the function"),
])  # fmt: skip
def test_options_that_say_nothing_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        ag.gradcheck(np.sin, X, **options)


def test_domains():
    entropy = (lambda p: -(p * np.log(p)).sum() if abs(p.sum() - 1) < 1e-12 else np.nan,
               lambda g, out, p: -g * (np.log(p) + 1))  # fmt: skip
    p, c = np.array([0.2, 0.3, 0.5]), ag.checking
    assert ag.gradcheck(entropy, p).verdict == "inconclusive"
    assert ag.gradcheck(entropy, p, domain=c.simplex).verdict == "pass"
    wrong = entropy[0], lambda g, out, p: g * (np.log(p) + 1)
    assert ag.gradcheck(wrong, p, domain={"p": c.simplex}).verdict == "fail"
    a = X @ X.T + np.eye(2)
    low = np.linalg.cholesky, lambda g, out, a: _cholesky_back(g, out)
    assert ag.gradcheck(low, a, domain=c.spd).ok
    turn = np.linalg.qr(np.array([[1.0, 2.0], [0.5, -1.0]]))[0]
    trace = (lambda r: np.trace(r) if np.allclose(r @ r.T, np.eye(2), atol=1e-9) else np.nan,
             lambda g, out, r: g * np.eye(2))  # fmt: skip
    assert ag.gradcheck(trace, turn, domain=c.orthogonal).ok
    for project, x in ((c.positive, np.abs(X)), (c.probabilities, p), (c.increasing, p)):
        assert ag.gradcheck((np.log, lambda g, out, x: g / x), x, domain=project).ok
    with pytest.raises(ValueError, match="not on its domain: simplex moves it"):
        ag.gradcheck(entropy, 2 * p, domain=c.simplex)
    with pytest.raises(ValueError, match="the inputs to differentiate by are p"):
        ag.gradcheck(entropy, p, domain={"q": c.simplex})


def _cholesky_back(g, low):
    inner = np.tril(low.T @ g)
    inner[np.diag_indices(len(inner))] /= 2
    inverse = np.linalg.inv(low)
    s = inverse.T @ inner @ inverse
    return (s + s.T) / 2


def test_gradients_that_are_not_the_derivative_on_purpose():
    through = np.round, lambda g, out, x: g
    assert ag.gradcheck(through, X).verdict == "fail"
    assert ag.gradcheck(through, X, deliberate=lambda x: x).verdict == "pass"
    assert ag.gradcheck(through, X, deliberate=lambda x: 2 * x).verdict == "fail"
    report = ag.gradcheck(through, X, deliberate=True)
    assert report.verdict == "warn"
    assert "nothing was compared" in str(report)


def test_tolerances_of_solvers_kernels_and_chance():
    def settled(c):
        z, after = np.full_like(c, np.inf), np.zeros_like(c)
        while np.abs(after - z).max() > 1e-6:
            z, after = after, np.tanh(0.5 * after + c)
        return after

    def back(g, out, c):
        d = 1 - out * out
        return g * d / (1 - 0.5 * d)

    c, pair = np.array([0.3, -0.2]), (settled, back)
    report = ag.gradcheck(pair, c, variants=False)
    assert report.verdict == "warn"
    assert "if an iteration stops at such a tolerance, say rtol=" in str(report)
    rtol = float(str(report).split("rtol=")[1].split(";")[0])
    assert ag.gradcheck(pair, c, rtol=rtol, variants=False).verdict == "pass"
    kernel = (lambda x: np.sin(x) if x.dtype == np.float32 else 1 / 0,
              lambda g, out, x: g * np.cos(x))  # fmt: skip
    assert ag.gradcheck(kernel, X, dtype=np.float32).ok
    wrong = kernel[0], lambda g, out, x: g * np.sin(x)
    assert ag.gradcheck(wrong, X, dtype=np.float32).verdict == "fail"
    rng = np.random.default_rng(0)
    noisy = np.sin, lambda g, out, x: g * np.cos(x) * (1 + 1e-8 * rng.normal(size=x.shape))
    assert ag.gradcheck(noisy, X, variants=False).verdict == "fail"
    assert ag.gradcheck(noisy, X, nondet_tol=1e-6, rtol=1e-6, variants=False).ok


def test_a_wrong_gradient_costs_little_more_than_a_right_one():
    for inputs in ((X,), (X.repeat(8, 0),), (np.linspace(0.1, 1, 12),)):
        counts = []
        for factor in (1.0, 1.2):
            calls = []
            pair = (lambda x, calls=calls: calls.append(0) or np.sin(x),
                    lambda g, out, x, f=factor: f * g * np.cos(x))  # fmt: skip
            ag.gradcheck(pair, *inputs)
            counts.append(len(calls))
        assert counts[1] <= 3 * counts[0] + 100


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize(
    ("f", "wrong"),
    [
        (np.sin, lambda g, out, x: g),
        (np.exp, lambda g, out, x: g),
        (np.square, lambda g, out, x: 0 * g),
    ],
)
def test_zeros_hide_no_fault(f, wrong, shape):
    report = ag.gradcheck((f, wrong), np.zeros(shape))
    assert report.verdict == "warn"
    assert "other inputs than zeros" in str(report)
    assert ag.gradcheck(f, np.zeros(shape)).verdict == "pass"
