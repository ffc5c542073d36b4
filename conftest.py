"""Settings of every test run, the doctests of the packages included."""

from importlib.util import find_spec

from hypothesis import settings

# The same examples in every run: a suite that is green once is green everywhere.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

# The examples of parts that need an optional package run where it is installed.
_OPTIONAL = {
    "matplotlib": "nn/plot/*.py",
    "onnx": "nn/onnx/*.py",
    "sklearn": "nn/sklearn/*.py",
    "torch": "tests/nn/parity.py",
}

collect_ignore_glob = [files for name, files in _OPTIONAL.items() if not find_spec(name)]
