"""Reverse-mode automatic differentiation for people who think in NumPy."""

from autograd_core import rules as rules
from autograd_core.differentiate import gradients as gradients
from autograd_core.modes import detect_anomaly as detect_anomaly
from autograd_core.modes import enable_grad as enable_grad
from autograd_core.modes import is_grad_enabled as is_grad_enabled
from autograd_core.modes import no_grad as no_grad
from autograd_core.primitive import Primitive as Primitive
from autograd_core.primitive import defvjp as defvjp
from autograd_core.primitive import primitive as primitive
from autograd_core.tensor import Tensor as Tensor
from autograd_core.tensor import tensor as tensor
