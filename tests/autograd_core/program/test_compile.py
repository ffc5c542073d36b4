"""ag.compile: guards, fresh results, threads, refusals."""

import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CompileError
from autograd_core.program.compiled import compile

X = np.array([0.5, 1.5, -2.0])


def test_results_are_fresh_arrays():
    slope = compile(ag.grad(lambda x: np.sum(np.tanh(x) * x)))
    first = slope(X)
    kept = first.copy()
    slope(X + 1)
    assert np.array_equal(first, kept)


def test_a_branch_on_a_value_is_a_guard():
    def f(x):
        return x * 2 if x.sum() > 0 else x - 1

    compiled = compile(f)
    for x in (X, -X, X + 3, X - 3):
        assert np.array_equal(compiled(x), f(x))


def test_a_loop_of_changing_length():
    def halve(x):
        while x > 1:
            x = x / 2
        return x

    compiled = compile(halve, limit=40)
    for x in np.random.default_rng(0).uniform(0.1, 1e4, 200):
        assert compiled(x) == halve(x)
    assert compiled.traces <= 15


def test_too_many_ways_are_run_eagerly_and_told():
    compiled = compile(lambda x: x * 2 if x > 3 else x + 1 if x > 2 else x - 1, limit=1)
    compiled(np.float64(4.0))
    with pytest.warns(UserWarning, match="run eagerly"):
        assert compiled(np.float64(1.0)) == 0.0


def test_two_threads_have_buffers_of_their_own():
    f = ag.grad(lambda x: np.sum(np.sin(x) * np.exp(-x) + np.tanh(x * x)))
    compiled, wrong = compile(f), []
    compiled(np.ones(1000))

    def work(seed):
        x = np.random.default_rng(seed).normal(size=1000)
        wanted = f(x)
        wrong.extend(i for i in range(300) if not np.array_equal(compiled(x), wanted))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_captured_array_is_read_at_each_call():
    scale = np.array([1.0, 2.0, 3.0])
    compiled = compile(ag.grad(lambda x: np.sum(scale * x * x)))
    compiled(X)
    scale[:] = 5.0
    assert np.array_equal(compiled(X), 10 * X)


@pytest.mark.parametrize(("f", "words"), [
    (lambda x: x * float(x[0]), r"float\(\) of a traced array at test_compile"),
    (lambda x: x * np.random.default_rng().normal(size=3), "did not do the same twice"),
    (lambda x: x.__iadd__(1.0), "writes into an array that <lambda> was given"),
])  # fmt: skip
def test_what_cannot_be_compiled_says_why(f, words):
    with pytest.raises(CompileError, match=words):
        compile(f)(X)


def test_a_returned_array_that_was_made_inside_and_written_into():
    def spread(x):
        out = np.zeros((4, 2))
        np.add.at(out, [0, 2, 0], x)
        return out, x * 2

    for x in (np.arange(6.0).reshape(3, 2), np.ones((3, 2))):
        wanted = np.zeros((4, 2))
        np.add.at(wanted, [0, 2, 0], x)
        compiled = compile(spread)
        assert np.array_equal(compiled(x)[0], wanted)
        assert np.array_equal(compiled(2 * x)[0], 2 * wanted)


def test_a_part_of_an_array_that_was_made_inside_is_written():
    def spread(x):
        out = np.zeros((4, 2))
        np.add.at(out.reshape(-1), [0, 2, 0], x)
        return out + x.sum()

    compiled = compile(spread)
    for x in (np.ones(3), np.arange(3.0)):
        assert np.array_equal(compiled(x), spread(x))


def test_the_gradient_of_an_embedding():
    f = ag.value_and_grad(lambda w: np.sum(nn.embedding(np.array([1, 2, 1]), w) ** 2))
    w = np.random.default_rng(0).normal(size=(4, 3))
    assert np.array_equal(compile(f)(w)[1], f(w)[1])


def test_a_program_is_drawn_and_measured():
    model = nn.mlp([6, 4, 2], "tanh", output=None, rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)

    def step(x):
        loss = np.sum(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    compiled, x = compile(step), np.ones((3, 6), np.float32)
    before = [p.data.copy() for p in model.parameters()]
    titles = [box.title for box in compiled.draw(x).graph.boxes]
    assert titles.count("matmul") == 5  # two forward, three back
    assert titles.count("output") == 8  # gradients, and what they move
    rows = {row.name for row in compiled.profile(x).rows}
    assert {"matmul", "tanh", "multiply", "subtract"} <= rows
    assert not np.array_equal(before[0], model.layers[0].weight.data)  # it is run, too
