"""Properties of the rules over drawn shapes, axes, broadcasting, indices and memory layouts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autograd_core as ag
from autograd_core.engine.cotangents import sum_to_shape
from tests.autograd_core.strategies import arrays, assert_slopes, broadcastable, with_axis

few = settings(max_examples=40, deadline=None)


@few
@given(
    broadcastable(0.3, 2.0),
    st.sampled_from([np.add, np.multiply, np.divide, np.power, np.arctan2, np.maximum]),
)
def test_broadcasting(pair, f):
    assert_slopes(lambda x, y: f(x, y + 0.0021), *pair, order=2)


@few
@given(arrays(), st.sampled_from([np.tanh, np.exp, np.square, np.sinc, np.abs]))
def test_elementwise(x, f):
    assert_slopes(f, x)


@few
@given(with_axis(), st.sampled_from([np.sum, np.mean, np.var, np.prod, np.max]), st.booleans())
def test_reductions(drawn, f, keepdims):
    x, axis = drawn
    assert_slopes(lambda x: f(x, axis=axis, keepdims=keepdims), x)


@few
@given(st.data())
def test_indexing(data):
    x = data.draw(arrays(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)))
    index = data.draw(
        st.one_of(
            hnp.basic_indices(x.shape, allow_newaxis=True),
            hnp.integer_array_indices(
                x.shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)
            ),
            hnp.arrays(bool, x.shape),
        )
    )
    assert_slopes(lambda x: x[index] * 2.0, x)
    value = np.asarray(x[index])

    def assign(x, v):
        y = ag.tensor(np.zeros(x.shape)) + x
        y[index] = v
        return y

    assert_slopes(assign, x, value * 0.5 + 0.1)


@few
@given(st.data())
def test_matmul(data):
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(
            signature="(n?,k),(k,m?)->(n?,m?)", max_dims=2, max_side=3
        )
    )
    x, y = (data.draw(arrays(s)) for s in shapes.input_shapes)
    assert_slopes(np.matmul, x, y)


@few
@given(st.data())
def test_einsum(data):
    sizes = {c: data.draw(st.integers(1, 3)) for c in "abcd"}
    terms = data.draw(st.lists(st.text("abcd", min_size=0, max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(terms)))
    out = "".join(data.draw(st.permutations(used))[: data.draw(st.integers(0, len(used)))])
    operands = [data.draw(arrays(tuple(sizes[c] for c in t))) for t in terms]
    assert_slopes(lambda *a: np.einsum(f"{','.join(terms)}->{out}", *a), *operands, order=1)


@few
@given(st.data())
def test_sum_to_shape_is_the_adjoint_of_broadcasting(data):
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    wide = data.draw(hnp.broadcastable_shapes(shape, max_dims=4, max_side=3))
    wide = np.broadcast_shapes(shape, wide)
    g, x = np.random.default_rng(0).normal(size=wide), np.random.default_rng(1).normal(size=shape)
    summed = sum_to_shape(g, shape)
    assert summed.shape == shape
    np.testing.assert_allclose(np.sum(summed * x), np.sum(g * np.broadcast_to(x, wide)), atol=1e-12)


@few
@given(arrays(), st.data())
def test_ravel_goes_back(x, data):
    tree = data.draw(
        st.recursive(
            st.just(x),
            lambda c: (
                st.lists(c, max_size=3)
                | st.tuples(c)
                | st.dictionaries(st.text(max_size=2), c, max_size=2)
            ),
            max_leaves=4,
        )
    )
    vector, restore = ag.ravel(tree)
    again, _ = ag.ravel(restore(vector))
    np.testing.assert_array_equal(again, vector)
