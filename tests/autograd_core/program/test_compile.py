"""ag.compile: guards, fresh results, threads, refusals."""

import threading

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.errors import CompileError
from autograd_core.program.compiled import compile

X = np.array([0.5, 1.5, -2.0])


NUMBERS = {
    "grad": lambda f: ag.grad(f),
    "hessian": lambda f: ag.hessian(f),
    "value and grad": lambda f: ag.value_and_grad(f),
    "vjp": lambda f: lambda x: ag.vjp(f, x)[1](2.0),
    "jvp": lambda f: lambda x: ag.jvp(f, [x], [x]),
    "vjp by a number": lambda f: lambda x: ag.vjp(f, 0.5)[1](x),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_derivatives_by_python_numbers(name):
    derived = NUMBERS[name](lambda x: np.tanh(x) * x)
    compiled = compile(derived)
    for x in (0.5, 0.75, 2):
        assert compiled(x) == derived(x)
    assert compiled.traces <= 2  # one for whole numbers


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


def test_shapes_that_depend_on_numbers_are_guarded():
    def count(x):
        i = np.nonzero(x > 1)[0]
        return x[i] * 2.0 + i, np.mean(x[x > 1]), np.unique(x), np.repeat(x, (x > 1) + 1)

    compiled = compile(count)
    for x in ([1.0, 2, 2], [1.0, 1, 3], [2.0, 2, 2], [1.0, 2, 3], [1.0, 1, 3]):
        for a, b in zip(compiled(np.array(x)), count(np.array(x)), strict=True):
            assert np.array_equal(a, b)


def test_a_result_is_an_argument_where_it_is_eagerly():
    compiled, x = compile(lambda x: (x * 1.0, x)), np.ones(3)
    for _ in range(2):
        product, given = compiled(x)
        assert given is x
        assert not np.shares_memory(product, x)


def test_a_tensor_may_stand_on_the_right_of_an_update():
    w = ag.tensor([1.0, 2.0], requires_grad=True)

    def step(x):
        w.grad = None
        np.sum((w * x) ** 2).backward()
        w.data -= 0.1 * w.grad
        return w.data.sum()

    compiled, expected = compile(step), w.data.copy()
    for _ in range(3):
        compiled(np.ones(2))
        expected -= 0.1 * 2 * expected
        assert np.array_equal(w.data, expected)


def test_defaults_are_read_at_each_call():
    def f(x, scale=np.ones(2), *, shift=np.zeros(2)):  # noqa: B008
        return x * scale.sum() + shift.sum()

    compiled, x = compile(f), np.ones(2)
    assert np.array_equal(compiled(x), x * 2)
    f.__defaults__[0][:] = 3
    f.__kwdefaults__["shift"][:] = 1
    assert np.array_equal(compiled(x), x * 6 + 2)


@pytest.mark.parametrize(("options", "error", "words"), [
    ({"threads": 0}, ValueError, "threads is a whole number from 1 up"),
    ({"limit": True}, ValueError, "limit is a whole number from 1 up"),
    ({"blocks": 4096}, TypeError, "blocks is True or False"),
])  # fmt: skip
def test_options_are_checked(options, error, words):
    with pytest.raises(error, match=words):
        compile(np.sin, **options)


def test_it_takes_functions_and_decorates_with_options():
    with pytest.raises(TypeError, match="takes a function, got ndarray"):
        compile(X)

    @compile(check=False, blocks=False)
    def twice(x):
        return x * 2

    assert np.array_equal(twice(X), X * 2)
    assert repr(twice) == "<compiled twice, 1 programs>"


def test_a_saved_module_refuses_other_forms_and_other_ways(tmp_path):
    compiled = compile(lambda x: x * 2 if x.sum() > 0 else x)
    compiled(np.ones(3))
    with pytest.raises(ValueError, match=r"ends in \.py"):
        compiled.save(tmp_path / "saved")
    compiled.save(tmp_path / "saved.py")
    names = {"__file__": str(tmp_path / "saved.py")}
    exec((tmp_path / "saved.py").read_text(), names)
    assert np.array_equal(names["program"](np.ones(3)), np.full(3, 2.0))
    with pytest.raises(ValueError, match="shape and dtype"):
        names["program"](np.ones(2))
    with pytest.raises(ValueError, match="another way"):
        names["program"](-np.ones(3))
