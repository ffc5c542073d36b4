"""Optimizers, gradient clipping and learning-rate schedules."""

from nn._public import define_all as _define_all
from nn._pytorch import missing as _missing
from nn.optim.adagrad import Adagrad as Adagrad
from nn.optim.adam import Adam as Adam
from nn.optim.adam import AdamW as AdamW
from nn.optim.clipping import clip_grad_norm_ as clip_grad_norm_
from nn.optim.clipping import clip_grad_value_ as clip_grad_value_
from nn.optim.lbfgs import LBFGS as LBFGS
from nn.optim.optimizer import Closure as Closure
from nn.optim.optimizer import Group as Group
from nn.optim.optimizer import Optimizer as Optimizer
from nn.optim.optimizer import param_groups as param_groups
from nn.optim.rmsprop import RMSprop as RMSprop
from nn.optim.sgd import SGD as SGD

_define_all(globals(), ["Closure", "Group"])


def __getattr__(name: str) -> object:
    raise _missing("nn.optim", name)
