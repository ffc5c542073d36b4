"""Every call that is checked; one file a family."""

from autograd_core.checking.cases import calculus as calculus
from autograd_core.checking.cases import choosing as choosing
from autograd_core.checking.cases import foundation as foundation
from autograd_core.checking.cases import linalg as linalg
from autograd_core.checking.cases import special as special
from autograd_core.checking.cases import statistics as statistics
from autograd_core.checking.cases import transforms as transforms
from autograd_core.checking.cases.base import CASES as CASES
from autograd_core.checking.cases.base import Case as Case
