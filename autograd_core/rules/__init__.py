"""The derivative rules, one file per NumPy family.

Importing this package fills ``autograd_core.primitive.table``.  How a rule is written, and the
laws that all obey, stand in the README of this folder.
"""

from autograd_core.rules import einsum as einsum
from autograd_core.rules import elementwise as elementwise
from autograd_core.rules import indexing as indexing
from autograd_core.rules import joining as joining
from autograd_core.rules import linear as linear
from autograd_core.rules import plain as plain
from autograd_core.rules import reductions as reductions
from autograd_core.rules import shape as shape
from autograd_core.rules import sorting as sorting
