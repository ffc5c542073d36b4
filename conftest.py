"""The examples of parts that need an optional package are run where it is installed."""

from importlib.util import find_spec

_OPTIONAL = {"matplotlib": "nn/plot/*.py", "onnx": "nn/onnx/*.py", "sklearn": "nn/sklearn/*.py"}

collect_ignore_glob = [files for name, files in _OPTIONAL.items() if not find_spec(name)]
