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
from autograd_core.transforms import checkpoint as checkpoint
from autograd_core.transforms import elementwise_grad as elementwise_grad
from autograd_core.transforms import grad as grad
from autograd_core.transforms import hessian as hessian
from autograd_core.transforms import hvp as hvp
from autograd_core.transforms import jacobian as jacobian
from autograd_core.transforms import jvp as jvp
from autograd_core.transforms import stop_gradient as stop_gradient
from autograd_core.transforms import value_and_grad as value_and_grad
from autograd_core.transforms import vjp as vjp
from autograd_core.trees import ravel as ravel
from autograd_core.checking import assert_gradients as assert_gradients
from autograd_core.checking import gradcheck as gradcheck
from autograd_core.drawing import Picture as Picture
from autograd_core.drawing import draw as draw
