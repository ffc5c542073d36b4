"""Checking gradients against finite differences: ``ag.gradcheck`` and ``ag.assert_gradients``."""

from autograd_core.checking.differences import Slope as Slope
from autograd_core.checking.differences import slope as slope
from autograd_core.checking.gradcheck import assert_gradients as assert_gradients
from autograd_core.checking.gradcheck import gradcheck as gradcheck
from autograd_core.checking.report import Finding as Finding
from autograd_core.checking.report import Report as Report
