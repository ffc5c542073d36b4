"""``nn.summary``: a table of a network's layers, output shapes, parameters and multiply-adds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nn.calls import innermost_outputs
from nn.module import Module


@dataclass(frozen=True)
class Row:
    """One layer of a summary."""

    name: str
    layer: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """Result of :func:`summary`; its ``repr`` is the table."""

    rows: list[Row]
    parameters: int
    multiply_adds: int

    def __repr__(self) -> str:
        head = ("", "layer", "output", "parameters", "multiply-adds")
        table = [head] + [
            (r.name, r.layer, str(r.output), f"{r.parameters:,}", f"{r.multiply_adds:,}")
            for r in self.rows
        ]
        table.append(("", "total", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for row in table:
            cells = [f"{cell:{'<<<>>'[i]}{widths[i]}}" for i, cell in enumerate(row)]
            lines.append("  ".join(cells).rstrip())
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summary(model: Module, input_shape: int | tuple[int, ...]) -> Summary:
    """List the layers of a network, found by running one example of zeros through it.

    Parameters
    ----------
    model
        Any module; its innermost modules become the rows, in the order in which they run.
    input_shape
        The shape of one example, without the batch axis.

    Examples
    --------
    >>> import nn
    >>> nn.summary(nn.mlp([784, 16, 16, 10]), 784)
       layer            output  parameters  multiply-adds
    -----------------------------------------------------
    0  Linear(784, 16)  (16,)       12,560         12,544
    1  Sigmoid()        (16,)            0              0
    2  Linear(16, 16)   (16,)          272            256
    3  Sigmoid()        (16,)            0              0
    4  Linear(16, 10)   (10,)          170            160
    5  Sigmoid()        (10,)            0              0
    -----------------------------------------------------
       total                        13,002         12,960
    """
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    parameters = list(model.parameters())
    dtype = parameters[0].dtype if parameters else np.dtype(np.float32)
    rows: list[Row] = []
    counted: set[int] = set()
    for name, module, out in innermost_outputs(model, np.zeros((1, *shape), dtype)):
        output = tuple(getattr(out, "shape", ()))[1:]
        fresh = [p for p in module.parameters() if id(p) not in counted]
        counted.update(map(id, fresh))
        cost: Callable[[Any], int] = getattr(module, "multiply_adds", lambda _: 0)
        count = sum(p.size for p in fresh)
        rows.append(Row(name, repr(module), output, count, cost(output)))
    total = sum(math.prod(p.shape) for p in parameters)
    return Summary(rows, total, sum(r.multiply_adds for r in rows))
