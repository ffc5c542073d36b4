"""Neural networks on autograd_core: modules, losses, optimizers, data, training.

Names and conventions are PyTorch's unless a docstring says otherwise.  With this package a
reader can

* build a network:   ``model = nn.mlp([784, 16, 16, 10], activation="sigmoid")``
* train it:          ``nn.fit(model, data, nn.quadratic_cost, optimizer, epochs=30)``
* do both at once:   ``python -m nn``
"""

from typing import TYPE_CHECKING, Any

from nn import init as init
from nn import language as language
from nn import models as models
from nn import plot as plot
from nn import schedules as schedules
from nn import text as text
from nn.activations import ELU as ELU
from nn.activations import GELU as GELU
from nn.activations import Identity as Identity
from nn.activations import LeakyReLU as LeakyReLU
from nn.activations import LogSoftmax as LogSoftmax
from nn.activations import ReLU as ReLU
from nn.activations import Sigmoid as Sigmoid
from nn.activations import SiLU as SiLU
from nn.activations import Softmax as Softmax
from nn.activations import Softplus as Softplus
from nn.activations import Tanh as Tanh
from nn.callbacks import Draw as Draw
from nn.callbacks import EarlyStopping as EarlyStopping
from nn.cells import GRUCell as GRUCell
from nn.cells import LSTMCell as LSTMCell
from nn.cells import RNNCell as RNNCell
from nn.checking import gradcheck as gradcheck
from nn.checkpoints import Checkpoint as Checkpoint
from nn.checkpoints import resume as resume
from nn.conv_layers import Conv1d as Conv1d
from nn.conv_layers import Conv2d as Conv2d
from nn.conv_layers import ConvTranspose2d as ConvTranspose2d
from nn.convolution import conv as conv
from nn.convolution import conv_transpose as conv_transpose
from nn.cross_entropy import cross_entropy as cross_entropy
from nn.cross_entropy import nll_loss as nll_loss
from nn.data import DataLoader as DataLoader
from nn.data import Split as Split
from nn.data import load_digits as load_digits
from nn.data import one_hot as one_hot
from nn.dropout import Dropout as Dropout
from nn.dropout import Dropout2d as Dropout2d
from nn.errors import DataError as DataError
from nn.errors import FileFormatError as FileFormatError
from nn.errors import NonFiniteLossError as NonFiniteLossError
from nn.errors import StateError as StateError
from nn.evaluation import accuracy as accuracy
from nn.evaluation import evaluate as evaluate
from nn.files import load as load
from nn.files import load_metadata as load_metadata
from nn.files import save as save
from nn.functional import elu as elu
from nn.functional import embedding as embedding
from nn.functional import gelu as gelu
from nn.functional import leaky_relu as leaky_relu
from nn.functional import linear as linear
from nn.functional import log_softmax as log_softmax
from nn.functional import relu as relu
from nn.functional import sigmoid as sigmoid
from nn.functional import silu as silu
from nn.functional import softmax as softmax
from nn.functional import softplus as softplus
from nn.functional import tanh as tanh
from nn.layers import Embedding as Embedding
from nn.layers import Linear as Linear
from nn.layers import Sequential as Sequential
from nn.lbfgs import LBFGS as LBFGS
from nn.loggers import JSONLines as JSONLines
from nn.loggers import TensorBoard as TensorBoard
from nn.losses import binary_cross_entropy as binary_cross_entropy
from nn.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from nn.losses import huber_loss as huber_loss
from nn.losses import kl_div as kl_div
from nn.losses import l1_loss as l1_loss
from nn.losses import mse_loss as mse_loss
from nn.losses import quadratic_cost as quadratic_cost
from nn.mnist import load_mnist as load_mnist
from nn.models import mlp as mlp
from nn.module import Module as Module
from nn.module import evaluating as evaluating
from nn.norms import BatchNorm1d as BatchNorm1d
from nn.norms import BatchNorm2d as BatchNorm2d
from nn.norms import GroupNorm as GroupNorm
from nn.norms import LayerNorm as LayerNorm
from nn.optim import SGD as SGD
from nn.optim import Optimizer as Optimizer
from nn.optimizers import Adagrad as Adagrad
from nn.optimizers import Adam as Adam
from nn.optimizers import AdamW as AdamW
from nn.optimizers import RMSprop as RMSprop
from nn.optimizers import clip_grad_norm_ as clip_grad_norm_
from nn.optimizers import clip_grad_value_ as clip_grad_value_
from nn.optimizers import param_groups as param_groups
from nn.parameter import Parameter as Parameter
from nn.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from nn.pooling import AvgPool2d as AvgPool2d
from nn.pooling import Flatten as Flatten
from nn.pooling import GlobalAvgPool as GlobalAvgPool
from nn.pooling import MaxPool2d as MaxPool2d
from nn.pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from nn.pooling import avg_pool2d as avg_pool2d
from nn.pooling import max_pool2d as max_pool2d
from nn.recurrent import GRU as GRU
from nn.recurrent import LSTM as LSTM
from nn.recurrent import RNN as RNN
from nn.recurrent import detached as detached
from nn.summary import summary as summary
from nn.text import load_text as load_text
from nn.training import History as History
from nn.training import fit as fit

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
