"""Chains of lines that run block by block: bits of elementwise results, sums to rounding."""

import threading
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.program import blocks
from autograd_core.program.blocks import Block, with_blocks
from autograd_core.program.lines import Line, Program
from autograd_core.program.simplify import with_simple_calls
from autograd_core.program.source import write
from autograd_core.program.trace import Trace
from autograd_core.program.traced import Number, Traced
from autograd_core.rules.cases import CASES
from tests.autograd_core.program.programs import program_of, same
from tests.autograd_core.program.test_rules import gradient_of
from tests.sampling import sampled

X = np.random.default_rng(0).normal(size=(9, 7)) + 0.1


@pytest.fixture
def small(monkeypatch):
    """Make arrays of four elements large, and blocks hold twenty."""
    monkeypatch.setattr(blocks, "LEAST", 4)
    monkeypatch.setattr(blocks, "SIZE", 20)
    monkeypatch.setattr(blocks, "SIZE_OF_THREADS", 20)


def chains(f, *args):
    """Return the blocks of a function."""
    program = with_blocks(with_simple_calls(program_of(f, *args)), blocks.SIZE)
    return [line.chain for line in program.lines if isinstance(line, Block)]


def layer_norm(x):
    d = x - np.mean(x, axis=-1, keepdims=True)
    y = d / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + 1e-5)
    return np.sum(y * y * y)


FUNCTIONS = {
    "a chain": lambda x: np.tanh(x) * np.exp(-x) + np.sqrt(np.abs(x)),
    "sum": lambda x: np.sum(np.tanh(x) * x),
    "over the blocks": lambda x: np.sum(np.tanh(x), axis=0) * np.max(x * x, axis=0, keepdims=True),
    "inside the blocks": lambda x: np.max(x * 2, axis=1, keepdims=True) - np.min(np.exp(x), axis=1)[:, None],
    "means": lambda x: (np.mean(x * x), np.mean(x + 1, 0), np.mean(x * 3, 1), np.amax(x - 2), np.amin(-x)),
    "a choice": lambda x: np.where(x > 0, x * 2, np.clip(x, -0.5, 0.5)) + np.where(x < 0, 1.0, x),
    "casts": lambda x: ((x * 2).astype(np.float32) * x.astype(complex) + (x > 0).astype(int)).real,
    "a row and a column": lambda x: x * x[0] + np.exp(x[:, :1] * x) + x.sum(1)[:, None],
    "powers": lambda x: np.abs(x) ** 0.5 + x**2 + x**-1 + x**3,
    "a whole axis again": lambda x: (x * 2).reshape(9, 1, 7) + np.broadcast_to(np.sum(x * x, 1, keepdims=True), (9, 7)).reshape(9, 7, 1),
    "squares": lambda x: (x[:7] * 2) * np.sum(x[:7] * 3, axis=1) + np.sum(np.exp(x[:7]), axis=1)[:, None],
    "turned": lambda x: (np.exp(x[:7]).T * x[:7] + np.exp(x[:7])) * np.tanh(x[:7]).T,
    "what comes after": lambda x: np.tanh(x - np.mean(x * 2, axis=0)) @ np.exp(x.T) * 2,
    "one row": lambda x: np.exp(x[:1] * 2) - np.tanh(x[:1]) + np.sum(np.exp(x[:1]), axis=0),
    "layers": lambda x: np.exp(np.stack([x, -x])) * np.array([1.0, 2.0])[:, None, None] + np.sum(np.stack([x, x]) * 2, axis=1, keepdims=True),
    "views that are used later": lambda x: (np.exp(x * 2).reshape(63), np.exp(x)[:, None] * 2, np.sin(x * 2)[2:]),
    "a write between": lambda x: _with_write(x),
    "layer norm": ag.value_and_grad(layer_norm),
    "all at once": ag.value_and_grad(lambda x: np.mean(np.where(x > 0, np.abs(x) ** 1.5, np.exp(x) / x.shape[0]) + np.var(x, axis=1)[:, None])),
    "at second order": ag.grad(lambda x: np.sum(ag.grad(lambda z: np.sum(np.tanh(z) * np.exp(-z)))(x) * x)),
}  # fmt: skip


def _with_write(x):
    y, z = x * 2 + 1, np.zeros_like(x)
    z[1:] = y[1:] * 3
    return np.exp(z - y) * z


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("size", [5, 20, 1000])
def test_blocks_give_what_numpy_gives(small, monkeypatch, name, threads, size):
    monkeypatch.setattr(blocks, "SIZE", size)
    monkeypatch.setattr(blocks, "SIZE_OF_THREADS", size)
    f = FUNCTIONS[name]
    source = write(program_of(f, X), "f", threads=threads)
    g = source.make()
    assert "block" in source.text
    for x in (X, X[::-1] * 1.5, np.asfortranarray(X)):
        same(g(x), f(x), exact=False)
    same(write(program_of(f, X), "f", blocked=False).make()(X), f(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementwise_results_have_the_bits(small, monkeypatch, dtype):
    monkeypatch.setattr(blocks, "SIZE", 100)

    def f(x):
        y = np.tanh(x) * np.exp(-x) + np.sqrt(np.abs(x))
        return y, np.where(y > 0.5, np.sin(y), np.log(np.abs(y))), np.max(y), np.sum(x * y, axis=1)

    x = np.random.default_rng(1).normal(size=(101, 33)).astype(dtype)
    assert len(chains(f, x)) == 1
    same(write(program_of(f, x), "f").make()(x), f(x))


def test_without_blocks_sums_have_the_bits():
    f = ag.value_and_grad(layer_norm)
    x = np.random.default_rng(1).normal(size=(300, 300)).astype(np.float32)
    source = write(program_of(f, x), "f", blocked=False)
    assert "block" not in source.text
    same(source.make()(x), f(x))
    same(write(program_of(f, x), "f").make()(x), f(x), exact=False)


def test_a_sum_of_many_is_as_exact_as_numpys():
    x = np.random.default_rng(1).random(10**6).astype(np.float32)
    total = write(program_of(lambda x: np.sum(x * x), x), "f").make()(x)
    exact = np.sum(x.astype(float) ** 2)
    assert abs(total - exact) <= 4e-7 * exact


def test_axes_are_followed_by_where_they_come_from(small):
    def f(x):  # rows have been summed away; what is left lies along the columns
        return np.exp(x) * np.sum(np.tanh(x), axis=1) + np.cos(x)

    square = X[:7]
    (chain, after) = chains(f, square)
    assert [line.function.__name__ for line in chain.lines] == ["exp", "tanh", "sum", "cos"]
    assert [line.function.__name__ for line in after.lines] == ["multiply", "add"]
    same(write(program_of(f, square), "f").make()(square), f(square), exact=False)


def test_layer_norm_is_one_chain(small):
    assert len(chains(ag.value_and_grad(layer_norm), X)) == 1


def test_small_arrays_are_left_alone():
    assert "block" not in write(program_of(FUNCTIONS["a chain"], X), "f").text


def test_a_single_line_is_left_alone(small):
    assert "block" not in write(program_of(np.exp, X), "f").text


def test_the_arrays_of_a_chain_are_blocks():
    x = np.ones(10**6)
    source = write(program_of(ag.value_and_grad(FUNCTIONS["sum"]), x), "f")
    assert source.buffer_bytes == 0


def test_errstate_reaches_the_threads(small):
    program = program_of(lambda x: np.log(-x) * 2, np.ones((20, 20)))
    for line in program.lines:
        line.errstate = {"all": "ignore"}
    f = write(program, "f", threads=3).make()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(np.ones((20, 20)))
        with pytest.raises(RuntimeWarning):
            write(program_of(lambda x: np.log(-x) * 2, np.ones((20, 20))), "f", threads=3).make()(
                np.ones((20, 20))
            )


def test_two_callers_with_threads_of_their_own(small):
    f, wrong = FUNCTIONS["layer norm"], []
    source = write(program_of(f, X), "f", threads=2)

    def work(seed):
        g, x = source.make(), np.random.default_rng(seed).normal(size=X.shape)
        wanted = f(x)[1]
        wrong.extend(i for i in range(100) if not np.allclose(g(x)[1], wanted, rtol=1e-9))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("case", sampled(CASES, 6), ids=[c.id for c in CASES])
def test_rules_in_blocks(small, case):
    f, args = gradient_of(case)
    with np.errstate(all="ignore"):
        wanted = f(*args)
        try:
            program = program_of(f, *args)
        except TypeError:
            pytest.skip("the case is not compiled")
        same(write(program, "f").make()(*args), wanted, exact=False)


def test_numbers_reach_the_blocks(small):
    running = Trace()
    x = Traced(running, X.astype(np.float32), name="x", role="input")
    n, m = Number(running, 0.5, "n", "input"), Number(running, 2, "m", "input")
    values = [Traced(running, x.example * 1) for _ in range(4)]
    lines = [
        Line(np.multiply, (x, n), {}, values[0]),
        Line(np.add, (n, values[0]), {}, values[1]),
        Line(np.power, (values[1], m), {}, values[2]),
        Line(np.where, (values[2], values[1], n), {}, values[3]),
    ]
    for threads in (1, 2):
        source = write(Program(lines, [x, n, m], values[3]), "f", threads=threads)
        assert "block(" in source.text
        for a, b in ((0.5, 2), (0.1, 3)):
            y = x.example * a + a
            same(source.make()(x.example, a, b), np.where(np.power(y, b), y, a))
