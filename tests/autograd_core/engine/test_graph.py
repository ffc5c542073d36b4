"""Backward: accumulation, freeing, mutation guards, memory, depth, threads."""

import asyncio
import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import autograd_core as ag
from tests.sampling import sampled


def leaf(*values, **options):
    return ag.tensor(values, requires_grad=True, **options)


def test_backward_accumulates_in_leaves_only():
    x = leaf(1.0, 2.0)
    h = x * x
    y = (h * h).sum()
    y.backward()
    assert h.grad is None
    np.testing.assert_allclose(x.grad.numpy(), 4 * np.array([1.0, 8.0]))
    (x * 1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 4 * np.array([1.0, 8.0]) + 1)
    x.zero_grad()
    assert x.grad is None


def test_earlier_gradients_are_not_changed_by_a_later_backward():
    x = leaf(1.0)
    (x * 2).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    assert first.tolist() == [2]


def test_second_backward_raises_and_names_retain_graph():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(ag.GraphError, match="retain_graph=True"):
        y.backward()


def test_non_scalar_needs_a_cotangent_of_its_shape():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(ag.GraphError, match="gradient="):
        y.backward()
    with pytest.raises(ag.GraphError, match=r"\(2,\)"):
        y.backward(np.ones(3))


def test_nothing_recorded():
    with pytest.raises(ag.GraphError, match="requires_grad=True"):
        ag.tensor([1.0]).sum().backward()


def test_retain_grad_and_hooks():
    x = leaf(1.0, 2.0)
    h = x * 3
    h.retain_grad()
    seen = []
    remove = h.register_hook(lambda g: seen.append(g.tolist()))
    h.register_hook(lambda g: g * 10)
    (h * h).sum().backward(retain_graph=True)
    assert seen == [[6, 12]]
    assert h.grad.tolist() == [60, 120]
    assert x.grad.tolist() == [180, 360]
    remove()
    (h * 1).sum().backward()
    assert len(seen) == 1


def test_hook_on_a_leaf_and_its_wrong_shape():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g * 0 + 5)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [5, 5]
    x.register_hook(lambda g: np.ones(7))
    with pytest.raises(ag.RuleError, match="hook"):
        (x * 2).sum().backward()


def test_gradients_interface():
    x, y, z = leaf(1.0), leaf(2.0), leaf(3.0)
    out = (x * y).sum()
    gx, gy = ag.gradients(out, [x, y])
    assert (gx.item(), gy.item()) == (2, 1)
    assert x.grad is None
    with pytest.raises(ag.GraphError, match="allow_unused"):
        ag.gradients(out, z)
    assert ag.gradients(out, z, allow_unused=True) is None
    with pytest.raises(ag.GraphError, match="requires_grad"):
        ag.gradients(out, ag.tensor([1.0]))
    h = x * 5
    assert ag.gradients((h * h).sum(), h).item() == 10  # an intermediate one
    a, b = x * 2, x * 3
    assert ag.gradients([a, b], x, [np.ones(1), np.ones(1)]).item() == 5


def test_diamonds_and_wide_graphs():
    x = leaf(2.0)
    y = x
    for _ in range(30):
        y = y + y  # 2^30 paths
    y.sum().backward()
    assert x.grad.item() == 2**30
    x.zero_grad()
    sum(((x * i).sum() for i in range(1000)), start=ag.tensor(0.0)).backward()
    assert x.grad.item() == 499500


@pytest.mark.parametrize("n", sampled((100_000, 1_000_000), 2))
def test_a_long_chain_needs_no_recursion(n):
    x = ag.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(n):
        y = -y
    y.backward()
    assert x.grad.item() == 1
    z = x
    for _ in range(n):
        z = -z
    del z, y  # freed without recursion too


def test_no_reference_cycles():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        h = x * x
        y = np.sum(np.tanh(h))
        data = weakref.ref(h.data)
        y.backward(create_graph=True)
        del h, y
        x.zero_grad()
        assert data() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("steps", sampled((800, 4_000), 2))
def test_no_leak_over_many_steps(steps):
    w = leaf(*np.ones(10))

    def step():
        loss = np.sum(np.tanh(w * w) ** 2)
        loss.backward()
        w.data -= 0.01 * w.grad
        w.zero_grad()

    for _ in range(1000):  # the interpreter's free lists fill
        step()
    gc.collect()
    tracemalloc.start()
    kept = [tracemalloc.get_traced_memory()[0]]
    for _ in range(4):
        for _ in range(steps):
            step()
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    # 5 bytes a step: nothing.  A leak is in every part; a table that grew once is in one
    assert np.diff(kept).min() < 5 * steps, kept


def test_memory_falls_during_backward():
    x = leaf(*np.ones(100_000))
    y = x
    for _ in range(20):
        y = np.sin(y)
    saved = weakref.ref(y._node.args[0])
    loss = y.sum()
    loss.backward()
    assert saved() is None


def test_two_leaves_never_share_a_gradient_buffer():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = np.ones(2)
    (x + y).backward(seed)
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())
    assert not np.shares_memory(x.grad.numpy(), seed)
    assert x.grad.numpy().flags.writeable
    z = ag.tensor(np.ones((3, 2)), requires_grad=True)
    z.sum().backward()
    z.grad.numpy()[0, 0] = 5  # a real buffer, not a broadcast one
    assert z.grad.numpy().sum() == 10


def test_hand_written_update_loops():
    w = leaf(1.0, 2.0)
    buffer = w.data
    for _ in range(3):
        (w * w).sum().backward()
        w.data -= 0.1 * w.grad
        w.zero_grad()
    np.testing.assert_allclose(w.numpy(), np.array([1, 2]) * 0.8**3)
    (w * w).sum().backward()
    with ag.no_grad():
        w -= 0.1 * w.grad
        w[...] = w * 1
        w *= 2
    assert w.data is buffer
    assert w.requires_grad
    assert w.is_leaf
    np.testing.assert_allclose(w.numpy(), np.array([1, 2]) * 0.8**4 * 2)


def test_mutation_between_forward_and_backward_raises_with_names():
    w = leaf(1.0, 2.0, name="w")
    y = (w * w).sum()
    w.data -= 0.1
    with pytest.raises(ag.MutationError, match=r"w .*multiply"):
        y.backward()
    assert w.grad is None


def test_mutation_is_seen_through_views_and_detached_copies():
    for other in (lambda w: w.reshape(1, 2), lambda w: w.detach(), lambda w: w[:1].detach()):
        w = leaf(1.0, 2.0, name="w")
        x = leaf(3.0, 4.0)
        y = (x * other(w)).sum()
        with ag.no_grad():
            w += 1
        with pytest.raises(ag.MutationError):
            y.backward()


def write_through_a_row(w):
    w[0][1] = 50.0


def write_through_a_copy(w):
    d = w.detach()
    d += 10


def write_through_a_reshaped_row(w):
    w.reshape(4, 1)[0] = 50.0


@pytest.mark.parametrize(
    "write", [write_through_a_row, write_through_a_copy, write_through_a_reshaped_row]
)
def test_writes_are_remembered_when_the_tensor_that_wrote_is_gone(write):
    w = ag.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = (w * w).sum()
    with ag.no_grad():
        write(w)
    with pytest.raises(ag.MutationError):
        y.backward()


def test_a_constant_that_a_function_changes_before_it_returns():
    def f(x):
        t = ag.tensor([1.0, 2.0]) * 1.0
        y = x * t
        t += 10
        return y

    with pytest.raises(ag.MutationError):
        f(leaf(1.0, 1.0)).sum().backward()


@pytest.mark.parametrize(
    ("recorded", "write"),
    [
        (lambda x, i, m: x[i], lambda i, m: i.__setitem__(0, 2)),
        (lambda x, i, m: x[i, None], lambda i, m: i.__setitem__(0, 2)),
        (lambda x, i, m: np.sum(x, where=m), lambda i, m: m.__setitem__(0, False)),
    ],
)
def test_an_index_or_a_mask_that_is_refilled(recorded, write):
    x, i, m = leaf(1.0, 2.0, 3.0), np.array([0, 1]), np.array([True, False, True])
    recorded(x, i, m).sum().backward()
    want, x.grad = x.grad, None
    for wrap in (np.array, ag.tensor):
        j, n = wrap(i), wrap(m)
        y = recorded(x, j, n)
        write(j, n)
        y.sum().backward()
        assert x.grad.tolist() == want.tolist()
        x.grad = None


def test_a_write_beside_what_was_saved_harms_nothing():
    big = ag.tensor(np.zeros((4, 2)))
    x, row, other = leaf(1.0, 1.0), big[0], big[3]
    y = (x * row).sum()
    other += 5.0
    y.backward()
    assert x.grad.tolist() == [0.0, 0.0]


def test_mutation_that_harms_nothing_is_allowed():
    w = leaf(1.0, 2.0)
    y = (w + 1).sum()  # saves no value
    w.data -= 0.5
    y.backward()
    assert w.grad.tolist() == [1, 1]
    z = (w * w).sum()
    w.data = w.data + 1  # a new array: the saved one is untouched
    z.backward()
    np.testing.assert_allclose(w.grad.numpy(), 1 + 2 * np.array([0.5, 1.5]))


def test_constants_are_guarded_too():
    x, c = leaf(1.0, 2.0), ag.tensor([3.0, 4.0])
    y = (x * c).sum()
    c[0] = 100.0
    with pytest.raises(ag.MutationError):
        y.backward()


def test_outputs_of_recorded_operations_are_frozen():
    y = leaf(1.0) * 2
    with pytest.raises(ValueError, match="read-only"):
        y.data[0] = 1
    x = leaf(1.0)
    np.real(x)
    x.data[0] = 5  # an operation that returns its argument must not freeze the argument


def test_detect_anomaly_names_operation_and_line():
    x = leaf(1.0, 0.0)
    with np.errstate(all="ignore"), ag.detect_anomaly():
        with pytest.raises(ag.AnomalyError, match=r"log gave.*test_graph\.py:\d+"):
            np.log(x)
        y = np.sum(np.sqrt(x))
        with pytest.raises(ag.AnomalyError, match=r"sqrt .*test_graph\.py"):
            y.backward()
        w = leaf(1.0, 2.0)
        z = np.sum(w * w)
        w.data[0] = 7
        with pytest.raises(ag.AnomalyError, match="changed in place"):
            z.backward()
    assert x.grad is None


def test_an_exception_leaves_no_gradient_half_updated():
    @ag.primitive
    def bad(x):
        return x * 1

    bad.defvjp(lambda g, out, x: 1 / 0)
    x, y = leaf(1.0), leaf(2.0)
    loss = (y * 3 + bad(x)).sum()
    with pytest.raises(ZeroDivisionError):
        loss.backward()
    assert x.grad is None
    assert y.grad is None
    with pytest.raises(ZeroDivisionError), ag.no_grad():
        raise ZeroDivisionError
    assert ag.is_grad_enabled()


def test_grad_mode_belongs_to_the_thread():
    seen = []

    def work():
        seen.append((leaf(1.0) * 2).requires_grad)

    with ag.no_grad():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert not (leaf(1.0) * 2).requires_grad
        with ag.enable_grad():
            assert (leaf(1.0) * 2).requires_grad
    assert seen == [True]


def test_grad_mode_belongs_to_the_task():
    async def quiet(ready, done):
        with ag.no_grad():
            ready.set()
            await done.wait()
            return (leaf(1.0) * 2).requires_grad

    async def main():
        ready, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(quiet(ready, done))
        await ready.wait()
        outside = (leaf(1.0) * 2).requires_grad
        done.set()
        return outside, await task

    assert asyncio.run(main()) == (True, False)


def test_no_grad_on_a_generator_is_given_back_around_each_yield():
    @ag.no_grad()
    def generator():
        received = yield (leaf(1.0) * 2).requires_grad
        assert received == "sent"
        yield (leaf(1.0) * 2).requires_grad

    g = generator()
    assert next(g) is False
    assert ag.is_grad_enabled()
    assert g.send("sent") is False
    assert ag.is_grad_enabled()
    g.close()

    @ag.no_grad()
    def f():
        return ag.is_grad_enabled()

    assert f() is False


def test_complex_gradients_point_uphill():
    z = ag.tensor([1.0 + 2.0j, -0.5j], requires_grad=True)
    np.sum(np.abs(z) ** 2).backward()
    np.testing.assert_allclose(z.grad.numpy(), 2 * z.numpy())  # PyTorch's convention
    x = ag.tensor([1.0, 2.0], requires_grad=True)
    np.sum(np.real(np.exp(1j * x))).backward()
    assert x.grad.dtype == np.float64
    np.testing.assert_allclose(x.grad.numpy(), -np.sin([1.0, 2.0]))


def test_where_is_safe_from_nan_in_the_branch_not_taken():
    with np.errstate(all="ignore"):
        x = leaf(-1.0, 0.0, 4.0)
        np.sum(np.where(x > 0, np.log(x) + np.sqrt(x), x)).backward()
    np.testing.assert_allclose(x.grad.numpy(), [1, 1, 0.25 + 0.25])
