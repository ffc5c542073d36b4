"""ag.compile of functions with state: what they reach is read and changed as eagerly."""

import collections
import copy
import dataclasses
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.errors import CompileError
from autograd_core.program.compiled import compile

factor = 2.0
table = np.array([1.0, 2.0, 3.0])
counter = 0


class Thing:
    """Holds what a test gives it."""

    shared = 3.0

    def __init__(self, **values):
        self.__dict__.update(values)


def same(a, b):
    """Return whether two states are equal bit for bit, types included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Thing):
        return same(vars(a), vars(b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple, collections.deque)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, ag.Tensor):
        return same(a.data, b.data) and same(a.grad, b.grad)
    if isinstance(a, np.random.Generator):
        return a.bit_generator.state == b.bit_generator.state
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    return repr(a) == repr(b)


def agree(make, calls=8, xs=None, **options):
    """Call a function of a state eagerly and compiled; results and states agree."""
    state, f = make()
    other, g = make()
    compiled = compile(g, **options)
    for i in range(calls):
        x = xs[i] if xs else np.array([0.5, -1.0, 2.0]) + i
        assert same(f(x), compiled(x)), i
        assert same(state, other), i
    assert compiled.traces
    return compiled


def counted():
    s = Thing(n=0, total=np.zeros(3))

    def f(x):
        s.n += 1
        s.total += x / s.n
        return s.total * s.n

    return s, f


def carried():
    s = Thing(state=(np.zeros(3), np.ones(3)))

    def f(x):
        h, c = s.state
        h = np.tanh(h * 0.5 + x)
        s.state = (h, c * 0.9 + h)
        return h.sum()

    return s, f


def carried_tensor():
    s = Thing(h=None)

    def f(x):
        h = ag.tensor(np.zeros(3)) if s.h is None else s.h
        s.h = np.tanh(h * 0.5 + x)
        return s.h.sum()

    return s, f


def appended():
    s = Thing(losses=[], last=collections.deque(maxlen=3))

    def f(x):
        loss = (x * x).sum()
        s.losses.append(loss)
        s.last.append(x * 2)
        return loss

    return s, f


def drawn():
    s = Thing(rng=np.random.default_rng(5))

    def f(x):
        noise = s.rng.normal(size=3)
        keep = s.rng.random() < 0.5
        return x + noise if keep else x - noise

    return s, f


def drawn_before_a_guard():
    s = Thing(rng=np.random.default_rng(5), seen=np.zeros(3))

    def f(x):
        y = x + s.rng.normal(size=3)
        s.seen += y
        if y.sum() > 4 + 2 * s.rng.normal():
            return y * 2
        return y - 1

    return s, f


def grown():
    s = Thing(cache={})

    def f(x):
        m = s.cache.setdefault("m", np.zeros(3))
        m *= 0.9
        m += x
        return m + 1

    return s, f


def views():
    flat = np.arange(6.0)
    s = Thing(flat=flat, a=flat[:3], b=flat[3:])

    def f(x):
        s.a -= 0.1 * x
        s.b *= s.a
        return (s.flat * s.flat).sum()

    return s, f


def nested_cells():
    n, w = 0, np.ones(3)
    s = Thing(seen=[])

    def f(x):
        nonlocal n, w
        n += 1
        w = w * 0.5 + x
        return w * n

    return s, f


def replaced_list():
    s = Thing(queue=[np.zeros(3), np.ones(3)])

    def f(x):
        s.queue[0] = s.queue[1]
        s.queue[1] = x * 2
        return s.queue[0] + s.queue[1]

    return s, f


def buffer_made_inside():
    s = Thing()

    def f(x):
        out = np.zeros((2, 3))
        first = out[0]
        np.multiply(x, 2, out=first)
        np.add(x, 1, out=out[1])
        return out, first * x

    return s, f


def leaf_updated():
    w = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = Thing(w=w)

    def f(x):
        loss = np.sum((w * x - 1) ** 2)
        w.grad = None
        loss.backward()
        w.data -= 0.01 * w.grad.data
        return loss.detach()

    return s, f


def leaf_accumulated():
    w = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    s = Thing(w=w)

    def f(x):
        np.sum(np.tanh(w * x)).backward()
        return w.grad.data.sum()

    return s, f


def flags():
    s = Thing(odd=False)

    def f(x):
        s.odd = not s.odd
        return x * 2 if s.odd else x + 1

    return s, f


@pytest.mark.parametrize("make", [
    counted, carried, carried_tensor, appended, drawn, drawn_before_a_guard, grown, views,
    nested_cells, replaced_list, buffer_made_inside, leaf_updated, leaf_accumulated, flags,
])  # fmt: skip
def test_state_and_results_are_the_eager_ones(make):
    agree(make, calls=12)


def test_numbers_that_change_are_inputs():
    compiled = agree(counted, calls=50)
    assert compiled.traces <= 2


def test_globals_are_read_and_watched():
    global factor, table

    def f(x):
        return x * factor + table

    compiled, x = compile(f), np.ones(3)
    for new in (2.0, 3.0, 5.0, 7.0):
        factor = new
        assert same(compiled(x), f(x))
    assert compiled.traces == 2
    table = np.array([4.0, 5.0, 6.0])
    assert same(compiled(x), f(x))
    table[:] = 9.0
    assert same(compiled(x), f(x))
    assert compiled.traces == 3


def test_functions_of_exec_have_no_module():
    names = {"np": np, "scale": np.array(2.0)}
    exec("def part(x): return scale * x\ndef f(x): return np.sum(part(x) ** 2)", names)
    compiled = compile(names["f"])
    assert names["f"].__module__ is None
    assert compiled(np.ones(3)) == 12.0
    names["scale"] = np.array(3.0)
    assert compiled(np.ones(3)) == 27.0


def test_globals_are_written():
    global counter

    def f(x):
        global counter
        counter += 1
        return x * counter

    compiled, x = compile(f), np.ones(3)
    counter = 0
    for i in range(1, 6):
        assert same(compiled(x), x * i)
        assert counter == i


def test_a_class_and_its_methods_are_watched():
    t = Thing(a=np.ones(3))
    compiled = compile(lambda x: x * t.shared + t.a)
    x = np.ones(3)
    assert same(compiled(x), x * 3 + 1)
    Thing.shared = 4.0
    try:
        assert same(compiled(x), x * 4 + 1)
    finally:
        Thing.shared = 3.0
    t.a = np.zeros(3)
    assert same(compiled(x), x * 3)


def test_helpers_are_looked_into():
    def helper(x):
        return x * factor

    def f(x):
        return helper(x) + 1

    global factor
    factor = 2.0
    compiled, x = compile(f), np.ones(3)
    compiled(x)
    factor = 11.0
    assert same(compiled(x), x * 11 + 1)


def test_an_error_inside_is_the_users_and_leaves_the_state():
    s = Thing(n=0, total=np.zeros(2))

    def f(x):
        s.n += 1
        s.total += 1
        return np.linalg.solve(x, s.total)

    compiled = compile(f)
    good, bad = np.eye(2), np.zeros((2, 2))
    compiled(good)
    before = copy.deepcopy(vars(s))
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        compiled(bad)
    with pytest.raises(np.linalg.LinAlgError) as error:
        compiled(bad)
    assert "f" in [entry.name for entry in error.traceback]  # its line is the user's
    assert same(before, vars(s))
    assert same(compiled(good), np.full(2, 2.0))


def test_an_array_that_is_read_beside_numpys_dispatch_is_refused():
    def f(x):
        out = np.zeros(3)
        np.multiply(x, 2, out=out)
        return out.sum()  # a method of a plain array, which a trace does not see

    with pytest.raises(CompileError, match="did not do the same twice"):
        compile(f)(np.ones(3))


def test_an_error_of_the_trace_is_the_users():
    def f(x):
        if x.shape[0] > 2:
            raise ValueError("too long")
        return x * 2

    compiled = compile(f)
    with pytest.raises(ValueError, match="too long"):
        compiled(np.ones(3))
    assert same(compiled(np.ones(2)), np.full(2, 2.0))


def test_results_keep_their_type():
    def f(x):
        t = ag.tensor(x)
        return {"a": t * 2, "b": (x, [t.sum()]), "c": 1.5}

    compiled, x = compile(f), np.ones(3)
    for _ in range(2):
        assert same(compiled(x), f(x))


def test_trees_and_static_arguments():
    @dataclasses.dataclass
    class Parameters:
        w: np.ndarray
        b: float

    def f(p, x, power=2, *, how="sum"):
        y = (p.w * x + p.b) ** power
        return y.sum() if how == "sum" else y

    compiled = compile(f)
    for p in (Parameters(np.ones(3), 0.5), Parameters(np.full(3, 2.0), 1.5)):
        for options in ({}, {"power": 3}, {"how": "all"}):
            x = np.arange(3.0)
            assert same(compiled(p, x, **options), f(p, x, **options))
    assert compiled.traces == 3


def test_methods_and_decorators():
    class Model:
        def __init__(self, w):
            self.w = w

        @compile
        def __call__(self, x):
            return self.w * x

    a, b = Model(np.ones(3)), Model(np.full(3, 5.0))
    for _ in range(2):
        assert same(a(np.ones(3)), np.ones(3))
        assert same(b(np.ones(3)), np.full(3, 5.0))
    a.w = np.full(3, 7.0)
    assert same(a(np.ones(3)), np.full(3, 7.0))


def test_inside_something_that_records_it_is_part_of_that():
    inner = compile(lambda x: np.tanh(x) * x)
    x = np.array([0.5, 1.0])
    wanted = ag.grad(lambda x: np.sum(np.tanh(x) * x))(x)
    assert same(ag.grad(lambda x: np.sum(inner(x)))(x), wanted)
    assert same(compile(ag.grad(lambda x: np.sum(inner(x))))(x), wanted)


def test_scalars_that_are_arguments_do_not_trace_anew():
    compiled = compile(lambda x, lr: x - lr * x)
    for lr in (0.1, 0.2, 0.3):
        assert same(compiled(np.ones(2), lr), np.ones(2) - lr * np.ones(2))
    assert compiled.traces == 1


@pytest.mark.parametrize(("f", "words"), [
    (lambda x: ag.tensor(x, requires_grad=True) * 2, "a Tensor that records still"),
    (lambda x: Thing(x=x), "a Thing that it makes itself"),
    (lambda x: str(x), "str\\(\\) of a traced array"),
])  # fmt: skip
def test_results_that_a_program_cannot_make_are_refused(f, words):
    with pytest.raises(CompileError, match=words):
        compile(f)(np.ones(3))


def test_arrays_of_another_kind_are_refused():
    with pytest.raises(CompileError, match="NumPy's own arrays, got numpy"):
        compile(lambda x: x * 2)(np.ma.masked_array([1.0], [False]))


def test_ten_thousand_calls_keep_nothing():
    _, f = counted()
    compiled, x = compile(f), np.ones(3)
    for _ in range(100):
        compiled(x)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10_000):
        compiled(x)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000


def test_an_error_that_the_function_handles():
    def f(k):
        try:
            return np.linalg.cholesky(k)
        except np.linalg.LinAlgError:
            return np.linalg.cholesky(k + 10 * np.eye(2))

    compiled = compile(f)
    for k in (np.eye(2), -np.eye(2), 2 * np.eye(2)):
        assert same(compiled(k), f(k))


def test_draws_are_taken_back_where_a_program_raises():
    s = Thing(rng=np.random.default_rng(0))

    def f(k):
        noise = s.rng.normal(size=2)
        return np.linalg.solve(k, noise)

    compiled = compile(f)
    compiled(np.eye(2))
    before = s.rng.bit_generator.state
    with pytest.raises(np.linalg.LinAlgError):
        compiled(np.zeros((2, 2)))
    assert s.rng.bit_generator.state == before


def test_whole_numbers_become_inputs_once_they_change_often():
    compiled = compile(lambda x, t: x * t, limit=4)
    for t in range(12):
        assert same(compiled(np.ones(2), t), np.ones(2) * t)
    assert compiled.traces <= 6


def test_whole_numbers_may_be_indices():
    compiled = compile(lambda x, i: x[i] * 2, limit=3)
    for i in range(9):
        assert same(compiled(np.arange(10.0), i), np.float64(2 * i))
    assert compiled.traces <= 4


def test_whole_numbers_may_be_lengths():
    compiled = compile(lambda x, n: sum(x * k for k in range(n)), limit=3)
    told = []
    for n in range(1, 12):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            assert same(compiled(np.ones(2), n), sum(np.ones(2) * k for k in range(n)))
        told += found
    assert len(told) == 1
    assert "run eagerly" in str(told[0].message)


def test_a_number_is_an_array_a_text_and_an_index():
    def f(x, scale):
        return x * np.full(2, scale) + len(f"{scale:.1f}") + np.array([scale, 1.0]).sum()

    compiled = compile(f)
    for scale in (0.5, 10.5, 0.5):
        assert same(compiled(np.ones(2), scale), f(np.ones(2), scale))


@pytest.mark.parametrize(("f", "words"), [
    (lambda d: d.update(y=d["x"] * 2) or d["y"], "changes a container or a Tensor"),
    (lambda d: d["xs"].append(d["x"]) or d["x"], "changes a container or a Tensor"),
    (lambda d: setattr(d["t"], "data", d["x"] * 2) or d["x"], "changes a container or a Tensor"),
])  # fmt: skip
def test_arguments_that_are_changed_are_refused(f, words):
    with pytest.raises(CompileError, match=words):
        compile(f)({"x": np.ones(2), "xs": [], "t": ag.tensor([1.0, 2.0])})


def test_sets_are_watched_and_not_changed():
    s = Thing(active={"a"})
    compiled = compile(lambda x: x * 2 if "b" in s.active else x)
    assert same(compiled(np.ones(2)), np.ones(2))
    s.active.add("b")
    assert same(compiled(np.ones(2)), np.full(2, 2.0))
    with pytest.raises(CompileError, match="changes a set"):
        compile(lambda x: s.active.add("c") or x)(np.ones(2))
    assert s.active == {"a", "b"}


def test_attributes_that_methods_use_are_watched():
    class Scaled:
        scale = 2.0

        def __init__(self, w):
            self.w = w

        def __call__(self, x):
            return self.w * x * self.scale

    model = Scaled(np.ones(2))
    compiled = compile(lambda x: model(x))
    assert same(compiled(np.ones(2)), np.full(2, 2.0))
    Scaled.scale = 5.0
    assert same(compiled(np.ones(2)), np.full(2, 5.0))


def test_a_compiled_function_is_pickled_by_its_function():
    compiled = pickle.loads(pickle.dumps(compile(same_plus)))
    assert same(compiled(np.ones(2)), np.ones(2) + 1)


def same_plus(x):
    return x + 1
