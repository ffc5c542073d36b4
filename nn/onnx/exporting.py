"""``nn.onnx.export``: trace, unite, write, check."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from nn.files.weights import write_atomically
from nn.module import Module
from nn.onnx.batch import unite
from nn.onnx.checks import compare, validate
from nn.onnx.graph import ExportError
from nn.onnx.model import build
from nn.onnx.tracing import leaves, mapped, trace

#: Sizes of the batch with which a model is recorded, to see what depends on it.
SIZES = (2, 3, 1)


def export(
    model: Module,
    example: Any,
    path: str | Path,
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_batch: bool | Sequence[int | None] = True,
    check: bool = True,
) -> None:
    """Write a model, as it is in evaluation, to an ONNX file (IR version 8, opset 17).

    The model is run on stand-ins for arrays, which write down what is computed of them: layers by
    their ONNX operators, all other NumPy code function by function.  Where a value would be read
    that depends on the input (``if x.sum() > 0``, ``np.asarray(x)``), it raises: the file never
    holds a number that was true for the example only.

    Parameters
    ----------
    model
        Any module that returns an array, or nested tuples of arrays.
    example
        One array, or a tuple of those with which ``model(*example)`` is called (nested tuples, as
        an LSTM's state, count as several inputs).  Shapes and dtypes become those of the file;
        all axes but the batch's are fixed.
    path
        Of the file, written beside its place and renamed.
    input_names, output_names
        By default the names of the arguments of ``forward``, and ``output`` or ``output_0``, ...
    dynamic_batch
        Whether the file takes batches of any size, on axis 0 of every input; or the axis of the
        batch of each input, None for one without (for ``model(x, h)`` with a state ``(1, N, H)``
        of a GRU: ``(0, 1)``).
    check
        Whether the file is validated and, with onnxruntime, run on the example (and on a batch of
        one) and compared with the model.

    Raises
    ------
    ExportError
        For what has no translation (see :func:`translation`), what depends on the size of the
        batch in a way that ONNX cannot follow, and results that differ by more than 1e-4 of their
        largest.  No file is written then.
    ImportError
        Without the package onnx.

    Notes
    -----
    A float64 model is exported in float64, but onnxruntime computes convolutions, mean pooling,
    recurrent layers, the exact GELU, and tan, arcsin, ..., arctanh in float32 alone: there the
    file converts, and results agree to 1e-6, not 1e-12.

    Examples
    --------
    >>> import nn, numpy as np, pathlib, tempfile
    >>> model = nn.mlp([4, 8, 3], activation="relu", output=None, rng=0)
    >>> x = np.ones((5, 4), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "mlp.onnx"
    ...     nn.onnx.export(model, x, path, output_names=["logits"])
    ...     path.stat().st_size > 300
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"nn.onnx.export takes a module, got {type(model).__name__}")
    if find_spec("onnx") is None:
        raise ImportError("nn.onnx.export needs the package onnx: pip install onnx onnxruntime")
    inputs = mapped(_array, example if isinstance(example, tuple) else (example,))
    _check_dtypes(model, inputs)
    names = list(input_names) if input_names else _names(model, inputs)
    count, reserved = len(leaves(inputs)), list(output_names or ())
    if len(names) != count or len(set(names + reserved)) < len(names) + len(reserved):
        raise ExportError(
            f"the example has {count} arrays, to be named by as many names, no two of them (or of "
            f"the outputs) alike; got {names} and {reserved}"
        )
    axes = _batch_axes(inputs, dynamic_batch)
    sizes = SIZES if any(a is not None for a in axes) else (0, 0)
    runs = [trace(model, resized(inputs, axes, n) if n else inputs, names, reserved) for n in sizes]
    source = next(((n, a) for n, a in zip(names, axes, strict=True) if a is not None), None)
    graph = unite([g for g, _ in runs], sizes, source)
    results = [[s.value for s in symbols] for _, symbols in runs]
    if reserved and len(reserved) != len(results[0]):
        raise ExportError(f"the model has {len(results[0])} outputs, got the names {reserved}")
    made = [s.name for s in runs[0][1]]
    file = build(
        graph, list(zip(names, leaves(inputs), axes, strict=True)), made, results, sizes, reserved
    )
    given = [resized(inputs, axes, n) if n else inputs for n in sizes]
    compare("its recording", model, given[0], results[0])
    if check:
        validate(file, model, [inputs, given[-1]], names)
    write_atomically(path, lambda f: f.write(file.SerializeToString()))


def _array(value: Any) -> Any:
    a = np.asarray(value.data if isinstance(value, ag.Tensor) else value)
    if a.dtype.kind not in "biuf":
        raise ExportError(f"inputs are real numbers or booleans, got dtype {a.dtype}")
    return a


def _check_dtypes(model: Module, inputs: Any) -> None:
    """A float64 example for float32 weights is a slip, and would double the file."""
    wanted = {p.dtype for p in model.parameters()}
    for a in leaves(inputs):
        if a.dtype.kind == "f" and len(wanted) == 1 and a.dtype not in wanted:
            own = wanted.pop()
            raise ExportError(
                f"the parameters are {own}, the example is {a.dtype}; pass "
                f"example.astype(np.{own}), or cast the model: model.to(np.{a.dtype})"
            )


def _names(model: Module, inputs: Any) -> list[str]:
    """Those of forward's arguments; of the members of a tuple with numbers."""
    found: list[str] = []
    parameters = inspect.signature(model.forward).parameters.values()
    own = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for i, tree in enumerate(inputs):
        name, n = own[i] if i < len(own) else f"input_{i}", len(leaves(tree))
        found += [name] if not isinstance(tree, tuple) else [f"{name}_{k}" for k in range(n)]
    return found


def _batch_axes(inputs: Any, dynamic: bool | Sequence[int | None]) -> list[int | None]:
    """The axis of the batch of each input."""
    arrays = leaves(inputs)
    if isinstance(dynamic, bool):
        axes: list[int | None] = [0 if dynamic else None] * len(arrays)
    else:
        axes = list(dynamic)
    if len(axes) != len(arrays) or any(
        a is not None and not 0 <= a < x.ndim for a, x in zip(axes, arrays, strict=False)
    ):
        raise ExportError(
            f"dynamic_batch={dynamic!r} names an axis for each input, of shapes "
            f"{[x.shape for x in arrays]}; None for one without a batch"
        )
    lengths = {x.shape[a] for a, x in zip(axes, arrays, strict=True) if a is not None}
    if len(lengths) > 1 or 0 in lengths:
        raise ExportError(
            f"inputs of shapes {[x.shape for x in arrays]} have no common batch of at least one on "
            f"the axes {axes}; say which axis it is: dynamic_batch=(0, 1), or None for one without"
        )
    return axes


def resized(inputs: Any, axes: Sequence[int | None], size: int) -> Any:
    """The example with a batch of another size: its rows, over and over."""
    along = iter(axes)

    def one(a: Any) -> Any:
        axis = next(along)
        return a if axis is None else np.take(a, np.arange(size) % a.shape[axis], axis)

    return mapped(one, inputs)
