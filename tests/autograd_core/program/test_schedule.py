"""The order of lines, and the memory that a program needs."""

import itertools
import operator
import tracemalloc

import numpy as np

import autograd_core as ag
from autograd_core.program import arena
from autograd_core.program.lines import Line
from autograd_core.program.schedule import with_early_frees
from autograd_core.program.source import write
from autograd_core.program.trace import Trace
from autograd_core.program.traced import Traced
from tests.autograd_core.program.programs import program_of, same

BIG = np.random.default_rng(0).normal(size=(400, 400))


def loss(x, *weights):
    for w in weights:
        x = np.maximum(x @ w.T, 0)
    return np.mean(x * x)


def peak(call):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


def test_a_step_needs_less_memory_than_eager():
    rng = np.random.default_rng(0)
    x = rng.random((2048, 196), dtype=np.float32)
    sizes = [196, 128, 64, 10]
    weights = [rng.random((b, a), dtype=np.float32) for a, b in itertools.pairwise(sizes)]
    f = ag.value_and_grad(loss, (1, 2, 3))
    wanted = f(x, *weights)
    source = write(program_of(f, x, *weights), "f")
    eager, _ = peak(lambda: f(x, *weights))
    compiled, found = peak(lambda: source.make()(x, *weights))
    same(found, wanted, exact=False)
    assert compiled <= 0.8 * eager


def test_what_frees_memory_comes_first():
    def f(x):
        big = [np.exp(x * k) for k in (1.0, 2.0, 3.0, 4.0)]
        return [np.sum(b, axis=0) for b in big]

    program = program_of(f, BIG)
    names = [line.function.__name__ for line in with_early_frees(program).lines]
    assert names == ["multiply", "exp", "sum"] * 4 or names == [
        "exp",
        "sum",
        *["multiply", "exp", "sum"] * 3,
    ]
    source = write(program, "f", blocked=False)
    assert source.buffer_bytes < 1.1 * BIG.nbytes
    same(source.make()(BIG), f(BIG))


def test_writes_reads_and_guards_keep_their_order():
    def f(x):
        y = np.exp(x)
        a = y[:200] * 2
        y[:200] = x[200:] * 3
        b = y * 2
        y += 1
        z = y[100:]
        z *= np.cos(x[100:])
        c = np.sum(y) + np.sum(y[::2])
        y *= a[0]
        return np.sum(b * y, axis=0), c, np.sum(a)

    program = program_of(f, BIG)
    lines = with_early_frees(program).lines
    assert len(lines) == len(program.lines)
    same(write(program, "f", blocked=False).make()(BIG), f(BIG))
    same(write(program, "f").make()(BIG), f(BIG), exact=False)


def test_a_write_through_a_view_comes_before_what_reads_the_whole():
    def f(x):
        big, y = np.exp(x), x * 2
        z = y[100:]
        z *= 3
        return np.vdot(big, y)  # lets both go, so it would be early

    same(write(program_of(f, BIG), "f", blocked=False).make()(BIG), f(BIG))


def test_draws_guards_and_writes_stay_in_order():
    big = Traced(Trace(), BIG, name="big", role="captured")
    program = program_of(lambda x: (np.exp(x), np.sum(x * x) > 0), BIG)
    exp, truth = program.outputs
    program.lines.append(Line(bool, (truth,), {}, None, "guard"))
    program.lines.append(Line(operator.setitem, (big, 0, exp), {}, big, "write"))
    for _ in range(2):
        drawn = Traced(big.owner, BIG)
        program.lines.append(Line(np.copy, (big,), {}, drawn, "draw"))
    program.outputs = ()
    names = [(line.kind, line.function.__name__) for line in with_early_frees(program).lines]
    assert [kind for kind, _ in names if kind != "call"] == ["guard", "write", "draw", "draw"]


def test_small_programs_keep_their_order():
    program = program_of(lambda x: np.exp(x) + 1, BIG[:5])
    assert with_early_frees(program) is program


def test_places_of_large_arrays_never_overlap():
    rng = np.random.default_rng(0)
    lives = [(int(rng.integers(1, 5000)), *sorted(rng.integers(0, 50, 2))) for _ in range(200)]
    offsets, size = arena.place(lives, 64)
    for i, (a, p) in enumerate(zip(lives, offsets, strict=True)):
        assert p % 64 == 0
        assert 64 <= p <= size - a[0]
        for b, q in list(zip(lives, offsets, strict=True))[:i]:
            apart = a[2] < b[1] or b[2] < a[1]
            assert apart or p + a[0] <= q or q + b[0] <= p
    at_once = max(sum(n for n, a, b in lives if a <= t <= b) for t in range(50))
    assert size <= 1.3 * at_once


def test_an_arena_keeps_apart_what_it_gave():
    rng, mine, memory = np.random.default_rng(1), {}, arena.Arena()
    for _ in range(2000):
        if mine and rng.random() < 0.5:
            offset = list(mine)[rng.integers(len(mine))]
            memory.give(offset, mine.pop(offset))
        else:
            n = int(rng.integers(1, 1000))
            offset = memory.take(n)
            assert all(offset + n <= p or p + m <= offset for p, m in mine.items())
            mine[offset] = n
    assert arena.memory(100).ctypes.data % 64 == 0


def test_many_large_arrays_are_placed_one_by_one(monkeypatch):
    monkeypatch.setattr("autograd_core.program.source.MANY", 3)
    f = ag.value_and_grad(lambda x: np.sum(np.tanh(x @ x) @ x))
    same(write(program_of(f, BIG), "f", blocked=False).make()(BIG), f(BIG))
