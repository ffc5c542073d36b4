"""Evaluate functions of large arrays block by block, so that their intermediates stay in the cache.

An expression of NumPy passes over memory once for each operation.  On a block that fits into the
cache of a core only the first pass reads main memory, and only the last one writes to it.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag

#: Numbers in a block: some arrays of float32 of this size fit into a cache of 1 or 2 MiB, and it
#: is so large that the time of a call does not matter.
BLOCK = 1 << 16


def is_numpy(a: Any) -> bool:
    """Return whether a value is NumPy's, or stands for one while a program is traced.

    That of a batch (``ag.vmap``) is not: its examples have no single number.
    """
    if isinstance(a, (np.ndarray, np.generic)):
        return True
    return isinstance(a, ag.Operand) and not isinstance(a, ag.Tensor) and not is_batched(a)


def is_batched(a: Any) -> bool:
    """Return whether a value, in a Tensor or not, differs over the examples of ``ag.vmap``."""
    return hasattr(a.data if isinstance(a, ag.Tensor) else a, "examples")


def batched_in_examples(operation: Any) -> None:
    """Let an operation on arrays ``(N, ...)`` run under ``ag.vmap``, whose batch joins ``N``."""

    def rule(size: int, batched: Any, *arrays: Any, **options: Any) -> Any:
        spread = [
            a if has else np.broadcast_to(a, (size, *a.shape))
            for a, has in zip(arrays, batched, strict=False)
        ]
        out = operation(*(a.reshape((size * a.shape[1], *a.shape[2:])) for a in spread), **options)
        return out.reshape((size, spread[0].shape[1], *out.shape[1:]))

    operation.defbatch(rule)


@contextmanager
def long_rows(length: int) -> Iterator[None]:
    """Let NumPy combine a column with rows of ``length`` numbers row by row.

    By default it first repeats the column in its buffer, to join rows, which pays for short ones
    alone: of 784 numbers it takes three times as long.
    """
    before = np.setbufsize(256) if length >= 256 else None
    try:
        yield
    finally:
        if before is not None:
            np.setbufsize(before)


def _aligned(a: Any, model: Any) -> Any:
    """Return the numbers of ``a`` in the order in which those of ``model`` lie in memory."""
    if a.strides != model.strides:
        moved = np.empty_like(model, a.dtype)
        moved[...] = a
        a = moved
    return a.ravel("K")


def blockwise(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an elementwise function, so that it evaluates large arrays block by block.

    Parameters
    ----------
    f
        A function of arrays of one shape whose result has that shape too: element ``i`` of it
        depends on elements ``i`` alone.  Its keyword ``buffer`` is None or an array for the
        result, for ``out=`` of every operation.

    Returns
    -------
    callable
        The same function, without ``buffer``.  NumPy arrays of one shape are divided, whatever
        their layout; numbers and options are passed on.  Calls with anything else (Tensors,
        arrays of other libraries, arrays that broadcast) go to ``f`` as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.functional.blocks import blockwise
    >>> @blockwise
    ... def scaled_exp(x, scale=1.0, *, buffer=None):
    ...     return np.multiply(np.exp(x, out=buffer), scale, out=buffer)
    >>> bool((scaled_exp(np.zeros((300, 400)), scale=2.0) == 2).all())
    True
    """

    @functools.wraps(f)
    def evaluate(*args: Any, **options: Any) -> Any:
        for a in args:
            if type(a) is np.ndarray and a.size > BLOCK:
                break
        else:  # the quickest test, as most arrays are small
            return f(*args, **options)
        large = [type(a) is np.ndarray and a.size > BLOCK for a in args]
        model = args[len(args) - 1 - large[::-1].index(True)]
        for a, is_large in zip(args, large, strict=True):
            if (a.shape != model.shape) if is_large else hasattr(a, "__array_ufunc__"):
                return f(*args, **options)
        if model.ravel("K").base is None:  # it has gaps
            model = model.copy("K")
        flat = [_aligned(a, model) if i else a for a, i in zip(args, large, strict=True)]
        first = f(*(a[:BLOCK] if i else a for a, i in zip(flat, large, strict=True)), **options)
        whole = np.empty_like(model, first.dtype)
        out = whole.ravel("K")
        out[:BLOCK] = first
        for start in range(BLOCK, model.size, BLOCK):
            at = slice(start, start + BLOCK)
            parts = (a[at] if i else a for a, i in zip(flat, large, strict=True))
            f(*parts, **options, buffer=out[at])
        return whole

    return _without_buffer(evaluate, f)


def by_rows(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function along an axis, so that it evaluates large arrays some rows at a time.

    Parameters
    ----------
    f
        A function of arrays of one shape, and then an option ``axis``, by default the last one,
        whose result has that shape too: a row of it depends on the same rows alone.  Its keyword
        ``buffer`` is that of :func:`blockwise`.

    Returns
    -------
    callable
        The same function, without ``buffer``.  NumPy arrays are divided where the axis is the
        last one and they lie in memory row by row; other calls go to ``f`` as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.functional.blocks import by_rows
    >>> @by_rows
    ... def centred(x, axis=-1, *, buffer=None):
    ...     return np.subtract(x, x.mean(axis, keepdims=True), out=buffer)
    >>> centred(np.array([[1.0, 3.0], [2.0, 2.0]])).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """

    @functools.wraps(f)
    def evaluate(*args: Any, **options: Any) -> Any:
        arrays = [a for a in args if hasattr(a, "__array_ufunc__")]
        shape: tuple[int, ...] = arrays[0].shape if arrays else ()
        axis = args[-1] if isinstance(args[-1], int) else options.get("axis", -1)
        divided = math.prod(shape) > BLOCK and axis in (-1, len(shape) - 1)
        if not divided or any(
            type(a) is not np.ndarray or a.shape != shape or not a.flags.c_contiguous
            for a in arrays
        ):
            return f(*args, **options)
        (n,), count = shape[-1:], math.prod(shape[:-1])
        rows = [
            a.reshape(-1, n) if type(a) is np.ndarray else a for a in args if not isinstance(a, int)
        ]
        step, result = max(1, BLOCK // n), None
        with long_rows(n):
            for start in range(0, count, step):
                at = slice(start, start + step)
                parts = [a[at] if type(a) is np.ndarray else a for a in rows]
                if result is None:
                    first = f(*parts)
                    result = np.empty(shape, first.dtype)
                    out = result.reshape(-1, n)
                    out[at] = first
                else:
                    f(*parts, buffer=out[at])
        return result

    return _without_buffer(evaluate, f)


def _without_buffer(evaluate: Callable[..., Any], f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a decorated function the signature of the function, without its buffer."""
    taken = inspect.signature(f)
    kept = [p for p in taken.parameters.values() if p.name != "buffer"]
    evaluate.__signature__ = taken.replace(parameters=kept)  # type: ignore[attr-defined]
    return evaluate
