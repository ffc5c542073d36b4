"""Lines of a program: what was called, with which values, what came out, and where in the code.

A value of a program is the :class:`~autograd_core.program.traced.Traced` that stood for it while
the program was traced.  Values that share memory have one ``root``, the value that owns it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from autograd_core.program.traced import Traced


@dataclass(slots=True, eq=False)
class Line:
    """One call.

    Attributes
    ----------
    function, args, kwargs
        The call; arguments are values, constants, and containers of them.
    result
        A value, a tuple or list of values, or something else that the program does not use.
    kind
        ``call``: computes new values.  ``write``: writes into ``result``.  ``draw``: takes numbers
        from a generator.  ``guard``: the truth of the first argument must be ``expected``.
    expected
        Of a guard.
    undo
        Of a guard: calls to make if it fails, before the program is left.
    errstate
        How floating-point errors are handled, where that differs from the call's own.
    origin
        The line of the user's code, as ``file.py:12``.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    kind: str = "call"
    expected: bool = True
    origin: str = ""
    undo: list[Line] = field(default_factory=list)
    errstate: dict[str, Any] | None = None

    @property
    def inputs(self) -> list[Traced]:
        """The values that it reads."""
        return values_in((self.args, self.kwargs))

    @property
    def outputs(self) -> list[Traced]:
        """The values that it makes, or writes into."""
        return values_in(self.result)


@dataclass(slots=True, eq=False)
class Program:
    """Lines in order, what goes in, and what comes out.

    Attributes
    ----------
    lines
        The calls.
    inputs
        Values that are given at each call, in the order of the arguments.
    outputs
        What is returned: values and constants in containers.
    captured
        Arrays that the function uses and did not make, by their values; read at each call.
    """

    lines: list[Line]
    inputs: list[Traced]
    outputs: Any
    captured: dict[Traced, np.ndarray[Any, Any]] = field(default_factory=dict)

    @property
    def written(self) -> set[Traced]:
        """The roots of the values that lines write into."""
        return {v.root for line in self.lines if line.kind == "write" for v in line.outputs}

    @property
    def overwritten(self) -> set[Traced]:
        """Values that a call fills by ``out=`` before anything reads them."""
        found: set[Traced] = set()
        met: set[Traced] = set()
        for line in self.lines:
            inputs, value = set(line.inputs), line.result
            fills = isinstance(line.function, np.ufunc) and "where" not in line.kwargs
            if line.kind == "write" and fills and not {value, value.root} & (inputs | met):
                found.add(value)
            met |= {v.root for v in (*inputs, *line.outputs)}
        return found


def fields_of(kind: type) -> tuple[str, ...]:
    """Return the fields of a class of named tuples, or of a dataclass that they alone make."""
    if issubclass(kind, tuple):
        return getattr(kind, "_fields", ())
    found = getattr(kind, "__dataclass_fields__", {})
    return tuple(found) if all(f.init for f in found.values()) else ()


def members_of(tree: Any) -> Iterable[Any] | None:
    """Return what stands in a tuple, list, dict, slice or dataclass; None of anything else."""
    if isinstance(tree, (list, tuple)):
        return tree
    if isinstance(tree, dict):
        return tree.values()
    if isinstance(tree, slice):
        return tree.start, tree.stop, tree.step
    names = fields_of(type(tree)) if type(tree) not in _LEAVES else ()
    return [getattr(tree, name) for name in names] if names else None


def leaves_of(tree: Any) -> Iterator[Any]:
    """Yield what stands in containers, and in those inside them."""
    members = members_of(tree)
    if members is None:
        yield tree
    else:
        for member in members:
            yield from leaves_of(member)


#: The classes of values of programs.
VALUES: set[type] = set()

#: Classes of common leaves.
_LEAVES = {int, float, bool, str, type(None), np.ndarray, np.dtype}


def values_in(tree: Any) -> list[Any]:
    """Return the values among the leaves of a tree."""
    if type(tree) in VALUES:
        return [tree]
    found: list[Any] = []
    _collect(tree, found)
    return found


def _collect(tree: Any, found: list[Any]) -> None:
    for member in members_of(tree) or ():
        kind = type(member)
        if kind in VALUES:
            found.append(member)
        elif kind not in _LEAVES:
            _collect(member, found)


def replaced(tree: Any, change: Callable[[Any], Any]) -> Any:
    """Return a tree with ``change`` of each leaf."""
    kind = type(tree)
    if kind in (list, tuple):
        return kind(replaced(member, change) for member in tree)
    if kind is dict:
        return {key: replaced(member, change) for key, member in tree.items()}
    if kind is slice:
        return slice(*(replaced(part, change) for part in (tree.start, tree.stop, tree.step)))
    names = () if kind in VALUES or kind in _LEAVES else fields_of(kind)
    return kind(*(replaced(getattr(tree, n), change) for n in names)) if names else change(tree)
