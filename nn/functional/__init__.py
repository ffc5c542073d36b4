"""Functions of arrays and Tensors: activations, losses, convolution, pooling."""

from nn._public import define_all as _define_all
from nn.functional.activations import as_array as as_array
from nn.functional.activations import as_float_array as as_float_array
from nn.functional.activations import elu as elu
from nn.functional.activations import embedding as embedding
from nn.functional.activations import gelu as gelu
from nn.functional.activations import hardswish as hardswish
from nn.functional.activations import leaky_relu as leaky_relu
from nn.functional.activations import linear as linear
from nn.functional.activations import log_softmax as log_softmax
from nn.functional.activations import mish as mish
from nn.functional.activations import relu as relu
from nn.functional.activations import relu6 as relu6
from nn.functional.activations import selu as selu
from nn.functional.activations import sigmoid as sigmoid
from nn.functional.activations import silu as silu
from nn.functional.activations import softmax as softmax
from nn.functional.activations import softplus as softplus
from nn.functional.activations import tanh as tanh
from nn.functional.classification import cross_entropy as cross_entropy
from nn.functional.classification import nll_loss as nll_loss
from nn.functional.convolution import conv as conv
from nn.functional.convolution import conv_transpose as conv_transpose
from nn.functional.losses import binary_cross_entropy as binary_cross_entropy
from nn.functional.losses import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from nn.functional.losses import huber_loss as huber_loss
from nn.functional.losses import kl_div as kl_div
from nn.functional.losses import l1_loss as l1_loss
from nn.functional.losses import mse_loss as mse_loss
from nn.functional.losses import quadratic_cost as quadratic_cost
from nn.functional.losses import smooth_l1_loss as smooth_l1_loss
from nn.functional.pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from nn.functional.pooling import adaptive_max_pool2d as adaptive_max_pool2d
from nn.functional.pooling import avg_pool2d as avg_pool2d
from nn.functional.pooling import interpolate as interpolate
from nn.functional.pooling import max_pool2d as max_pool2d

floating, plain = as_float_array, as_array  # their names in version 0.1

_define_all(globals(), ["as_array", "as_float_array", "floating", "plain"])
