"""Batched arrays: the arrays of one example, that hold those of all examples of a ``vmap``."""

from autograd_core.batching import functions as functions
from autograd_core.batching import structure as structure
from autograd_core.batching.array import Batched as Batched
