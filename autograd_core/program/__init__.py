"""Programs: a function traced once, as a list of NumPy calls that runs without the framework."""

from autograd_core.program.compiled import Compiled as Compiled
from autograd_core.program.compiled import compile as compile
from autograd_core.program.lines import Line as Line
from autograd_core.program.lines import Program as Program
from autograd_core.program.lines import replaced as replaced
from autograd_core.program.lines import values_in as values_in
from autograd_core.program.passes import without_dead_lines as without_dead_lines
from autograd_core.program.trace import Trace as Trace
from autograd_core.program.traced import Traced as Traced
from autograd_core.program.traced import astype as astype
