"""Switches as decorators: of functions, generators, coroutines, methods; and in threads."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

import autograd_core as ag

W = ag.tensor([1.0, 2.0], requires_grad=True)


def recorded():
    return (W * 2).requires_grad


def test_an_asynchronous_generator():
    log = []

    @ag.no_grad()
    async def steps():
        try:
            first = yield recorded()
            second = yield recorded()
            log.extend([first, second])
            await asyncio.sleep(0)
        except KeyError:
            yield recorded()
        finally:
            log.append(recorded())

    async def use():
        assert [s async for s in steps()] == [False, False]
        assert recorded()
        g = steps()
        assert await g.__anext__() is False
        assert recorded()
        assert await g.asend("sent") is False
        assert await g.athrow(KeyError) is False
        await g.aclose()
        assert recorded()
        early = steps()
        await early.__anext__()
        await early.aclose()
        with pytest.raises(StopAsyncIteration):
            await early.__anext__()

    asyncio.run(use())
    assert log == [None, None, False, False, False]
    assert recorded()


def test_methods_of_every_kind():
    class Model:
        @ag.no_grad()
        def method(self):
            return recorded()

        @ag.no_grad()
        @classmethod
        def of_class(cls):
            return recorded(), cls

        @ag.no_grad()
        @staticmethod
        def static():
            return recorded()

        @property
        @ag.no_grad()
        def value(self):
            return recorded()

    m = Model()
    assert (m.method(), m.of_class(), m.static(), m.value) == (False, (False, Model), False, False)
    assert recorded()


@pytest.mark.parametrize("switch", [ag.no_grad, ag.enable_grad, ag.strict_nan, ag.detect_anomaly])
def test_what_cannot_be_decorated(switch):
    with pytest.raises(TypeError, match="decorate its methods"):

        @switch()
        class Model:
            pass

    with pytest.raises(TypeError, match="decorates a function"):
        switch()(3)


def test_one_switch_in_nested_blocks():
    quiet = ag.no_grad()
    with quiet:
        with ag.enable_grad():
            assert recorded()
            with quiet:
                assert not recorded()
            assert recorded()
        assert not recorded()
    assert recorded()


@pytest.mark.parametrize("create_graph", [False, True])
def test_threads_add_to_one_leaf(create_graph):
    w = ag.tensor(np.ones(3), requires_grad=True)

    def train():
        for _ in range(300):
            np.sum(w * 2.0).backward(create_graph=create_graph)

    threads = [threading.Thread(target=train) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert w.grad.tolist() == [2400.0] * 3


def test_threads_differentiate_each_their_own():
    found = {}

    def work(n):
        x = np.full(3, float(n))
        for _ in range(50):
            found[n] = ag.grad(lambda x: np.sum(ag.grad(lambda y: np.sum(y**3 * x))(x)))(x)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for n, g in found.items():
        assert type(g) is np.ndarray
        np.testing.assert_allclose(g, 3 * (3 * n**2))
