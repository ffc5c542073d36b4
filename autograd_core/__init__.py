"""Reverse-mode automatic differentiation for people who think in NumPy.

Write plain NumPy; what needs a gradient is an argument of a function or a :class:`Tensor`:

>>> import numpy as np, autograd_core as ag
>>> ag.grad(lambda x: np.sum(np.tanh(x) ** 2))(np.array([0.0, 1.0]))
array([0.        , 0.63970001])

* derivatives of functions:   ``grad``, ``value_and_grad``, ``vjp``, ``jvp``, ``jacobian``,
  ``hessian``, ``hvp``, ``gnvp``, ``hessian_diagonal``, ``laplacian``, ``sparse_jacobian``,
  ``elementwise_grad``
* of one example as of many:   ``vmap``, ``sample``
* of recorded Tensors:        ``tensor``, ``array``, ``Tensor.backward``, ``gradients``
* control of recording:       ``no_grad``, ``enable_grad``, ``stop_gradient``, ``checkpoint``,
  ``detect_anomaly``, ``strict_nan``
* operations of your own:     ``primitive``, ``defvjp``, ``composition``
* checking:                   ``gradcheck``, ``assert_gradients``, ``check_rules``, ``kinks``
* seeing:                     ``draw``, ``profile``
* SciPy:                      ``scipy``, ``special``
* NumPy's in-place functions: ``put``, ``place``, ``putmask``, ``put_along_axis``,
  ``fill_diagonal``, ``scatter_add``
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from autograd_core import errors, rules, special
from autograd_core.elsewhere import no_attribute
from autograd_core.engine import array_types, scopes
from autograd_core.engine import primitive as _primitive_module
from autograd_core.engine.allocator import keep_freed_memory
from autograd_core.engine.array_types import any_now, to_host
from autograd_core.engine.differentiate import gradients
from autograd_core.engine.modes import (
    detect_anomaly,
    enable_grad,
    is_grad_enabled,
    is_recomputing,
    no_grad,
    strict_nan,
)
from autograd_core.engine.primitive import (
    Operand,
    Primitive,
    composition,
    compositions,
    defvjp,
    primitive,
)
from autograd_core.errors import (
    AnomalyError,
    AutogradError,
    CompileError,
    ConversionError,
    GradcheckError,
    GraphError,
    InPlaceError,
    MutationError,
    NotDifferentiableError,
    RuleError,
    VmapError,
)
from autograd_core.rules.indexing import scatter_add
from autograd_core.rules.kinks import kinks
from autograd_core.rules.selection import fill_diagonal, place, put, put_along_axis, putmask
from autograd_core.tensors import tensor as _tensor_module
from autograd_core.tensors.tensor import Tensor, array, tensor
from autograd_core.transforms.checkpointing import checkpoint, stop_gradient
from autograd_core.transforms.derivatives import gnvp, hvp, jvp
from autograd_core.transforms.gradients import elementwise_grad, grad, value_and_grad, vjp
from autograd_core.transforms.jacobians import hessian, hessian_diagonal, jacobian, laplacian
from autograd_core.transforms.randomness import sample
from autograd_core.transforms.sparse_jacobians import sparse_jacobian
from autograd_core.transforms.trees import ravel
from autograd_core.transforms.vectorization import vmap

if TYPE_CHECKING:
    from autograd_core import checking, scipy
    from autograd_core.checking.api import assert_gradients, gradcheck
    from autograd_core.checking.rules import check_rules
    from autograd_core.drawing import Picture, draw
    from autograd_core.profiling import Profile, profile
    from autograd_core.program import Compiled, compile

__version__ = "0.2.0.dev0"

#: Public names that are imported when first used: most programs check and draw nothing.
_LAZY = {
    **dict.fromkeys(("assert_gradients", "check_rules", "gradcheck", "checking"), "checking"),
    **dict.fromkeys(("draw", "Picture"), "drawing"),
    **dict.fromkeys(("profile", "Profile"), "profiling"),
    **dict.fromkeys(("compile", "Compiled"), "program"),
    "scipy": "scipy",
}

# fmt: off
__all__ = [  # noqa: RUF022  (by topic)
    "Operand", "Primitive", "Tensor", "any_now", "array", "checkpoint", "compile", "composition",
    "compositions", "defvjp", "detect_anomaly", "elementwise_grad", "enable_grad",
    "fill_diagonal", "gnvp", "grad", "gradients", "hessian", "hessian_diagonal", "hvp",
    "is_grad_enabled", "is_recomputing", "jacobian", "jvp", "kinks", "laplacian", "no_grad",
    "place", "primitive", "put", "put_along_axis", "putmask", "ravel", "sample", "scatter_add",
    "sparse_jacobian", "stop_gradient", "strict_nan", "tensor", "to_host", "value_and_grad", "vjp",
    "vmap",
    "AnomalyError", "AutogradError", "CompileError", "ConversionError", "GradcheckError",
    "GraphError", "InPlaceError", "MutationError", "NotDifferentiableError", "RuleError",
    "VmapError",
    "Compiled", "Picture", "Profile", "assert_gradients", "check_rules", "draw", "gradcheck",
    "profile",
    "checking", "errors", "rules", "scipy", "scopes", "special",
]
# fmt: on

#: Where the modules of version 0.1 that pickles and documents named are now.
for _old, _new in {
    "arrays": array_types,
    "primitive": _primitive_module,
    "scopes": scopes,
    "tensor": _tensor_module,
}.items():
    sys.modules[f"{__name__}.{_old}"] = _new

keep_freed_memory()


if not TYPE_CHECKING:  # a type checker knows every name, and that there are no others

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise no_attribute("autograd_core", name)
        module = importlib.import_module(f"autograd_core.{_LAZY[name]}")
        value = module if name == _LAZY[name] else getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(["__version__", *__all__])
