"""FLOPs and kinds come from what a primitive declares, never from its name."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.profiling.flops import forward_flops, multiply_adds


def leaf(*shape):
    return ag.tensor(np.ones(shape), requires_grad=True)


def test_a_primitive_that_declares_nothing_costs_what_it_calls():
    @ag.primitive
    def my_product(a, b):
        return a @ b

    my_product.defvjp(lambda g, out, a, b: g @ b.T, lambda g, out, a, b: a.T @ g)
    assert forward_flops(my_product(leaf(4, 4), leaf(4, 4))._node) == 2 * 4**3
    assert multiply_adds(my_product(leaf(4, 4), leaf(4, 4))._node) == 0  # not declared a product


def test_a_primitive_says_what_it_is():
    @ag.primitive(kind="product", flops=lambda out, a, b: 2 * out.size * a.shape[-1])
    def my_product(a, b):
        return np.asarray(a) @ np.asarray(b)

    my_product.defvjp(lambda g, out, a, b: g @ b.T, lambda g, out, a, b: a.T @ g)
    node = my_product(leaf(2, 3), leaf(3, 5))._node
    assert (forward_flops(node), multiply_adds(node)) == (60, 30)


@pytest.mark.parametrize("name", ["convert", "convolve", "sort", "max_pool", "matmul", "my_loss"])
def test_names_mean_nothing(name):
    f = ag.Primitive(lambda x: x * 3 + 1, name).defvjp(lambda g, out, x: 3 * g)
    assert f.kind == ""
    node = f(leaf(2, 3))._node
    assert (forward_flops(node), multiply_adds(node)) == (12, 0)
    for box in ag.draw(f(leaf(2, 3))).graph.boxes:
        assert box.kind != "product"


def test_a_function_that_cannot_run_on_ones_costs_one_for_each_result():
    def strict(x):
        if not isinstance(x, np.ndarray):
            raise TypeError("arrays alone")
        return x * 2

    f = ag.primitive(strict)
    f.defvjp(lambda g, out, x: 2 * g)
    assert forward_flops(f(leaf(3))._node) == 3


def test_what_is_no_kind_is_refused():
    with pytest.raises(ValueError, match="kind is one of elementwise, product"):
        ag.primitive(kind="conv")(lambda x: x)
