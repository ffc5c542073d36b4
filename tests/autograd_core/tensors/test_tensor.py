"""The handle: what a Tensor is, how it leaves the graph, and what it refuses."""

import copy
import math
import pickle

import numpy as np
import pytest

import autograd_core as ag


def leaf(*values, **options):
    return ag.tensor(values, requires_grad=True, **options)


def test_tensor_copies_its_input():
    a = np.ones(3)
    t = ag.tensor(a)
    a[0] = 7
    assert t.tolist() == [1, 1, 1]


@pytest.mark.parametrize("value", [1, True, [1, 2], "text", np.array(["a"])])
def test_requires_grad_only_for_numbers_with_a_slope(value):
    with pytest.raises(TypeError, match=r"float|numbers"):
        ag.tensor(value, requires_grad=True)


def test_ragged_input_is_refused():
    with pytest.raises((TypeError, ValueError)):
        ag.tensor([[1.0], [1.0, 2.0]])


def test_attributes():
    t = ag.tensor(np.arange(6.0).reshape(2, 3), name="t")
    assert (t.shape, t.ndim, t.size, len(t), t.dtype, t.name) == ((2, 3), 2, 6, 2, np.float64, "t")
    assert t.T.shape == (3, 2)
    assert t.mT.shape == (3, 2)
    assert not t.requires_grad
    assert t.is_leaf
    assert [row.tolist() for row in t] == [[0, 1, 2], [3, 4, 5]]
    assert 4.0 in t
    assert 9.0 not in t


def test_repr_shows_value_dtype_and_operation():
    x = leaf(1.0, 2.0, name="x")
    assert repr(x) == "Tensor([1., 2.], float64, name='x', requires_grad)"
    assert repr(x * 2) == "Tensor([2., 4.], float64, made by multiply)"
    assert f"{(x * x).sum():.2f}" == "5.00"


@pytest.mark.parametrize(
    "operation",
    [
        lambda t, u: t + u, lambda t, u: t - u, lambda t, u: t * u, lambda t, u: t / u,
        lambda t, u: t**u, lambda t, u: t % u, lambda t, u: t // u, lambda t, u: t @ u,
        lambda t, u: t < u, lambda t, u: t >= u, lambda t, u: t == u, lambda t, u: t != u,
        lambda t, u: divmod(t, u)[1], lambda t, u: -t + +u, lambda t, u: abs(t) + u,
    ],
)  # fmt: skip
@pytest.mark.parametrize("recorded", [True, False])
def test_operators_and_reflections_agree_with_numpy(operation, recorded):
    a, b = np.array([1.5, 2.0, 0.5]), np.array([2.0, 1.0, 3.0])
    t, u = ag.tensor(a, requires_grad=recorded), ag.tensor(b, requires_grad=recorded)
    for x, y in ((t, u), (t, b), (a, u)):
        got = operation(x, y)
        assert isinstance(got, ag.Tensor)
        np.testing.assert_array_equal(got.numpy(), operation(a, b))
    np.testing.assert_array_equal(operation(t, 2.0).numpy() if operation(t, u).ndim else 0,
                                  operation(a, 2.0) if operation(t, u).ndim else 0)  # fmt: skip


def test_reflected_with_lists_and_numpy_scalars():
    t = leaf(1.0, 2.0)
    assert (np.float64(2) * t).requires_grad
    assert ([1.0, 1.0] + t).tolist() == [2, 3]  # noqa: RUF005
    with pytest.raises(TypeError):
        t + "a"
    with pytest.raises(TypeError):
        None * t


def test_float32_follows_numpy():
    t = leaf(1.0, dtype=np.float32)
    assert (t * 2.0).dtype == np.float32
    assert (t * np.float64(2.0)).dtype == np.float64
    y = (t * np.float64(2.0)).sum()
    y.backward()
    assert t.grad.dtype == np.float32


def test_hash_is_identity_and_equality_elementwise():
    t, u = leaf(1.0), leaf(1.0)
    assert len({t, u}) == 2
    assert (t == u).tolist() == [True]


def test_bool_works_and_conversions_of_recorded_tensors_raise():
    t = leaf(2.0)
    s = t.sum()
    assert bool(s > 1)
    for convert in (float, int, complex, math.sin):
        with pytest.raises(TypeError, match="item"):
            convert(s)
    with pytest.raises(TypeError):
        [1, 2, 3][s]
    assert s.item() == 2.0
    free = s.detach()
    assert float(free) == 2.0
    assert not free.requires_grad


LOUD = {
    "np.array(t)": lambda t: np.array(t),
    "np.asarray(t)": lambda t: np.asarray(t),
    "np.array([t, t])": lambda t: np.array([t, t]),
    "np.full(3, t)": lambda t: np.full(3, t[0]),
    "np.full_like(ndarray, t)": lambda t: np.full_like(np.ones(3), t[0]),
    "math.sin(t)": lambda t: math.sin(t[0]),
    "x[0, 0] = t": lambda t: np.zeros((2, 2)).__setitem__((0, 0), t[0]),
    "np.random.normal(t)": lambda t: np.random.default_rng(0).normal(t),
    "out=": lambda t: np.add(t, 1.0, out=np.zeros(2)),
    "out= of a reduction": lambda t: np.sum(t, axis=0, out=np.zeros(())),
    "ndarray += t": lambda t: np.zeros(2).__iadd__(t),
    "np.add.at": lambda t: np.add.at(np.zeros(2), [0, 1], t),
    "where= of a ufunc": lambda t: np.exp(t, where=np.array([True, False])),
    "a function without a rule": lambda t: np.frompyfunc(math.sinh, 1, 1)(t),
    "np.copyto": lambda t: np.copyto(np.zeros(2), t),
}


@pytest.mark.parametrize("call", LOUD.values(), ids=LOUD.keys())
def test_what_does_not_dispatch_is_loud(call):
    t = leaf(1.0, 2.0)
    with pytest.raises((TypeError, RuntimeError, ValueError)) as caught:
        call(t * 1)
    message = f"{caught.value} {caught.value.__cause__}"  # NumPy wraps what a conversion raised
    assert any(
        remedy in message
        for remedy in ("np.stack", "item()", "detach()", "functional form", "np.where", "defvjp",
                       "functions that have one", "like=t")
    ), message  # fmt: skip


@pytest.mark.parametrize("name", [n for n in LOUD if not n.startswith("where=")])
def test_the_same_works_where_nothing_is_recorded(name):
    LOUD[name](ag.tensor([1.0, 2.0]) * 1)
    with ag.no_grad():
        LOUD[name](leaf(1.0, 2.0) * 1)


def test_function_without_rule_names_both_ways_to_add_one():
    with pytest.raises(ag.NotDifferentiableError, match=r"np\.is_busday.*defvjp.*@ag\.primitive"):
        np.is_busday(leaf(1.0, 2.0))


def test_unknown_keyword_is_refused_by_name():
    @ag.primitive
    def scaled(x, *, by=1.0, shift=0.0):
        return x * by + shift

    scaled.defvjp(lambda g, out, x, *, by=1.0: g * by)
    with pytest.raises(ag.NotDifferentiableError, match="shift="):
        scaled(leaf(1.0, 2.0), shift=1.0)


def test_constructors_with_like():
    t = leaf(1.0, 2.0)
    s = np.array([t[0], t[1] * 3], like=t)
    s.sum().backward()
    assert t.grad.tolist() == [1, 3]
    assert np.full((2, 2), t[0], like=t).requires_grad


def test_pickle_and_deepcopy_of_leaves_only():
    t = leaf(1.0, name="w")
    t.grad = [3.0]
    for twin in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t)):
        assert twin.requires_grad
        assert twin.name == "w"
        assert twin.tolist() == [1.0]
        assert twin.grad.tolist() == [3.0]
        (twin * 2).sum().backward()
        assert twin.grad.tolist() == [5.0]
    with pytest.raises(RuntimeError, match="detach"):
        pickle.dumps(t * 2)


def test_setitem_and_augmented_assignment_rebind():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    old = y
    z = old * 2  # uses the value before the assignment
    y[1] = x[0] * 10
    y += 1
    y *= 2
    (y.sum() + z.sum()).backward()
    assert y.tolist() == [4, 22, 8]
    np.testing.assert_allclose(x.grad.numpy(), [2 + 20 + 2, 0 + 2, 2 + 2])


def test_in_place_on_a_leaf_that_requires_grad_raises_with_the_remedy():
    w = leaf(1.0, name="w")
    with pytest.raises(ag.InPlaceError, match="no_grad"):
        w += 1
    with pytest.raises(ag.InPlaceError, match="no_grad"):
        w[0] = 1


def test_in_place_under_no_grad_does_not_cut_a_recorded_value_from_its_history():
    y = leaf(1.0, 2.0) * 3
    with ag.no_grad():
        with pytest.raises(ag.InPlaceError, match="detach"):
            y[0] = 5.0
        d = y.detach()
        d[0] = 5.0
    assert y.tolist() == [3, 6]
    assert d.tolist() == [5, 6]


def test_in_place_keeps_shape_and_dtype():
    y = leaf(1.0, dtype=np.float32) * 1
    y += np.float64(1)
    assert y.dtype == np.float32
    with pytest.raises(ValueError, match="shape"):
        y += np.ones((2, 1))


def test_ufunc_methods():
    x = leaf(1.0, 2.0, 3.0)
    assert np.add.reduce(x).item() == 6
    assert np.multiply.accumulate(x).tolist() == [1, 2, 6]
    outer = np.multiply.outer(x, x)
    assert outer.shape == (3, 3)
    outer.sum().backward()
    assert x.grad.tolist() == [12, 12, 12]
    assert np.exp(x, dtype=np.float64).requires_grad


def test_plain_results_are_not_recorded():
    x = leaf(1.0, -2.0)
    for result in (x > 0, np.isnan(x), np.sign(x), np.floor(x), x.argmax(), x // 2, np.round(x)):
        assert isinstance(result, ag.Tensor)
        assert not result.requires_grad


def test_requires_grad_switch():
    t = ag.tensor([1.0])
    t.requires_grad = True
    (t * 2).sum().backward()
    assert t.grad.tolist() == [2]
    t.requires_grad = False
    assert not (t * 2).requires_grad
    with pytest.raises(RuntimeError, match="detach"):
        (leaf(1.0) * 2).requires_grad = False


def test_every_public_name_has_a_docstring():
    for name in dir(ag):
        value = getattr(ag, name)
        if not name.startswith("_") and callable(value):
            assert value.__doc__, name
