"""Data sets and mini-batches."""

from nn._public import define_all as _define_all
from nn.data.datasets import DataLoader as DataLoader
from nn.data.datasets import Split as Split
from nn.data.datasets import load_digits as load_digits
from nn.data.datasets import one_hot as one_hot
from nn.data.mnist import load_mnist as load_mnist
from nn.data.text import load_text as load_text

_define_all(globals())
