"""Checking gradients against finite differences: ``ag.gradcheck`` and the tools around it."""

import importlib
from typing import TYPE_CHECKING, Any

from autograd_core.checking.adapters import from_jax as from_jax
from autograd_core.checking.adapters import from_torch as from_torch
from autograd_core.checking.api import assert_gradients as assert_gradients
from autograd_core.checking.api import gradcheck as gradcheck
from autograd_core.checking.api import gradchecked as gradchecked
from autograd_core.checking.domains import increasing as increasing
from autograd_core.checking.domains import orthogonal as orthogonal
from autograd_core.checking.domains import positive as positive
from autograd_core.checking.domains import probabilities as probabilities
from autograd_core.checking.domains import simplex as simplex
from autograd_core.checking.domains import spd as spd
from autograd_core.checking.report import Finding as Finding
from autograd_core.checking.report import Report as Report
from autograd_core.checking.target import Target as Subject  # noqa: F401  (its public name)

if TYPE_CHECKING:
    from autograd_core.checking.rules import check_rules as check_rules


def __getattr__(name: str) -> Any:
    """Import ``check_rules`` when first used: its cases import SciPy where that is installed."""
    if name != "check_rules":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("autograd_core.checking.rules").check_rules
