"""``__all__`` of the packages in nn, which list each public name once, by importing it."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any


def define_all(namespace: dict[str, Any], private: Iterable[str] = ()) -> None:
    """Set ``__all__`` of a package: every name that is neither a module nor private.

    Type checkers do not see the assignment, and take every name that is imported ``as`` itself.
    """
    namespace["__all__"] = sorted(
        name
        for name, value in namespace.items()
        if not name.startswith("_") and name not in private and not isinstance(value, ModuleType)
    )
