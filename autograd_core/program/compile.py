"""``ag.compile``: trace a function once for each form of its arguments, then run the program.

A function is traced twice at its first call: numbers that differ between the traces are no
constants, and are refused.  Programs of one signature form a tree by the outcomes of their guards.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.graph import TRACE, mode
from autograd_core.engine.modes import in_mode
from autograd_core.engine.recording import TensorBase
from autograd_core.errors import CompileError
from autograd_core.program.lines import Line, Program, replaced
from autograd_core.program.passes import PASSES, differences
from autograd_core.program.source import Miss, Source, write
from autograd_core.program.traced import Trace, Traced, trace
from autograd_core.transforms.trees import Tree

#: How many outcomes of its guards a function may have before it is run eagerly.
OUTCOMES = 16


class _Variant:
    """One program, and what to run where one of its guards fails."""

    def __init__(self, program: Program, source: Source) -> None:
        self.program, self.source = program, source
        self.functions = [source.make()]  # each with buffers of its own; a thread takes one out
        self.others: dict[int, _Variant] = {}

    def run(self, arrays: list[Any]) -> Any:
        """Return what the program returns: outputs, or the guard that failed."""
        try:
            function = self.functions.pop()
        except IndexError:
            function = self.source.make()
        try:
            return function(*arrays)
        finally:
            self.functions.append(function)


class Compiled:
    """A compiled function; see :func:`compile`."""

    def __init__(self, f: Callable[..., Any], limit: int = OUTCOMES) -> None:
        functools.update_wrapper(self, f)
        self.f, self.limit = f, limit
        self.__name__: str = getattr(f, "__name__", type(f).__name__)
        self._variants: dict[Any, _Variant] = {}
        self._counts: dict[Any, int] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tree = Tree((args, kwargs))
        leaves = tree.leaves
        signature = (*tree.paths(), mode.get(), *map(_form, leaves))
        arrays = [_array(leaf) for leaf in leaves if _is_array(leaf)]
        variant = self._variants.get(signature)
        if variant is None:
            variant = self._variants[signature] = self._new(args, kwargs)
            self._counts[signature] = 1
        while True:
            found = variant.run(arrays)
            if type(found) is not Miss:
                return found
            other = variant.others.get(found.guard)
            if other is None:
                if self._counts[signature] >= self.limit:
                    self._say_once()
                    return self.f(*args, **kwargs)
                self._counts[signature] += 1
                other = variant.others[found.guard] = self._new(args, kwargs)
            variant = other

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    @property
    def source(self) -> str:
        """The source of the program that was made last."""
        if not self._variants:
            raise CompileError("nothing was compiled yet: call the function once")
        return list(self._variants.values())[-1].source.text

    def _new(self, args: Any, kwargs: Any) -> _Variant:
        before, first = _traced(self.f, args, kwargs)
        program, second = _traced(self.f, args, kwargs)
        found = differences(before, program)
        if found:
            raise CompileError(
                f"{self.__name__} did not do the same twice, so there is nothing to compile: "
                f"{found[0]}. Give what changes as an argument"
            )
        program = _settled(program, second, {id(a) for a, _ in first.captured.values()})
        for apply in PASSES:
            program = apply(program)
        return _Variant(program, write(program, self.__name__))

    def _say_once(self) -> None:
        warnings.warn(
            f"{self.__name__} takes another way through its code at nearly every call (more than "
            f"{self.limit} were compiled), so it is run eagerly; np.where has no such branches",
            stacklevel=3,
        )


def compile(f: Callable[..., Any], *, limit: int = OUTCOMES) -> Compiled:
    """Return a function that computes the same as ``f`` by a program of NumPy calls.

    Parameters
    ----------
    f
        A function of arrays, also a derivative: ``ag.compile(ag.grad(f))``.
    limit
        How many ways through its branches are compiled before it is run eagerly.

    Raises
    ------
    CompileError
        At the first call: if the function needs a number of a traced array, does not do the same
        twice, or writes into an array that it was given.

    Examples
    --------
    >>> import autograd_core as ag, numpy as np
    >>> slope = compile(ag.grad(lambda x: (x**3).sum()))
    >>> slope(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    return Compiled(f, limit)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.generic, TensorBase))


def _array(leaf: Any) -> Any:
    return leaf._array if isinstance(leaf, TensorBase) else leaf


def _form(leaf: Any) -> Any:
    """Return what of an argument a program depends on."""
    if _is_array(leaf):
        a = _array(leaf)
        if isinstance(leaf, TensorBase) and leaf._node.tracked:
            raise CompileError(
                "an argument is a Tensor that records; compile the derivative instead: "
                "ag.compile(ag.grad(f)), called with arrays"
            )
        order = a.flags.c_contiguous if isinstance(a, np.ndarray) else None
        return type(leaf), a.shape, a.dtype.str, order
    return type(leaf), leaf


def _traced(f: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Program, Trace]:
    """Return the program of one call, and its trace, which keeps what was captured alive."""
    running = Trace()
    inputs: list[Traced] = []

    def stand_in(leaf: Any) -> Any:
        if not _is_array(leaf):
            return leaf
        example = _array(leaf)
        example = example.copy() if isinstance(example, np.ndarray) else example
        inputs.append(Traced(running, example, name=f"x{len(inputs)}", role="input"))
        return inputs[-1]

    token = trace.set(running)
    try:
        given, options = replaced(args, stand_in), replaced(kwargs, stand_in)
        result = in_mode(TRACE, 0, f, *given, **options)
    finally:
        trace.reset(token)
    outputs = replaced(result, lambda leaf: running.known(_array(leaf)))
    return Program(running.lines, inputs, outputs), running


def _settled(program: Program, running: Trace, known: set[int]) -> Program:
    """Return a program whose captured arrays were there before; those made inside are copied."""
    written, captured, made = program.written, {}, []
    for array, value in running.captured.values():
        if id(array) in known:
            captured[value] = array
        elif value in written and array.base is not None:
            raise CompileError(
                "a part of an array that the function made itself is written into, by "
                f"{_writer(program, value)}; make the array after one that is an argument: "
                "np.zeros_like(x, shape=...)"
            )
        elif value in written:
            made.append(Line(np.copy, (array.copy(),), {}, value))
        else:
            captured[value] = array
    for value in (*captured, *program.inputs):
        if value in written:
            raise CompileError(
                f"{_writer(program, value)} writes into an array that the function was given or "
                "found outside itself; return a new array instead"
            )
    return Program([*made, *program.lines], program.inputs, program.outputs, captured)


def _writer(program: Program, value: Traced) -> str:
    """Return where the user's code writes into a value."""
    return next(n.origin for n in program.lines if n.kind == "write" and n.result.root is value)


def _first(array: Any) -> Any:
    return array.copy()
