"""Layers: modules with parameters, state or settings."""

from nn._public import define_all as _define_all
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
from nn.layers.basic import Flatten as Flatten
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
from nn.layers.pooling import GlobalAvgPool as GlobalAvgPool
from nn.layers.pooling import MaxPool2d as MaxPool2d
from nn.layers.recurrent import GRU as GRU
from nn.layers.recurrent import LSTM as LSTM
from nn.layers.recurrent import RNN as RNN
from nn.layers.recurrent import detached as detached
from nn.layers.recurrent_cells import GRUCell as GRUCell
from nn.layers.recurrent_cells import LSTMCell as LSTMCell
from nn.layers.recurrent_cells import RNNCell as RNNCell

_define_all(globals())
