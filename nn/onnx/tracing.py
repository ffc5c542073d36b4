"""Trace a model as a program of functions that ONNX has, and translate it line by line.

The model runs on the compiler's traced arrays.  A layer or primitive that has a translation is one
line, a NumPy function that has none is decomposed, and what needs a value raises: a value that
depends on the input never silently becomes a constant of the file.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag
from autograd_core.errors import NeedsNumbersError
from autograd_core.program import (
    Line,
    Program,
    Trace,
    Traced,
    replaced,
    values_in,
    without_dead_lines,
)
from nn.module import Module, evaluating
from nn.onnx.functions import common
from nn.onnx.graph import (
    DECOMPOSITIONS,
    FUNCTIONS,
    MODULES,
    REMEDY,
    ExportError,
    Graph,
    Translation,
)


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of nested tuples and lists, in order.

    Examples
    --------
    >>> from nn.onnx.tracing import leaves
    >>> leaves((1, [2, (3,)], {"a": 4}))
    [1, 2, 3, {'a': 4}]
    """
    if not isinstance(tree, (tuple, list)):
        return [tree]
    return [leaf for member in tree for leaf in leaves(member)]


def arrays_of(tree: Any) -> Any:
    """Replace Tensors by the arrays that they hold."""
    return replaced(tree, lambda leaf: leaf.data if isinstance(leaf, ag.Tensor) else leaf)


def module_translation(module: Module) -> Translation | None:
    """Return the translation of a module's class, unless forward has been redefined since."""
    base = next((c for c in type(module).__mro__ if c in MODULES), Module)
    same = type(module).forward is base.forward and "forward" not in vars(module)
    return MODULES.get(base) if same else None


class _Layer:
    """A module that is translated as a whole, as the function of a line."""

    def __init__(self, module: Module, translate: Translation) -> None:
        self.fun, self.__name__ = module.forward, type(module).__name__
        self.translate = lambda graph, *args, **kw: translate(graph, module, *args, **kw)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return arrays_of(self.fun(*args, **kwargs))


class ModelTrace(Trace):
    """A trace of a model, whose lines can be translated.

    Parameters
    ----------
    labels
        The names of the model's arrays, by their ``id``.
    """

    def __init__(self, labels: dict[int, str]) -> None:
        super().__init__({f for f in FUNCTIONS if isinstance(f, ag.Primitive)})
        self.graph = Graph(labels)
        self._modules: dict[Line, str] = {}
        self._following: list[Any] = []  # functions whose own code is being followed
        self._translates = False  # each line as soon as it is written

    # -- from calls to lines ----------------------------------------------------------------------

    def capture(self, array: Any) -> Traced:
        """Return the value of a constant; of one that changed since it was used, another."""
        value = super().capture(array)
        if value.example.tobytes() != array.tobytes():
            del self.captured[id(array)]
            return self.capture(array)
        if id(array) in self.graph.labels:
            self.graph.labels[id(value.example)] = self.graph.labels[id(array)]
        return value

    def guard(self, value: Any, truth: bool) -> bool:
        raise ExportError(_needed("bool(x), as in `if x > 0:`,"))

    def run_primitive(self, primitive: Any, args: Any, kwargs: Any) -> Any:
        """Run a primitive: as one line if it has a translation, else its own code."""
        if primitive in self.opaque:
            return self.call(primitive, args, kwargs)
        if primitive.name == "getitem":  # of a constant table, too
            args = self._admit(args)
        return self._follow(primitive, args, kwargs)

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Add a line for a function that has a translation; follow the code of another."""
        options = dict(kwargs)
        out = options.pop("out", None)
        out = out[0] if isinstance(out, tuple) else out
        if next(iter(values_in((args, options))), None) is None and out is None:
            return function(*args, **options)
        if out is not None and not isinstance(out, Traced):
            raise ExportError(
                f"{_title(function)} with out= would write a value that depends on the input into "
                f"an array of shape {np.shape(out)}; leave out= away"
            )
        translate = _translation_of(function)
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
        result = super().call(function, args, kwargs)
        self._modules[self.lines[-1]] = self.graph.module
        if self._translates:
            self.translate(self.lines[-1])
        return result

    def _follow(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Run the code of a function, written in functions that ONNX has."""
        code = DECOMPOSITIONS.get(function) or ag.compositions.get(function)
        code = code or getattr(function, "fun", None)
        if code is None or function in self._following:
            raise ExportError(self._untranslated(function, args))
        self._following.append(function)
        try:
            return arrays_of(code(*args, **kwargs))
        finally:
            self._following.pop()

    def _untranslated(self, function: Any, args: Any) -> str:
        within = f", in {_title(self._following[0])}," if self._following else ""
        shapes = [f"{tuple(a.shape)} {a.dtype}" for a in args if hasattr(a, "shape")]
        return (
            f"{_title(function)} of {', '.join(shapes) or 'a list'}{within} is not translated to "
            "ONNX. Compute it with other NumPy functions, put it into a module with a translation "
            "(@nn.onnx.translation(ItsClass)), or translate the function itself "
            "(@nn.onnx.translation(function))"
        )

    def forward(self, path: str, module: Module) -> Callable[..., Any]:
        """Return the forward of a module, with the lines assigned to its dotted name."""
        forward, translate = module.forward, module_translation(module)
        layer = translate and _Layer(module, translate)

        def run(*args: Any, **kwargs: Any) -> Any:
            given, options = arrays_of(args), arrays_of(kwargs)
            with self.graph.inside(path):
                if layer is None or next(iter(values_in((given, options))), None) is None:
                    return forward(*args, **kwargs)
                return replaced(self.call(layer, given, options), ag.Tensor)

        return run

    # -- from lines to operators ------------------------------------------------------------------

    def translate(self, line: Line) -> None:
        """Add the operators of a line to the graph."""
        graph, value = self.graph, line.result
        args, kwargs = replaced((line.args, line.kwargs), _constant)
        translate = _translation_of(line.function)
        assert translate is not None
        with graph.inside(self._modules[line], value):
            try:
                names = translate(graph, *args, **kwargs)
                if names is None:
                    names = self._follow(line.function, args, kwargs)
                if line.kind == "write":  # other values of the same memory are out of date
                    graph.values = {
                        v: n for v, n in graph.values.items() if v.root is not value.root
                    }
                    if common(*args) != value.dtype:
                        names = graph.op("Cast", names, to=value.dtype)
                self._name(value, names)
            except ExportError as error:
                error.add_note(f"computed at {line.origin}")
                raise

    def _name(self, value: Any, names: Any) -> None:
        if isinstance(names, (tuple, list)):
            for member, name in zip(value, names, strict=True):
                self._name(member, name)
        else:
            self.graph.values[value] = self.graph.name(names)

    def write(self, model: Module, inputs: Any) -> list[tuple[str, Any]]:
        """Trace and translate a model; return the names and the examples of its outputs."""
        outputs = [_output(leaf) for leaf in leaves(arrays_of(model(*inputs)))]
        program = without_dead_lines(Program(self.lines, list(self.graph.values), outputs))
        self._translates = True
        for line in program.lines:
            self.translate(line)
        return [(self.graph.name(_constant(v)), np.asarray(_example(v))) for v in outputs]


def trace(
    model: Module, inputs: Any, names: list[str], reserved: list[str]
) -> tuple[Graph, list[tuple[str, Any]]]:
    """Run ``model(*inputs)`` on traced arrays; return the graph, and its outputs.

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
        The name of each output, and what it is for these inputs.
    """
    labels = {id(p.data): name for name, p in model.named_parameters()}
    running = ModelTrace(labels | {id(a): name for name, a in model.named_buffers()})
    graph = running.graph
    graph.names.update(names, reserved)
    given = replaced(inputs, lambda a: Traced(running, a.copy(), role="input"))
    graph.values.update(zip(leaves(given), names, strict=True))
    try:
        with _prepared(model, running):
            return graph, running.run(running.write, model, given)
    except NeedsNumbersError as error:
        what, _, origin = str(error).partition(": ")[0].partition(" of a traced array at ")
        raise ExportError(f"{_needed(what)} ({origin})") from error
    except AttributeError as error:
        if not isinstance(error.obj, Traced):
            raise
        raise ExportError(
            f"an array that is exported has no attribute {error.name!r}. {REMEDY}"
        ) from error


@contextmanager
def _prepared(model: Module, running: ModelTrace) -> Iterator[None]:
    """Let the modules of a model note their lines in a block, in evaluation; then restore them."""
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


def _translation_of(function: Any) -> Translation | None:
    return getattr(function, "translate", None) or FUNCTIONS.get(function)


def _example(value: Any) -> Any:
    return value.example if isinstance(value, Traced) else value


def _constant(value: Any) -> Any:
    """Return the array in place of a value that no input changes."""
    is_constant = isinstance(value, Traced) and value.role == "captured"
    return value.example if is_constant else value


def _output(leaf: Any) -> Any:
    if isinstance(leaf, (Traced, np.ndarray, np.generic, int, float)):
        return leaf
    raise ExportError(
        f"to be exported, a model returns an array or nested tuples of arrays; this one returned "
        f"a {type(leaf).__name__}"
    )


def _title(function: Any) -> str:
    """Return the name of a function for an error message, as ``np.linalg.inv``."""
    owner = getattr(function, "__self__", None)  # of a method of a ufunc
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{function.__name__}"
    module = "np" if isinstance(function, np.ufunc) else getattr(function, "__module__", None) or ""
    module = module.replace("numpy", "np", 1)
    return f"{module}.{function.__name__}" if module.startswith("np") else str(function.__name__)


def _needed(what: str) -> str:
    return (
        f"{what} needs the value of an array that depends on the input: the file would hold the "
        "value of the example. To index a table with it, use nn.Embedding, or table[ids] of a "
        f"Parameter. {REMEDY}"
    )
