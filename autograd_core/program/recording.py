"""Trace one call of a function: its program, and its effects on what it reaches."""

from __future__ import annotations

import inspect
import operator
import random
import re
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from autograd_core.engine.graph import TRACE, UNTRACKED, was_freed
from autograd_core.engine.modes import in_mode
from autograd_core.engine.recording import TensorBase, make_tensor
from autograd_core.errors import CompileError, NeedsNumbersError
from autograd_core.program.lines import Line, Program, leaves_of, replaced, values_in
from autograd_core.program.passes import differences
from autograd_core.program.state import MISSING, Place, is_library, reached
from autograd_core.program.trace import Trace, trace
from autograd_core.program.traced import Number, Traced, origin
from autograd_core.transforms.trees import Tree, branch_of

#: The holder of a value, by identity, and the key.
Slot = tuple[int, Any]

#: Of lists and deques: the keys of effects on the whole, in place of numbers.
EXTEND, REPLACE = "extend", "replace"

#: The class of Tensors that are results; parameters are known by identity.
_PLAIN = type(make_tensor(np.empty(0), UNTRACKED))

CONSTANTS = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)


class Effect(NamedTuple):
    """Tell what a function does to a slot: the value that it leaves there."""

    place: Place
    key: Any
    old: Any
    value: Any

    @property
    def slot(self) -> Slot:
        return id(self.place.holder), self.key

    @property
    def on_whole(self) -> bool:
        """Whether it is on all members of a list or deque."""
        return self.key is EXTEND or self.key is REPLACE


class InputSlot(NamedTuple):
    """A slot whose value is read at each call."""

    place: Place
    key: Any
    value: Any
    inputs: list[Any]

    @property
    def slot(self) -> Slot:
        return id(self.place.holder), self.key


@dataclass(slots=True)
class Recording:
    """One trace of a function, and all that was seen.

    Attributes
    ----------
    program
        The lines, and as outputs the result and the values of the effects, if there are any.
    trace
        Keeps what was captured alive.
    result
        What the function returned, with traced values.
    effects
        What it did.
    places, before
        What it reaches, and what stood there.
    slots
        Those that are read at each call.
    leaves
        The names of the Tensors that were reached, by the identity of their arrays.
    read
        The identities of growing containers that were read, too.
    """

    program: Program
    trace: Trace
    result: Any
    effects: list[Effect]
    places: list[Place]
    before: list[dict[Any, Any]]
    slots: list[InputSlot]
    leaves: dict[int, str | None]
    read: set[int]

    def is_like(self, other: Recording) -> bool:
        """Return whether another trace did the same, and neither read a gradient."""
        gradients = {v for r in (self, other) for s in r.slots if s.place.is_gradient(s.key)
                     for v in s.inputs}  # fmt: skip
        lines = [*self.program.lines, *other.program.lines]
        read = any(v in gradients for line in lines for v in line.inputs)
        effects = [e.slot for e in self.effects] == [e.slot for e in other.effects]
        return effects and not read and not differences(self.program, other.program)


def is_array(leaf: Any) -> bool:
    """Return whether a leaf is an array, a NumPy number or a Tensor."""
    return isinstance(leaf, (np.ndarray, np.generic, TensorBase))


def is_input(tree: Any) -> bool:
    """Return whether what a slot holds are arrays and numbers, which may be inputs."""
    leaves = list(leaves_of(tree))
    return bool(leaves) and all(
        v._node.primitive is None and not v._node.tracked and type(v) is _PLAIN
        if isinstance(v, TensorBase)
        else is_array(v) or type(v) in (int, float)
        for v in leaves
    )


def unwrapped(tree: Any) -> list[Any]:
    """Return the arrays and numbers of what a slot holds."""
    leaves = [v._array if isinstance(v, TensorBase) else v for v in leaves_of(tree)]
    return [v for v in leaves if is_array(v) or type(v) in (int, float)]


def _outputs(running: Trace, tree: Any) -> Any:
    """Return a tree with values in place of Tensors and of the arrays that lines have met."""
    return replaced(
        tree,
        lambda leaf: running.resolved(leaf._array if isinstance(leaf, TensorBase) else leaf),
    )


#: Generators of random numbers whose draws are no lines.
_UNKNOWN = (np.random.RandomState, random.Random)


class Refused:
    """Stands for an iterator, or a generator of another kind, which a trace would move on."""

    def __init__(self, name: str, kind: str) -> None:
        self._what = f"{name or 'what it captured'}, a {kind}"

    def __getattr__(self, attribute: str) -> Any:
        raise self._error()

    def _error(self) -> CompileError:
        return CompileError(
            f"{origin()} takes the next of {self._what}, which a program does not repeat. Give "
            "what it yields as an argument, and draw random numbers from a np.random.Generator"
        )

    def __next__(self) -> Any:
        raise self._error()

    def __iter__(self) -> Any:
        raise self._error()


class CaughtError(NeedsNumbersError):
    """The function caught an error of NumPy, which no guard tells of at another call."""


class _Watched:
    """Stands for a list or deque that grows, and notes whether anything but that is done."""

    was_read = False


def _noting(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.was_read = True
        return getattr(super(type(self), self), name)(*args, **kwargs)

    return method


def _watching(kind: type) -> type:
    """Return a class of containers that note whether they are read."""
    silent = {
        "append",
        "extend",
        "__iadd__",
        "__class__",
        "__init__",
        "__new__",
        "__getattribute__",
    }
    silent |= {"__setattr__", "__delattr__", "__init_subclass__", "__subclasshook__", "__hash__"}
    noted = {n: _noting(n) for n in dir(kind) if callable(getattr(kind, n)) and n not in silent}
    return type(f"Watched{kind.__name__}", (kind, _Watched), noted)


_WATCHED: dict[Any, Any] = {list: _watching(list), deque: _watching(deque)}


def _grown(stand: Any) -> list[Any]:
    return list(super(type(stand), stand).__iter__())


class _Recorder:
    """Make what stands for the values that a function is given and reaches, in one trace."""

    def __init__(self, volatile: set[Slot], growing: dict[int, Any], other_gradients: bool) -> None:
        self.trace, self.volatile, self.growing = Trace(), volatile, growing
        self.other_gradients = other_gradients
        self.inputs: list[Any] = []
        self.slots: list[InputSlot] = []

    def input(self, value: Any, name: str) -> Any:
        """Return an input of the program."""
        if isinstance(value, TensorBase):
            return make_tensor(self.input(value._array, name), UNTRACKED)
        if type(value) in (int, float):
            self.inputs.append(Number(self.trace, value, name, "input"))
        elif is_array(value):
            self.inputs.append(Traced(self.trace, value, name=name, role="input"))
        else:
            return value
        return self.inputs[-1]

    def stand_in(self, place: Place, key: Any, value: Any) -> Any:
        """Return what stands in a slot during the trace."""
        name = place.joined(key)
        if (id(place.holder), key) in self.volatile or place.is_gradient(key):
            count = len(self.inputs)
            if self.other_gradients and place.is_gradient(key):
                like = place.holder.data
                value = make_tensor(np.zeros_like(like), UNTRACKED) if value is None else None
            found = replaced(value, lambda leaf: self.input(leaf, name))
            self.slots.append(InputSlot(place, key, value, self.inputs[count:]))
            return found
        if type(value) is np.random.Generator:
            return self.trace.draws(value)
        if id(value) in self.growing:
            return self.growing[id(value)]
        if type(value) is tuple and any(type(v) is np.ndarray for v in leaves_of(value)):
            return tuple(self.stand_in(place, (key, i), v) for i, v in enumerate(value))
        if type(value) is np.ndarray:
            return self._captured(value, name)
        if isinstance(value, _UNKNOWN) or (
            hasattr(type(value), "__next__") and is_library(type(value).__module__)
        ):
            return Refused(name, type(value).__name__)
        return value

    def _captured(self, leaf: Any, name: str) -> Any:
        numbers = type(leaf) is np.ndarray and leaf.dtype.kind in "biufc"
        return self.trace.capture(leaf, name) if numbers else leaf


def record(
    f: Callable[..., Any], args: Any, kwargs: Any, volatile: set[Slot],
    growing: Collection[int] = (), whole_numbers: bool = False, other_gradients: bool = False,
) -> Recording:  # fmt: skip
    """Trace one call of a function; what it changed is given back.

    Parameters
    ----------
    f, args, kwargs
        The call.
    volatile
        The slots that change from call to call: their values are inputs.
    growing
        The identities of lists and deques that grow, of which is noted whether they are read.
    whole_numbers
        Whether arguments that are whole numbers are inputs, too.
    other_gradients
        Trace as if the Tensors that have a gradient had none, and the others had one.
    """
    stands = dict[int, Any]()
    recorder, tree = _Recorder(volatile, stands, other_gradients), Tree((args, kwargs), static=True)
    numbers = (float, int) if whole_numbers else (float,)
    objects = [v for v in tree.leaves if not is_array(v) and not isinstance(v, CONSTANTS)]
    places = reached([("", f), *((type(v).__name__, v) for v in objects)], volatile)
    before = [place.read() for place in places]
    for place in places:
        if id(place.holder) in growing and type(place.holder) in _WATCHED:
            kind, limit = _WATCHED[type(place.holder)], getattr(place.holder, "maxlen", None)
            stands[id(place.holder)] = kind() if limit is None else kind(maxlen=limit)
    sets = [(p.holder, set(p.holder)) for p in places if isinstance(p.holder, set)]
    state = _random_state()
    leaves = [
        recorder.input(leaf, name)
        if is_array(leaf) or type(leaf) in numbers
        else recorder.trace.draws(leaf)
        if type(leaf) is np.random.Generator
        else leaf
        for leaf, name in zip(tree.leaves, _names_of(f, tree), strict=True)
    ]
    given, options = tree.restore(leaves)
    standing = [
        {key: recorder.stand_in(place, key, value) for key, value in content.items()}
        for place, content in zip(places, before, strict=True)
    ]
    token = trace.set(recorder.trace)
    try:
        for place, content in zip(places, standing, strict=True):
            place.write(content)
            if id(place.holder) in stands:
                stands[id(place.holder)].extend(content.values())
        recorder.trace.is_running = True
        result = in_mode(TRACE, 0, f, *given, **options)
        read = {key for key, stand in stands.items() if stand.was_read}
        for place in places:
            _with_plain_keys(place.holder)
        after = [place.read() for place in places]
        for i, place in enumerate(places):
            stand = stands.get(id(place.holder))
            if stand is not None and not _effects(place, standing[i], after[i]):
                after[i] = dict(enumerate(_grown(stand)))
            elif stand is not None:  # by a way that was not seen
                read.add(id(place.holder))
    finally:
        recorder.trace.is_running = False
        trace.reset(token)
        for place, content in zip(places, before, strict=True):
            _with_plain_keys(place.holder)
            place.write(content)
        seen = recorder.trace.restore()
        changed = [holder for holder, before in sets if holder != before]
        for holder, copy in sets:
            holder.clear()
            holder.update(copy)
        drew = _random_state() != state
        if drew:
            _restore(state)
    if drew:
        raise CompileError(
            "the compiled function draws from the global generators of random or np.random, which "
            "a program does not repeat; draw from a np.random.Generator that it captures"
        )
    if changed:
        raise CompileError(
            "the compiled function changes a set, which a program does not; use a dict"
        )
    if recorder.trace.failed is not None:
        raise CaughtError(recorder.trace.failed)
    _check_arguments(tree, Tree((given, options), static=True), leaves)
    if not seen:
        raise CompileError(
            "the compiled function writes into a plain array by a traced value (out=, np.add.at) "
            "and then by plain numbers, which a trace does not see; start it by np.zeros_like(x), "
            "or np.zeros(shape, like=x), of a traced x"
        )
    effects = [
        e if e.on_whole else e._replace(old=content.get(e.key, MISSING))
        for place, content, old, new in zip(places, before, standing, after, strict=True)
        for e in _effects(place, old, new)
    ]
    known = {id(v) for content in before for v in content.values()} | set(map(id, objects))
    _check("returns", result, known)
    for effect in effects:
        _check(f"sets {effect.place.joined(effect.key)} to", effect.value, known)
    outputs = _outputs(recorder.trace, result)
    if effects:
        outputs = (outputs, tuple(_outputs(recorder.trace, e.value) for e in effects))
        for effect, value in zip(effects, outputs[1], strict=True):
            if effect.place.by_attribute and effect.key == "_grad" and isinstance(value, Traced):
                value.name = f"d_loss_d_{effect.place.path}"
    program = Program(recorder.trace.lines, recorder.inputs, outputs)
    leaves_met = {
        id(place.holder._array): place.holder._node.name
        for place in places
        if isinstance(place.holder, TensorBase)
    }
    return Recording(
        program, recorder.trace, result, effects, places, before, recorder.slots, leaves_met, read
    )


def _with_plain_keys(holder: Any) -> None:
    """Let numbers that changed be keys of a dict by what they are, which is guarded."""
    if type(holder) is dict and any(type(key) is Number for key in holder):
        items = [(k.example if type(k) is Number else k, v) for k, v in holder.items()]
        holder.clear()
        holder.update(items)


def _random_state() -> Any:
    """Return the states of the global generators, as something that can be compared."""
    found: Any = np.random.get_state()  # noqa: NPY002
    return random.getstate(), (found[0], found[1].tobytes(), *found[2:])


def _restore(state: Any) -> None:
    kind, keys, *rest = state[1]
    random.setstate(state[0])
    np.random.set_state((kind, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002


def _names_of(f: Callable[..., Any], tree: Tree) -> list[str]:
    """Return a name for each leaf of the arguments."""
    try:
        parameters = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        parameters = []
    found = []
    for path in tree.paths():
        first, where, *rest = re.findall(r"[^\[\].']+", path)
        if first == "0":
            where = parameters[int(where)] if int(where) < len(parameters) else f"x{where}"
        found.append("_".join([where, *rest]))
    return found


def _effects(place: Place, old: dict[Any, Any], new: dict[Any, Any]) -> list[Effect]:
    """Return what differs between what stood in a place and what stands there after a trace."""
    if place.is_sequence and len(old) != len(new):
        values = list(new.values())
        if len(new) > len(old) and all(old[k] is new[k] for k in old):
            return [Effect(place, EXTEND, None, values[len(old) :])]
        return [Effect(place, REPLACE, None, values)]
    pairs = [(k, old.get(k, MISSING), new.get(k, MISSING)) for k in {**old, **new}]
    return [Effect(place, k, a, b) for k, a, b in pairs if a is not b and not same(a, b)]


def same(a: Any, b: Any) -> bool:
    """Return whether two constants are equal, to the sign of zero."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, frozenset):
        return bool(a == b)
    return isinstance(a, CONSTANTS) and (a is b or repr(a) == repr(b))


def _check_arguments(before: Tree, given: Tree, leaves: list[Any]) -> None:
    """Raise if a function changed containers or Tensors that it was given."""
    same = given.paths() == before.paths() and all(map(operator.is_, given.leaves, leaves))
    for leaf in leaves:
        if isinstance(leaf, TensorBase):
            same = same and leaf._grad is None and leaf._node is UNTRACKED
            same = same and type(leaf._array) is Traced and leaf._array.role == "input"
    if not same:
        raise CompileError(
            "the compiled function changes a container or a Tensor that is an argument, which a "
            "program does not do; let it return the new one, or reach what it changes otherwise"
        )


def _check(does: str, tree: Any, known: set[int]) -> None:
    """Raise for what a program cannot make anew at each call."""
    for leaf in leaves_of(tree):
        if isinstance(leaf, TensorBase):
            node = leaf._node
            if node.tracked and node.primitive is not None and not was_freed(node):
                raise CompileError(
                    f"the compiled function {does} a Tensor that records still, whose graph its "
                    "program does not make. Call backward() inside; or compile the derivative, "
                    "ag.compile(ag.value_and_grad(f)); or call it under ag.no_grad()"
                )
        elif not isinstance(leaf, (Traced, Number, np.ndarray, *CONSTANTS)):
            if leaf is MISSING or id(leaf) in known:
                continue
            raise CompileError(
                f"the compiled function {does} a {type(leaf).__name__} that it makes itself; let "
                "it be arrays and numbers in tuples, lists and dicts"
            )


def settled(first: Recording, second: Recording, name: str) -> Program:
    """Return the program of two equal traces: captured arrays are those that were there before.

    Raises
    ------
    CompileError
        If the traces differ, or an argument is written into.
    """
    found = differences(first.program, second.program)
    if found:
        raise CompileError(
            f"{name} did not do the same twice, so there is nothing to compile: {found[0]}. Give "
            "what changes as an argument, and draw random numbers from a np.random.Generator"
        )
    program, known = second.program, {id(a) for a, _ in first.trace.captured.values()}
    written, captured, made = program.written, dict[Traced, Any](), list[Line]()
    returned = {v.root for v in values_in(program.outputs)}
    for array, value in second.trace.captured.values():
        if value.root is not value:
            continue
        if id(array) not in known and value.root in written:
            filled = value in program.overwritten
            call = (np.empty, (array.shape, array.dtype)) if filled else (np.copy, (array,))
            made.append(Line(call[0], call[1], {}, value))
        elif id(array) not in known and value in returned:  # made anew at each call
            made.append(Line(np.copy, (array,), {}, value))
        else:
            captured[value] = array
    inside = {id(v) for slot in second.slots for v in slot.inputs}
    for value in program.inputs:
        if value.root in written and id(value) not in inside:
            at = next(
                line.origin
                for line in program.lines
                if line.kind == "write" and any(v.root is value.root for v in line.outputs)
            )
            raise CompileError(
                f"{at} writes into an array that {name} was given, which a program does not do; "
                "return a new array instead"
            )
    return Program([*made, *program.lines], program.inputs, program.outputs, captured)


class IsRecorded(Exception):
    """An argument is traced or records, so that the call is part of something larger."""


def form(value: Any, found: list[Any], numbers: tuple[type, ...]) -> Any:
    """Return what a program depends on of a value, and add its arrays to ``found``.

    Numbers of the types ``numbers`` are inputs, too; others are constants.
    """
    kind = type(value)
    if kind is np.ndarray:
        found.append(value)
        return value.shape, value.dtype, value.strides
    if kind in numbers or isinstance(value, np.generic):
        found.append(value)
        return kind
    if isinstance(value, TensorBase):
        if value._node.tracked or isinstance(value._array, Traced):
            raise IsRecorded
        return kind, form(value._array, found, numbers)
    if isinstance(value, (Traced, Number)):
        raise IsRecorded
    if kind is tuple:
        return (kind, *(form(member, found, numbers) for member in value))
    branch = branch_of(value, static=True)
    if branch is not None:
        members = [form(member, found, numbers) for member in branch[1]]
        return (kind, tuple(branch[0]), *members)
    if isinstance(value, np.ndarray) or hasattr(kind, "__array_function__"):
        raise CompileError(
            f"programs are of NumPy's own arrays, got {kind.__module__}.{kind.__name__}; "
            "ag.to_host(a) makes one of it, or call the function without ag.compile"
        )
    if isinstance(value, CONSTANTS):
        return kind, repr(value)
    return kind, _Same(value)


class _Same:
    """An object in a key: equal to itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)
