"""The examples of plots are run where matplotlib is installed, those of ONNX files with onnx."""

from importlib.util import find_spec

_OPTIONAL = {"matplotlib": "nn/plot/*.py", "onnx": "nn/onnx/*.py"}

collect_ignore_glob = [files for name, files in _OPTIONAL.items() if not find_spec(name)]
