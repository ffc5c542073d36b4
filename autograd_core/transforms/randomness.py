"""Generators of random numbers that a function can reach, and whether it drew from one.

Under ``vmap`` a draw is made once, so that all examples get the same numbers, where a loop would
give each its own.  That is silent, so a draw from a generator that can be found raises;
:func:`sample` draws for all examples.
"""

import functools
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from autograd_core.engine.operands import Level, batched
from autograd_core.errors import VmapError

_GENERATORS = (np.random.Generator, np.random.RandomState)

#: How many objects are looked at, at most.
_MOST = 5_000

#: Objects of these are not looked into.
_LIBRARIES = ("numpy", "scipy", "builtins", "autograd_core")


#: The runs of ``vmap`` that are open here, the oldest first: the level of each, and by identity
#: the generators that its function can reach, with their states before it and after allowed draws.
_open: ContextVar[tuple[tuple[Level, dict[int, tuple[Any, Any, Any]]], ...]] = ContextVar(
    "runs of vmap", default=()
)


def refusing_draws(fun: Callable[..., Any], level: Level) -> Callable[..., Any]:
    """Return a function that raises if it drew from a generator that ``fun`` can reach.

    The generators are what they were before, then.  Draws by :func:`sample` are allowed.
    """

    @functools.wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        watched = {id(g): (g, *[_state(g)] * 2) for g in reached(fun)}
        token = _open.set((*_open.get(), (level, watched)))
        try:
            result = fun(*args, **kwargs)
        finally:
            _open.reset(token)
        drawn = [(g, before) for g, before, own in watched.values() if not _same(_state(g), own)]
        for g, before in drawn:
            _restore(g, before)
        if drawn:
            raise VmapError(
                "a function under ag.vmap drew random numbers, which would be the same for all "
                "examples; draw anew for each by ag.sample(rng.normal, size), or draw outside for "
                "all of them, and pass them in: ag.vmap(f)(x, rng.normal(size=(len(x), ...)))"
            )
        return result

    return call


def sample(draw: Callable[..., Any], size: Any = (), **options: Any) -> Any:
    """Return random numbers, which are drawn anew for each example of an :func:`ag.vmap`.

    All examples draw at once: ``draw(size=(batch, *size))``, with the batch of an outer ``vmap`` in
    front of that of an inner one.  So one draw gives the numbers that a loop would draw.

    Parameters
    ----------
    draw
        A method of a ``np.random.Generator``: ``rng.normal``, ``rng.random``, ``rng.integers``.
    size
        The shape of the numbers of one example.
    **options
        Passed on to ``draw``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> rng = np.random.default_rng(0)
    >>> ag.vmap(lambda x: x * ag.sample(rng.integers, low=1, high=10))(np.ones(4))
    array([8., 6., 5., 3.])
    """
    runs, generator = _open.get(), getattr(draw, "__self__", None)
    shape = (size,) if isinstance(size, (int, np.integer)) else tuple(size)
    known = [
        watched
        for _, watched in runs
        if id(generator) in watched and _same(_state(generator), watched[id(generator)][2])
    ]
    values = draw(size=(*(level.size for level, _ in runs), *shape), **options)
    for watched in known:
        watched[id(generator)] = (*watched[id(generator)][:2], _state(generator))
    for level, _ in runs:
        values = batched(values, level)
    return values


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
