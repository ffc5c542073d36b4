"""Every error and warning of both packages survives pickling, so that process pools can raise it."""

import copy
import importlib
import inspect
import pickle
import pkgutil

import numpy as np
import pytest

import autograd_core as ag
import nn

#: What a class is made with, where it is not one message.
ARGUMENTS = {
    "NonFiniteError": ("the loss", 1, 2, "log", nn.History([{"epoch": 1.0}])),
    "NonFiniteLossError": (1, 2, float("inf"), "log", nn.History([{"epoch": 1.0}])),
    "NonFiniteGradientError": (1, 2, "0.weight", "backward of sqrt", nn.History()),
    "BadGradient": ("shape", 0, "words"),
}


def error_classes():
    found = set()
    for package in (ag, nn):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith("__main__"):
                continue
            try:
                names = vars(importlib.import_module(module.name))
            except ImportError:  # an optional package is not installed
                continue
            found.update(
                c for c in names.values()
                if inspect.isclass(c) and issubclass(c, BaseException)
                and c.__module__.split(".")[0] in ("autograd_core", "nn")
            )  # fmt: skip
    return sorted(found, key=lambda c: c.__name__)


@pytest.mark.parametrize("kind", error_classes(), ids=lambda c: c.__name__)
def test_an_error_survives_pickling(kind):
    error = kind(*ARGUMENTS.get(kind.__name__, ("words",)))
    error.note = "kept"
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_errors_that_were_raised_survive_pickling():
    with pytest.raises(ag.GradcheckError) as caught:
        ag.assert_gradients(lambda x: ag.stop_gradient(x) * x, np.array([0.3]))
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value) == str(again.report)
    model = nn.Linear(1, 1, rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    data = [(np.full((2, 1), np.inf, np.float32), np.zeros((2, 1)))]
    with pytest.raises(nn.NonFiniteLossError) as stopped, np.errstate(all="ignore"):
        nn.fit(model, data, nn.mse_loss, optimizer, 1, progress=False)
    again = pickle.loads(pickle.dumps(stopped.value))
    assert (str(again), again.epoch) == (str(stopped.value), 1)
