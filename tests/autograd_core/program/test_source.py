"""The source of a program: captured arrays, numbers, guards, errstate, memory, small calls."""

import operator
import re
import warnings

import numpy as np
import pytest

from autograd_core.program import source as sources
from autograd_core.program.lines import Line, Program
from autograd_core.program.source import Miss, write
from autograd_core.program.trace import Trace
from autograd_core.program.traced import Number, Traced
from tests.autograd_core.program.programs import program_of, same

X = np.linspace(0.5, 2.0, 12).reshape(3, 4)


def written(f, *args, **options):
    return write(program_of(f, *args), "f", **options)


def numbered(value=0.5):
    """Return a trace, an array ``x`` of float32 in it, and a number ``n``."""
    running = Trace()
    x = Traced(running, np.arange(6, dtype=np.float32), name="x", role="input")
    return running, x, Number(running, value, "n", "input")


def test_a_rebound_array_needs_make_again_and_no_other_source():
    scale = np.array([1.0, 2.0, 3.0, 4.0])
    program = program_of(lambda x: np.transpose(x * scale), X)
    (value,) = program.captured
    program.outputs = (program.outputs, value)
    source = write(program, "f")
    same(source.make()(X), ((X * scale).T, scale))
    other = scale + 7
    same(source.make(other)(X), ((X * other).T, other))
    assert source.make(other)(X)[1] is other
    assert not any(constant is scale for constant in source.names.values())


def test_numbers_are_arguments_and_weak():
    running, x, n = numbered()
    m = Number(running, 1.5, "m")
    y, z, w = (Traced(running, x.example * 1) for _ in range(3))
    lines = [
        Line(operator.add, (n, 1), {}, m),
        Line(np.multiply, (x, m), {}, y),
        Line(np.add, (m, y), {}, z),
        Line(np.subtract, (z, n), {}, w),
    ]
    source = write(Program(lines, [x, n], (w, m)), "f")
    assert "m = n + 1\n" in source.text
    assert source.text.count("float32(m)") == 1
    assert "float32(n)" not in source.text
    for number in (0.5, 0.1, 3):
        a, b = source.make()(x.example, number)
        wanted = x.example * (number + 1) + (number + 1) - number
        same((a, b), (wanted, number + 1))
        assert a.dtype == np.float32


def test_a_number_beside_scalars_and_in_functions_that_are_no_ufuncs():
    running, x, n = numbered(2)
    y, z = Traced(running, np.float32(1)), Traced(running, np.zeros(6, np.float32))
    lines = [
        Line(np.multiply, (n, Traced(running, np.float32(3), name="s", role="input")), {}, y),
        Line(np.clip, (x, 1, n), {}, z),
    ]
    s = lines[0].args[1]
    f = write(Program(lines, [x, n, s], (y, z)), "f").make()
    same(f(x.example, 2, np.float32(0.1)), (2 * np.float32(0.1), x.example.clip(1, 2)))


def test_what_a_failed_guard_undoes():
    running, x, n = numbered()
    y, t = Traced(running, x.example * 2), Traced(running, np.bool_(True))
    shadow = Traced(running, np.zeros(6, np.float32), name="shadow", role="captured")
    array = np.zeros(6, np.float32)
    undo = Line(np.copyto, (shadow, y), {}, shadow, "write")
    lines = [
        Line(np.multiply, (x, 2), {}, y),
        Line(operator.gt, (n, 0), {}, t),
        Line(bool, (t,), {}, None, "guard", True, undo=[undo]),
    ]
    f = write(Program(lines, [x, n], x, {shadow: array}), "f").make(array)
    assert f(x.example, 1) is x.example
    assert not array.any()
    assert f(x.example, -1) == Miss(0)
    same(array, x.example * 2)


def test_neighbours_of_one_errstate_share_a_block():
    program = program_of(lambda x: np.sqrt(np.log(-x)) + np.exp(x * 1e9), X)
    names = [line.function.__name__ for line in program.lines]
    quiet = {"invalid": "ignore"}
    for name in ("log", "sqrt"):
        program.lines[names.index(name)].errstate = quiet
    source = write(program, "f")
    assert source.text.count("with errstate(**floating):") == 1
    inside = re.findall(r"\n            (\w+)\(", source.text)
    assert inside == ["log", "sqrt"]
    with pytest.warns(RuntimeWarning, match="overflow"):
        source.make()(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(over="ignore"):
            source.make()(X)


def test_lines_know_where_they_come_from():
    def f(x):
        y = np.tanh(x)
        z = y @ y.T
        return np.sum(z)

    source = written(f, X)
    first = f.__code__.co_firstlineno
    lines = source.text.splitlines()
    found = {lines[n - 1].split("(")[0].split()[-1]: origin for n, origin in source.origins.items()}
    words = (
        "tanh",
        "matmul",
        "add_reduce",
    )  # the view is made once, and is no line of the function
    assert found == {w: f"test_source.py:{first + k}" for k, w in enumerate(words, 1)}


def test_arrays_that_never_meet_share_memory():
    def f(x):
        for _ in range(30):
            x = (x.T @ x) @ np.linspace(0, 1, 16).reshape(4, 4)
            x = x[:3] / (1 + np.abs(x[:3]))
        return x

    source = written(f, X)
    assert source.buffer_bytes <= 4 * 128 + 256
    same(source.make()(X), f(X))


def test_one_long_chain_is_in_place():
    def f(x):
        for _ in range(50):
            x = np.sqrt(np.exp(-x) + 1)
        return x * 2

    assert written(f, X).buffer_bytes == 128


def test_an_operand_that_is_seen_by_a_view_is_not_written_into():
    def f(x):
        y = x + 1
        z = y[::-1] * y
        return z.T @ (z - z[:1]), np.sum(y.T, axis=0) + z[:, 1]

    same(written(f, X).make()(X), f(X))


def test_large_arrays_of_other_functions_die_early():
    def f(x):
        y = np.where(x > 1, x, 2 * x)
        z = np.tril(y)
        return np.sum(np.triu(z))

    x = np.ones((200, 200))
    text = written(f, x, blocked=False).text
    assert len(re.findall(r"(\w+) = None\n", text)) == 3
    same(written(f, x).make()(x), f(x))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.int64])
def test_powers_means_and_casts_have_numpys_bits(dtype):
    x = (np.linspace(0.5, 9, 35).reshape(5, 7) * (2 - 1j if dtype == np.complex64 else 2)).astype(
        dtype
    )

    def f(x):
        powers = [x**2, x**2.0, x**0.5, x**3, x**1.5, 2**x, x * 3 + 0.1]
        powers += [] if x.dtype.kind == "i" else [x**-1, x**-1.5]
        means = [np.mean(p) for p in powers] + [
            np.mean(p, axis=0) + p.sum(1, keepdims=True) for p in powers
        ]
        casts = [(x + 1).astype(np.complex128) * 2, np.zeros_like(x) + x.astype(complex)]
        return powers + means + casts + [p * p.mean(1, keepdims=True) for p in powers]

    with np.errstate(over="ignore"):
        same(written(f, x).make()(x), f(x))


def test_static_views_are_made_once_and_views_of_views_fall_away():
    def f(x, w):
        y = np.tanh(x @ w)
        return (
            y.T @ y,
            w.T.T @ y.T,
            np.broadcast_to(y[0], y.shape) * y,
        )

    w = np.eye(4)
    source = written(f, X, w)
    body = source.text[source.text.index("    def f(") :]
    assert ".T" not in body
    assert "broadcast_to" not in source.text
    same(source.make()(X, w), f(X, w))


def test_an_operand_stays_broadcast_where_the_result_has_its_shape_from_it():
    def f(x):
        return np.broadcast_to(x[0], x.shape) * 2, np.broadcast_to(x[:, :1], x.shape) + x

    source = written(f, X)
    assert source.text.count("broadcast_to") == 1
    same(source.make()(X), f(X))


def test_a_large_program_is_written_in_linear_time(monkeypatch):
    def f(x):
        for _ in range(400):
            x = np.tanh(x * 1.01) + 0.5
        return x

    calls = 0
    real = sources.Writer.text

    def counted(*args):
        nonlocal calls
        calls += 1
        return real(*args)

    monkeypatch.setattr(sources.Writer, "text", counted)
    source = written(f, X)
    assert calls < 400 * 3 * 4
    same(source.make()(X), f(X))


def test_names_that_python_or_the_source_use_are_changed():
    program = program_of(lambda x, y: x + y, X, X, names=["lambda", "make"])
    same(write(program, "f").make()(X, X), X + X)


def test_constants_are_scalars_beside_scalars_and_arrays_beside_arrays():
    source = written(lambda x: (x[0, 0] * 1.5 + 2, x * 1.5 + 2), X)
    kinds = {name: type(value) for name, value in source.names.items() if name.startswith("c")}
    assert kinds.pop("c1_5") is np.float64
    assert list(kinds.values()).count(np.float64) == 1
    assert list(kinds.values()).count(np.ndarray) == 2
    same(source.make()(X), (X[0, 0] * 1.5 + 2, X * 1.5 + 2))


def test_nothing_is_given_by_name_that_can_be_given_by_position():
    source = written(lambda x: (np.maximum(x * 2, 0) + 1).sum(axis=0) @ (x.mean(axis=0) * 3), X)
    assert "maximum(b, c0_0, out=b)" in source.text
    assert source.text.count("=") - source.text.count(" = ") == 1
    same(source.make()(X), (np.maximum(X * 2, 0) + 1).sum(axis=0) @ (X.mean(axis=0) * 3))
