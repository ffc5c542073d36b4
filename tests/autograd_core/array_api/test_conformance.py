"""Every function of the namespace against array_api_strict: names, signatures, values, dtypes."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.array_api as xp

from .calls import CALLS, DTYPES

strict = pytest.importorskip(
    "array_api_strict", reason="array-api-strict, the reference of the standard, is not installed"
)

#: What array_api_strict has beyond the standard.
OWN = {
    *("Device", "ArrayAPIStrictFlags", "__version__"),
    *("set_array_api_strict_flags", "get_array_api_strict_flags", "reset_array_api_strict_flags"),
}
CONSTANTS = {"e", "inf", "nan", "newaxis", "pi", "__array_api_version__"}


def names() -> list[str]:
    extensions = [f"{e}.{n}" for e in ("linalg", "fft") for n in getattr(strict, e).__all__]
    return sorted({*strict.__all__, *extensions} - OWN - {"linalg", "fft"})


def find(namespace: Any, name: str) -> Any:
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


FUNCTIONS = [n for n in names() if callable(find(strict, n)) and not n.startswith("__")]
FUNCTIONS = [n for n in FUNCTIONS if not isinstance(find(xp, n), np.dtype)]


@pytest.mark.parametrize("name", names())
def test_every_name_is_there(name):
    assert hasattr(find(xp, name.rpartition(".")[0]) if "." in name else xp, name.split(".")[-1])
    if "." not in name:
        assert name in xp.__all__


def test_nothing_is_advertised_that_is_not_there():
    for module in (xp, xp.linalg, xp.fft):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("name", sorted(CONSTANTS - {"__array_api_version__", "nan"}))
def test_constants(name):
    assert getattr(xp, name) == getattr(strict, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_called(name):
    assert CALLS.get(name), f"{name} needs a call in calls.py"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_accepted(name):
    """Each keyword of the standard, with the same default, wherever there is a signature."""
    fun = find(xp, name)
    if isinstance(fun, np.ufunc) or (name.startswith("unique") or name == "result_type"):
        return
    try:
        theirs, ours = inspect.signature(find(strict, name)), inspect.signature(fun)
    except ValueError:  # a function in C, as some are in NumPy 2.0
        return
    variadic = any(p.kind is p.VAR_POSITIONAL for p in ours.parameters.values())
    known = list(ours.parameters.values())
    for place, p in enumerate(theirs.parameters.values()):
        if p.kind is p.KEYWORD_ONLY or (
            p.kind is p.POSITIONAL_OR_KEYWORD and p.default is not p.empty
        ):
            assert p.name in ours.parameters, f"{name} does not take {p.name}="
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and not variadic:
            assert known[place].kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)


def plain(value: Any) -> Any:
    """Return nested results with arrays as ndarrays."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    if isinstance(value, ag.Tensor):
        return np.asarray(value.numpy())
    if hasattr(value, "__array_namespace__"):
        return np.asarray(value)
    return value


def same(got: Any, expected: Any, exact: bool) -> None:
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for g, e in zip(got, expected, strict=True):
            same(g, e, exact)
    elif isinstance(expected, np.ndarray):
        assert isinstance(got, np.ndarray), f"expected a Tensor, got {type(got)}"
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        if exact:
            np.testing.assert_array_equal(got, expected)
        else:
            np.testing.assert_allclose(
                got, expected, rtol=1e-5 if got.dtype.char in "fF" else 1e-12, atol=1e-7
            )
    else:
        assert got == expected


def reference(call: Any, arrays: Any) -> Any:
    try:
        return plain(call(strict, *map(strict.asarray, arrays)))
    except TypeError:
        return None  # the standard has no such dtype here


@pytest.mark.parametrize("name", sorted(CALLS))
@np.errstate(all="ignore")
def test_values_and_dtypes(name):
    compared = 0
    for call, arrays in CALLS[name]:
        expected = reference(call, arrays)
        if expected is not None:
            same(
                plain(call(xp, *map(xp.asarray, arrays))), expected, exact=name != "sign"
            )  # its complex values differ in the last bit
            compared += 1
    assert compared, f"array_api_strict refuses every call of {name}"


@pytest.mark.parametrize("name", sorted(set(CALLS)))
@np.errstate(all="ignore")
def test_values_and_dtypes_of_recorded_tensors(name):
    """The same where a gradient is recorded: dtypes and shapes do not depend on that."""
    for call, arrays in CALLS[name]:
        if not any(a.dtype.kind in "fc" for a in arrays):
            continue
        expected = reference(call, arrays)
        if expected is None:
            continue
        leaves = [ag.tensor(a, requires_grad=a.dtype.kind in "fc") for a in arrays]
        same(plain(call(xp, *leaves)), expected, exact=False)


def test_where_the_reference_is_not_numpy():
    """``can_cast`` between kinds is NumPy's, and so is ``isin(invert=)``, which the reference ignores."""
    for a in DTYPES:
        for b in DTYPES:
            assert xp.can_cast(getattr(xp, a), getattr(xp, b)) == np.can_cast(a, b)
    assert xp.isin(xp.arange(3), xp.asarray([1]), invert=True).tolist() == [True, False, True]
    assert (xp.ones(1, dtype=xp.int32) + xp.ones(1, dtype=xp.float32)).dtype == xp.float64


def test_complex_to_real_is_refused_as_in_the_reference():
    with pytest.raises(TypeError, match="imaginary"):
        xp.astype(xp.asarray([1j]), xp.float64)


def test_information():
    ours, theirs = xp.__array_namespace_info__(), strict.__array_namespace_info__()
    assert ours.capabilities().keys() == theirs.capabilities().keys()
    assert ours.default_device() in ours.devices()
    for kind in (None, "bool", "integral", "numeric", ("signed integer", "real floating")):
        assert ours.dtypes(kind=kind).keys() == theirs.dtypes(kind=kind).keys()
    for name, dtype in ours.dtypes().items():
        assert dtype == getattr(xp, name)
    defaults = ours.default_dtypes(device="cpu")
    assert defaults.keys() == theirs.default_dtypes().keys()
    assert defaults["real floating"] == xp.zeros(1).dtype
    with pytest.raises(ValueError, match="cpu"):
        ours.dtypes(device="gpu")


def test_members_of_an_array():
    """Every public member and operator of array_api_strict's array is a member of Tensor."""
    members = {m for m in dir(strict.asarray([1.0])) if not m.startswith("_") or m.endswith("__")}
    assert not members - set(dir(ag.Tensor)) - {"__buffer__"}
