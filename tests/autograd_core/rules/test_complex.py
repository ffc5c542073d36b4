"""Every case of real numbers with complex ones: refused, as by NumPy, or right in both parts."""

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.rules.cases import CASES
from tests.sampling import sampled

REAL = [c for c in CASES if any(np.asarray(a).dtype.kind == "f" for a in c.args)]


def complex_arguments(case):
    """Return the arguments of a case with imaginary parts."""
    rng = np.random.default_rng(1)
    arrays = [np.asarray(a) for a in case.args]
    return [a + 1j * rng.uniform(0.05, 0.3, a.shape) if a.dtype.kind == "f" else a for a in arrays]


@pytest.mark.parametrize("case", sampled(REAL, 8), ids=[c.id for c in REAL])
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::numpy.exceptions.ComplexWarning")
def test_real_cases_with_complex_numbers(case):
    args = complex_arguments(case)
    try:
        value = case.f(*args)
    except Exception:
        pytest.skip("NumPy refuses complex numbers")
    if not np.isfinite(value).all():
        pytest.skip("no number")
    try:
        out, pull = ag.vjp(case.f, *args)
        pull(np.ones_like(out))
    except (TypeError, ag.AutogradError):
        return
    report = ag.gradcheck(lambda *a: case.f(*a) * 1, *args, variants=False, order=1)
    # where real parts are equal, an order of complex numbers jumps, and little is decided
    assert report.verdict != "fail", report
    assert report.ok or report.decided, report


@pytest.mark.parametrize("f", [np.var, np.std, np.nanvar, np.nanstd, np.mean, np.sum])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_a_real_dtype_drops_the_imaginary_part_of_the_mean_alone(f):
    z = np.array([[1 + 2j, 3 - 1j, 0.5j], [2 + 1j, 1 - 1j, 4 + 0.2j]])
    ag.assert_gradients(lambda z: f(z, axis=1, dtype=np.float64), z, order=1, variants=False)
