"""Every refusal names a remedy, and whoever follows it gets the right gradient."""

from __future__ import annotations

import functools
import math
import operator
import re

import numpy as np
import pytest

import autograd_core as ag

X = np.array([1.0, 2.0, 3.0])


def filled(make):
    """Return a function that fills an array element by element."""

    def f(p):
        u = make(p)
        u[0] = p[0]
        u[2] = p[1] * p[2]
        return np.sum(u * u)

    return f


def in_place(u, p):
    u += p
    return np.sum(u * u)


def by_at(p):
    u = np.zeros(3)
    np.add.at(u, [0, 0, 1], p)
    return np.sum(u * u)


def with_hook(hook):
    def f(p):
        q = p * 1
        if isinstance(q, ag.Tensor):
            q.register_hook(hook)
        return np.sum(q * q)

    return f


def scaled_in_place(g):
    g *= 2


def sorted_in_place(p):
    p = p * 1
    p.sort()
    return p[0]


#: What is written, a word of the remedy, and what follows it.  All are functions of 3 numbers.
REMEDIES = {
    "fill an array": (filled(lambda p: np.zeros(3)), r"np\.zeros\(n, like=t\)",
        [filled(lambda p: np.zeros(3, like=p)), filled(lambda p: np.zeros_like(p))]),
    "np.array": (lambda p: np.sum(np.array([p[0], p[1] * 2]) ** 2), r"ag\.array\(",
        [lambda p: np.sum(ag.array([p[0], p[1] * 2]) ** 2),
         lambda p: np.sum(np.stack([p[0], p[1] * 2]) ** 2)]),
    "a matrix of numbers": (
        lambda p: np.sum(np.array([[np.cos(p[0]), -np.sin(p[0])], [1.0, p[1]]]) @ X[:2]),
        r"ag\.array\(",
        [lambda p: np.sum(ag.array([[np.cos(p[0]), -np.sin(p[0])], [1.0, p[1]]]) @ X[:2])]),
    "the mean of a list": (lambda p: np.mean([p[0], p[1] ** 2]), r"ag\.array\(",
        [lambda p: np.mean(ag.array([p[0], p[1] ** 2]))]),
    "the sum of a list": (lambda p: np.sum([p[0], p[1] ** 2]), r"ag\.array\(",
        [lambda p: np.sum(ag.array([p[0], p[1] ** 2]))]),
    "np.r_": (lambda p: np.sum(np.r_[p, 1.0] ** 2), r"np\.concatenate",
        [lambda p: np.sum(np.concatenate([p, [1.0]]) ** 2)]),
    "np.c_": (lambda p: np.sum(np.c_[p, p] ** 2), r"np\.concatenate",
        [lambda p: np.sum(np.concatenate([p[:, None], p[:, None]], axis=1) ** 2)]),
    "np.full": (lambda p: np.sum(np.full(3, p[0]) * p), r"like=t",
        [lambda p: np.sum(np.full(3, p[0], like=p) * p)]),
    "math": (lambda p: math.sin(p[0]), r"np\.f\(t\)", [lambda p: np.sin(p[0])]),
    "float": (lambda p: float(p[0]) * p[1], r"np\.f\(t\)", [lambda p: p[0] * p[1]]),
    "complex": (lambda p: abs(complex(p[0], p[1])) ** 2 * 1.0, r"1j \* v|np\.f",
        [lambda p: np.abs(p[0] + 1j * p[1]) ** 2]),
    "u += t": (lambda p: in_place(np.ones(3), p), r"u = u \+ t",
        [lambda p: np.sum((np.ones(3) + p) ** 2), lambda p: in_place(np.zeros_like(p) + 1.0, p)]),
    "out=": (lambda p: np.sum(np.multiply(p, p, out=p * 1)), r"y = np\.multiply\(",
        [lambda p: np.sum(np.multiply(p, p))]),
    "copy=False": (lambda p: np.sum(np.nan_to_num(p * 1, copy=False) ** 2), r"y = np\.nan_to_num",
        [lambda p: np.sum(np.nan_to_num(p * 1) ** 2)]),
    "np.add.at": (by_at, r"ag\.scatter_add\(base, index, values\)|=",
        [lambda p: np.sum(ag.scatter_add(np.zeros(3), [0, 0, 1], p) ** 2)]),
    "np.put": (lambda p: np.put(np.zeros(3), [0], p[0]), r"ag\.put\(a, ",
        [lambda p: np.sum(ag.put(np.zeros(3), [0], p[0]) ** 2)]),
    "np.copyto": (lambda p: np.copyto(np.zeros(3), p), r"like=|zeros_like|copy",
        [lambda p: np.sum(p * 1)]),
    "ag.tensor": (lambda p: np.sum(ag.tensor(p * 1) ** 2), r"t\.copy\(\)",
        [lambda p: np.sum((p * 1).copy() ** 2)]),
    "an in-place hook": (with_hook(scaled_in_place), r"return the new gradient",
        [with_hook(lambda g: g * 1)]),
    "t.sort()": (sorted_in_place, r"np\.sort\(t\)", [lambda p: np.sort(p)[0]]),
    "objects": (lambda p: np.sum(p * np.array([1.0, 2.0, 3.0], object)), r"astype\(float\)",
        [lambda p: np.sum(p * np.array([1.0, 2.0, 3.0], object).astype(float))]),
    "astype(object)": (lambda p: sum((p * 1).astype(object)), r"list\(t\)",
        [lambda p: sum(list(p * 1))]),
    "where= of a ufunc": (
        lambda p: np.sum(np.sqrt(p, where=X > 1)), r"np\.where\(mask, np\.sqrt\(\.\.\.\), fill\)",
        [lambda p: np.sum(np.where(X > 1, np.sqrt(p), 0.0))]),
    "a scalar is wanted": (lambda p: p * p, r"np\.sum", [lambda p: np.sum(p * p)]),
    "a complex value": (lambda p: np.sum(p * 1j), r"z\.real", [lambda p: np.sum(p * (1 + 1j)).real]),
    "a forgotten return": (lambda p: None, "return statement", [lambda p: np.sum(p)]),
    "a masked array": (
        lambda p: np.sum(p * np.ma.masked_array(X, X > 2)), r"a\.filled\(value\)",
        [lambda p: np.sum(p * np.ma.masked_array(X, X > 2).filled(0.0))]),
}  # fmt: skip


@pytest.mark.parametrize("name", REMEDIES)
def test_the_remedy_is_named_and_right(name):
    refused, word, remedies = REMEDIES[name]
    with pytest.raises((ag.errors.AutogradError, TypeError, ValueError)) as caught:
        ag.grad(refused)(X)
    error: BaseException | None = caught.value
    said = ""
    while error is not None:  # NumPy may put an error of its own on top
        said += f" {error}"
        error = error.__cause__ or error.__context__
    found = re.search(word, said)
    assert found, said
    number_alone = said.find("item()")
    assert number_alone < 0 or found.start() < number_alone, "first what keeps gradients"
    for f in remedies:
        assert ag.gradcheck(f, X, variants=False), name
        assert np.any(ag.grad(f)(X))


def test_numbers_once_the_graph_is_freed():
    """After ``backward()`` nothing can be lost: a loss may be printed, rounded and plotted."""
    w = ag.tensor(X, requires_grad=True)
    loss, parts = np.sum(w * w), np.split(w * 2, 3)
    for convert in (
        float,
        int,
        complex,
        round,
        np.asarray,
        lambda t: round(t, 2),
        functools.partial(operator.mod, "%f"),
    ):
        with pytest.raises(ag.ConversionError, match=r"detach|after backward|item"):
            convert(loss)
    (loss + parts[0].sum()).backward()
    assert (float(loss), int(loss), complex(loss), round(loss), round(loss, 2)) == (14,) * 5
    assert (f"{loss:.1f}", math.sqrt(loss)) == ("14.0", math.sqrt(14))
    assert operator.mod("%.3f", loss) == "14.000"
    np.testing.assert_array_equal(np.asarray([loss, loss]), [14, 14])
    np.testing.assert_array_equal(np.asarray(parts[1]), [4])
    with pytest.raises(ag.ConversionError):
        float(np.sum(w * 1))
    kept = np.sum(w * w)
    kept.backward(retain_graph=True)
    with pytest.raises(ag.ConversionError):  # its graph is still there
        float(kept)
    with pytest.raises(ag.ConversionError):  # so is a leaf, whose gradient is wanted
        float(ag.tensor(1.0, requires_grad=True))
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    plt.plot([loss, loss])
    plt.close()


def test_array():
    t = ag.tensor(X, requires_grad=True)
    made = ag.array([[t[0], 1], [2.0, t[1] * 2]])
    np.testing.assert_array_equal(made.numpy(), np.array([[1.0, 1], [2.0, 4.0]]))
    np.sum(made * np.array([[1.0, 10], [100, 1000]])).backward()
    assert t.grad.tolist() == [1, 2000, 0]
    assert type(ag.array([[1, 2], [3, 4]])) is np.ndarray
    assert ag.array([1, 2]).dtype == np.array([1, 2]).dtype
    assert ag.array([1, 2], dtype=np.float32).dtype == np.float32
    assert ag.array([t, X]).shape == (2, 3)
    assert ag.array([t, X], dtype=np.float32).dtype == np.float32
    assert ag.array(((t[0], 2), (3, 4))).dtype == np.float64
    single = ag.array(t)
    assert single is not t
    assert single.requires_grad
    assert not ag.array([ag.tensor(1.0), 2.0]).requires_grad
    with pytest.raises(ValueError, match="one shape"):
        ag.array([t[0], X])
    with pytest.raises(ValueError, match="one shape"):
        ag.array([[t[0]], [t[0], t[1]]])
    np.testing.assert_array_equal(ag.jacobian(lambda x: ag.array([x, x * x]))(2.0), [1.0, 4.0])


def test_words_of_other_libraries():
    t = ag.tensor(X, requires_grad=True)
    for call in (
        lambda: t.sum(dim=0),
        lambda: t.detach().sum(dim=0),
        lambda: t.max(keepdim=True),
        lambda: ag.tensor(X).mean(dim=-1),
    ):
        with pytest.raises(TypeError, match=r"NumPy's word is (axis|keepdims)="):
            call()
