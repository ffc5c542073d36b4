"""einsum, in every form that NumPy takes.

A call is first made explicit: one letter an axis, no ellipsis, the output spelled out.  The cotangent
of an operand is then an einsum again: of the output's cotangent with all other operands.
"""

from __future__ import annotations

import string
from collections import Counter
from typing import Any

import numpy as np

from autograd_core.engine.cotangents import sum_to_shape
from autograd_core.engine.primitive import Primitive, composition
from autograd_core.rules import costs
from autograd_core.rules.indexing import put_sum
from autograd_core.rules.reductions import expand

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # of the numbers in a sublist, as NumPy's


def _letters_of(sublist: Any) -> str:
    return "".join("..." if s is Ellipsis else LETTERS[s] for s in sublist)


def explicit(args: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """``"ij,jk->ik"`` and the operands, from any form of arguments.

    Examples
    --------
    >>> explicit(("...ij,...jk", np.ones((5, 2, 3)), np.ones((3, 4))))[0]
    'aij,jk->aik'
    >>> explicit((np.ones((2, 3)), [0, 1], np.ones(3), [1], [0]))[0]
    'AB,B->A'
    """
    if isinstance(args[0], str):
        subscripts, operands = args[0].replace(" ", ""), list(args[1:])
    else:
        operands = list(args[: len(args) // 2 * 2 : 2])
        inputs = ",".join(_letters_of(s) for s in args[1::2])
        subscripts = inputs + ("->" + _letters_of(args[-1]) if len(args) % 2 else "")
    operands = [a if hasattr(a, "ndim") else np.asarray(a) for a in operands]
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum {subscripts!r} names {len(terms)} operands, got {len(operands)}")
    free = [c for c in string.ascii_letters if c not in subscripts]
    widths = [a.ndim - len(t.replace("...", "")) for t, a in zip(terms, operands, strict=True)]
    widest = max((w for t, w in zip(terms, widths, strict=True) if "..." in t), default=0)
    dots = "".join(free[:widest])
    if not arrow:
        counts = Counter(left.replace(",", "").replace(".", ""))
        right = ("..." if "..." in left else "") + "".join(
            sorted(c for c, n in counts.items() if n == 1)
        )
    full = [t.replace("...", dots[widest - w :]) for t, w in zip(terms, widths, strict=True)]
    return ",".join(full) + "->" + right.replace("...", dots), operands


def _forward(operands: list[Any], *, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


def _cotangent(
    i: int, g: Any, _out: Any, *operands: Any, subscripts: str, optimize: Any = False
) -> Any:
    left, _, right = subscripts.partition("->")
    terms = left.split(",")
    mine, x = terms[i], operands[i]
    others = [(t, a) for j, (t, a) in enumerate(zip(terms, operands, strict=True)) if j != i]
    known = set(right).union(*(t for t, _ in others))
    labels = "".join(dict.fromkeys(mine))
    found = "".join(c for c in labels if c in known)
    inputs = ",".join([right, *(t for t, _ in others)])
    c = np.einsum(f"{inputs}->{found}", g, *(a for _, a in others), optimize=optimize)
    sizes, shape = dict(zip(mine, x.shape, strict=True)), dict(zip(found, c.shape, strict=True))
    whole = tuple(max(shape.get(s, 1), sizes[s]) if sizes[s] else 0 for s in labels)
    if c.shape != whole:  # axes summed away in this operand, or of length 1 in all others
        c = expand(c.reshape(tuple(shape.get(s, 1) for s in labels)), whole)
    if labels != mine:  # a diagonal was taken
        c, at = sum_to_shape(c, tuple(sizes[s] for s in labels)), []
        for label in mine:
            place = [1] * len(labels)
            place[labels.index(label)] = -1
            at.append(np.arange(x.shape[mine.index(label)]).reshape(place))
        c = put_sum(c, index=tuple(at), shape=x.shape)
    return c


einsum = Primitive(_forward, "einsum", kind="product", flops=costs.einsum)
einsum.defvjp(vjp_list=_cotangent)


@composition(np.einsum)
def _einsum(
    *operands: Any,
    out: Any = None,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
    optimize: Any = False,
) -> Any:
    subscripts, arrays = explicit(operands)
    result = einsum(arrays, subscripts=subscripts, optimize=optimize)
    return result if dtype is None else result.astype(dtype)
