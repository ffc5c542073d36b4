"""What the corpus is made of: one subject, the sample a user would check it at, and its truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_core as ag


@dataclass(frozen=True)
class Entry:
    """A subject for a gradient checker, planted with one bug or correct but awkward.

    Parameters
    ----------
    id
        What is wrong, or awkward, in words.
    kind
        The class of the bug, or of the awkwardness.
    subject
        A NumPy function of Tensors, or a pair ``(forward, backward)`` of NumPy functions with
        ``backward(g, out, *inputs)``.
    inputs
        One ordinary sample, as a careful user would write it.
    trigger
        A sample that shows a bug which the ordinary one does not reach.
    signature
        In NumPy's generalised-ufunc syntax, where the function has one.
    order
        Of the derivative that is wrong.
    source
        Where the idea is from: an operation of other people, re-told.
    domain
        On which the inputs lie: ``simplex``, ``spd``, ``orthogonal``, ``sorted``, ``probabilities``
        or ``positive``.
    """

    id: str
    kind: str
    subject: Any
    inputs: tuple[Any, ...]
    trigger: tuple[Any, ...] | None = None
    signature: str | None = None
    order: int = 1
    source: str = ""
    domain: str = ""

    @property
    def is_pair(self) -> bool:
        return isinstance(self.subject, tuple)


Maker = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]


def _spelled(name: str) -> str:
    return name.strip("_").replace("_", "-")


def pairs(entries: list[Entry]) -> Maker:
    """A decorator for backward passes, which adds each with its forward pass to ``entries``.

    ``@pair(kind, forward, *inputs, **fields)``; the name of the function becomes the id.
    """

    def pair(kind: str, forward: Callable[..., Any], *inputs: Any, **fields: Any) -> Any:
        def add(backward: Callable[..., Any]) -> Callable[..., Any]:
            name = _spelled(backward.__name__)
            entries.append(Entry(name, kind, (forward, backward), inputs, **fields))
            return backward

        return add

    return pair


def functions(entries: list[Entry]) -> Maker:
    """A decorator for functions of Tensors: ``@function(kind, *inputs, **fields)``."""

    def function(kind: str, *inputs: Any, **fields: Any) -> Any:
        def add(subject: Callable[..., Any]) -> Callable[..., Any]:
            entries.append(Entry(_spelled(subject.__name__), kind, subject, inputs, **fields))
            return subject

        return add

    return function


def primitives(entries: list[Entry]) -> Maker:
    """A decorator for rules that record themselves, of all inputs at once.

    ``@primitive(kind, forward, *inputs, **fields)``; the rule returns a tuple.
    """

    def primitive(kind: str, forward: Callable[..., Any], *inputs: Any, **fields: Any) -> Any:
        def add(rule: Callable[..., Any]) -> Callable[..., Any]:
            subject = made(forward, rule)
            entries.append(Entry(_spelled(rule.__name__), kind, subject, inputs, **fields))
            return rule

        return add

    return primitive


def made(forward: Callable[..., Any], rule: Callable[..., Any]) -> ag.Primitive:
    """A primitive of ``forward`` with one rule for all its inputs."""
    return ag.primitive(forward).defvjp(vjp_all=rule)


def unique(entries: Iterable[Entry]) -> list[Entry]:
    """The entries as a list, after a check that no two share an id."""
    listed = list(entries)
    names = [e.id for e in listed]
    twice = {n for n in names if names.count(n) > 1}
    assert not twice, f"two entries share an id: {sorted(twice)}"
    return listed


# ---------------------------------------------------------------------- samples


def sample(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers of both signs with 0.2 < |x| < 2, all different: no ties, no zeros."""
    rng = np.random.default_rng([seed, *shape])
    size = int(np.prod(shape))
    spread = 0.2 + 1.8 * (np.arange(size) + rng.uniform(0.2, 0.8, size)) / max(size, 1)
    return (rng.permutation(spread) * rng.choice([-1.0, 1.0], size)).reshape(shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """The same, but all positive."""
    return np.abs(sample(*shape, seed=seed))


def phasors(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Complex numbers, of all four quadrants."""
    return sample(*shape, seed=seed) + 1j * sample(*shape, seed=seed + 100)


X, Y, V = sample(3, 4), sample(3, 4, seed=1), sample(4, seed=2)
P, Q = positive(3, 4, seed=3), positive(3, 4, seed=4)
A, B, W = sample(3, 4, seed=5), sample(4, 2, seed=6), sample(2, seed=7)
S, T = sample(3, 3, seed=8), sample(3, 3, seed=9)


# ---------------------------------------------------------------------- guards


def ranked(f: Callable[..., Any], *ranks: int, least: bool = False) -> Callable[..., Any]:
    """``f``, which refuses inputs of other ranks (or of lower ones), as its backward knows none."""

    def guarded(*inputs: Any) -> Any:
        for a, n in zip(inputs, ranks, strict=True):
            if np.ndim(a) != n and not (least and np.ndim(a) > n):
                raise ValueError(f"an array of rank {n} was expected, not {np.ndim(a)}")
        return f(*inputs)

    return guarded


def rows(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the last axis, which refuses 0-d."""
    return ranked(f, 1, least=True)


def alike(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays of one shape."""

    def guarded(*inputs: Any) -> Any:
        if len({np.shape(a) for a in inputs}) != 1:
            raise ValueError("arrays of one shape were expected")
        return f(*inputs)

    return guarded


# ---------------------------------------------------------------------- the right halves


matmul = ranked(np.matmul, 2, 2, least=True)


def affine(x: Any, w: Any, b: Any) -> Any:
    """A linear layer, strict about its shapes."""
    if np.ndim(x) != 2 or np.ndim(w) != 2 or np.shape(b) != np.shape(w)[1:]:
        raise ValueError("the shapes (n, k), (k, m) and (m,) were expected")
    return x @ w + b


def fit(g: Any, x: Any) -> Any:
    """The sum of a cotangent over the axes along which ``x`` was broadcast."""
    g, shape = np.asarray(g), np.shape(x)
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=axes, keepdims=True)


def column(g: Any) -> Any:
    """A cotangent of a reduction over the last axis, ready to broadcast along it."""
    return np.asarray(g)[..., None]


def spread(g: Any, x: Any, axis: int) -> Any:
    """A cotangent of a reduction over ``axis``, repeated along it."""
    return np.broadcast_to(np.expand_dims(g, axis), x.shape)


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: Any, axis: int = -1) -> Any:
    return x - logsumexp(x, axis=axis, keepdims=True)


def logsumexp(x: Any, axis: int = -1, keepdims: bool = False) -> Any:
    top = x.max(axis=axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return total if keepdims else total.squeeze(axis)


def sigmoid(x: Any) -> Any:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def standardised(x: Any, axis: int = -1, eps: float = 1e-5) -> Any:
    """Layer normalisation (over rows) and batch normalisation (over columns), without weights."""
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axis=axis, keepdims=True) + eps)


def standardised_back(g: Any, out: Any, x: Any, axis: int = -1, eps: float = 1e-5) -> Any:
    inner = (g * out).mean(axis=axis, keepdims=True)
    scale = np.sqrt(x.var(axis=axis, keepdims=True) + eps)
    return (g - g.mean(axis=axis, keepdims=True) - out * inner) / scale


def unit(x: Any) -> Any:
    """Rows of length one."""
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True))


def convolved(x: Any, w: Any) -> Any:
    """Correlation of the last axis of ``x`` with a kernel, without padding."""
    n = x.shape[-1] - len(w) + 1
    if n < 1 or len(w) < 1:
        raise ValueError("the kernel is empty, or longer than the signal")
    total = np.zeros((*x.shape[:-1], n), x.dtype)
    for j in range(len(w)):
        total = total + x[..., j : j + n] * w[j]
    return total


def convolved_back(g: Any, _out: Any, x: Any, w: Any) -> Any:
    n = g.shape[-1]
    gx, gw = np.zeros_like(x), np.zeros_like(w)
    for j in range(len(w)):
        gx[..., j : j + n] += g * w[j]
        gw[j] = (g * x[..., j : j + n]).sum()
    return gx, gw


def trapezoid(y: Any, x: Any) -> Any:
    if np.ndim(x) != 1 or len(x) < 2 or y.shape[-1:] != x.shape:
        raise ValueError("at least two points were expected")
    return (0.5 * (y[..., 1:] + y[..., :-1]) * (x[1:] - x[:-1])).sum(axis=-1)
