"""Module calls as scopes: their names, types and what they say of themselves.

Modules are known by what they answer (``named_modules``, ``named_parameters``, ``describe``),
not by their class: this package does not import :mod:`nn`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from autograd_core.engine.graph import Node
from autograd_core.engine.scopes import calls


class Scope:
    """One call of a module.

    ``path`` is its dotted name below the outermost module, ``title`` the last part of it.
    ``parameters`` maps the identity of a parameter's node to its name (outermost scopes only).
    """

    __slots__ = (
        *("children", "depth", "module", "parameters", "parent", "path", "start", "stop"),
        *("title", "type"),
    )

    def __init__(self, module: Any, start: int, stop: int) -> None:
        self.module, self.start, self.stop = module, start, stop
        self.type = type(module).__name__
        self.path = self.title = ""
        self.parent, self.depth, self.children = -1, 0, 0
        self.parameters: dict[int, str] = {}


def pill_title(module: Any, operation: str) -> str:
    """What a module without parameters is called: ``relu``, ``maxpool2d 2×2``."""
    name = type(module).__name__.lower()
    if operation.replace("_", "").split(" ")[0] == name:
        return operation
    return f"{name} {spec_of(module)}".strip()


def find_scopes(nodes: Iterable[Node], given: Mapping[int, str]) -> list[Scope]:
    """The module calls around ``nodes``, with names from the outermost modules' attributes."""
    scopes = [Scope(*call) for call in calls(nodes)]
    paths: dict[int, str] = {}
    end = 0
    for scope in scopes:
        if scope.start >= end:  # an outermost one
            end = scope.stop
            for name, module in getattr(scope.module, "named_modules", tuple)():
                paths.setdefault(id(module), name)
            for name, parameter in getattr(scope.module, "named_parameters", tuple)():
                node = getattr(parameter, "_node", None)
                scope.parameters[id(node)] = name
        name = given.get(id(scope.module)) or paths.get(id(scope.module), "") or scope.type
        scope.path = name
        scope.title = name.rpartition(".")[2] or name
    return scopes


def _options(module: Any) -> str:
    """Padding and stride of a convolution, where they are not the usual ones."""
    told = ""
    for name, short, usual in (("padding", "pad", 0), ("stride", "stride", 1)):
        value = getattr(module, name, usual)
        sizes = value if isinstance(value, tuple) else (value,)
        if any(v != usual for v in sizes):
            same = len(set(sizes)) == 1
            told += f" {short} {sizes[0] if same else '×'.join(map(str, sizes))}"
    return told


def spec_of(module: Any) -> str:
    """What a module maps to what: ``784 → 16``, or what it says of itself.

    Examples
    --------
    >>> import nn
    >>> from autograd_core.drawing.trace.modules import spec_of
    >>> spec_of(nn.Linear(784, 16, bias=False)), spec_of(nn.LeakyReLU())
    ('784 → 16, bias=False', '0.01')
    """
    describe = getattr(module, "describe", None)
    text = str(describe()) if callable(describe) else ""
    if "→" in text:
        return text
    for before, after in (
        ("in_features", "out_features"),
        ("in_channels", "out_channels"),
        ("input_size", "hidden_size"),
    ):
        n, m = getattr(module, before, None), getattr(module, after, None)
        if n is None or m is None:
            continue
        kernel = getattr(module, "kernel_size", None)
        sizes = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        lead = f"{'×'.join(map(str, sizes))}{_options(module)}, " if kernel is not None else ""
        rest = re.match(rf"{n}, {m}(, .*)", text)
        return f"{lead}{n} → {m}{rest[1] if rest and kernel is None else ''}"
    return text
