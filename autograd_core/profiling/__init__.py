"""Time, memory and floating-point operations of recorded calls: ``ag.profile``."""

from autograd_core.profiling.profiler import Profile as Profile
from autograd_core.profiling.profiler import Row as Row
from autograd_core.profiling.profiler import profile as profile
