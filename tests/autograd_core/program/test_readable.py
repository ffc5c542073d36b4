"""The mathematics of a program as text: it reads well, and computes the same."""

import ast
import operator

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.program.lines import Line, Program
from autograd_core.program.readable import as_readable, readable
from autograd_core.program.trace import Trace
from autograd_core.program.traced import Number, Traced
from autograd_core.rules.cases import CASES
from tests.autograd_core.program.programs import program_of, same
from tests.autograd_core.program.test_blocks import FUNCTIONS, X
from tests.autograd_core.program.test_rules import gradient_of
from tests.sampling import sampled


def run(program, *args):
    """Return what the text computes, and the text."""
    found = as_readable(program, "f")
    names = {"np": np, "math": __import__("math"), **found.names}
    exec(found.definition, names)
    return names["f"](*args), found.text


def checked(f, *args):
    found, text = run(program_of(f, *args), *args)
    with np.errstate(all="ignore"):
        same(found, f(*args), exact=False)
    return text


def two_layers(x, y, hidden_weight, hidden_bias, output_weight, output_bias):
    hidden = nn.sigmoid(x @ hidden_weight.T + hidden_bias)
    out = nn.sigmoid(hidden @ output_weight.T + output_bias)
    return 0.5 * np.sum((out - y) ** 2) / len(x)


def test_two_layers_are_ten_statements():
    rng = np.random.default_rng(0)
    shapes = [(10, 784), (10, 10), (30, 784), (30,), (10, 30), (10,)]
    args = [rng.random(shape, dtype=np.float32) / 8 for shape in shapes]
    names = ["x", "y", "hidden_weight", "hidden_bias", "output_weight", "output_bias"]
    program = program_of(ag.value_and_grad(two_layers, (2, 3, 4, 5)), *args, names=names)
    found, text = run(program, *args)
    same(found, ag.value_and_grad(two_layers, (2, 3, 4, 5))(*args), exact=False)
    statements = ast.parse(text).body[0].body
    assert len(statements) <= 15
    assert "(1 - hidden) * hidden * " in text
    assert "d_hidden_weight = " in text
    assert "# (10, 30)  test_readable.py:" in text
    assert max(len(line.partition("  # ")[0].rstrip()) for line in text.splitlines()) <= 88


def test_names_come_from_values_or_are_given():
    program = program_of(lambda x: np.tanh(np.exp(x) @ x.T) * 2, X, names=["input"])
    exp, product = (
        next(n.result for n in program.lines if n.function is f) for f in (np.exp, np.matmul)
    )
    exp.name = "weights"
    text = readable(program, "scores", {product: "d_loss_d_x"})
    assert text.startswith("def scores(input_2):\n    weights = np.exp(input_2)")
    assert "d_loss_d_x = weights @ input_2.T" in text
    assert "return np.tanh(d_loss_d_x) * 2" in text


@pytest.mark.parametrize(("f", "wanted"), [
    (lambda x: -(x**2), "-x0 ** 2"),
    (lambda x: (-x) ** 3, "(-x0) ** 3"),
    (lambda x: x - (x - (x + 1)), "x0 - (x0 - (x0 + 1))"),
    (lambda x: (x - x) - x / (x * 2) * 3, "x0 - x0 - x0 / (x0 * 2) * 3"),
    (lambda x: np.abs(x) ** (x**2), "np.abs(x0) ** x0 ** 2"),
    (lambda x: (np.abs(x) ** x) ** 2, "(np.abs(x0) ** x0) ** 2"),
    (lambda x: np.abs(x) ** -0.5, "np.abs(x0) ** -0.5"),
    (lambda x: (x < 1) & (x > 0) | ~(x == 2), "(x0 < 1) & (x0 > 0) | ~(x0 == 2)"),
    (lambda x: ((x < 1) == (x > 0)) * 1.5, "((x0 < 1) == (x0 > 0)) * 1.5"),
    (lambda x: x[1:, None, ::2] * x[0][0], "x0[1:, None, ::2] * x0[0][0]"),
    (lambda x: (x + 1)[1] @ (x * 2).T, "(x0 + 1)[1] @ (x0 * 2).T"),
    (lambda x: (x.T @ (x + 1)).T, "(x0 + 1).T @ x0"),
    (lambda x: np.sum(x, axis=(0,)) + np.max(x, axis=1, keepdims=True), "np.sum(x0, axis=0) + np.max(x0, axis=1, keepdims=True)"),
    (lambda x: (x * 2.0).astype(np.float32) * np.float32(0.1), "(x0 * 2).astype(np.float32) * 0.1"),
    (lambda x: x.astype(np.float32) * np.float64(0.5), "x0.astype(np.float32) * np.float64(0.5)"),
    (lambda x: np.where(x > 0, x, np.inf) * np.nan, "np.where(x0 > 0, x0, np.inf) * np.nan"),
    (lambda x: np.add.reduce(x, axis=1) + np.linalg.norm(x), "np.add.reduce(x0, axis=1)"),
    (lambda x: np.multiply(2.5j, np.sum(x))[..., None], "(np.complex128(2.5j) * np.sum(x0))[..., None]"),
    (lambda x: x.reshape(7, 9).swapaxes(0, 1) * np.int64(3), "x0.reshape((7, 9)).T * 3"),
])  # fmt: skip
def test_operators_bind_as_in_python(f, wanted):
    assert wanted in checked(f, X)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    checked(FUNCTIONS[name], X)


def test_writes_stay_in_order():
    def f(x):
        y = x * 2
        z = y[1:] + 1
        y[1:] *= 3
        y[0] = z[0]
        y -= np.add(x, 1, out=np.zeros_like(x))
        np.add.at(y, ([0, 0], [1, 1]), 1.0)
        np.copyto(y, 5.0, where=y > 3)
        return y, z

    text = checked(f, X)
    assert "*= 3" in text


def test_numbers_guards_and_draws():
    running = Trace()
    x = Traced(running, X[0], name="x", role="input")
    n, m = Number(running, 2, "n", "input"), Number(running, 3)
    t, y, noise = Traced(running, np.True_), Traced(running, X[0]), Traced(running, X[0])
    rng = np.random.default_rng(0)
    lines = [
        Line(operator.add, (n, 1), {}, m),
        Line(operator.lt, (m, 5), {}, t),
        Line(bool, (t,), {}, None, "guard"),
        Line(rng.normal, (), {"size": 7}, noise, "draw"),
        Line(np.multiply, (x, m), {}, y),
        Line(np.add, (y, noise), {}, z := Traced(running, X[0])),
    ]
    found, text = run(Program(lines, [x, n], z), X[0], 2)
    same(found, X[0] * 3 + np.random.default_rng(0).normal(size=7))
    assert "    t = n + 1\n    assert t < 5\n" in text
    assert "return x * t + t_2" in text
    with pytest.raises(AssertionError):
        run(Program(lines, [x, n], z), X[0], 4)


def test_several_results():
    def f(x):
        values, vectors = np.linalg.eigh(x.T @ x)
        return values[:2], np.abs(vectors) @ np.linalg.svd(x, full_matrices=False)[2].T * 0

    assert "values, vectors = np.linalg.eigh(x0.T @ x0)" in checked(f, X)


def test_long_expressions_are_cut_at_the_width():
    def f(x):
        powers = [x]
        for k in range(1, 40):
            powers.append(np.tanh(powers[-1] * k + 0.25))
        return powers[-1]

    program = program_of(f, X)
    text = readable(program, "f", width=60)
    lengths = [len(line.partition("  # ")[0].rstrip()) for line in text.splitlines()]
    assert max(lengths) <= 60
    assert sum(lengths) / len(lengths) > 35
    same(run(program, X)[0], f(X))


UNARY = [
    np.tanh,
    np.exp,
    np.negative,
    np.square,
    lambda a: a.T,
    lambda a: a[::-1],
    lambda a: a**3,
    lambda a: np.sum(a, axis=0),
    lambda a: a - np.max(a, axis=1, keepdims=True),
]
BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.matmul,
    np.maximum,
    np.arctan2,
    lambda a, b: np.where(a > b, a, 2.0),
]


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    def f(x):
        rng = np.random.default_rng(seed)
        values = [x, 0.5 * x.T + 1]
        for _ in range(12):
            a, b = (values[rng.integers(len(values))] for _ in range(2))
            if rng.random() < 0.5:
                v = UNARY[rng.integers(len(UNARY))](a)
                v = v + np.zeros((4, 4)) if v.ndim < 2 else v
            else:
                v = BINARY[rng.integers(len(BINARY))](a, b)
            values.append(np.tanh(v) if rng.random() < 0.5 else v)
            if rng.random() < 0.2:
                values[-1] = values[-1] * rng.integers(1, 4)
        return values[-1] + values[-2] / (1 + values[-3] ** 2)

    x = np.random.default_rng(seed).normal(size=(4, 4))
    with np.errstate(all="ignore"):
        checked(f, x)
        checked(ag.grad(lambda x: np.sum(np.tanh(f(x)))), x)


@pytest.mark.parametrize("case", sampled(CASES, 6), ids=[c.id for c in CASES])
def test_rules_read(case):
    f, args = gradient_of(case)
    with np.errstate(all="ignore"):
        try:
            program = program_of(f, *args)
        except TypeError:
            pytest.skip("the case is not compiled")
        same(run(program, *args)[0], f(*args), exact=False)
