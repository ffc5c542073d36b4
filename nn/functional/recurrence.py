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


def _split(a: Any, parts: int) -> list[Any]:
    """Return the gates, which lie side by side on the last axis."""
    n = a.shape[-1] // parts
    return [a[..., i * n : (i + 1) * n] for i in range(parts)]


def _weight_grad(d: Any, first: Any, states: Any) -> Any:
    """Sum the outer products of ``d`` and the state before, over all steps and examples."""
    total = d[0].T @ first
    if len(d) == 1:
        return total
    return total + d[1:].reshape(-1, d.shape[-1]).T @ states[:-1].reshape(-1, states.shape[-1])


def _empty(xs: Any, *sizes: int) -> list[Any]:
    """Return arrays ``(T, N, size)`` to fill, of the kind and dtype of ``xs``."""
    return [np.empty_like(xs, shape=(*xs.shape[:2], size)) for size in sizes]


def _by_columns(weight: Any, steps: int) -> Any:
    """Return ``weight.T``, copied where so many products save more than the copy costs."""
    return weight.T.copy() if steps > 3 else weight.T


def _is_zero(g: Any) -> bool:
    """Return whether a cotangent is one zero, seen as an array: that of an unused output."""
    return isinstance(g, np.ndarray) and not any(g.strides) and not g[:1, :1].any()


def _plain(g: Any, out: Any) -> bool:
    """Return whether a rule runs on arrays, and no gradient comes from the gates, its last output.

    Then it works in place, step by step, on the factors that it computed for all steps at once.
    """
    return isinstance(out[0], np.ndarray) and _is_zero(g[-1])


def _sigmoid_(a: Any) -> None:
    """Compute ``1 / (1 + exp(-a))`` in place; exp may overflow to inf, which correctly gives 0."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda _out, xs, _h, w, **_options: 2 * math.prod(xs.shape[:2]) * w.size,
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
    slope, back = (out > 0) if relu else 1 - out * out, np.zeros_like(h)
    if isinstance(out, np.ndarray):
        d = slope.astype(out.dtype, copy=False)
        for step, to_h in zip(d[::-1], g[::-1], strict=True):
            step *= np.add(back, to_h, out=back)
            np.matmul(step, weight, out=back)
    else:
        ds = []
        for t in reversed(range(len(out))):
            ds.append((g[t] + back) * slope[t])
            back = ds[-1] @ weight
        d = np.stack(ds[::-1])
    return d, back, _weight_grad(d, h, out)


rnn.defvjp(vjp_all=_rnn_vjp)


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda _out, xs, _h, _c, w: 2 * math.prod(xs.shape[:2]) * w.size,
)
def lstm(xs: Any, h: Any, c: Any, weight: Any) -> Any:
    """Run an LSTM: the gates i, f, g, o are functions of ``xs (T, N, 4 H)`` plus ``weight h``.

    Returns
    -------
    tuple
        Hidden and cell states, ``(T, N, H)`` each, and the gates, ``(T, N, 4 H)``.
    """
    size = h.shape[-1]
    hidden, cells, gates = _empty(xs, size, size, 4 * size)
    step = _by_columns(weight, len(xs))
    with np.errstate(over="ignore"):
        for y, x, i, f, k, o, cell, state in zip(
            gates, xs, *_split(gates, 4), cells, hidden, strict=True
        ):
            np.matmul(h, step, out=y)
            y += x
            candidate = np.tanh(k)
            _sigmoid_(y)  # all four: one pass over adjacent memory is faster than two
            k[...] = candidate
            c = np.multiply(f, c, out=cell)
            c += np.multiply(i, candidate, out=candidate)
            h = np.multiply(o, np.tanh(c, out=candidate), out=state)
    return hidden, cells, gates


def _lstm_vjp(g: Any, out: Any, _xs: Any, h: Any, c: Any, weight: Any) -> tuple[Any, ...]:
    hidden, cells, gates = out
    if _plain(g, out):
        d, back_h, back_c = _lstm_sweep(g, cells, gates, c, weight)
    else:
        to_hidden, to_cells, to_gates = g
        back_h, back_c, ds = np.zeros_like(h), np.zeros_like(c), []
        for t in reversed(range(len(hidden))):
            (i, f, k, o), s = _split(gates[t], 4), np.tanh(cells[t])
            dh = to_hidden[t] + back_h
            dc = to_cells[t] + back_c + dh * o * (1 - s * s)
            dy = [dc * k, dc * (cells[t - 1] if t else c), dc * i, dh * s]
            slopes = [i * (1 - i), f * (1 - f), 1 - k * k, o * (1 - o)]
            d = np.concatenate(dy, axis=-1) + to_gates[t]
            ds.append(d * np.concatenate(slopes, axis=-1))
            back_h, back_c = ds[-1] @ weight, dc * f
        d = np.stack(ds[::-1])
    return d, back_h, back_c, _weight_grad(d, h, hidden)


def _lstm_sweep(g: Any, cells: Any, gates: Any, first: Any, weight: Any) -> tuple[Any, Any, Any]:
    """Return the gradients of ``xs`` and of the first states, by arithmetic in place."""
    (to_hidden, to_cells, _), d = g, np.subtract(1, gates)
    (i, f, k, o), (di, df, dk, do) = _split(gates, 4), _split(d, 4)
    through = np.tanh(cells)  # dh times this is added to dc
    do *= through
    np.multiply(through, through, out=through)
    np.subtract(1, through, out=through)
    through *= o
    np.multiply(k, k, out=dk)
    np.subtract(1, dk, out=dk)
    dk *= i
    di *= k
    df[1:] *= cells[:-1]
    df[0] *= first
    for part, y in ((di, i), (df, f), (do, o)):
        part *= y  # now the gradients of the gates' arguments over dc, that of o over dh
    by_gate = d.reshape(*d.shape[:2], 4, first.shape[-1])
    back_h, back_c, unused = np.zeros_like(first), np.zeros_like(first), _is_zero(to_cells)
    for step, factors, to_h, to_c, to_dc, forget in zip(
        *(a[::-1] for a in (d, by_gate, to_hidden, to_cells, through, f)), strict=True
    ):
        back_h += to_h
        if not unused:
            back_c += to_c
        back_c += np.multiply(to_dc, back_h, out=to_dc)
        factors[:, :3] *= back_c[:, None]
        factors[:, 3] *= back_h
        np.matmul(step, weight, out=back_h)
        back_c *= forget
    return d, back_h, back_c


lstm.defvjp(vjp_all=_lstm_vjp)


@ag.primitive(
    opaque=True,
    kind="product",
    flops=lambda _out, xs, _h, w, _bias: 2 * math.prod(xs.shape[:2]) * w.size,
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
    step = _by_columns(weight, len(xs))
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
    (hidden, gates), size = out, h.shape[-1]
    if _plain(g, out):
        d, da, back = _gru_sweep(g[0], hidden, gates, h, weight)
    else:
        (to_hidden, to_gates), back, ds, das = g, np.zeros_like(h), [], []
        for t in reversed(range(len(hidden))):
            (r, z, n, a), before = _split(gates[t], 4), hidden[t - 1] if t else h
            to_r, to_z, to_n, to_a = _split(to_gates[t], 4)
            dh = to_hidden[t] + back
            dn = (dh * (1 - z) + to_n) * (1 - n * n)
            dr = (dn * a + to_r) * (r * (1 - r))
            dz = (dh * (before - n) + to_z) * (z * (1 - z))
            ds.append(np.concatenate([dr, dz, dn], axis=-1))
            das.append(dn * r + to_a)
            back = np.concatenate([dr, dz, das[-1]], axis=-1) @ weight + dh * z
        d, da = np.stack(ds[::-1]), np.stack(das[::-1])
    both = d[..., : 2 * size], da
    to_weight = np.concatenate([_weight_grad(a, h, hidden) for a in both])
    return d, back, to_weight, np.concatenate([a.sum(axis=(0, 1)) for a in both])


def _gru_sweep(
    to_hidden: Any, hidden: Any, gates: Any, first: Any, weight: Any
) -> tuple[Any, Any, Any]:
    """Return the gradients of ``xs``, of the part that r multiplies, and of the first state."""
    size = first.shape[-1]
    d, r, z, n, a = np.empty_like(gates, shape=(*hidden.shape[:2], 3 * size)), *_split(gates, 4)
    dr, dz, dn = _split(d, 3)
    np.multiply(n, n, out=dn)
    np.subtract(1, dn, out=dn)
    np.subtract(1, z, out=dz)
    dn *= dz
    np.subtract(hidden[:-1], n[1:], out=dr[1:])  # the state before, minus n
    np.subtract(first, n[0], out=dr[0])
    dz *= z
    dz *= dr
    np.subtract(1, r, out=dr)
    dr *= r
    dr *= a
    dr *= dn
    da = dn * r  # all of them over the gradient of the state
    back, by_gate = np.zeros_like(first), d.reshape(*d.shape[:2], 3, size)
    for step, factors, of_a, to_h, update in zip(
        *(b[::-1] for b in (d, by_gate, da, to_hidden, z)), strict=True
    ):
        back += to_h
        factors *= back[:, None]
        of_a *= back
        back *= update
        back += step[:, : 2 * size] @ weight[: 2 * size]
        back += of_a @ weight[2 * size :]
    return d, da, back


gru.defvjp(vjp_all=_gru_vjp)
