"""Every call that is checked; one file a family."""

from tests.autograd_core.rules.cases import calculus as calculus
from tests.autograd_core.rules.cases import choosing as choosing
from tests.autograd_core.rules.cases import foundation as foundation
from tests.autograd_core.rules.cases import linalg as linalg
from tests.autograd_core.rules.cases import special as special
from tests.autograd_core.rules.cases import statistics as statistics
from tests.autograd_core.rules.cases import transforms as transforms
from tests.autograd_core.rules.cases.base import CASES as CASES
from tests.autograd_core.rules.cases.base import Case as Case
