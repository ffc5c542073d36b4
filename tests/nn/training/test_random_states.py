"""Random generators below any object: found by path, and their states set back exactly."""

import functools

import numpy as np
import pytest

import nn
from nn.training import random_states

KINDS = {
    "PCG64": lambda seed: np.random.Generator(np.random.PCG64(seed)),
    "PCG64DXSM": lambda seed: np.random.Generator(np.random.PCG64DXSM(seed)),
    "MT19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
    "Philox": lambda seed: np.random.Generator(np.random.Philox(seed)),
    "SFC64": lambda seed: np.random.Generator(np.random.SFC64(seed)),
    "legacy": np.random.RandomState,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_set_back(kind):
    """The state includes half of a 64-bit number, and the second of a pair of normal numbers."""
    source, other = KINDS[kind](3), KINDS[kind](4)
    if kind != "legacy":
        source.integers(0, 9, 3, dtype=np.int32)
    source.normal()
    state = random_states.get_state(source)
    random_states.check_state("rng", other, state)
    random_states.set_state(other, state)
    assert source.normal(size=5).tolist() == other.normal(size=5).tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "wrong", [None, {}, [], {"bit_generator": "PCG64"}, {"bit_generator": "MT19937", "state": {}}]
)
def test_a_wrong_state_is_refused(kind, wrong):
    source = KINDS[kind](3)
    before = random_states.get_state(source)
    with pytest.raises(nn.StateError, match="random generator rng"):
        random_states.check_state("rng", source, wrong)
    with pytest.raises(nn.StateError, match="in the file is none of a"):
        random_states.check_state("rng", source, {**before, "ignored by NumPy": 1})
    assert random_states.get_state(source) == before


def test_children_are_counted():
    """Let a generator of the same seed go on with the third child, which its state does not tell."""
    source, other = np.random.default_rng(3), np.random.default_rng(3)
    source.spawn(2)
    state = random_states.get_state(source)
    random_states.check_state("rng", other, state)
    assert random_states.get_state(other)["spawned"] == 0
    random_states.set_state(other, state)
    assert source.spawn(1)[0].random() == other.spawn(1)[0].random()
    for count in (2, -1, 10**12, "3", True):  # three have been made
        with pytest.raises(nn.StateError, match="has spawned 3 others"):
            random_states.check_state("rng", other, {**state, "spawned": count})
    old = {k: v for k, v in state.items() if k != "spawned"}  # as version 0.1 wrote it
    random_states.check_state("rng", other, old)


class Slots:
    __slots__ = ("missing", "rng")

    def __init__(self, rng):
        self.rng = rng

    def method(self):
        return self.rng


def test_paths():
    """Find generators in members, slots, partials, methods and closures, once each."""
    a, b, c, d, e = np.random.default_rng(0).spawn(5)
    legacy, bits = np.random.RandomState(0), np.random.PCG64(0)
    loop = [
        a,
        {"key": (b,)},
        Slots(c).method,
        functools.partial(max, key=d),
        lambda: e,
        legacy,
        bits,
    ]
    loop.append(loop)
    assert random_states.sources(root=loop) == {
        "root.0": a, "root.1.key.0": b, "root.2.__self__.rng": c, "root.3.key": d,
        "root.4.e": e, "root.5": legacy, "root.6": bits,
    }  # fmt: skip
    shared = [a, a]
    assert list(random_states.sources(x=shared, y=shared)) == ["x.0", "y.0"]


def test_odd_objects_are_passed_over():
    """Attributes that are no dict, empty cells, slots that are not set, and circles."""

    class Odd:
        __dict__ = 3

    def recursive():
        return inner

    assert random_states.sources(root=[Odd(), recursive, Slots.__new__(Slots), object()]) == {}
    inner = np.random.default_rng(0)
    assert list(random_states.sources(root=[recursive])) == ["root.0.inner"]


def test_names_of_modules_are_those_of_their_parameters():
    """Names of version 0.1, which checkpoints on disk hold."""
    inner = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
    model = nn.Sequential(inner, nn.Dropout(0.1))
    assert list(random_states.sources(model=model)) == ["model.0.1.rng", "model.1.rng"]
