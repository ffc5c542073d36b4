"""The derivative rules, one file per NumPy family.

Importing this package fills ``autograd_core.primitive.table``.  How a rule is written, and the
laws that all obey, stand in the README of this folder.
"""

from autograd_core.rules import elementwise as elementwise
from autograd_core.rules import plain as plain
