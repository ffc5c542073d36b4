"""The library on the samples of PyTorch's own operation tests, to second order."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("scipy", reason="SciPy is not installed")

from tests.autograd_core.rules.pytorch_samples import conventions as known
from tests.autograd_core.rules.pytorch_samples import harness
from tests.autograd_core.rules.pytorch_samples.mapping import MAPPING
from tests.sampling import sampled

NAMES = sorted({name.partition("|")[0] for name in MAPPING})


@pytest.mark.parametrize("name", sampled(NAMES, 60))
def test_values_and_both_derivatives_are_those_of_pytorch(name):
    variants = [
        n for n in harness.operations() if n.partition("|")[0] == name and harness.mapped(n)
    ]
    assert variants
    for variant in variants:
        result = harness.check(variant)
        problems = result.wrong + result.crashed
        if variant in known.OPEN:
            assert problems, f"{variant} agrees by now: take it out of OPEN"
            continue
        assert not problems, "\n".join(problems)
        assert result.compared[0], f"no sample of {variant} could be compared"


@pytest.mark.exhaustive
def test_every_operation_is_mapped_or_has_a_reason():
    names = set(harness.operations())
    assert {n for n in names if not harness.mapped(n)} <= known.REASONS.keys()
    listed = {*known.NAN, *known.FIRST_ORDER, *known.ROUGH, *known.HERMITIAN, *known.OPEN}
    assert listed <= {n for n in names if harness.mapped(n)}
    assert sum(bool(harness.mapped(n)) for n in names) >= 500
