"""Run a model on TracedArrays, with each layer that has an ONNX translation as a whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module, Parameter, evaluating
from nn.onnx.graph import MODULES, ExportError, Graph, Translation
from nn.onnx.traced_array import TracedArray, example_values, graph_of, name_results, read_values
from nn.onnx.trees import leaves, map_leaves


def translation_of(module: Module) -> Translation | None:
    """Return the translation of a module's class, unless forward has been redefined since."""
    base = next((c for c in type(module).__mro__ if c in MODULES), Module)
    same = type(module).forward is base.forward and "forward" not in vars(module)
    return MODULES.get(base) if same else None


def _traced_forward(
    graph: Graph, path: str, module: Module, translate: Translation | None
) -> Callable[..., Any]:
    """Return a forward that records the module's translation or, without one, its own code."""
    forward = module.forward

    def run(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = read_values(args), read_values(kwargs)
        given = example_values(args), example_values(kwargs)
        if graph_of(args, kwargs) is None:
            return forward(*given[0], **given[1])
        with graph.inside(path):
            if translate is not None:
                value = forward(*given[0], **given[1])
                names = translate(graph, module, *args, **kwargs)
                if names is not None:
                    return name_results(graph, value, names)
            return forward(*args, **kwargs)

    return run


def _as_constant(leaf: Any) -> Any:
    """Return a Parameter as a TracedArray, and anything else as it is."""
    return TracedArray(leaf.data) if isinstance(leaf, Parameter) else leaf


@contextmanager
def prepare_modules(model: Module, graph: Graph) -> Iterator[None]:
    """Prepare the modules of ``model`` to be called on TracedArrays for a block; then restore."""
    modules = list(model.named_modules())
    before = [(m, dict(vars(m))) for _, m in modules]
    inside: set[int] = set()  # modules that are translated as a whole, or are within one
    try:
        with evaluating(model), ag.no_grad():
            for path, module in modules:
                if id(module) in inside:
                    continue
                translate = translation_of(module)
                if translate is not None:
                    inside.update(id(m) for _, m in module.named_modules())
                else:
                    vars(module).update(map_leaves(_as_constant, vars(module)))
                vars(module)["forward"] = _traced_forward(graph, path, module, translate)
            yield
    finally:
        for module, state in before:
            vars(module).clear()
            vars(module).update(state)


def trace(
    model: Module, inputs: Any, names: list[str], reserved: list[str]
) -> tuple[Graph, list[TracedArray]]:
    """Run ``model(*inputs)`` on TracedArrays, and return the graph and the outputs.

    Parameters
    ----------
    inputs
        Arrays in nested tuples.
    names, reserved
        The names of the inputs, and those that no other value may have.
    """
    labels = {id(p.data): name for name, p in model.named_parameters()}
    graph = Graph(labels | {id(a): name for name, a in model.named_buffers()})
    graph.names.update(names, reserved)
    name = iter(names)
    traced = map_leaves(lambda a: TracedArray(a, graph, next(name)), inputs)
    with prepare_modules(model, graph):
        return graph, [_output(graph, leaf) for leaf in leaves(read_values(model(*traced)))]


def _output(graph: Graph, leaf: Any) -> TracedArray:
    """Return one of the results of a model, with a name if it is a constant."""
    if isinstance(leaf, (np.ndarray, np.generic, int, float)):
        leaf = TracedArray(np.asarray(leaf))
    if not isinstance(leaf, TracedArray):
        raise ExportError(
            f"to be exported, a model returns an array or nested tuples of arrays; this one "
            f"returned a {type(leaf).__name__}"
        )
    return leaf if leaf.traced else TracedArray(leaf.value, graph, graph.name(leaf))
