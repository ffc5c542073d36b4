"""Neural networks on autograd_core: modules, losses, optimizers, data, training.

Names and conventions are PyTorch's unless a docstring says otherwise.  With this package a
reader can

* build a network:   ``model = nn.mlp([784, 16, 16, 10], activation="sigmoid")``
* train it:          ``nn.fit(model, data, nn.quadratic_cost, optimizer, epochs=30)``
* do both at once:   ``python -m nn``
"""

from typing import TYPE_CHECKING, Any

from nn import init as init
from nn import models as models
from nn import plot as plot
from nn.checking import gradcheck as gradcheck
from nn.data import text as text
from nn.data.datasets import DataLoader as DataLoader
from nn.data.datasets import Split as Split
from nn.data.datasets import load_digits as load_digits
from nn.data.datasets import one_hot as one_hot
from nn.data.mnist import load_mnist as load_mnist
from nn.data.text import load_text as load_text
from nn.errors import DataError as DataError
from nn.errors import FileFormatError as FileFormatError
from nn.errors import NonFiniteLossError as NonFiniteLossError
from nn.errors import StateError as StateError
from nn.files.weights import load as load
from nn.files.weights import load_metadata as load_metadata
from nn.files.weights import save as save
from nn.functional.activations import elu as elu
from nn.functional.activations import embedding as embedding
from nn.functional.activations import gelu as gelu
from nn.functional.activations import leaky_relu as leaky_relu
from nn.functional.activations import linear as linear
from nn.functional.activations import log_softmax as log_softmax
from nn.functional.activations import relu as relu
from nn.functional.activations import sigmoid as sigmoid
from nn.functional.activations import silu as silu
from nn.functional.activations import softmax as softmax
from nn.functional.activations import softplus as softplus
from nn.functional.activations import tanh as tanh
from nn.functional.convolution import conv as conv
from nn.functional.convolution import conv_transpose as conv_transpose
from nn.functional.cross_entropy import cross_entropy as cross_entropy
from nn.functional.cross_entropy import nll_loss as nll_loss
from nn.functional.losses import binary_cross_entropy as binary_cross_entropy
from nn.functional.losses import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from nn.functional.losses import huber_loss as huber_loss
from nn.functional.losses import kl_div as kl_div
from nn.functional.losses import l1_loss as l1_loss
from nn.functional.losses import mse_loss as mse_loss
from nn.functional.losses import quadratic_cost as quadratic_cost
from nn.layers.activations import ELU as ELU
from nn.layers.activations import GELU as GELU
from nn.layers.activations import Identity as Identity
from nn.layers.activations import LeakyReLU as LeakyReLU
from nn.layers.activations import LogSoftmax as LogSoftmax
from nn.layers.activations import ReLU as ReLU
from nn.layers.activations import Sigmoid as Sigmoid
from nn.layers.activations import SiLU as SiLU
from nn.layers.activations import Softmax as Softmax
from nn.layers.activations import Softplus as Softplus
from nn.layers.activations import Tanh as Tanh
from nn.layers.basic import Embedding as Embedding
from nn.layers.basic import Linear as Linear
from nn.layers.basic import Sequential as Sequential
from nn.layers.convolution import Conv1d as Conv1d
from nn.layers.convolution import Conv2d as Conv2d
from nn.layers.convolution import ConvTranspose2d as ConvTranspose2d
from nn.layers.dropout import Dropout as Dropout
from nn.layers.dropout import Dropout2d as Dropout2d
from nn.layers.normalization import BatchNorm1d as BatchNorm1d
from nn.layers.normalization import BatchNorm2d as BatchNorm2d
from nn.layers.normalization import GroupNorm as GroupNorm
from nn.layers.normalization import LayerNorm as LayerNorm
from nn.layers.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from nn.layers.pooling import AvgPool2d as AvgPool2d
from nn.layers.pooling import Flatten as Flatten
from nn.layers.pooling import GlobalAvgPool as GlobalAvgPool
from nn.layers.pooling import MaxPool2d as MaxPool2d
from nn.layers.pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from nn.layers.pooling import avg_pool2d as avg_pool2d
from nn.layers.pooling import max_pool2d as max_pool2d
from nn.layers.recurrent import GRU as GRU
from nn.layers.recurrent import LSTM as LSTM
from nn.layers.recurrent import RNN as RNN
from nn.layers.recurrent import detached as detached
from nn.layers.recurrent_cells import GRUCell as GRUCell
from nn.layers.recurrent_cells import LSTMCell as LSTMCell
from nn.layers.recurrent_cells import RNNCell as RNNCell
from nn.model_summary import summary as summary
from nn.models import language as language
from nn.models.networks import mlp as mlp
from nn.module import Module as Module
from nn.module import evaluating as evaluating
from nn.optim import schedules as schedules
from nn.optim.lbfgs import LBFGS as LBFGS
from nn.optim.optimizer import SGD as SGD
from nn.optim.optimizer import Optimizer as Optimizer
from nn.optim.optimizers import Adagrad as Adagrad
from nn.optim.optimizers import Adam as Adam
from nn.optim.optimizers import AdamW as AdamW
from nn.optim.optimizers import RMSprop as RMSprop
from nn.optim.optimizers import clip_grad_norm_ as clip_grad_norm_
from nn.optim.optimizers import clip_grad_value_ as clip_grad_value_
from nn.optim.optimizers import param_groups as param_groups
from nn.parameter import Parameter as Parameter
from nn.training.callbacks import Draw as Draw
from nn.training.callbacks import EarlyStopping as EarlyStopping
from nn.training.checkpoints import Checkpoint as Checkpoint
from nn.training.checkpoints import resume as resume
from nn.training.evaluation import accuracy as accuracy
from nn.training.evaluation import evaluate as evaluate
from nn.training.loggers import JSONLines as JSONLines
from nn.training.loggers import TensorBoard as TensorBoard
from nn.training.loop import History as History
from nn.training.loop import fit as fit

if TYPE_CHECKING:
    from nn import onnx as onnx
    from nn import sklearn as sklearn

#: Modules that are imported when first asked for, as they need packages that are optional.
_LAZY = ("onnx", "sklearn")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'nn' has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"nn.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
