"""One version of a compiled function: its program, when it holds, and what is done with it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine.graph import UNTRACKED, contexts
from autograd_core.engine.mutation import note_again, note_write, prepared
from autograd_core.engine.recording import TensorBase, make_tensor
from autograd_core.errors import CompileError
from autograd_core.program.lines import Program, fields_of, leaves_of, values_in
from autograd_core.program.passes import fragile, generators_of
from autograd_core.program.recording import (
    EXTEND,
    REPLACE,
    Effect,
    IsRecorded,
    Recording,
    Slot,
    form,
    is_input,
    same,
    unwrapped,
)
from autograd_core.program.saved import State
from autograd_core.program.source import Miss, write
from autograd_core.program.state import MISSING, Place, Snapshot, by_value, difference
from autograd_core.program.trace import owner_of

NUMBERS = (int, float)


def _tensor(array: Any) -> Any:
    return make_tensor(array, UNTRACKED)


class Version:
    """A program, when it holds, and what is done with what it returns.

    Attributes
    ----------
    volatile
        The slots whose values are inputs.
    others
        What to run where a guard fails, by its number.
    gather
        Returns the inputs that are not arguments, or None if a name was rebound.
    finish
        Commits the effects, and returns the result.
    """

    def __init__(
        self, recording: Recording, program: Program, name: str, options: dict[str, Any]
    ) -> None:
        self.program, self.name = program, name
        self.fragile, self.drawing = fragile(program)
        self.places = recording.places
        self.others: dict[int, list[Version]] = {}
        self.volatile: set[Slot] = {s.slot for s in recording.slots}
        self._expected: dict[str, tuple[Place, Any]] = {}  # slots by the name of what is there
        self._names: dict[str, Any] = {"tensor": _tensor, "form": form, "numbers": NUMBERS}
        self._count = itertools.count()
        self.gather = self._gatherer(recording)
        self.finish = self._finisher(recording)
        self._owners = _written(program)
        self.generators = generators_of(program.lines)
        self._slots, self._effects = recording.slots, [e.slot for e in recording.effects]
        self.source = write(program, name, **options)
        self.functions = [self.source.make()]  # each with buffers of its own; a thread takes one
        for line in program.lines:
            for value in (*line.inputs, *line.outputs):
                value.forget()
        recording.trace.forget()

    def call(self, arrays: list[Any]) -> Any:
        """Run the program, and commit its effects; return its result, or the guard that failed."""
        found = self.run(arrays)
        return found if type(found) is Miss or self.finish is None else self.finish(found)

    def clashes(self, values: list[Any]) -> bool:
        """Return whether memory that the program writes into is given to it by two ways.

        One value is then not what it was when another was written into, as no line tells.
        """
        if self._owners is None:
            return False
        owners, written, held = self._owners
        found = set(owners)
        for i in written:
            owner = id(owner_of(values[i])) if isinstance(values[i], np.ndarray) else 0
            if owner in held or owner in found:
                return True
            found.add(owner)
        return any(
            type(a) is np.ndarray and id(owner_of(a)) in found
            for i, a in enumerate(values)
            if i not in written
        )

    def compare(self, arrays: list[Any], f: Callable[[], Any]) -> Any:
        """Return what :meth:`call` does, once ``f`` has told that it is right.

        Raises
        ------
        CompileError
            If ``f`` returns something else, or leaves another state, by more than rounding.
        """
        before = Snapshot(self.places, self.generators)
        wanted = by_value(f())
        after = Snapshot(self.places, self.generators)
        state = after.by_value()
        before.restore()
        result = self.call(arrays)
        told = difference(wanted, by_value(result), "the result")
        told = told or difference(
            state, Snapshot(self.places, self.generators).by_value(), "the state"
        )
        if not told:
            return result
        before.restore()
        raise CompileError(
            f"the program of {self.name} does not do what {self.name} does; {told}. Does it read "
            "or change something that a trace does not see (a file, the time, an array by plain "
            "NumPy)? Leave that out of what is compiled"
        )

    def retried(self, f: Callable[[], Any]) -> Any:
        """Return what ``f`` returns; if it raises, all is as it was before."""
        before = Snapshot(self.places, self.generators)
        try:
            return f()
        except BaseException:
            before.restore()
            raise

    def state(self) -> State:
        """Return what the program keeps from call to call, as it is now."""
        at = {slot: i for i, slot in enumerate(self._effects)}
        given = {id(v) for v in self.program.inputs}
        values = [
            (value, plain, at.get(slot.slot))
            for slot in self._slots
            for value, plain in zip(
                slot.inputs, unwrapped(slot.place.read()[slot.key]), strict=False
            )
            if id(value) in given
        ]
        return State(values, effects=bool(self._effects))

    def run(self, arrays: list[Any]) -> Any:
        """Return what the program returns: outputs, or the guard that failed."""
        try:
            function = self.functions.pop()
        except IndexError:
            function = self.source.make()
        arrays_before = [a.copy() for a in self.fragile]
        states = [g.bit_generator.state for g in self.drawing]
        try:
            return function(*arrays)
        except BaseException:
            for array, before in zip(self.fragile, arrays_before, strict=True):
                array[...] = before
            for generator, state in zip(self.drawing, states, strict=True):
                generator.bit_generator.state = state
            raise
        finally:
            self.functions.append(function)

    def holds(self) -> Any:
        """Return what :meth:`gather` does; equal constants are taken for the same."""
        try:
            found = self.gather()
            if found is None:  # names may be bound to equal constants
                self.changed()
                found = self.gather()
        except (KeyError, AttributeError, IndexError, IsRecorded):
            return None
        return found

    def changed(self) -> set[Slot]:
        """Return the watched slots that hold other arrays or numbers now."""
        found = set()
        for name, (place, key) in self._expected.items():
            now = place.read().get(key, MISSING)
            if now is not self._names[name] and same(now, self._names[name]):
                self._names[name] = now
            elif now is not self._names[name] and is_input(now):
                found.add((id(place.holder), key))
        return found

    def _new(self, value: Any) -> str:
        """Return a name for something in the functions that are written here."""
        name = f"k{next(self._count)}"
        self._names[name] = value
        return name

    def _at(self, place: Place, key: Any) -> str:
        holder = self._new(place.holder)
        return f"{holder}.{key}" if place.by_attribute else f"{holder}[{self._new(key)}]"

    def _define(self, *lines: str) -> Any:
        exec("\n    ".join(lines), self._names)
        return self._names.pop("f")

    def _gatherer(self, recording: Recording) -> Callable[[], Any]:
        read = {v for line in self.program.lines for v in line.inputs}
        read |= set(values_in(self.program.outputs))
        grown = {id(e.place.holder) for e in recording.effects if e.key is EXTEND}
        grown -= recording.read
        tests = [f"{self._new(v)}.get() == {self._new(v.get())}" for v in contexts]
        for place, content in zip(recording.places, recording.before, strict=True):
            if id(place.holder) in grown:
                continue
            if isinstance(place.holder, set):
                now = self._new(frozenset(place.holder))
                tests.append(f"{self._new(place.holder)} == {now}")
            for variable in content.values():
                if isinstance(variable, ContextVar):
                    get = f"{self._new(variable)}.get(None)"
                    tests.append(f"{get} is {self._new(variable.get(None))}")
            if place.is_ordered:
                tests.append(f"(*{self._new(place.holder)},) == {self._new((*content,))}")
            elif not place.by_attribute and place.keys is None:
                tests.append(f"len({self._new(place.holder)}) == {len(content)}")
            for key, value in content.items():
                if (id(place.holder), key) not in self.volatile and not place.is_gradient(key):
                    expected = self._new(value)
                    self._expected[expected] = place, key
                    tests.append(f"{self._at(place, key)} is {expected}")
        lines, given, dropped = list[str](), list[str](), set[int]()
        for i, slot in enumerate(recording.slots):
            lines.append(f"v{i} = {self._at(slot.place, slot.key)}")
            unread = not any(v in read for v in slot.inputs)
            if slot.value is None or (slot.inputs and (unread or type(slot.value) in NUMBERS)):
                tests.append(f"type(v{i}) is {self._new(type(slot.value))}")
                dropped |= {id(v) for v in slot.inputs if unread}
                given += [f"v{i}"] if slot.inputs and not unread else []
                continue
            lines.append(f"a{i} = []")
            tests.append(f"form(v{i}, a{i}, numbers) == {self._new(form(slot.value, [], NUMBERS))}")
            given.append(f"*a{i}")
        self.program.inputs[:] = [v for v in self.program.inputs if id(v) not in dropped]
        test, inputs = " and ".join(tests) or "True", "".join(f"{g}, " for g in given)
        found: Callable[[], Any] = self._define("def f():", *lines, f"if {test}: return ({inputs})")
        return found

    def _finisher(self, recording: Recording) -> Callable[[Any], Any] | None:
        """Return a function of what the program returns; None where there is nothing to do."""
        result, lines = "r", list[str]()
        if recording.effects:
            lines.append("r, e = r")
        for i, effect in enumerate(recording.effects):
            lines += self._committed(effect, self._rebuilt(effect.value, f"e[{i}]"))
        written = self.program.written
        writes = []
        for value, array in self.program.captured.items():
            if value.root in written and id(array) in recording.leaves:
                writes.append(prepared(array, recording.leaves[id(array)]))
        if writes:
            lines.append(f"{self._new(note_again)}({self._new(writes)})")
        for slot in recording.slots:
            if (
                slot.place.by_attribute
                and slot.key == "_array"
                and any(v.root in written for v in slot.inputs)
            ):
                tensor = self._new(slot.place.holder)
                lines.append(f"{self._new(note_write)}({tensor}._array, {tensor}.name)")
        result = self._rebuilt(recording.result, "r")
        if not lines and result == "r":
            return None
        found: Callable[[Any], Any] = self._define("def f(r):", *lines, f"return {result}")
        return found

    def _committed(self, effect: Effect, value: str) -> list[str]:
        """Return the statements that leave a value in a slot."""
        place, key = effect.place, effect.key
        holder = self._new(place.holder)
        if key is EXTEND or key is REPLACE:
            return [f"{holder}.clear()"] * (key is REPLACE) + [f"{holder}.extend({value})"]
        if effect.value is MISSING:
            return [f"del {self._at(place, key)}"]
        found = [f"{self._at(place, key)} = {value}"]
        if place.by_attribute and key == "_array":
            found.append(f"{holder}.data = {holder}._array")
        return found

    def _rebuilt(self, tree: Any, at: str) -> str:
        """Return the text of a tree that the program returns at ``at``, Tensors being Tensors."""
        if isinstance(tree, TensorBase):
            return f"tensor({at})"
        if not any(isinstance(leaf, TensorBase) for leaf in leaves_of(tree)):
            return at
        if isinstance(tree, dict):
            keys = [(self._new(key), value) for key, value in tree.items()]
            members = "".join(f"{k}: {self._rebuilt(v, f'{at}[{k}]')}, " for k, v in keys)
            return f"{{{members}}}"
        names = fields_of(type(tree))
        if names:
            parts = [self._rebuilt(getattr(tree, n), f"{at}.{n}") for n in names]
            return f"{self._new(type(tree))}({', '.join(parts)})"
        members = "".join(f"{self._rebuilt(v, f'{at}[{i}]')}, " for i, v in enumerate(tree))
        return f"[{members}]" if isinstance(tree, list) else f"({members})"


def _written(program: Program) -> tuple[set[int], set[int], set[int]] | None:
    """Return which memory a program writes into: of captured arrays, and the numbers of inputs.

    The third are all captured arrays.  None if it writes into nothing that is seen outside.
    """
    written = program.written
    owners = {id(owner_of(a)) for v, a in program.captured.items() if v.root in written}
    inputs = {i for i, v in enumerate(program.inputs) if v.root in written}
    if not owners and not inputs:
        return None
    return owners, inputs, {id(owner_of(a)) for a in program.captured.values()}
