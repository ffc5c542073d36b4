"""The recurrences of RNN, LSTM and GRU over a whole sequence, each one operation with one rule.

What the inputs contribute at every step is added up outside, in one matrix product; here remains
what must go step by step.  Arrays are time-major, ``(T, N, features)``.  A rule first computes the
gates of all steps anew, in one product, as the states are known; then it walks back through time
(backpropagation through time: P. Werbos, 1990); the gradient of the weight is one product at the
end.  Sources: S. Hochreiter, J. Schmidhuber, *Long short-term memory*, 1997, with the forget gate
of F. Gers (2000); K. Cho and others, *Learning phrase representations*, 2014, in the variant of
cuDNN, in which the reset gate follows the product.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag
from nn.functional import sigmoid


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


def _hidden(pre: Any, relu: bool) -> Any:
    return np.maximum(pre, 0) if relu else np.tanh(pre)


@ag.primitive
def rnn(xs: Any, h: Any, weight: Any, bias: Any, *, relu: bool = False) -> Any:
    """``h' = tanh(x + weight h + bias)``: ``xs (T, N, H)``, ``h (N, H)`` to ``(T, N, H)``."""
    states = np.empty(xs.shape, xs.dtype)
    step = weight.T
    for t in range(len(xs)):
        h = _hidden(xs[t] + (h @ step + bias), relu)
        states[t] = h
    return states


def _rnn(
    g: Any, out: Any, xs: Any, h: Any, weight: Any, _bias: Any, *, relu: bool = False
) -> tuple[Any, Any, Any, Any]:
    slope = (out > 0) if relu else 1 - out * out
    back, ds = np.zeros_like(h), []
    for t in reversed(range(len(xs))):
        d = (g[t] + back) * slope[t]
        back = d @ weight
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back, _to_weight(d, _before(h, out)), d.sum(axis=(0, 1))


rnn.defvjp(joint=_rnn)


def _scales(size: int, dtype: Any) -> Any:
    """By which a gate is ``s tanh(s x) + 1 - s``: 1/2 for a logistic function, 1 for tanh (g)."""
    return np.repeat(np.array([0.5, 0.5, 1.0, 0.5], dtype), size)


@ag.primitive
def lstm(xs: Any, h: Any, c: Any, weight: Any, bias: Any) -> Any:
    """The gates i, f, g, o of ``xs (T, N, 4 H)``: hidden and cell states, ``(T, N, H)`` each."""
    steps, n, _ = xs.shape
    scale = _scales(h.shape[-1], xs.dtype)
    hidden = np.empty((steps, n, h.shape[-1]), xs.dtype)
    cells = np.empty_like(hidden)
    pre, step, shift = (
        (xs + bias) * scale,
        np.ascontiguousarray((weight * scale[:, None]).T),
        1 - scale,
    )
    for t in range(steps):
        gates = pre[t]
        gates += h @ step
        np.tanh(gates, out=gates)
        gates *= scale
        gates += shift
        i, f, g, o = _split(gates, 4)
        c = np.multiply(f, c, out=cells[t])
        c += i * g
        h = np.tanh(c, out=hidden[t])
        h *= o
    return hidden, cells


def _lstm(g: Any, out: Any, xs: Any, h: Any, c: Any, weight: Any, bias: Any) -> tuple[Any, ...]:
    hidden, cells = out
    to_hidden, to_cells = g
    scale = _scales(h.shape[-1], xs.dtype)
    before, earlier = _before(h, hidden), _before(c, cells)
    gates = np.tanh((xs + (before @ weight.T + bias)) * scale) * scale + (1 - scale)
    i, f, k, o = _split(gates, 4)
    squashed = np.tanh(cells)
    through = o * (1 - squashed * squashed)  # from the hidden state to the cell
    # what the gradient of the cell becomes at i, f and g; and that of the hidden state at o
    slopes = np.stack([k * i * (1 - i), earlier * f * (1 - f), i * (1 - k * k)], axis=2)
    opened = squashed * o * (1 - o)
    back_h, back_c, ds = np.zeros_like(h), np.zeros_like(c), []
    n, size = h.shape
    for t in reversed(range(len(xs))):
        dh = to_hidden[t] + back_h
        dc = to_cells[t] + back_c + dh * through[t]
        to_gates = (dc[:, None] * slopes[t]).reshape(n, 3 * size)
        d = np.concatenate([to_gates, dh * opened[t]], axis=-1)
        back_h, back_c = d @ weight, dc * f[t]
        ds.append(d)
    d = np.stack(ds[::-1])
    return d, back_h, back_c, _to_weight(d, before), d.sum(axis=(0, 1))


lstm.defvjp(joint=_lstm)


@ag.primitive
def gru(xs: Any, h: Any, weight: Any, bias: Any) -> Any:
    """The gates r, z, n of ``xs (T, N, 3 H)``: hidden states ``(T, N, H)``."""
    hidden = np.empty((*xs.shape[:2], h.shape[-1]), xs.dtype)
    step = weight.T
    for t in range(len(xs)):
        (xr, xz, xn), (r, z, n) = _split(xs[t], 3), _split(h @ step + bias, 3)
        z, n = sigmoid(xz + z), np.tanh(xn + sigmoid(xr + r) * n)
        h = n + z * (h - n)
        hidden[t] = h
    return hidden


def _gru(g: Any, out: Any, xs: Any, h: Any, weight: Any, bias: Any) -> tuple[Any, ...]:
    before = _before(h, out)
    (xr, xz, xn), (r, z, a) = _split(xs, 3), _split(before @ weight.T + bias, 3)
    r, z = sigmoid(xr + r), sigmoid(xz + z)
    n = np.tanh(xn + r * a)
    to_n, to_z = (1 - z) * (1 - n * n), (before - n) * z * (1 - z)
    slopes = np.concatenate([to_n * a * r * (1 - r), to_z, to_n * r], axis=-1)
    back, ds, steps = np.zeros_like(h), [], []
    for t in reversed(range(len(xs))):
        dh = g[t] + back
        d = np.concatenate([dh, dh, dh], axis=-1) * slopes[t]
        back = d @ weight + dh * z[t]
        ds.append(d)
        steps.append(dh)
    d, dh = np.stack(ds[::-1]), np.stack(steps[::-1])
    size = h.shape[-1]
    to_xs = np.concatenate([d[..., : 2 * size], dh * to_n], axis=-1)
    return to_xs, back, _to_weight(d, before), d.sum(axis=(0, 1))


gru.defvjp(joint=_gru)
