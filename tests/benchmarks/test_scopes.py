"""What it costs that modules leave their calls, for pictures that nobody may ask for."""

import statistics
import time

import numpy as np
import pytest

import nn


def plain(self, *args, **kwargs):
    return self.forward(*args, **kwargs)


@pytest.mark.bench
def test_a_call_costs_less_than_a_microsecond_more(monkeypatch):
    model = nn.mlp([784, 64, 64, 10], rng=0)
    x, y = np.ones((64, 784), np.float32), np.ones((64, 10), np.float32)
    noting = nn.Module.__call__

    def seconds(call):
        monkeypatch.setattr(nn.Module, "__call__", call)
        start = time.perf_counter()
        for _ in range(4):
            nn.mse_loss(model(x), y).backward()
        return (time.perf_counter() - start) / 4

    ratios, extra = [], []
    for _ in range(400):
        before, after = seconds(plain), seconds(noting)
        ratios.append(after / before)
        extra.append((after - before) / 6)
    print(f"ratio {statistics.median(ratios):.4f}, {statistics.median(extra) * 1e9:.0f} ns a call")
    assert statistics.median(ratios) < 1.02
