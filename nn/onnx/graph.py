"""The ONNX graph that an export writes, and the tables of what can be translated.

A translation is a function ``(graph, *args, **kwargs)`` that adds nodes with :meth:`Graph.op` and
returns the name of the result.  The tables are keyed by what is called: a NumPy function, an
``ag.primitive``, or a class of modules.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

import autograd_core as ag
from autograd_core.program import Traced

Array = np.ndarray[Any, Any]
Translation = Callable[..., Any]

#: Translations of functions and primitives, ``(graph, *args, **kwargs)``, and of classes of
#: modules, ``(graph, module, *args, **kwargs)``.
TRANSLATIONS: dict[Any, Translation] = {}

#: NumPy functions written in terms of other NumPy functions: ``(*args, **kwargs)``.
DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {}


class ExportError(ValueError):
    """A model, or a part of it, cannot be written as ONNX."""


def translation(*keys: Any) -> Callable[[Translation], Translation]:
    """Decorate a function that translates one of ``keys`` to ONNX.

    Parameters
    ----------
    *keys
        Subclasses of ``nn.Module``, functions of ``ag.primitive``, or functions of NumPy.

    Returns
    -------
    callable
        A decorator for a function ``(graph, *args, **kwargs)``, which receives the arguments of
        the call (for a class of modules, the module comes first).  The function adds ONNX
        operators by calls such as ``graph.op("Relu", x)``, which return the name of the result,
        and itself returns such a name, or a tuple of names for several results.  If it returns
        None, it does not translate this call: the code of the module or primitive is followed
        instead, as it is without a translation.

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
        TRANSLATIONS.update(dict.fromkeys(keys, function))
        return function

    return register


class Node(NamedTuple):
    """One ONNX operator; ``module`` is the dotted name of the module it belongs to."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    module: str = ""

    def __str__(self) -> str:
        return self.kind + (f" of {self.module}" if self.module else "")


class Graph:
    """The operators and constants written so far.

    Parameters
    ----------
    labels
        The names of the model's arrays, by their ``id``.

    Attributes
    ----------
    nodes
        The operators, in the order of their computation.
    constants
        The constant arrays, by name.
    values
        The names of the values of the program.
    result
        What the function that is being translated returns: its shape and dtype can be read.
    """

    def __init__(self, labels: dict[int, str] | None = None) -> None:
        self.labels = labels or {}
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.names: set[str] = set()
        self.values: dict[Traced, str] = {}
        self.result: Any = None
        self._known: dict[tuple[str, str], str] = {}
        self._module = ""

    @contextmanager
    def inside(self, module: str) -> Iterator[None]:
        """Assign the nodes of a block to the module of this dotted name."""
        before, self._module = self._module, module
        try:
            yield
        finally:
            self._module = before

    def fresh(self, name: str) -> str:
        """Return ``name``, with a number added if another value has that name."""
        number, wanted = 1, name
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name

    def _stem(self, name: str) -> str:
        return f"{self._module}.{name}" if self._module else name

    def op(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Any:
        """Add an ONNX operator.

        Parameters
        ----------
        kind
            Its name in ONNX, such as ``"Relu"``.
        *inputs
            Names of values, arguments of the translation, arrays or numbers (which become
            constants of their own dtype, as ONNX converts none), or None to leave out an
            optional input.
        outputs
            The number of results.
        **attributes
            Attributes by their names in ONNX; those that are None are left out.

        Returns
        -------
        str or tuple of str
            The name of the result, or the names of several.
        """
        read = tuple("" if x is None else self.name(x) for x in inputs)
        made = tuple(self.fresh(self._stem(kind.lower())) for _ in range(outputs))
        kept = {k: v for k, v in attributes.items() if v is not None and v not in ([], ())}
        self.nodes.append(Node(kind, read, made, kept, self._module))
        return made[0] if outputs == 1 else made

    def name(self, x: Any, dtype: Any = None) -> str:
        """Return the name of a value, cast to ``dtype`` if given; an array becomes a constant."""
        if isinstance(x, str):
            return x
        if isinstance(x, ag.Tensor):
            return self.name(x.data, dtype)
        if isinstance(x, Traced):
            if x not in self.values:
                raise ExportError(
                    f"an array of shape {x.shape} is read after an in-place operation changed it "
                    "through a view; write y = y + 1 instead of y += 1, or copy it before"
                )
            same = dtype is None or x.dtype == dtype
            return self.values[x] if same else str(self.op("Cast", x, to=np.dtype(dtype)))
        constant, label = np.array(x, dtype, order="C"), self.labels.get(id(x), "")
        key = label, constant.dtype.str
        if key not in self._known or not label:
            self._known[key] = self.fresh(label or self._stem("constant"))
            self.constants[self._known[key]] = constant
        return self._known[key]

    def single(
        self, dtype: Any, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any
    ) -> Any:
        """Add an operator that onnxruntime has in float32 only.

        In a float64 model it is computed in float32: its floating-point inputs, and those given
        by name, are cast to float32, and its results back to float64.
        """

        def narrow(x: Any) -> Any:
            if isinstance(x, str):
                return self.op("Cast", x, to=np.dtype(np.float32))
            return x if x is None or x.dtype.kind != "f" else self.name(x, np.float32)

        if np.dtype(dtype) != np.float64:
            return self.op(kind, *inputs, outputs=outputs, **attributes)
        made = self.op(kind, *map(narrow, inputs), outputs=outputs, **attributes)
        names = [self.op("Cast", m, to=np.dtype(dtype)) for m in ([made] if outputs == 1 else made)]
        return names[0] if outputs == 1 else tuple(names)

    def shape(self, x: Any, shape: Any) -> str:
        """Reshape ``x``, and return the name of the result."""
        target = np.array([int(n) for n in shape], np.int64)
        return str(self.op("Reshape", x, target, allowzero=1 if 0 in target else None))
