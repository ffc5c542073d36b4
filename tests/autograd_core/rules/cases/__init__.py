"""Every call that is checked; one file a family."""

from tests.autograd_core.rules.cases import foundation as foundation
from tests.autograd_core.rules.cases.base import CASES as CASES
from tests.autograd_core.rules.cases.base import Case as Case
