"""The calls by which the rules are checked; one file for each family."""

from autograd_core.rules.cases import calculus as calculus
from autograd_core.rules.cases import foundation as foundation
from autograd_core.rules.cases import linalg as linalg
from autograd_core.rules.cases import selection as selection
from autograd_core.rules.cases import special as special
from autograd_core.rules.cases import statistics as statistics
from autograd_core.rules.cases import transforms as transforms
from autograd_core.rules.cases.base import CASES as CASES
from autograd_core.rules.cases.base import Case as Case
