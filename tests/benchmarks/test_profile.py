"""The profile against the wall clock."""

import statistics
import time

import numpy as np
import pytest

import autograd_core as ag


@pytest.mark.bench
def test_totals_agree_with_the_wall_clock():
    rng = np.random.default_rng(0)
    w, u = (ag.tensor(rng.normal(size=(600, 600)) / 25, requires_grad=True) for _ in range(2))
    x = rng.normal(size=(400, 600))

    def f():
        return np.sum(np.tanh(np.tanh(x @ w) @ u) ** 2)

    inside, against = [], []
    for _ in range(9):
        start = time.perf_counter()
        ag.gradients(f(), [w, u])
        plain = time.perf_counter() - start
        p = ag.profile(f)
        inside.append((p.forward + p.backward) / p.wall)
        against.append(p.wall / plain)
    assert 0.85 <= statistics.median(inside) <= 1.0
    assert 0.85 <= statistics.median(against) <= 1.15
