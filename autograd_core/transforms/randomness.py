"""Generators of random numbers that a function can reach, and whether it drew from one.

Under ``vmap`` a draw is made once, so that all examples get the same numbers, where a loop would
give each its own.  That is silent, so a draw from a generator that can be found raises.
"""

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_core.errors import VmapError

_GENERATORS = (np.random.Generator, np.random.RandomState)

#: How many objects are looked at, at most.
_MOST = 5_000

#: Objects of these are not looked into.
_LIBRARIES = ("numpy", "scipy", "builtins", "autograd_core")


def refusing_draws(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that raises if it drew from a generator that ``fun`` can reach.

    The generators are what they were before, then.
    """

    @functools.wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        before = [(g, _state(g)) for g in reached(fun)]
        result = fun(*args, **kwargs)
        drawn = [(g, state) for g, state in before if not _same(_state(g), state)]
        for g, state in drawn:
            _restore(g, state)
        if drawn:
            raise VmapError(
                "a function under ag.vmap drew random numbers, which would be the same for all "
                "examples; draw outside for all of them, and pass them in: "
                "ag.vmap(f)(x, rng.normal(size=(len(x), ...)))"
            )
        return result

    return call


def reached(fun: Any) -> Iterator[Any]:
    """Yield the generators in closures, globals, attributes and containers of a function."""
    yield np.random.mtrand._rand
    seen: set[int] = set()
    stack = [fun]
    while stack and len(seen) < _MOST:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, _GENERATORS):
            yield item
        else:
            stack += _parts(item)


def _parts(item: Any) -> list[Any]:
    """Return what an object holds, as far as it is a user's."""
    if isinstance(item, functools.partial):
        return [item.func, *item.args, *item.keywords.values()]
    if isinstance(item, types.MethodType):
        return [item.__func__, item.__self__]
    if isinstance(item, types.FunctionType):
        held = [c.cell_contents for c in item.__closure__ or () if not _is_empty(c)]
        names, codes = set(), [item.__code__]
        while codes:
            code = codes.pop()
            names |= {*code.co_names}
            codes += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        found = [item.__globals__[n] for n in names if n in item.__globals__]
        return [*held, *found, *(item.__defaults__ or ()), *(item.__kwdefaults__ or {}).values()]
    if isinstance(item, dict):
        return list(item.values()) if len(item) <= 1_000 else []
    if isinstance(item, (list, tuple, set)):
        return list(item) if len(item) <= 1_000 else []
    if isinstance(item, (type, types.ModuleType, np.ndarray, str, bytes, int, float, complex)):
        return []
    if type(item).__module__.partition(".")[0] in _LIBRARIES:
        return []
    return list(getattr(item, "__dict__", {}).values())


def _is_empty(cell: Any) -> bool:
    try:
        return cell.cell_contents is None
    except ValueError:
        return True


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)


def _restore(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    else:
        generator.set_state(state)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_same(a[k], b[k]) for k in a)
    return bool(np.array_equal(a, b))
