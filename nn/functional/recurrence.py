"""The recurrences of RNN, LSTM and GRU over a whole sequence, each one operation with one rule.

What the inputs contribute at every step is added up outside, in one matrix product; here remains
what must go step by step.  Arrays are time-major, ``(T, N, features)``.  The gates of all steps
are results too, so that a rule need not compute them anew: it walks back through time
(backpropagation through time: P. Werbos, 1990), from what reaches the gates to what reaches their
sums; the gradient of the weight is one product at the end.  Sources: S. Hochreiter,
J. Schmidhuber, *Long short-term memory*, 1997, with the forget gate of F. Gers (2000); K. Cho and
others, *Learning phrase representations*, 2014, in the variant of cuDNN, in which the reset gate
follows the product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag


def _before(first: Any, states: Any) -> Any:
    """The state before each step: ``first`` and all but the last."""
    return np.concatenate([first[None], states[:-1]])


def _split(a: Any, parts: int) -> list[Any]:
    """The gates, which lie side by side on the last axis."""
    n = a.shape[-1] // parts
    return [a[..., i * n : (i + 1) * n] for i in range(parts)]


def _to_weight(d: Any, before: Any) -> Any:
    """The sum over steps and examples of outer products."""
    return d.reshape(-1, d.shape[-1]).T @ before.reshape(-1, before.shape[-1])


def _results(xs: Any, *sizes: int) -> list[Any]:
    """Arrays ``(T, N, size)`` to be filled, of the kind and dtype of ``xs``."""
    return [np.empty_like(xs, shape=(*xs.shape[:2], size)) for size in sizes]


def _logistic_(a: Any) -> None:
    """``1 / (1 + exp(-a))`` in place; exp may overflow to inf, which gives the right 0."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)


@ag.primitive
def rnn(xs: Any, h: Any, weight: Any, *, relu: bool = False) -> Any:
    """``h' = tanh(x + weight h)``: ``xs (T, N, H)``, ``h (N, H)`` to ``(T, N, H)``."""
    (hidden,) = _results(xs, h.shape[-1])
    step = weight.T
    for t in range(len(xs)):
        h = np.matmul(h, step, out=hidden[t])
        h += xs[t]
        np.maximum(h, 0, out=h) if relu else np.tanh(h, out=h)
    return hidden


def _rnn(
    g: Any, out: Any, _xs: Any, h: Any, weight: Any, *, relu: bool = False
) -> tuple[Any, Any, Any]:
    slope = (out > 0) if relu else 1 - out * out
    back, ds = np.zeros_like(h), []
    for t in reversed(range(len(out))):
        d = (g[t] + back) * slope[t]
        back = d @ weight
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back, _to_weight(d, _before(h, out))


rnn.defvjp(joint=_rnn)


@ag.primitive
def lstm(xs: Any, h: Any, c: Any, weight: Any) -> Any:
    """The sums ``xs (T, N, 4 H)`` of the gates i, f, g, o, to which ``weight h`` is added.

    Returns hidden and cell states, ``(T, N, H)`` each, the gates, ``(T, N, 4 H)``, and the tanh of
    the cell states.
    """
    size = h.shape[-1]
    hidden, cells, opened, squashed = _results(xs, size, size, 4 * size, size)
    step = np.ascontiguousarray(weight.T)
    with np.errstate(over="ignore"):
        for t in range(len(xs)):
            gates = np.matmul(h, step, out=opened[t])
            gates += xs[t]
            i, f, k, o = _split(gates, 4)
            candidate = np.tanh(k)
            _logistic_(gates)  # all four: one pass over what lies together is faster than two
            k[...] = candidate
            c = np.multiply(f, c, out=cells[t])
            c += i * k
            h = np.multiply(o, np.tanh(c, out=squashed[t]), out=hidden[t])
    return hidden, cells, opened, squashed


def _lstm(g: Any, out: Any, _xs: Any, h: Any, c: Any, weight: Any) -> tuple[Any, ...]:
    hidden, cells, opened, squashed = out
    to_hidden, to_cells, to_opened, to_squashed = g
    # with a = 0 and b = 1, a + y (b - y) is the slope of the logistic function where its value
    # is y; with a = 1 and b = 0 that of tanh
    b = np.zeros((*h.shape[:1], 4, *h.shape[1:]), h.dtype)
    b[:, [0, 1, 3]] = 1
    b = b.reshape(len(h), 4 * h.shape[-1])
    a, earlier = 1 - b, _before(c, cells)
    back_h, back_c, ds = np.zeros_like(h), np.zeros_like(c), []
    for t in reversed(range(len(hidden))):
        gates, s = opened[t], squashed[t]
        i, f, k, o = _split(gates, 4)
        dh = to_hidden[t] + back_h
        dc = to_cells[t] + back_c + (dh * o + to_squashed[t]) * (1 - s * s)
        to_gates = np.concatenate([dc * k, dc * earlier[t], dc * i, dh * s], axis=-1)
        d = (to_gates + to_opened[t]) * (a + gates * (b - gates))
        back_h, back_c = d @ weight, dc * f
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back_h, back_c, _to_weight(d, _before(h, hidden))


lstm.defvjp(joint=_lstm)


@ag.primitive
def gru(xs: Any, h: Any, weight: Any, bias: Any) -> Any:
    """The sums ``xs (T, N, 3 H)`` of the gates r, z, n, to which ``weight h + bias`` is added.

    In n what is added is first multiplied by r.  Returns hidden states ``(T, N, H)``, and
    ``(T, N, 4 H)``: the gates and what r multiplied.
    """
    size = h.shape[-1]
    hidden, opened = _results(xs, size, 4 * size)
    step = np.ascontiguousarray(weight.T)
    with np.errstate(over="ignore"):
        for t in range(len(xs)):
            (r, z, n, a), gates = _split(opened[t], 4), opened[t, :, : 2 * size]
            sums = h @ step
            sums += bias
            np.add(sums[:, : 2 * size], xs[t, :, : 2 * size], out=gates)
            _logistic_(gates)
            a[...] = sums[:, 2 * size :]
            np.multiply(r, a, out=n)
            n += xs[t, :, 2 * size :]
            np.tanh(n, out=n)
            h = np.subtract(h, n, out=hidden[t])
            h *= z
            h += n
    return hidden, opened


def _gru(g: Any, out: Any, _xs: Any, h: Any, weight: Any, _bias: Any) -> tuple[Any, ...]:
    (hidden, opened), (to_hidden, to_opened) = out, g
    before = _before(h, hidden)
    (r, z, n, a), (to_r, to_z, to_n, to_a) = _split(opened, 4), _split(to_opened, 4)
    of_r, of_z, of_n = r * (1 - r), z * (1 - z), 1 - n * n
    kept, change = 1 - z, before - n
    back, to_xs, to_sums = np.zeros_like(h), [], []
    for t in reversed(range(len(hidden))):
        dh = to_hidden[t] + back
        dn = (dh * kept[t] + to_n[t]) * of_n[t]
        dr = (dn * a[t] + to_r[t]) * of_r[t]
        dz = (dh * change[t] + to_z[t]) * of_z[t]
        d = np.concatenate([dr, dz, dn * r[t] + to_a[t]], axis=-1)
        back = d @ weight + dh * z[t]
        to_xs.append(np.concatenate([dr, dz, dn], axis=-1))
        to_sums.append(d)
    d = np.stack(to_sums[::-1])
    return np.stack(to_xs[::-1]), back, _to_weight(d, before), d.sum(axis=(0, 1))


gru.defvjp(joint=_gru)
