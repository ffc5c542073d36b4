"""Operations of one's own: rules, several results, lists, keywords, and what is refused."""

import functools
import gc
import weakref
from collections import namedtuple

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.primitive import table


def test_custom_operation_runs_raw_and_records_any_order():
    @ag.primitive
    def cube(x):
        return x**3

    cube.defvjp(lambda g, out, x: g * 3 * x**2)
    assert type(cube(np.ones(2))) is np.ndarray
    assert ag.grad(ag.grad(cube))(2.0) == 12
    ag.assert_gradients(cube, np.array([1.0, 2.0]))


def test_argument_without_gradient():
    @ag.primitive
    def gather(x, index):
        return x[index]

    gather.defvjp(lambda g, out, x, index: ag.scatter_add(np.zeros_like(x), index, g), None)
    x = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    gather(x, np.array([0, 0, 2])).sum().backward()
    assert x.grad.tolist() == [2, 0, 1]
    with pytest.raises(ag.NotDifferentiableError, match="argument 1"):
        gather(np.ones(3), ag.tensor([0.0], requires_grad=True))


def test_keyword_arguments():
    @ag.primitive
    def scaled(x, y=None, factor=1.0):
        return x * factor + (0 if y is None else y)

    scaled.defvjp(
        lambda g, out, x, y=None, factor=1.0: g * factor, lambda g, out, x, y=None, factor=1.0: g
    )
    ag.assert_gradients(lambda x: scaled(x, factor=3.0), np.ones(2))
    ag.assert_gradients(lambda x, y: scaled(x, y=y, factor=3.0), np.ones(2), np.ones(2))
    ag.assert_gradients(lambda x, y: scaled(y=y, x=x), np.ones(2), np.ones(2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'typo'"):
        scaled(ag.tensor([1.0], requires_grad=True), typo=2)
    with pytest.raises(ag.NotDifferentiableError, match="factor="):
        scaled(np.ones(1), factor=ag.tensor([1.0], requires_grad=True))


def test_several_outputs():
    @ag.primitive
    def both(x):
        return np.sin(x), np.cos(x)

    both.defvjp(lambda g, out, x: g[0] * np.cos(x) - g[1] * np.sin(x))
    x = np.array([0.3, 0.5])
    ag.assert_gradients(lambda x: both(x)[0] * both(x)[1], x)
    ag.assert_gradients(lambda x: both(x)[1], x)  # one result unused
    ag.assert_gradients(both, x)


def test_list_argument():
    @ag.primitive
    def total(arrays, weight=1.0):
        return weight * sum(arrays)

    total.defvjp(vjp_list=lambda i, g, out, *arrays, weight=1.0: g * weight)
    ag.assert_gradients(lambda x, y: total([x, y, x], weight=2.0), np.ones(2), np.ones(2))
    assert total([np.ones(2), np.ones(2)]).tolist() == [2, 2]


def test_joint_rule():
    @ag.primitive
    def product(x, y):
        return x * y

    product.defvjp(vjp_all=lambda g, out, x, y: (g * y, g * x))
    ag.assert_gradients(product, np.ones(2) * 3, np.ones(2) * 4)


def test_somebody_elses_function():
    special = pytest.importorskip("scipy.special", reason="SciPy is not installed")
    x = ag.tensor([0.5], requires_grad=True)
    with pytest.raises(ag.NotDifferentiableError, match="defvjp"):
        special.spence(x)
    ag.defvjp(special.spence, lambda g, out, x: g * np.log(x) / (1 - x))
    ag.assert_gradients(special.spence, np.array([0.1, 0.5]))
    del table[special.spence]  # for the other tests it is without a rule
    with pytest.raises(TypeError, match=r"@ag\.primitive"):
        ag.defvjp(len, lambda g, out, x: g)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g, out, x: g[:1], "sum to the argument's shape"),
        (lambda g, out, x: None, "None in place of the rule"),
        (lambda g, out, x: np.ones((3, 4)), "sum to the argument's shape"),
    ],
)
def test_wrong_results_of_rules_are_named(rule, message):
    f = ag.primitive(lambda x: x * 1)
    f.defvjp(rule)
    with pytest.raises(ag.RuleError, match=message):
        f(ag.tensor([1.0, 2.0], requires_grad=True)).sum().backward()


def test_rules_name_every_keyword():
    f = ag.primitive(lambda x, **kw: x)
    with pytest.raises(TypeError, match=r"\*\*kwargs"):
        f.defvjp(lambda g, out, x, **kw: g)
    with pytest.raises(TypeError, match="exactly one"):
        f.defvjp()
    with pytest.raises(TypeError, match="takes only"):
        f.defvjp(lambda g: g)


def test_underscored_arguments_keep_no_memory():
    @ag.primitive
    def double(x):
        return 2 * x

    double.defvjp(lambda g, _out, _x: 2 * g)
    x = ag.tensor(np.ones(10_000), requires_grad=True)
    node = double(x)._node
    assert node.out.nbytes == 0
    assert node.args[0].shape == (10_000,)
    assert node.args[0].nbytes == 0


def test_rules_see_arrays_in_first_order():
    kinds = []
    f = ag.primitive(lambda x: x * 1)
    f.defvjp(lambda g, out, x: (kinds.append((type(g), type(out), type(x))), g)[1])
    f(ag.tensor([1.0, 2.0], requires_grad=True)).sum().backward()
    assert kinds == [(np.ndarray,) * 3]


def test_an_option_by_position_that_the_rule_takes_by_keyword():
    @ag.primitive
    def scaled(x, factor=2.0):
        return x * factor

    scaled.defvjp(lambda g, out, x, *, factor=2.0: g * factor)
    assert ag.grad(lambda x: scaled(x, 5.0))(3.0) == 5.0
    x = ag.tensor([1.0], requires_grad=True)
    other = ag.primitive(lambda x, y: x * y)
    other.defvjp(lambda g, out, x: g)
    with pytest.raises(ag.NotDifferentiableError, match="takes 1: pass the others by keyword"):
        other(x, 2.0)


def test_a_rule_of_any_arguments_reads_all_values():
    f = ag.primitive(lambda x, y: x * y)
    f.defvjp(lambda g, out, *args: g * args[1], lambda g, out, *args: g * args[0])
    assert f.rules.reads_rest
    assert not f.rules.reads_no_values
    x, y = (ag.tensor(np.full(10_000, v), requires_grad=True) for v in (2.0, 3.0))
    assert [a.nbytes for a in f(x, y)._node.args] == [80_000, 80_000]


@pytest.mark.parametrize("ufunc", [np.copysign, np.heaviside])
def test_rules_that_read_the_values_of_one_argument(ufunc):
    assert not table[ufunc].rules.reads_no_values


@pytest.mark.parametrize("f", [np.sqrt, np.square])
def test_a_rule_of_any_arguments_passes_masks(f):
    """A derivative that is not finite is hidden, on either side of a rule with ``*args``."""
    root = ag.primitive(np.sqrt)
    root.defvjp(lambda g, out, *args: g * 0.5 / args[0] ** 0.5, elementwise=True)
    x = np.array([0.0, 4.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        g = ag.grad(lambda x: np.sum(np.where(x > 0, root(f(x)), 0.0)))(x)
    assert g[0] == 0
    assert g[1] == pytest.approx({np.sqrt: 0.25 / 4**0.75, np.square: 1.0}[f])


@pytest.mark.parametrize(
    ("old", "rule"),
    [
        ({"each": lambda i, g, out, *arrays: g}, "vjp_list"),
        ({"joint": lambda g, out, x: (g,)}, "vjp_all"),
        ({"masks": True}, "selects"),
    ],
)
def test_spellings_of_version_0_1(old, rule):
    f = ag.primitive(lambda x: x)
    given = () if rule != "selects" else (lambda g, out, x: g,)
    with pytest.warns(DeprecationWarning, match=f"now spelled {rule}="):
        f.defvjp(*given, **old)
    assert f.rules.takes_list == (rule == "vjp_list")
    assert (f.rules.vjp_all is not None) == (rule == "vjp_all")
    assert f.rules.selects == (rule == "selects")
    with pytest.raises(TypeError, match="no option mask"):
        f.defvjp(lambda g, out, x: g, mask=True)


X = np.linspace(1.0, 2.0, 3)


def test_where_by_keyword_of_one_rule_for_all_arguments_begins_a_mask():
    f = ag.primitive(lambda x, y, where=True: np.where(where, x * y, 0))
    f.defvjp(
        vjp_all=lambda g, out, x, y, where=True: (
            np.where(where, g * y, 0.0),
            np.where(where, g * x, 0.0),
        )
    )
    with np.errstate(divide="ignore"):
        g = ag.grad(lambda x: np.sum(f(np.log(x), 1 / x, where=np.array([False, True]))))
        assert g(np.array([0.0, 4.0]))[0] == 0


def test_a_rule_whose_options_have_another_order():
    f = ag.primitive(lambda x, n, m: n * x**m)
    f.defvjp(lambda g, out, x, a, b: g * a * b * x ** (b - 1))
    ag.assert_gradients(lambda x: f(x, 5, 2), X)
    f.defvjp(lambda g, out, x, m, n: g * n * m * x ** (m - 1))
    ag.assert_gradients(lambda x: f(x, n=5, m=3), X)


def test_whole_numbers_carry_no_gradient_with_an_option_either():
    f = ag.primitive(lambda x, n=1: np.floor(x * n).astype(int))
    f.defvjp(lambda g, out, x, n=1: g * n, elementwise=True)
    x = ag.tensor(X, requires_grad=True)
    assert not f(x).requires_grad
    assert not f(x, n=2).requires_grad


def test_signatures_of_every_form():
    rest = ag.primitive(lambda x, *r: x * sum(r))
    rest.defvjp(vjp_all=lambda g, out, x, *r: (g * sum(r), *[g * x for _ in r]))
    ag.assert_gradients(rest, X, X + 1, X + 2)
    ag.assert_gradients(lambda x: rest(x, X, X), X)

    def scaled(x, *ys, scale=1.0):
        return x * ys[0] * scale

    some = ag.primitive(scaled)
    some.defvjp(
        lambda g, out, x, y, scale=1.0: g * y * scale, lambda g, out, x, y, scale=1.0: g * x * scale
    )
    ag.assert_gradients(lambda x, y: some(x, y, scale=2.0), X, X + 1)

    class Power:
        def f(self, x, y, n=2):
            return x * y**n

    bound = ag.primitive(Power().f)
    bound.defvjp(
        lambda g, out, x, y, n=2: g * y**n, lambda g, out, x, y, n=2: g * x * n * y ** (n - 1)
    )
    for call in (
        lambda x, y: bound(x, y, 3),
        lambda x, y: bound(x, y=y),
        lambda x, y: bound(x, y, n=3),
    ):
        ag.assert_gradients(call, X, X + 1)


def test_a_list_of_fixed_length_keeps_what_its_rule_reads():
    f = ag.primitive(lambda xs: xs[0] * xs[1])
    f.defvjp(vjp_list=lambda i, g, out, x, y: g * (y, x)[i])
    a, b = (ag.tensor(np.full(1000, v), requires_grad=True) for v in (1.0, 2.0))
    f([a, b]).sum().backward()
    assert (a.grad.data[0], b.grad.data[0]) == (2.0, 1.0)


def test_a_primitive_dies_with_its_function():
    class Big:
        pass

    big = Big()
    kept = weakref.ref(big)

    def scaled(x, n=2, big=big):
        return x * n

    f = ag.primitive(scaled)
    f.defvjp(lambda g, out, x, n=2: g * n)
    assert ag.grad(functools.partial(f, n=3))(1.0) == 3
    del f, scaled, big
    gc.collect()
    assert kept() is None


def test_a_callable_that_has_no_hash():
    class Twice:
        __hash__ = None

        def __call__(self, x, n=2):
            return x * n

    f = ag.Primitive(Twice(), "twice").defvjp(lambda g, out, x, n=2: g * n)
    assert ag.grad(lambda x: f(x, n=3))(1.0) == 3


def test_a_named_tuple_of_tensors():
    pair = namedtuple("pair", "a b")
    t = ag.tensor(2.0, requires_grad=True)
    y = ag.tensor([1.0, 1.0]) * pair(t, 3.0)
    y.sum().backward()
    assert t.grad.item() == 1


def test_an_output_whose_graph_was_freed():
    q, _ = np.linalg.qr(ag.tensor(np.eye(2) + 0.1, requires_grad=True))
    q.backward(np.ones((2, 2)))
    with pytest.raises(ag.GraphError, match="retain_graph=True"):
        q.backward(np.ones((2, 2)))
