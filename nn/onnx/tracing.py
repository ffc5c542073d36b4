"""Running a model on Symbols, with the layers that ONNX has taken as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module, Parameter, evaluating
from nn.onnx.dispatch import graph_of, named, opened, values
from nn.onnx.graph import MODULES, ExportError, Graph, Translation
from nn.onnx.traced_array import Symbol


def translation_of(module: Module) -> Translation | None:
    """How a module is written as a whole, if its class says so and does not redefine forward."""
    kind = type(module)
    for base in kind.__mro__:
        if base in MODULES:
            same = kind.forward is base.forward and "forward" not in vars(module)
            return MODULES[base] if same else None
    return None


def _watched(
    graph: Graph, path: str, module: Module, translate: Translation | None
) -> Callable[..., Any]:
    """The forward of a module, which writes its translation instead if there is one."""
    forward = module.forward

    def run(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = opened(args), opened(kwargs)
        if graph_of((args, kwargs)) is None:
            return forward(*values(args), **values(kwargs))
        with graph.inside(path):
            if translate is not None:
                value = forward(*values(args), **values(kwargs))
                names = translate(graph, module, *args, **kwargs)
                if names is not None:
                    return named(graph, value, names)
            return forward(*args, **kwargs)

    return run


def _replaced(value: Any) -> Any:
    """Parameters as Symbols, in lists, tuples and dicts too."""
    if isinstance(value, Parameter):
        return Symbol(value.data)
    if type(value) in (list, tuple):
        members = [_replaced(v) for v in value]
        changed = any(a is not b for a, b in zip(members, value, strict=True))
        return type(value)(members) if changed else value
    if type(value) is dict:
        entries = {k: _replaced(v) for k, v in value.items()}
        return entries if any(entries[k] is not value[k] for k in value) else value
    return value


@contextmanager
def prepared(model: Module, graph: Graph) -> Iterator[None]:
    """The modules of ``model`` ready to be called on Symbols; as before after the block."""
    modules = list(model.named_modules())
    before = [(m, dict(vars(m))) for _, m in modules]
    inside: set[int] = set()  # modules that are written as a whole, or within one
    try:
        with evaluating(model), ag.no_grad():
            for path, module in modules:
                if id(module) in inside:
                    continue
                translate = translation_of(module)
                if translate is not None:
                    inside.update(id(m) for _, m in module.named_modules())
                else:
                    vars(module).update({k: _replaced(v) for k, v in vars(module).items()})
                vars(module)["forward"] = _watched(graph, path, module, translate)
            yield
    finally:
        for module, state in before:
            vars(module).clear()
            vars(module).update(state)


def _labels(model: Module) -> dict[int, str]:
    parameters = {id(p.data): name for name, p in model.named_parameters()}
    return parameters | {id(a): name for name, a in model.named_buffers()}


def trace(
    model: Module, inputs: Any, names: list[str], reserved: list[str]
) -> tuple[Graph, list[Symbol]]:
    """Run ``model(*inputs)`` on Symbols of these arrays: what was written, and what came out."""
    graph = Graph(_labels(model))
    graph.names.update(names, reserved)
    fresh = iter(names)
    symbols = mapped(lambda a: Symbol(a, graph, next(fresh)), inputs)
    with prepared(model, graph):
        return graph, _outputs(graph, opened(model(*symbols)))


def mapped(fun: Callable[[Any], Any], tree: Any) -> Any:
    """``fun`` of every array in nested tuples and lists (dicts by their values)."""
    if isinstance(tree, (tuple, list)):
        return tuple(mapped(fun, member) for member in tree)
    return fun(tree)


def leaves(tree: Any) -> list[Any]:
    """The arrays in nested tuples and lists."""
    if isinstance(tree, (tuple, list)):
        return [leaf for member in tree for leaf in leaves(member)]
    return [tree]


def _outputs(graph: Graph, result: Any) -> list[Symbol]:
    """The Symbols that the model returned; constants among them get a name."""
    found = []
    for leaf in leaves(result):
        if isinstance(leaf, (np.ndarray, np.generic, int, float)):
            leaf = Symbol(np.asarray(leaf))
        if not isinstance(leaf, Symbol):
            raise ExportError(
                f"a model returns an array, or nested tuples of arrays, to be exported; this one "
                f"returned a {type(leaf).__name__}"
            )
        found.append(leaf if leaf.traced else Symbol(leaf.value, graph, graph.name(leaf)))
    return found
