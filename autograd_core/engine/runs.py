"""The differentiations that are under way: functions that a transform is evaluating now.

A transform (``ag.grad``, ``ag.vjp``, ...) replaces its function's arguments by variables.  Whether
a result must stay recorded for an outer differentiation is a question of which are *open*, their
function running now, and not of which variables a graph still holds.
"""

from collections.abc import Iterable
from typing import Any

from autograd_core.engine.graph import Leaf, Node, reachable


class Run:
    """One evaluation by a transform; ``left`` names a call that left the graph on the way."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = ""


#: The runs whose function has begun and not ended, in any thread.
open_runs: set[Run] = set()


class Variable(Leaf):
    """The node of an argument that a transform put in place of the user's."""

    __slots__ = ("run",)

    def __init__(self, data: Any, run: Run) -> None:
        super().__init__(data)
        self.run = run


def reaches_open_run(nodes: Iterable[Node]) -> bool:
    """Return whether a differentiation that is under way depends on one of ``nodes``."""
    return bool(open_runs) and any(
        isinstance(n, Variable) and n.run in open_runs for n in reachable(nodes)
    )


def note_leaving(what: str) -> None:
    """Note that a recorded Tensor became plain numbers by the user's own request."""
    for run in tuple(open_runs):
        run.left = what
