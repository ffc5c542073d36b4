"""The derivative rules, one file for each family of NumPy functions.

Importing this package fills the tables of ``autograd_core.engine.primitive``.  How a rule is written,
and the laws that all obey, are in the README of this folder.
"""

from autograd_core.rules import accumulations as accumulations
from autograd_core.rules import calculus as calculus
from autograd_core.rules import creation as creation
from autograd_core.rules import decompositions as decompositions
from autograd_core.rules import elementwise as elementwise
from autograd_core.rules import fft as fft
from autograd_core.rules import indexing as indexing
from autograd_core.rules import joining as joining
from autograd_core.rules import linalg as linalg
from autograd_core.rules import linear as linear
from autograd_core.rules import nondifferentiable as nondifferentiable
from autograd_core.rules import norms as norms
from autograd_core.rules import padding_and_windows as padding_and_windows
from autograd_core.rules import polynomials as polynomials
from autograd_core.rules import reductions as reductions
from autograd_core.rules import selection as selection
from autograd_core.rules import shape as shape
from autograd_core.rules import sorting as sorting
from autograd_core.rules import special as special
