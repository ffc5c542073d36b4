"""Every row of the table of kinks, and the table in the README."""

from pathlib import Path

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.rules import kinks


@pytest.mark.parametrize("kink", kinks.KINKS, ids=[k.function for k in kinks.KINKS])
def test_rows(kink):
    def f(x):
        return np.sum(eval(kink.call, {"np": np, "x": x}))

    with np.errstate(all="ignore"):
        slopes = ag.grad(f)(np.array(kink.x))
    np.testing.assert_allclose(slopes, kink.slopes, rtol=1e-12)


@pytest.mark.parametrize("kink", kinks.KINKS, ids=[k.function for k in kinks.KINKS])
def test_rows_agree_with_pytorch_or_say_so(kink):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    known = {"np.abs(x)": torch.abs, "np.clip(x, 0.0, 1.0)": lambda x: torch.clip(x, 0.0, 1.0),
             "np.linalg.norm(x)": torch.linalg.norm, "np.prod(x)": torch.prod, "x**0": lambda x: x**0,
             "np.sqrt(x)": torch.sqrt, "np.sinc(x)": torch.sinc, "np.max(x)": torch.amax,
             "np.maximum(x[0], x[1])": lambda x: torch.maximum(x[0], x[1])}  # fmt: skip
    if kink.call not in known:
        pytest.skip("PyTorch has no such call, or no finite gradient there")
    x = torch.tensor(kink.x, dtype=torch.float64, requires_grad=True)
    known[kink.call](x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), kink.slopes, rtol=1e-12)


def test_the_readme_prints_the_same_table():
    readme = Path(kinks.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert ag.kinks().markdown() in readme


def test_looking_up():
    assert len(ag.kinks("maximum")) == 2
    assert repr(ag.kinks("clip")).count("\n") == 3
    assert len(ag.kinks()) == len(kinks.KINKS) > 25
    assert not ag.kinks("no such function")
