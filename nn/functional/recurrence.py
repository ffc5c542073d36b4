"""The recurrences of RNN, LSTM and GRU over a whole sequence, each one primitive with one rule.

The contribution of the inputs at every step is computed outside, in one matrix product; only what
must go step by step is computed here.  Arrays are time-major, ``(T, N, features)``.  The gates of
all steps are results too, so that a rule need not compute them again: it walks back through time
(backpropagation through time: P. Werbos, 1990), from the gradients of the gates to those of their
arguments; the gradient of the weight is one product at the end.  Sources: S. Hochreiter,
J. Schmidhuber, *Long short-term memory*, 1997, with the forget gate of F. Gers (2000); K. Cho and
others, *Learning phrase representations*, 2014, in the variant of cuDNN, in which the reset gate
follows the product.
"""

import math
from typing import Any

import numpy as np

import autograd_core as ag


def _previous(first: Any, states: Any) -> Any:
    """Return the state before each step: ``first`` and all but the last."""
    return np.concatenate([first[None], states[:-1]])


def _split(a: Any, parts: int) -> list[Any]:
    """Return the gates, which lie side by side on the last axis."""
    n = a.shape[-1] // parts
    return [a[..., i * n : (i + 1) * n] for i in range(parts)]


def _weight_grad(d: Any, previous: Any) -> Any:
    """Sum the outer products of all steps and examples."""
    return d.reshape(-1, d.shape[-1]).T @ previous.reshape(-1, previous.shape[-1])


def _empty(xs: Any, *sizes: int) -> list[Any]:
    """Return arrays ``(T, N, size)`` to fill, of the kind and dtype of ``xs``."""
    return [np.empty_like(xs, shape=(*xs.shape[:2], size)) for size in sizes]


def _sigmoid_(a: Any) -> None:
    """Compute ``1 / (1 + exp(-a))`` in place; exp may overflow to inf, which correctly gives 0."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)


@ag.primitive(
    kind="product", flops=lambda _out, xs, _h, w, **_options: 2 * math.prod(xs.shape[:2]) * w.size
)
def rnn(xs: Any, h: Any, weight: Any, *, relu: bool = False) -> Any:
    """Return the states ``h' = tanh(x + weight h)``.

    Shapes are ``xs (T, N, H)``, ``h (N, H)`` and, for the result, ``(T, N, H)``.  With ``relu``
    that function takes the place of tanh.
    """
    (hidden,) = _empty(xs, h.shape[-1])
    step = weight.T
    for t in range(len(xs)):
        h = np.matmul(h, step, out=hidden[t])
        h += xs[t]
        np.maximum(h, 0, out=h) if relu else np.tanh(h, out=h)
    return hidden


def _rnn_vjp(
    g: Any, out: Any, _xs: Any, h: Any, weight: Any, *, relu: bool = False
) -> tuple[Any, Any, Any]:
    slope = (out > 0) if relu else 1 - out * out
    back, ds = np.zeros_like(h), []
    for t in reversed(range(len(out))):
        d = (g[t] + back) * slope[t]
        back = d @ weight
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back, _weight_grad(d, _previous(h, out))


rnn.defvjp(vjp_all=_rnn_vjp)


@ag.primitive(
    kind="product", flops=lambda _out, xs, _h, _c, w: 2 * math.prod(xs.shape[:2]) * w.size
)
def lstm(xs: Any, h: Any, c: Any, weight: Any) -> Any:
    """Run an LSTM: the gates i, f, g, o are functions of ``xs (T, N, 4 H)`` plus ``weight h``.

    Returns
    -------
    tuple
        Hidden and cell states, ``(T, N, H)`` each, the gates, ``(T, N, 4 H)``, and the tanh of the
        cell states.
    """
    size = h.shape[-1]
    hidden, cells, gates, squashed = _empty(xs, size, size, 4 * size, size)
    step = np.ascontiguousarray(weight.T)
    with np.errstate(over="ignore"):
        for t in range(len(xs)):
            y = np.matmul(h, step, out=gates[t])
            y += xs[t]
            i, f, k, o = _split(y, 4)
            candidate = np.tanh(k)
            _sigmoid_(y)  # all four: one pass over adjacent memory is faster than two
            k[...] = candidate
            c = np.multiply(f, c, out=cells[t])
            c += i * k
            h = np.multiply(o, np.tanh(c, out=squashed[t]), out=hidden[t])
    return hidden, cells, gates, squashed


def _lstm_vjp(g: Any, out: Any, _xs: Any, h: Any, c: Any, weight: Any) -> tuple[Any, ...]:
    hidden, cells, gates, squashed = out
    hidden_grad, cells_grad, gates_grad, squashed_grad = g
    # a + y (b - y) is the slope, where the value is y, of the logistic function with a = 0 and
    # b = 1, and of tanh with a = 1 and b = 0
    b = np.zeros((*h.shape[:1], 4, *h.shape[1:]), h.dtype)
    b[:, [0, 1, 3]] = 1
    b = b.reshape(len(h), 4 * h.shape[-1])
    a, previous = 1 - b, _previous(c, cells)
    back_h, back_c, ds = np.zeros_like(h), np.zeros_like(c), []
    for t in reversed(range(len(hidden))):
        y, s = gates[t], squashed[t]
        i, f, k, o = _split(y, 4)
        dh = hidden_grad[t] + back_h
        dc = cells_grad[t] + back_c + (dh * o + squashed_grad[t]) * (1 - s * s)
        dy = np.concatenate([dc * k, dc * previous[t], dc * i, dh * s], axis=-1)
        d = (dy + gates_grad[t]) * (a + y * (b - y))
        back_h, back_c = d @ weight, dc * f
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back_h, back_c, _weight_grad(d, _previous(h, hidden))


lstm.defvjp(vjp_all=_lstm_vjp)


@ag.primitive(
    kind="product", flops=lambda _out, xs, _h, w, _bias: 2 * math.prod(xs.shape[:2]) * w.size
)
def gru(xs: Any, h: Any, weight: Any, bias: Any) -> Any:
    """Run a GRU: the gates r, z, n are functions of ``xs (T, N, 3 H)`` plus ``weight h + bias``.

    In n, ``weight h + bias`` is multiplied by r before it is added.

    Returns
    -------
    tuple
        Hidden states ``(T, N, H)``, and ``(T, N, 4 H)``: the gates, and the part of
        ``weight h + bias`` that r multiplied.
    """
    size = h.shape[-1]
    hidden, gates = _empty(xs, size, 4 * size)
    step = np.ascontiguousarray(weight.T)
    with np.errstate(over="ignore"):
        for t in range(len(xs)):
            (r, z, n, a), r_and_z = _split(gates[t], 4), gates[t, :, : 2 * size]
            sums = h @ step
            sums += bias
            np.add(sums[:, : 2 * size], xs[t, :, : 2 * size], out=r_and_z)
            _sigmoid_(r_and_z)
            a[...] = sums[:, 2 * size :]
            np.multiply(r, a, out=n)
            n += xs[t, :, 2 * size :]
            np.tanh(n, out=n)
            h = np.subtract(h, n, out=hidden[t])
            h *= z
            h += n
    return hidden, gates


def _gru_vjp(g: Any, out: Any, _xs: Any, h: Any, weight: Any, _bias: Any) -> tuple[Any, ...]:
    (hidden, gates), (hidden_grad, gates_grad) = out, g
    previous = _previous(h, hidden)
    (r, z, n, a), (r_grad, z_grad, n_grad, a_grad) = _split(gates, 4), _split(gates_grad, 4)
    r_slope, z_slope, n_slope = r * (1 - r), z * (1 - z), 1 - n * n
    update, change = 1 - z, previous - n
    back, xs_grads, sums_grads = np.zeros_like(h), [], []
    for t in reversed(range(len(hidden))):
        dh = hidden_grad[t] + back
        dn = (dh * update[t] + n_grad[t]) * n_slope[t]
        dr = (dn * a[t] + r_grad[t]) * r_slope[t]
        dz = (dh * change[t] + z_grad[t]) * z_slope[t]
        d = np.concatenate([dr, dz, dn * r[t] + a_grad[t]], axis=-1)
        back = d @ weight + dh * z[t]
        xs_grads.append(np.concatenate([dr, dz, dn], axis=-1))
        sums_grads.append(d)
    d = np.stack(sums_grads[::-1])
    return np.stack(xs_grads[::-1]), back, _weight_grad(d, previous), d.sum(axis=(0, 1))


gru.defvjp(vjp_all=_gru_vjp)
