"""Helpers of the command line: import ``package.module:name``, parse shapes."""

import importlib
import os
import sys
from typing import Any


class UsageError(Exception):
    """A request that cannot be carried out; exit status 2."""


def sizes(text: str) -> tuple[int, ...]:
    """Return ``3,4`` or ``3x4`` as a shape; nothing as the shape of a number."""
    return tuple(int(n) for n in text.replace("x", ",").split(",") if n.strip())


def load(path: str, kind: str) -> Any:
    """Return the object ``package.module:name``; errors call it by its ``kind``."""
    module, _, name = path.partition(":")
    if not name:
        raise UsageError(f"expected package.module:{kind}, got {path!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        value: Any = importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"cannot import {module}: {error}") from error
    for part in name.split("."):
        if not hasattr(value, part):
            raise UsageError(f"{module} has no {name}")
        value = getattr(value, part)
    return value
