"""Run a model on the compiler's traced arrays, and translate every line of its program.

A layer or primitive that has a translation is one line, and a NumPy function that has none is
decomposed.  Whatever would take a value out of the program (``bool``, ``float``, ``np.asarray``,
an index, an assignment) raises an error: a value that depends on the input never silently becomes
a constant of the exported file.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.program import Trace, Traced, replaced, values_in
from nn.module import Module, evaluating
from nn.onnx.graph import DECOMPOSITIONS, TRANSLATIONS, ExportError, Graph, Translation

REMEDY = (
    "Compute it with NumPy functions of arrays, such as np.where, or put this part into a module "
    "and translate it to ONNX: @nn.onnx.translation(ItsClass)"
)


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of nested tuples and lists, in order.

    Examples
    --------
    >>> from nn.onnx.tracing import leaves
    >>> leaves((1, [2, (3,)], {"a": 4}))
    [1, 2, 3, {'a': 4}]
    """
    nested = isinstance(tree, (tuple, list))
    return [leaf for member in tree for leaf in leaves(member)] if nested else [tree]


def arrays_of(tree: Any) -> Any:
    """Replace Tensors by the arrays that they hold."""
    return replaced(tree, lambda leaf: leaf.data if isinstance(leaf, ag.Tensor) else leaf)


def module_translation(module: Module) -> Translation | None:
    """Return the translation of a module's class, unless forward has been redefined since."""
    base: Any = next((c for c in type(module).__mro__ if c in TRANSLATIONS), Module)
    same = type(module).forward is base.forward and "forward" not in vars(module)
    return TRANSLATIONS.get(base) if same else None


class ModelTrace(Trace):
    """A trace of a model, which translates each line as it is written.

    Parameters
    ----------
    labels
        The names of the model's arrays, by their ``id``.
    """

    def __init__(self, labels: dict[int, str]) -> None:
        super().__init__()
        self.graph, self._translations = Graph(labels), dict(TRANSLATIONS)
        self._following: list[Any] = []  # functions whose own code is being followed

    def capture(self, array: Any, name: str = "") -> Traced:
        """Return the value of a constant, as it is now; a parameter is known by its identity."""
        known = id(array) in self.graph.labels
        return Traced(self, array if known else array.copy(), role="captured")

    def guard(self, value: Any, truth: bool) -> bool:
        """Refuse a choice by a value."""
        raise _value_needed("bool(x), as in `if x > 0:`,")

    def run_primitive(self, primitive: Any, args: Any, kwargs: Any) -> Any:
        """Run a primitive: as one line if it has a translation, else its own code."""
        if primitive in self._translations:
            return self.call(primitive, args, kwargs)
        if primitive.name == "getitem":  # of a constant table, too
            args = self._admit(args)
        return self._follow(primitive, args, kwargs)

    def call(
        self, function: Any, args: Any, kwargs: dict[str, Any], run: Any = None,
        varies: bool = True,
    ) -> Any:  # fmt: skip
        """Add a line, and its operators; without a translation, follow the code of the function."""
        options = {k: v for k, v in kwargs.items() if k != "out"}
        out = kwargs.get("out")
        out = out[0] if isinstance(out, tuple) else out
        if out is None and not list(values_in((args, options))):
            return function(*args, **options)
        if out is not None and not isinstance(out, Traced):
            raise ExportError(
                f"{_title(function)} with out= would write a value that depends on the input into "
                f"an array of shape {np.shape(out)}; leave out= away"
            )
        translate = self._translations.get(function)
        if translate is None:
            result = self._follow(function, args, options)
            return result if out is None else self.call(np.positive, (result,), {"out": out})
        try:
            inspect.signature(translate).bind(self.graph, *args, **options)
        except TypeError as error:
            raise ExportError(
                f"{_title(function)} is translated to ONNX, but not with these arguments "
                f"({error}). {REMEDY}"
            ) from None
        result = super().call(function, args, kwargs, varies=False)
        args, options = replaced((self.lines[-1].args, self.lines[-1].kwargs), _constant)
        graph, before = self.graph, self.graph.result
        graph.result = result
        names = translate(graph, *args, **options)
        graph.result = before
        if names is None:
            names = self._follow(function, args, options)
        if out is not None:  # values that share its memory are out of date
            for value in [v for v in graph.values if np.shares_memory(v.example, out.example)]:
                del graph.values[value]
            if isinstance(function, np.ufunc) and np.result_type(*args) != out.dtype:
                names = graph.op("Cast", names, to=out.dtype)
            if np.shape(args[0]) != out.shape:
                names = graph.op("Expand", names, np.array(out.shape, np.int64))
        self._name(result, names)
        return result

    def _name(self, value: Any, names: Any) -> None:
        if isinstance(names, (tuple, list)):
            for member, name in zip(value, names, strict=True):
                self._name(member, name)
        else:
            self.graph.values[value] = self.graph.name(names)

    def _follow(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Run the code of a function, written in functions that ONNX has."""
        code = DECOMPOSITIONS.get(function) or ag.compositions.get(function)
        code = code or getattr(function, "fun", None)
        if code is None or function in self._following:
            within = f", in {_title(self._following[0])}," if self._following else ""
            shapes = [f"{tuple(a.shape)} {a.dtype}" for a in args if hasattr(a, "shape")]
            raise ExportError(
                f"{_title(function)} of {', '.join(shapes) or 'a list'}{within} is not translated "
                "to ONNX. Compute it with other NumPy functions, put it into a module with a "
                "translation (@nn.onnx.translation(ItsClass)), or translate the function itself "
                "(@nn.onnx.translation(function))"
            )
        self._following.append(function)
        try:
            return arrays_of(code(*args, **kwargs))
        finally:
            self._following.pop()

    def forward(self, path: str, module: Module) -> Callable[..., Any]:
        """Return the forward of a module, with its operators assigned to its dotted name.

        If the module has a translation, it is one line.
        """
        whole: Any = module.forward
        translate = module_translation(module)
        if translate is not None:
            name = type(module).__name__
            whole = ag.Primitive(lambda *args, f=whole, **kw: arrays_of(f(*args, **kw)), name)
            self._translations[whole] = lambda graph, *args, **kw: translate(
                graph, module, *args, **kw
            )

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.graph.inside(path):
                result = whole(*args, **kwargs)
            return result if translate is None else replaced(result, _as_tensor)

        return run


def trace(
    model: Module, inputs: Any, names: list[str], reserved: list[str]
) -> tuple[Graph, list[tuple[str, Any]]]:
    """Run ``model(*inputs)`` on traced arrays; return the graph and its outputs.

    Parameters
    ----------
    inputs
        Arrays in nested tuples.
    names, reserved
        The names of the inputs, and those that no other value may have.

    Returns
    -------
    graph
        The operators.
    outputs
        The name of each output, and its value for these inputs.
    """
    labels = {id(p.data): name for name, p in model.named_parameters()}
    running = ModelTrace(labels | {id(a): name for name, a in model.named_buffers()})
    graph = running.graph
    graph.names.update(names, reserved)
    given = replaced(inputs, lambda a: Traced(running, a.copy(), role="input"))
    graph.values.update(zip(leaves(given), names, strict=True))
    try:
        with _prepared(model, running):
            outputs = leaves(arrays_of(running.run(model, *given)))
    except ag.errors.NeedsNumbersError as error:
        raise _value_needed(str(error).partition(": ")[0]) from error
    except AttributeError as error:
        if not isinstance(error.obj, Traced):
            raise
        raise ExportError(
            f"an array that is exported has no attribute {error.name!r}. {REMEDY}"
        ) from error
    for leaf in outputs:
        if not isinstance(leaf, (Traced, np.ndarray, np.generic, int, float)):
            raise ExportError(
                "to be exported, a model returns an array or nested tuples of arrays; this one "
                f"returned a {type(leaf).__name__}"
            )
    examples = [np.asarray(a.example if isinstance(a, Traced) else a) for a in outputs]
    return graph, list(zip(map(graph.name, map(_constant, outputs)), examples, strict=True))


@contextmanager
def _prepared(model: Module, running: ModelTrace) -> Iterator[None]:
    """Let the modules of a model be traced in a block, in evaluation; then restore them."""
    before = [(path, m, dict(vars(m))) for path, m in model.named_modules()]
    try:
        with evaluating(model), ag.no_grad():
            for path, module, _ in before:
                vars(module)["forward"] = running.forward(path, module)
            yield
    finally:
        for _, module, state in before:
            vars(module).clear()
            vars(module).update(state)


def _as_tensor(leaf: Any) -> Any:
    return ag.Tensor(leaf) if isinstance(leaf, Traced) else leaf


def _constant(value: Any) -> Any:
    """Return the array in place of a value that depends on no input."""
    captured = isinstance(value, Traced) and value.role == "captured"
    return value.example if captured else value


def _title(function: Any) -> str:
    """Return the name of a function for an error message, as ``np.linalg.inv``."""
    owner = getattr(function, "__self__", None)  # of a method of a ufunc
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    module = "np" if isinstance(function, np.ufunc) else getattr(function, "__module__", None) or ""
    module = module.replace("numpy", "np", 1)
    return f"{module}.{function.__name__}" if module.startswith("np") else str(function.__name__)


def _value_needed(what: str) -> ExportError:
    return ExportError(
        f"{what} needs the value of an array that depends on the input: the file would hold the "
        "value of the example. To index a table with it, use nn.Embedding, or table[ids] of a "
        f"Parameter. {REMEDY}"
    )
