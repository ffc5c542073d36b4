"""The examples of plots are run where matplotlib is installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("matplotlib") else ["nn/plot/*.py"]
