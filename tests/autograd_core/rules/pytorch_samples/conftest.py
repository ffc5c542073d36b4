"""Collect no doctests of the mapping where SciPy is missing."""

from importlib.util import find_spec

collect_ignore = (
    [] if find_spec("scipy") else ["harness.py", "mapping.py", "mapping_nn.py", "mapping_values.py"]
)
