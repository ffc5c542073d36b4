"""Checking gradients against finite differences: ``ag.gradcheck`` and what belongs to it."""

from autograd_core.checking.adapters import from_jax as from_jax
from autograd_core.checking.adapters import from_torch as from_torch
from autograd_core.checking.api import assert_gradients as assert_gradients
from autograd_core.checking.api import gradcheck as gradcheck
from autograd_core.checking.decorator import gradchecked as gradchecked
from autograd_core.checking.report import Finding as Finding
from autograd_core.checking.report import Report as Report
from autograd_core.checking.rules import check_rules as check_rules
from autograd_core.checking.target import Subject as Subject
