"""The ONNX graph while it is written: nodes, constants, and the tables of what can be translated.

A translation is a function ``(graph, *args, **kwargs)`` that adds nodes by :meth:`Graph.op` and
returns the name of the result.  Tables are keyed by what is called: a NumPy function, an
``ag.primitive``, or a class of modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag

Array = np.ndarray[Any, Any]
Translation = Callable[..., Any]

#: Functions and primitives: ``(graph, *args, **kwargs)``.
FUNCTIONS: dict[Any, Translation] = {}

#: Functions that are written in others, NumPy in NumPy: ``(*args, **kwargs)``.
WRITTEN: dict[Any, Callable[..., Any]] = {}

#: Classes of modules: ``(graph, module, *args, **kwargs)``.
MODULES: dict[type[Any], Translation] = {}


class ExportError(ValueError):
    """A model, or a part of it, that cannot be written as ONNX."""


def translation(key: Any) -> Callable[[Translation], Translation]:
    """Say how something is written in ONNX: a decorator.

    Parameters
    ----------
    key
        A subclass of ``nn.Module``, an ``ag.primitive``, or a function of NumPy.

    Returns
    -------
    callable
        A decorator of a function ``(graph, *args, **kwargs)`` of what ``key`` is called with (for
        a class of modules the module comes first).  It calls ``graph.op("Relu", x)``, which adds
        an ONNX operator and returns the name of its result, and returns such a name, or a tuple
        of them where there are several results.  None says that this call is none it translates:
        the code of the module or primitive is then followed, as where there is no translation.

    Examples
    --------
    >>> import nn
    >>> class Swish(nn.Module):
    ...     def forward(self, x):
    ...         return x * nn.sigmoid(x)
    >>> @nn.onnx.translation(Swish)
    ... def _(graph, module, x):
    ...     return graph.op("Mul", x, graph.op("Sigmoid", x))
    """

    def register(function: Translation) -> Translation:
        (MODULES if isinstance(key, type) else FUNCTIONS)[key] = function
        return function

    return register


class Node(NamedTuple):
    """One ONNX operator; ``place`` is the dotted name of the module that it stands for."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    place: str

    def __str__(self) -> str:
        return self.kind + (f" of {self.place}" if self.place else "")


class Graph:
    """What has been written so far.

    Attributes
    ----------
    nodes
        In the order of their computation.
    constants
        Arrays by name.
    labels
        What arrays of the model are called, by their ``id``.
    """

    def __init__(self, labels: dict[int, str] | None = None) -> None:
        self.labels = labels or {}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.names: set[str] = set()
        self.expanding: list[Any] = []  # functions whose own code is being followed
        self._known: dict[tuple[int, str], tuple[Any, str]] = {}
        self._place = ""

    @contextmanager
    def inside(self, place: str) -> Iterator[None]:
        """Nodes of this block stand for the module of that name."""
        before, self._place = self._place, place
        try:
            yield
        finally:
            self._place = before

    def fresh(self, name: str) -> str:
        """A name that no value has, made of ``name``."""
        number, wanted = 1, name
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name

    def op(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """Add an ONNX operator.

        Parameters
        ----------
        kind
            Its name in ONNX, ``"Relu"``.
        *inputs
            Names of values, what the translation was called with, arrays or numbers (which become
            constants, as they are: ONNX converts no dtype), or None for an optional one left out.
        outputs
            How many there are.
        **attributes
            As ONNX names them; one that is None is left out.

        Returns
        -------
        str, or a tuple of them
        """
        stem = f"{self._place}.{kind.lower()}" if self._place else kind.lower()
        read = tuple("" if x is None else self.name(x) for x in inputs)
        made = tuple(self.fresh(stem) for _ in range(outputs))
        kept = {k: v for k, v in attributes.items() if v is not None and v not in ([], ())}
        self.nodes.append(Node(kind, read, made, kept, self._place))
        return made[0] if outputs == 1 else made

    def name(self, x: Any, dtype: Any = None) -> str:
        """The name of a value, in another dtype if one is given; constants get one here."""
        if isinstance(x, str):
            return x
        if getattr(x, "traced", False):
            same = dtype is None or x.dtype == np.dtype(dtype)
            return str(x.name if same else self.op("Cast", x.name, to=np.dtype(dtype)))
        value = x.data if isinstance(x, ag.Tensor) else getattr(x, "value", x)
        dtype = np.asarray(value).dtype if dtype is None else np.dtype(dtype)
        label, key = self.labels.get(id(value), ""), (id(value), dtype.str)
        if label and key in self._known:
            return self._known[key][1]
        array = np.array(value, dtype, order="C")
        name = self.fresh(label or (f"{self._place}.constant" if self._place else "constant"))
        self.constants[name] = array
        self._known[key] = (value, name)  # the value is held, so that its id stays its own
        return name

    def single(self, dtype: Any, kind: str, *inputs: Any, outputs: int = 1, **options: Any) -> Any:
        """:meth:`op` for an operator that onnxruntime has in float32 alone.

        In a float64 model it is computed in float32: its floating-point inputs, and those given
        by name, are converted, and its results converted back.
        """
        if np.dtype(dtype) != np.float64:
            return self.op(kind, *inputs, outputs=outputs, **options)
        narrow = np.dtype(np.float32)
        given = [
            x if x is None
            else self.op("Cast", x, to=narrow) if isinstance(x, str)
            else self.name(x, narrow if x.dtype.kind == "f" else x.dtype)
            for x in inputs
        ]  # fmt: skip
        made = self.op(kind, *given, outputs=outputs, **options)
        made = (made,) if outputs == 1 else made
        wide = tuple(self.op("Cast", name, to=np.dtype(dtype)) for name in made)
        return wide[0] if outputs == 1 else wide

    def shape(self, x: Any, shape: Any) -> str:
        """``x`` in another shape."""
        target = np.array([int(n) for n in shape], np.int64)
        empty = 1 if 0 in target.tolist() else None
        return str(self.op("Reshape", x, target, allowzero=empty))
