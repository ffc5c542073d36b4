"""The second corpus says the truth: right gradients are derivatives on their domains, wrong are not.

The derivatives here are differences along curves that stay on the domain, written for this test.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.gradcheck_quality.told import RIGHT, WRONG, conventions, leaves, rebuilt

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

RNG = np.random.default_rng(0)


def curve(kind, x, d):
    """Return a path on a domain through ``x``, and its velocity there."""
    if kind == "simplex":
        d = x * (d - (x * d).sum())
        return lambda t: (x * np.exp(t * d / x)) / (x * np.exp(t * d / x)).sum(), d
    if kind == "spd":
        d = (d + d.T) / 2
    if kind == "orthogonal" and x.shape == (3, 3):
        s, eye = (d - d.T) / 2, np.eye(3)
        return lambda t: x @ np.linalg.solve(eye - t / 2 * s, eye + t / 2 * s), x @ s
    return lambda t: x + t * d, d


def mismatch(entry, inputs):
    """Return how far the gradients are from the slopes along random curves, relative to them."""
    values, gradients = conventions(entry.subject)
    flat = leaves(inputs)
    worst = 0.0
    for _ in range(3):
        paths = []
        for a in flat:
            floating = a.dtype.kind == "f"
            d = RNG.normal(size=a.shape) if floating else np.zeros(a.shape)
            paths.append(curve(entry.domain, a, d) if floating else (lambda t, a=a: a, d))

        ws = [RNG.uniform(0.5, 1.5, v.shape) * RNG.choice([-1, 1], v.shape) for v in values(inputs)]

        def at(t, paths=paths, ws=ws):
            out = values(rebuilt(inputs, iter([p(t) for p, _ in paths])))
            return sum((w * v).sum() for w, v in zip(ws, out, strict=True))

        h = 0.2 if "half-precision" in entry.id else 1e-3
        slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        found = gradients(inputs, [w.copy() for w in ws])
        total = 0.0
        for given, back in zip(inputs, found, strict=True):
            if back is not None:
                n = len(leaves(given))
                own, paths = paths[:n], paths[n:]
                total += sum((b * v).sum() for b, (_, v) in zip(leaves(back), own, strict=True))
            else:
                paths = paths[len(leaves(given)) :]
        scale = max(abs(total), abs(slope), 1e-3)
        worst = max(worst, abs(total - slope) / scale)
    return worst


@pytest.mark.parametrize("entry", RIGHT, ids=lambda e: e.id)
def test_what_is_called_right_is_the_derivative(entry):
    if entry.kind == "deliberate":
        pytest.skip("not the derivative, on purpose")
    rough = entry.kind in ("solver", "float32") or entry.id == "huber-loss"  # at its edge
    assert mismatch(entry, entry.inputs) < (1e-2 if rough else 1e-6)


@pytest.mark.parametrize("entry", WRONG, ids=lambda e: e.id)
def test_what_is_called_wrong_is_not_the_derivative(entry):
    at = entry.trigger or entry.inputs
    if entry.kind == "state":  # a second point
        values, _ = conventions(entry.subject)
        values(entry.inputs)
        at = tuple(1.3 * a for a in entry.inputs)
    assert mismatch(entry, at) > 1e-2


def test_the_corpus_is_large_enough_and_names_its_sources():
    assert len(RIGHT) >= 60
    assert len(WRONG) >= 60
    assert all(e.source for e in (*RIGHT, *WRONG))
