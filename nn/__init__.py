"""Neural networks on autograd_core: modules, losses, optimizers, data, training.

Names and conventions are PyTorch's unless a docstring says otherwise.  With this package you can

* build a network:   ``model = nn.mlp([784, 16, 16, 10], activation="sigmoid")``
* train it:          ``nn.fit(model, data, nn.quadratic_cost, optimizer, epochs=30)``
* do both at once:   ``python -m nn``

Each folder lists its public names; those of ``functional``, ``layers``, ``optim``, ``training``,
``data`` and ``files`` are available here, as ``nn.relu`` or ``nn.Linear``.
"""

import importlib as _importlib
import sys as _sys
import typing as _typing

from nn import data as data
from nn import files as files
from nn import functional as functional
from nn import init as init
from nn import layers as layers
from nn import models as models
from nn import optim as optim
from nn import plot as plot
from nn import training as training
from nn._public import define_all as _define_all
from nn._pytorch import missing as _missing
from nn.calls import functional_call as functional_call
from nn.checking import gradcheck as gradcheck
from nn.data import *  # noqa: F403
from nn.data import text as text
from nn.errors import DataError as DataError
from nn.errors import FileFormatError as FileFormatError
from nn.errors import NonFiniteError as NonFiniteError
from nn.errors import NonFiniteGradientError as NonFiniteGradientError
from nn.errors import NonFiniteLossError as NonFiniteLossError
from nn.errors import StateError as StateError
from nn.files import *  # noqa: F403
from nn.functional import *  # noqa: F403
from nn.layers import *  # noqa: F403
from nn.model_summary import summary as summary
from nn.models import language as language
from nn.models import mlp as mlp
from nn.module import Module as Module
from nn.module import Parameter as Parameter
from nn.module import evaluating as evaluating
from nn.optim import *  # noqa: F403
from nn.optim import schedules as schedules
from nn.training import *  # noqa: F403

if _typing.TYPE_CHECKING:
    from nn import onnx as onnx
    from nn import sklearn as sklearn
else:

    def __getattr__(name: str) -> _typing.Any:
        if name not in _MODULES:
            raise _missing("nn", name)
        return _importlib.import_module(f"nn.{name}")


_define_all(globals())

#: Public modules; the last two are imported when first used, as they need optional packages.
_MODULES = (
    *("data", "files", "functional", "init", "language", "layers", "models", "optim", "plot"),
    *("schedules", "text", "training", "onnx", "sklearn"),
)

#: Where the modules of version 0.1 are now, so that its pickles and its imports keep working.
_MOVED = {
    f"nn.{name}": f"nn.{folder}.{name}"
    for folder, names in {
        "data": ("mnist", "text"),
        "files": ("npz", "safetensors"),
        "functional": ("convolution", "erf", "losses", "recurrence"),
        "layers": ("activations", "dropout", "recurrent"),
        "models": ("language",),
        "optim": ("lbfgs", "schedules"),
        "training": ("callbacks", "checkpoints", "evaluation", "loggers", "progress"),
    }.items()
    for name in names
} | {
    "nn.cells": "nn.layers.recurrent_cells",
    "nn.conv_layers": "nn.layers.convolution",
    "nn.cross_entropy": "nn.functional.classification",
    "nn.geometry": "nn.functional.convolution",
    "nn.norms": "nn.layers.normalization",
    "nn.optimizers": "nn.optim",
    "nn.parameter": "nn.module",
    "nn.pooling": "nn",  # functions and layers, which are two modules now
    "nn.summary": "nn.model_summary",
}
for _old, _new in _MOVED.items():
    _sys.modules[_old] = _sys.modules[_new]


def __dir__() -> list[str]:
    return sorted([*globals()["__all__"], *_MODULES])
