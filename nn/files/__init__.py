"""Files of weights: ``.safetensors`` and ``.npz``."""

from nn._public import define_all as _define_all
from nn.files.atomic import write_atomically as write_atomically
from nn.files.weights import checked_metadata as checked_metadata
from nn.files.weights import checked_suffix as checked_suffix
from nn.files.weights import index as index
from nn.files.weights import load as load
from nn.files.weights import load_metadata as load_metadata
from nn.files.weights import read as read
from nn.files.weights import save as save

_define_all(globals(), ["checked_metadata", "checked_suffix", "index", "read", "write_atomically"])
