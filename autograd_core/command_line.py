"""What the commands share: the thing that ``package.module:name`` means, and sizes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any


class UsageError(Exception):
    """What was asked for cannot be done; exit status 2."""


def sizes(text: str) -> tuple[int, ...]:
    """``3,4`` or ``3x4`` as a shape; nothing as that of a number."""
    return tuple(int(n) for n in text.replace("x", ",").split(",") if n.strip())


def load(path: str, kind: str) -> Any:
    """What stands at ``package.module:name``, here or where packages are; ``kind`` names it."""
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
