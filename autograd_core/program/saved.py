"""Save a program as a module that needs NumPy alone: its mathematics, helpers and arrays."""

from __future__ import annotations

import ast
import builtins
import inspect
import pickle
import re
import sys
import textwrap
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd_core.errors import CompileError
from autograd_core.program.lines import Program
from autograd_core.program.readable import as_readable
from autograd_core.program.traced import Traced

#: In place of this package, in functions that ask of it whether a value is a Tensor.
_NO_TENSORS = "type('ag', (), {'Tensor': type('Tensor', (), {})})  # no value is one here"

#: Arrays of more elements are kept in a file beside the module.
MANY = 64


class _Module:
    """Collect what a saved module consists of, by name, in the order of its definitions."""

    def __init__(self) -> None:
        self.imports: dict[str, str] = {"np": "import numpy as np"}
        self.constants: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.arrays: dict[str, Any] = {}
        self._known: dict[str, Any] = {"np": np}

    def define(self, name: str, value: Any, user: str) -> None:
        """Make a name mean a value; ``user`` is what needs it."""
        value = getattr(value, "fun", value)  # of a primitive, its function
        if name in self._known:
            if self._known[name] is not value:
                raise CompileError(f"{user} and another helper mean different things by {name!r}")
            return
        self._known[name] = value
        if isinstance(value, types.ModuleType):
            top = value.__name__.partition(".")[0]
            if top != "numpy" and top not in sys.stdlib_module_names:
                raise _alone(user, f"it uses the module {value.__name__}")
            self.imports[name] = f"import {value.__name__} as {name}"
        elif (text := _literal(value)) is None and isinstance(value, np.ndarray):
            self.arrays[name] = value
            self.constants[name] = f"_arrays[{name!r}]"
        elif text is not None:
            self.constants[name] = text
            inside = compile(text, name, "eval").co_names
            self.imports |= {n: f"from numpy import {n}" for n in inside if hasattr(np, n)}
        elif isinstance(inspect.unwrap(value), types.FunctionType) or (  # a cached one, too
            isinstance(value, type) and _home(value) is None
        ):
            self._helper(name, value)
        elif (home := _home(value)) is not None:
            self.imports[name] = f"from {home} import {value.__name__} as {name}"
        else:
            raise _alone(user, f"it uses {name}, a {type(value).__name__}")

    def _helper(self, name: str, function: Any) -> None:
        """Add the source of a function or class, and what it refers to."""
        label = f"{function.__module__}.{function.__qualname__}"
        if (home := _home(function)) is not None:
            self.imports[name] = f"from {home} import {function.__name__} as {name}"
            return
        function = inspect.unwrap(function)
        try:
            source = textwrap.dedent(inspect.getsource(function))
            if function.__name__ == "<lambda>":
                source = _lambda_as_function(function, name)
            lines = source.splitlines()
            tree: Any = ast.parse(source).body[0]
        except (OSError, TypeError, SyntaxError, LookupError):
            raise _alone(label, "its source is not to be found") from None
        outside = vars(sys.modules[function.__module__])
        if isinstance(function, types.FunctionType):
            outside = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
            tree.returns = None
        decorators = [d for d in tree.decorator_list if _is_kept(d, outside)]
        tree.decorator_list = decorators
        inner = {tree.name}  # names that mean something of the function's own
        for node in ast.walk(tree):
            if isinstance(node, ast.arg):
                node.annotation = None
                inner.add(node.arg)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                inner.add(node.id)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in outside and node.id not in inner:
                value = outside[node.id]
                if value is sys.modules["autograd_core"] and _asks_for_tensors(tree, node.id):
                    self.constants[node.id] = _NO_TENSORS
                else:
                    self.define(node.id, value, label)
        kept = [f"@{ast.unparse(d)}" for d in decorators]
        text = "\n".join([*kept, *lines[tree.lineno - 1 :]])
        alias = f"\n\n\n{name} = {tree.name}" if name != tree.name else ""
        self._known.setdefault(tree.name, function)
        self.helpers[name] = text + alias

    def text(self, title: str, main: str, arrays: str) -> str:
        """Return the source of the module."""
        imports = sorted(self.imports.values())
        parts = [f'"""{title}"""\n', "from __future__ import annotations\n"]
        if self.arrays:
            imports.append("from pathlib import Path")
            parts.append("\n".join(imports) + "\n")
            parts.append(f'_arrays = np.load(Path(__file__).with_name("{arrays}"))')
        else:
            parts.append("\n".join(imports) + "\n")
        parts += [f"{name} = {value}" for name, value in self.constants.items()]
        return "\n".join(parts) + "\n\n\n" + "\n\n\n".join([*self.helpers.values(), main])


class State(NamedTuple):
    """Tell what a function keeps from call to call, as globals of its module.

    Attributes
    ----------
    values
        Inputs of the program that are no arguments, what they are now, and at which place of the
        effects their next value is (None: they stay).
    effects
        Whether the program returns effects beside its result.
    """

    values: list[tuple[Any, Any, int | None]]
    effects: bool


_NO_STATE = State([], effects=False)


def save(
    program: Program, name: str, path: str | Path, names: Mapping[Any, str] | None = None,
    state: State = _NO_STATE,
) -> None:  # fmt: skip
    """Write a module whose last function computes what the program does; it needs NumPy alone.

    Captured arrays are constants of the module, by their names; large ones are kept in an
    ``.npz`` file beside it.

    Parameters
    ----------
    program, name, names
        What is saved, the name of the function, and names of values.
    state
        What becomes of inputs that are no arguments, and of effects.
    path
        Where the module is written, a file that ends in ``.py``.

    Raises
    ------
    CompileError
        If the program calls a function whose source cannot stand alone.
    """
    path, module = Path(path), _Module()
    if path.suffix != ".py":
        raise ValueError(f"a module is saved in a file that ends in .py, got {str(path)!r}")
    readable = as_readable(program, f"_{name}" if state.effects or state.values else name, names)
    tree: Any = ast.parse(readable.text).body[0]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if "math" in used:
        module.imports["math"] = "import math"
    for reference, value in readable.names.items():
        if reference in used:
            module.define(reference, value, name)
    title = f"The function {tree.name} as it was compiled for arguments of one form.\n"
    for value in program.inputs:
        kind = getattr(value.example, "dtype", type(value.example).__name__)
        title += f"\n{value.name}: {kind} {np.shape(value.example) or ''}".rstrip()
    title += "\n" if program.inputs else ""
    arrays = path.with_suffix(".npz")
    main = _with_checks(readable.definition, program)
    kept = {id(v): i for i, (v, _, _) in enumerate(state.values)}
    if state.effects or state.values:
        given = [a.arg for a in tree.args.args]
        pairs = zip(given, program.inputs, strict=False)
        globals_of = {kept[id(v)]: g for g, v in pairs if id(v) in kept}
        main += "\n\n" + _with_state(name, given, globals_of, state)
        for i, held in globals_of.items():
            module.define(held, state.values[i][1], name)
    path.write_text(module.text(title, main, arrays.name))
    if module.arrays:
        np.savez(arrays, **module.arrays)


def _lambda_as_function(function: Any, name: str) -> str:
    """Return the source of a lambda as that of a function; LookupError if it cannot be told."""
    code = function.__code__
    tree = ast.parse(inspect.getsource(sys.modules[function.__module__]))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno:
            text = ast.unparse(node)
            same = eval(text, {}).__code__
            if (same.co_varnames, same.co_names) == (code.co_varnames, code.co_names):
                found.append(
                    f"def {name}({ast.unparse(node.args)}):\n    return {ast.unparse(node.body)}\n"
                )
    if len(set(found)) != 1:
        raise LookupError
    return found[0]


def _asks_for_tensors(tree: Any, name: str) -> bool:
    """Return whether a function uses of a module nothing but its class Tensor."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Attribute)]
    return all(n.attr == "Tensor" for n in nodes if getattr(n.value, "id", "") == name)


def _is_kept(decorator: Any, names: Mapping[str, Any]) -> bool:
    """Return whether a decorator is the standard library's; others make functions quicker."""
    root = decorator
    while isinstance(root, (ast.Call, ast.Attribute)):
        root = root.func if isinstance(root, ast.Call) else root.value
    value = names.get(root.id) if isinstance(root, ast.Name) else None
    module = value.__name__ if isinstance(value, types.ModuleType) else _home(value) or ""
    return module.partition(".")[0] in sys.stdlib_module_names


def _with_checks(text: str, program: Program) -> str:
    """Return a function that refuses arguments of other forms, and ways that it does not know."""
    first, rest = text.split("\n", 1)
    names = [n.strip() for n in first[first.index("(") + 1 : -2].split(",")]
    lines = [first]
    if rest.lstrip().startswith("global"):
        head, rest = rest.split("\n", 1)
        lines.append(head)
    for name, value in zip(names, program.inputs, strict=False):
        if isinstance(value, Traced):
            form = f"({value.shape}, {value.dtype.name!r})"
            lines += [
                f"    if (np.shape({name}), getattr({name}, 'dtype', None)) != {form}:",
                f'        raise ValueError("{name} is an array of shape and dtype {form}")',
            ]
    guard = r"^    assert (.*?)(  #.*)?$"
    known = r"    if not (\1):\2\n        raise ValueError('values that lead another way')"
    return "\n".join([*lines, re.sub(guard, known, rest, flags=re.MULTILINE)])


def _with_state(name: str, given: list[str], held: dict[int, str], state: State) -> str:
    """Return a function whose arguments are the user's: the rest are globals that it changes."""
    own = [g for g in given if g not in held.values()]
    changed = [(held[i], at) for i, (_, _, at) in enumerate(state.values) if at is not None]
    lines = [f"def {name}({', '.join(own)}):"]
    if changed:
        lines.append(f"    global {', '.join(g for g, _ in changed)}")
    left = "result, effects" if state.effects else "result"
    lines.append(f"    {left} = _{name}({', '.join(given)})")
    lines += [f"    {g} = effects[{at}]" for g, at in changed]
    return "\n".join([*lines, "    return result", ""])


def _alone(function: str, why: str) -> CompileError:
    return CompileError(f"{function} cannot stand in a module of its own: {why}")


def _home(value: Any) -> str | None:
    """Return the module of NumPy or of the standard library that has a function or class."""
    home = getattr(value, "__module__", None) or ""
    top = home.partition(".")[0]
    known = top == "numpy" or top in sys.stdlib_module_names
    public = getattr(sys.modules.get(home), getattr(value, "__name__", ""), None)
    return home if known and public is value else None


def _literal(value: Any) -> str | None:
    """Return an expression of a constant, in NumPy's names; None if there is none."""
    with np.printoptions(floatmode="unique", threshold=MANY):
        text = value.__name__ if isinstance(value, type) else repr(value)
    try:
        same = pickle.dumps(eval(text, vars(np) | vars(builtins) | {"np": np})) == pickle.dumps(
            value
        )
    except Exception:  # whatever a text does that is no expression
        return None
    return text if same else None
