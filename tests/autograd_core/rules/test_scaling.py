"""Functions of many arrays or elements: the work grows as their number, and one call is one node."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.engine.graph import reachable
from autograd_core.engine.primitive import table

JOINING = {
    "concatenate": np.concatenate,
    "concatenate flat": lambda xs: np.concatenate(xs, axis=None),
    "stack": lambda xs: np.stack(xs, axis=-1),
    "vstack": np.vstack,
    "hstack": np.hstack,
    "dstack": np.dstack,
    "column_stack": np.column_stack,
    "block": np.block,
    "array": lambda xs: np.array(xs, like=xs[0]),
    "select": lambda xs: np.select([x > 0 for x in xs], xs),
}
SPLITTING = {
    "split": lambda x: np.split(x, len(x)),
    "array_split": lambda x: np.array_split(x, len(x)),
    "vsplit": lambda x: np.vsplit(x, len(x)),
    "apply_along_axis": lambda x: [np.apply_along_axis(np.sum, 1, x)],
}
if hasattr(np, "unstack"):  # NumPy 2.1
    SPLITTING["unstack"] = np.unstack


def calls_of(run) -> int:
    """Return how many functions are called or resumed."""
    count = 0

    def seen(_frame, event, _arg):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def joined(f, n):
    xs = [ag.tensor(np.ones(3), requires_grad=True) for _ in range(n)]
    return calls_of(lambda: f(xs).sum().backward())


def parted(f, n):
    x = ag.tensor(np.ones((n, 3)), requires_grad=True)
    return calls_of(lambda: np.concatenate(f(x)).sum().backward())


@pytest.mark.parametrize(
    ("work", "f"),
    [*((joined, f) for f in JOINING.values()), *((parted, f) for f in SPLITTING.values())],
    ids=[*JOINING, *SPLITTING],
)
def test_work_grows_as_the_number_of_arrays(work, f):
    work(f, 3)
    assert work(f, 240) < 5 * work(f, 60)


@pytest.mark.parametrize("name", ["concatenate", "stack"])
def test_a_joined_array_keeps_no_part_of_it_alive(name):
    xs = [ag.tensor(np.ones(2000), requires_grad=True) for _ in range(3)]
    y = getattr(np, name)([x * 1 for x in xs])
    (node,) = (
        n for n in reachable([y._node]) if n.primitive is not None and n.primitive.name == name
    )
    assert not any(isinstance(a, np.ndarray) for a in (node.out, *node.args))


METHODS = [f for f in table if getattr(f, "__name__", "") in ("accumulate", "reduceat", "reduce")]


@pytest.mark.parametrize("method", METHODS, ids=[table[m].name for m in METHODS])
def test_a_method_of_a_ufunc_is_one_node(method):
    x = ag.tensor(np.linspace(0.3, 2, 40).reshape(20, 2), requires_grad=True)
    arguments = ([0, 7, 3, 19],) if method.__name__ == "reduceat" else ()
    y = method(x, *arguments)
    assert list(reachable([y._node])) == [y._node, x._node]
    np.testing.assert_array_equal(y.data, method(x.data, *arguments))


def test_every_binary_ufunc_accumulates_in_one_node():
    names = {table[m].name.partition(".")[0] for m in METHODS if m.__name__ == "accumulate"}
    binary = {
        f.__name__
        for f, p in table.items()
        if isinstance(f, np.ufunc) and p.rules and f.nin == 2 and f.nout == 1 and not p.rules.has_gaps
        and f.signature is None
    }  # fmt: skip
    binary &= {n for n in dir(np) if isinstance(getattr(np, n), np.ufunc)}
    assert binary - {"add", "multiply"} <= names | {"ldexp"}
