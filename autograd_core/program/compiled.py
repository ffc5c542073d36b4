"""``ag.compile``: trace a function once for each form of its arguments, then run the program.

A function is traced twice: numbers that differ between the traces are no constants, and are
refused.  Programs of one signature form a tree by the outcomes of their guards.
"""

from __future__ import annotations

import functools
import itertools
import threading
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from autograd_core.engine.graph import RECORD, UNTRACKED, contexts, mode
from autograd_core.engine.mutation import note_again, note_write, prepared
from autograd_core.engine.recording import TensorBase, make_tensor
from autograd_core.errors import CompileError
from autograd_core.program.lines import Program, fields_of, leaves_of, values_in
from autograd_core.program.passes import PASSES, fragile, set_state, state_of
from autograd_core.program.readable import readable
from autograd_core.program.recording import (
    EXTEND,
    REPLACE,
    CaughtError,
    Effect,
    IsRecorded,
    Recording,
    Slot,
    form,
    is_input,
    record,
    same,
    settled,
    unwrapped,
)
from autograd_core.program.saved import State, save
from autograd_core.program.source import Miss, write
from autograd_core.program.state import MISSING, Place, Snapshot, by_value, difference
from autograd_core.program.trace import owner_of, trace

#: How many programs a signature may have before the function is run eagerly.
LIMIT = 16

#: Held while a function is traced, when its arrays are exchanged for traced ones.
_tracing = threading.RLock()


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
        self.program, self.name, self.fragile = program, name, fragile(program)
        self.places = recording.places
        self.others: dict[int, list[Version]] = {}
        self.volatile: set[Slot] = {(id(s.place.holder), s.key) for s in recording.slots}
        self._expected: dict[str, tuple[Place, Any]] = {}  # slots by the name of what is there
        self._names: dict[str, Any] = {"tensor": _tensor, "form": form, "numbers": NUMBERS}
        self._count = itertools.count()
        self.gather = self._gatherer(recording)
        self.finish = self._finisher(recording)
        self._owners = _written(program)
        draws = [line.function for line in program.lines if line.kind == "draw"]
        self.generators = list({id(d.__self__): d.__self__ for d in draws}.values())  # type: ignore[attr-defined]
        self._slots, self._effects = recording.slots, [e.slot for e in recording.effects]
        self.source = write(program, name, **options)
        self.functions = [self.source.make()]  # each with buffers of its own; a thread takes one
        for line in program.lines:
            for value in (*line.inputs, *line.outputs):
                value.forget()

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
        now = Snapshot(self.places, self.generators).by_value()
        told = told or difference(state, now, "the state")
        if not told:
            return result
        before.restore()
        raise CompileError(
            f"the program of {self.name} does not do what {self.name} does; {told}. Does it read "
            "or change something that a trace does not see (a file, the time, an array by plain "
            "NumPy)? Leave that out of what is compiled"
        )

    def state(self) -> State:
        """Return what the program keeps from call to call, as it is now."""
        at = {slot: i for i, slot in enumerate(self._effects)}
        given = {id(v) for v in self.program.inputs}
        values = [
            (value, plain, at.get((id(slot.place.holder), slot.key)))
            for slot in self._slots
            for value, plain in zip(
                slot.inputs, unwrapped(slot.place.read()[slot.key]), strict=True
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
        kept = [a.copy() if isinstance(a, np.ndarray) else state_of(a) for a in self.fragile]
        try:
            return function(*arrays)
        except BaseException as error:
            for array, before in zip(self.fragile, kept, strict=True):
                if isinstance(array, np.ndarray):
                    array[...] = before
                else:
                    set_state(array, before)
            self._tell_origin(error)
            raise
        finally:
            self.functions.append(function)

    def _tell_origin(self, error: BaseException) -> None:
        """Add to an error which line of the user's code it is about."""
        at = error.__traceback__
        while at is not None:
            if at.tb_frame.f_code.co_filename == "<program>":
                origin = self.source.origins.get(at.tb_lineno)
                if origin is not None:
                    error.add_note(f"in the program of {self.name}, compiled from {origin}")
            at = at.tb_next

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
            if not place.by_attribute and place.keys is None:
                tests.append(f"len({self._new(place.holder)}) == {len(content)}")
            for key, value in content.items():
                if (id(place.holder), key) not in self.volatile:
                    expected = self._new(value)
                    self._expected[expected] = place, key
                    tests.append(f"{self._at(place, key)} is {expected}")
        lines, given, dropped = list[str](), list[str](), set[int]()
        for i, slot in enumerate(recording.slots):
            lines.append(f"v{i} = {self._at(slot.place, slot.key)}")
            unread = not any(v in read for v in slot.inputs)
            if slot.inputs and (unread or type(slot.value) in NUMBERS):
                tests.append(f"type(v{i}) is {self._new(type(slot.value))}")
                dropped |= {id(v) for v in slot.inputs if unread}
                given += [] if unread else [f"v{i}"]
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


class _Family:
    """The versions of one signature, the last that was made first."""

    def __init__(self) -> None:
        self.versions: list[Version] = []
        self.volatile: set[Slot] = set()
        self.count = self.unsettled = self.clashes = 0
        self.trouble: Exception | None = None


class Compiled:
    """A compiled function; see :func:`compile`.

    Attributes
    ----------
    traces
        How often it was traced to a program.
    """

    def __init__(
        self, f: Callable[..., Any], limit: int, check: bool, options: dict[str, Any]
    ) -> None:
        functools.update_wrapper(self, f)
        self.f, self.limit, self.check, self.options, self.traces = f, limit, check, options, 0
        self.__name__: str = getattr(f, "__name__", type(f).__name__)
        self._families: dict[Any, _Family] = {}
        self._latest: Version | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bits, arrays = mode.get(), list[Any]()
        if bits & ~RECORD or trace.get() is not None:
            return self.f(*args, **kwargs)
        parts: list[Any] = [bits]
        try:
            for a in args:
                if a.__class__ is np.ndarray:  # the common case
                    arrays.append(a)
                    parts.append((a.shape, a.dtype, a.strides))
                else:
                    parts.append(form(a, arrays, (float,)))
            if kwargs:
                parts.append(form(kwargs, arrays, (float,)))
        except IsRecorded:
            return self.f(*args, **kwargs)
        key = tuple(parts)
        family = self._families.get(key)
        if family is None:
            family = self._families[key] = _Family()
        candidates = family.versions
        for _ in range(self.limit + 1):
            for version in candidates:
                inputs = version.holds()
                if inputs is not None:
                    break
            else:
                made = self._traced(family, args, kwargs, candidates)
                if made is None:
                    break
                inputs = made.holds()
                if self.check and not made.clashes([*arrays, *inputs]):
                    found = made.compare([*arrays, *inputs], lambda: self.f(*args, **kwargs))
                    candidates.insert(0, made)
                    return found
                candidates.insert(0, made)
                version = made
            values = [*arrays, *inputs]
            if version.clashes(values):
                family.clashes += 1
                if family.clashes == self.limit:
                    self._warn(
                        "is given memory that it also writes into, by two ways, at nearly every "
                        "call, which no program does"
                    )
                break
            try:
                found = version.call(values)
            except Exception as error:
                return self._despite(error, version, args, kwargs)
            if type(found) is not Miss:
                return found
            candidates = version.others.setdefault(found.guard, [])
        trouble, family.trouble = family.trouble, None
        result = self.f(*args, **kwargs)
        if trouble is not None:  # in tracing alone
            family.count = self.limit
            self._warn(f"could not be traced ({type(trouble).__name__}: {trouble})")
            family.count += 1
        return result

    def _despite(self, error: Exception, version: Version, args: Any, kwargs: Any) -> Any:
        """Return what the function itself does, which may catch the error of its program."""
        before = Snapshot(version.places, version.generators)
        try:
            return self.f(*args, **kwargs)
        except Exception:
            before.restore()
            raise error from None

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    @property
    def source(self) -> str:
        """The mathematics of the program that was made last, as NumPy with names of the user's."""
        return readable(self._version.program, self.__name__)

    @property
    def code(self) -> str:
        """The source that runs: every array allocated beforehand, and one call a line."""
        return self._version.source.text

    def save(self, path: str | Path) -> None:
        """Write the program that was made last as a module that needs NumPy alone.

        Parameters
        ----------
        path
            The module; its last function has the name and the arguments of this one.  Large
            arrays are kept in a file beside it.
        """
        version = self._version
        save(version.program, self.__name__, path, state=version.state())

    @property
    def _version(self) -> Version:
        if self._latest is None:
            raise CompileError(f"{self.__name__} was not compiled yet: call it once")
        return self._latest

    def _traced(
        self, family: _Family, args: Any, kwargs: Any, near: list[Version]
    ) -> Version | None:
        """Return a new version; None if this call is to be made eagerly."""
        with _tracing:
            if family.count >= self.limit:
                if family.count == self.limit:
                    self._warn(
                        f"was traced {self.limit} times for arguments of one form: it takes other "
                        "ways through its code, or what it reads changes, at nearly every call "
                        "(np.where has no branches, and what is an argument may change)"
                    )
                family.count += 1
                return None
            for version in near[:1]:
                family.volatile |= version.changed()
            try:
                version_or_none = self._recorded(family, args, kwargs)
            except CaughtError:  # this call is not what others are like
                family.count += 1
                return None
            except CompileError:
                raise
            except Exception as error:  # the user's, as the call will tell
                family.trouble = error
                return None
            if version_or_none is not None:
                family.count += 1
                self.traces += 1
                self._latest = version_or_none
            return version_or_none

    def _recorded(self, family: _Family, args: Any, kwargs: Any) -> Version | None:
        while True:
            first = record(self.f, args, kwargs, family.volatile)
            more = {e.slot for e in first.effects if is_input(e.old)} - family.volatile
            if not more:
                break
            family.volatile |= more
        if any(e.old is MISSING for e in first.effects) and family.unsettled < 2:
            family.unsettled += 1  # the first steps make their state
            return None
        growing = {id(e.place.holder) for e in first.effects if e.key is EXTEND}
        second = record(self.f, args, kwargs, family.volatile, growing)
        program = settled(first, second, self.__name__)
        for apply in PASSES:
            program = apply(program)
        return Version(second, program, self.__name__, self.options)

    def _warn(self, what: str) -> None:
        warnings.warn(f"{self.__name__} {what}; it is run eagerly from here on", stacklevel=4)


def compile(
    f: Callable[..., Any], *, check: bool = True, blocks: bool = True, threads: int = 1,
    limit: int = LIMIT,
) -> Compiled:  # fmt: skip
    """Return a function that computes the same as ``f`` by a program of NumPy calls.

    Parameters
    ----------
    f
        A function of arrays; a derivative, ``ag.compile(ag.grad(f))``; or a training step with
        its effects, such as ``loss.backward()`` and ``optimizer.step()``.
    check
        Whether the first run of each program is compared with ``f`` itself, result and state.
    blocks
        Whether chains of operations on large arrays run block by block, in the cache of a core;
        sums then add in another order, and differ by rounding.  Without, all is equal bit for bit.
    threads
        How many threads share the blocks.
    limit
        How many programs are made for arguments of one form, as branches are taken or names
        rebound, before it is run eagerly.

    Raises
    ------
    CompileError
        At a call that is traced: if the function needs a number of a traced array, does not do
        the same twice, or writes into an array that it was given.

    Examples
    --------
    >>> import autograd_core as ag, numpy as np
    >>> slope = compile(ag.grad(lambda x: (x**3).sum()))
    >>> slope(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    return Compiled(f, limit, check, {"blocked": blocks, "threads": threads})
