"""Reverse-mode automatic differentiation for people who think in NumPy."""

from typing import TYPE_CHECKING, Any

from autograd_core import rules as rules
from autograd_core import special as special
from autograd_core.engine import scopes as scopes
from autograd_core.engine.allocator import keep_freed_memory
from autograd_core.engine.differentiate import gradients as gradients
from autograd_core.engine.modes import detect_anomaly as detect_anomaly
from autograd_core.engine.modes import enable_grad as enable_grad
from autograd_core.engine.modes import is_grad_enabled as is_grad_enabled
from autograd_core.engine.modes import no_grad as no_grad
from autograd_core.engine.modes import strict_nan as strict_nan
from autograd_core.engine.primitive import Primitive as Primitive
from autograd_core.engine.primitive import defvjp as defvjp
from autograd_core.engine.primitive import primitive as primitive
from autograd_core.errors import AnomalyError as AnomalyError
from autograd_core.errors import AutogradError as AutogradError
from autograd_core.errors import ConversionError as ConversionError
from autograd_core.errors import GradcheckError as GradcheckError
from autograd_core.errors import GraphError as GraphError
from autograd_core.errors import InPlaceError as InPlaceError
from autograd_core.errors import MutationError as MutationError
from autograd_core.errors import NotDifferentiableError as NotDifferentiableError
from autograd_core.errors import RuleError as RuleError
from autograd_core.rules.indexing import scatter_add as scatter_add
from autograd_core.rules.kinks import kinks as kinks
from autograd_core.rules.selection import fill_diagonal as fill_diagonal
from autograd_core.rules.selection import place as place
from autograd_core.rules.selection import put as put
from autograd_core.rules.selection import put_along_axis as put_along_axis
from autograd_core.rules.selection import putmask as putmask
from autograd_core.tensors.tensor import Tensor as Tensor
from autograd_core.tensors.tensor import tensor as tensor
from autograd_core.transforms.checkpointing import checkpoint as checkpoint
from autograd_core.transforms.checkpointing import stop_gradient as stop_gradient
from autograd_core.transforms.derivatives import hessian as hessian
from autograd_core.transforms.derivatives import hvp as hvp
from autograd_core.transforms.derivatives import jacobian as jacobian
from autograd_core.transforms.derivatives import jvp as jvp
from autograd_core.transforms.gradients import elementwise_grad as elementwise_grad
from autograd_core.transforms.gradients import grad as grad
from autograd_core.transforms.gradients import value_and_grad as value_and_grad
from autograd_core.transforms.gradients import vjp as vjp
from autograd_core.transforms.trees import ravel as ravel

keep_freed_memory()

if TYPE_CHECKING:
    from autograd_core.checking.api import assert_gradients as assert_gradients
    from autograd_core.checking.api import gradcheck as gradcheck
    from autograd_core.checking.rules import check_rules as check_rules
    from autograd_core.drawing import Picture as Picture
    from autograd_core.drawing import draw as draw
    from autograd_core.profiling.profiler import Profile as Profile
    from autograd_core.profiling.profiler import profile as profile

#: Public names that are imported when first asked for: most programs check and draw nothing.
_LAZY = {
    **dict.fromkeys(("assert_gradients", "check_rules", "gradcheck", "checking"), "checking"),
    **dict.fromkeys(("draw", "Picture"), "drawing"),
    **dict.fromkeys(("profile", "Profile"), "profiling"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'autograd_core' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"autograd_core.{_LAZY[name]}")
    value = module if name == _LAZY[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
