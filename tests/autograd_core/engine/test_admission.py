"""Test what may sit inside a Tensor: other libraries' arrays, by what they do."""

from __future__ import annotations

import decimal
import fractions
import warnings

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.admission import admit

X = np.array([1.0, 2.0, 3.0])


class Labelled:
    """A vector that aligns by labels, as a pandas Series does, and has both protocols."""

    def __init__(self, values, labels):
        self.values_, self.labels = np.asarray(values), np.asarray(labels)
        self.dtype, self.shape, self.ndim = self.values_.dtype, self.values_.shape, 1

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values_, dtype)

    def __array_function__(self, fun, types, args, kwargs):
        return Labelled(np.array(args[0])[0], [0, 1])

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return NotImplemented

    def __getitem__(self, index):
        return Labelled(self.values_[index], self.labels[index])

    def __mul__(self, other):
        order = [list(other.labels).index(i) for i in self.labels]
        return Labelled(self.values_ * other.values_[order], self.labels)

    def __truediv__(self, other):
        return Labelled(self.values_ / other, self.labels)

    def sum(self, axis=None):
        return np.nansum(self.values_)


class Units(np.ndarray):
    """An ndarray with units, which answers the protocols itself."""

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return getattr(ufunc, method)(*(np.asarray(a) for a in args), **kwargs).view(Units)


class Named(np.ndarray):
    """An ndarray that does nothing else than NumPy's."""


REFUSED = {
    "masked": np.ma.masked_array(X, mask=[True, False, False]),
    "matrix": X[None].view(np.matrix),
    "labelled": Labelled(X, [2, 1, 0]),
    "units": X.view(Units),
}
#: Every door through which an array can come.
DOORS = {
    "an argument": lambda a: ag.grad(lambda x: np.sum(x * x))(a),
    "a leaf of an argument": lambda a: ag.grad(lambda t: np.sum(t["a"] * 2.0))({"a": a}),
    "ag.tensor": ag.tensor,
    "an operand": lambda a: ag.tensor(X, requires_grad=True) * a,
    "an operand of a ufunc": lambda a: np.multiply(ag.tensor(X, requires_grad=True), a),
    "an operand on the left": lambda a: np.multiply(a, ag.tensor(X, requires_grad=True)),
    "a closure": lambda a: ag.grad(lambda x: np.sum(x * a))(X),
    "a cotangent": lambda a: ag.vjp(np.sin, X)[1](a),
    "a tangent": lambda a: ag.jvp(np.sin, [X], [a]),
    "data": lambda a: setattr(ag.tensor(X), "data", a),
    "a loss": lambda a: nn.functional.mse_loss(ag.tensor(X, requires_grad=True), a),
    "the checker": lambda a: ag.gradcheck(lambda x: np.sum(x * x), a),
    "not recorded": lambda a: ag.tensor(X) * a,
    "a returned value": lambda a: ag.grad(lambda x: a)(X),
    "backward": lambda a: (ag.tensor(X, requires_grad=True) * 2).backward(a),
}


@pytest.mark.parametrize("array", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_what_means_something_else_is_refused_at_every_door(door, array):
    with pytest.raises((TypeError, ag.GraphError, ValueError)):  # or the shape is refused
        door(array)


@pytest.mark.parametrize("kind", ["memmap", "subclass", "recarray"])
def test_what_does_what_numpy_does_is_converted(kind, tmp_path):
    if kind == "memmap":
        a = np.memmap(tmp_path / "a", dtype=float, mode="w+", shape=(3,))
        a[:] = X
    else:
        a = X.view(Named if kind == "subclass" else np.recarray)
    assert type(ag.tensor(a).data) is np.ndarray
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * x * a))(a), 2 * X**2)
    assert type((ag.tensor(X, requires_grad=True) * a).data) is np.ndarray


@pytest.mark.parametrize("half", [fractions.Fraction(1, 2), decimal.Decimal("0.5")])
def test_exact_numbers(half):
    t = ag.tensor(X, requires_grad=True)
    for y in (t * half, half * t, np.multiply(t, half)):
        np.testing.assert_array_equal(y.numpy(), X / 2)
    assert ag.grad(lambda x: x * x)(half) == 1.0


def test_objects():
    t = ag.tensor(X, requires_grad=True)
    boxed = np.array([1.0, 2.0, 3.0], object)
    for call in (lambda: t * boxed, lambda: boxed * t, lambda: np.add(t, boxed)):
        with pytest.raises(ag.NotDifferentiableError, match=r"ag\.array"):
            call()
    with pytest.raises(ag.NotDifferentiableError, match="list"):
        (t * 1).astype(object)
    with pytest.raises(TypeError, match="object"):
        ag.grad(lambda x: np.sum(x))(boxed)
    parts = np.empty(2, object)
    parts[0], parts[1] = t[0] * 1, t[1] * 2
    np.sum(parts).backward()  # NumPy adds the Tensors themselves
    assert t.grad.tolist() == [1, 2, 0]


def test_memory_and_text_are_no_arrays():
    for value in (None, "text", slice(1), {"a": 1}, [1.0]):
        assert admit(value) is value


# -- the libraries themselves -----------------------------------------------------------------


def test_a_pandas_series():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    s = pd.Series(X)
    np.testing.assert_array_equal(ag.grad(lambda x: x[0] * 10 + x[1] ** 2)(s), [10.0, 4.0, 0.0])
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * s))(X), X)
    for labelled in (pd.Series(X, index=[2, 1, 0]), pd.DataFrame({"a": X})):
        for door in DOORS.values():
            with pytest.raises((TypeError, ag.GraphError, ValueError)):
                door(labelled)
    with pytest.raises(TypeError, match="to_numpy"):
        ag.grad(lambda x: x[0] * 10 + x[1] ** 2)(pd.Series(X, index=[2, 1, 0]))
    w = ag.tensor(X, requires_grad=True)
    with pytest.raises(TypeError, match="DataFrame"):
        w @ pd.DataFrame({"a": X})


def test_xarray():
    xr = pytest.importorskip("xarray", reason="xarray is not installed")
    for a in (xr.DataArray(X, dims=["x"]), xr.DataArray(X, coords={"x": [2, 1, 0]}, dims=["x"])):
        for name in ("an argument", "ag.tensor", "an operand", "the checker"):
            with pytest.raises(TypeError, match="labels"):
                DOORS[name](a)
        t = ag.tensor(X, requires_grad=True)
        with pytest.raises(ag.GraphError):  # xarray wraps the Tensor in one of its own
            ag.grad(lambda x, a=a: (a * x).sum())(X)
        assert (a * t).data.requires_grad


@pytest.mark.parametrize("library", ["astropy", "pint"])
def test_units(library):
    if library == "astropy":
        units = pytest.importorskip("astropy.units", reason="astropy is not installed")
        q = X * units.m
    else:
        pint = pytest.importorskip("pint", reason="pint is not installed")
        q = pint.UnitRegistry().Quantity(X, "m")
    for name in ("an argument", "ag.tensor", "an operand"):
        with pytest.raises(TypeError, match="units"):
            DOORS[name](q)


def test_sparse_arrays():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    t = ag.tensor(X, requires_grad=True)
    for a in (sparse.csr_array(np.eye(3)), sparse.coo_matrix(np.eye(3))):
        for call in (lambda a=a: t @ a, lambda a=a: np.matmul(t, a), lambda a=a: ag.tensor(a)):
            with pytest.raises(TypeError, match="sparse"):
                call()
        with pytest.raises(TypeError):
            a @ t


def test_arrays_of_other_frameworks_are_converted():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    a = torch.tensor(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * a))(X), X)
        np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * x))(a), 2 * X)


# -- names that are protocols elsewhere -----------------------------------------------------------

#: Attributes by which other libraries recognise what they meet, and what they then do with it.
PROTOCOLS = {
    "numpy": "__array_interface__ __array_struct__ __array_wrap__ __array_prepare__ "
    "__array_finalize__",
    "numpy.ma": "_data _mask _baseclass _basedict _fill_value _hardmask _sharedmask _optinfo mask "
    "fill_value filled compressed _set_mask",
    "pandas": "values _values array to_numpy iloc loc index columns axes keys __arrow_array__ "
    "__arrow_c_array__ __arrow_c_stream__ __dataframe__ _typ _constructor",
    "xarray": "values variable coords dims _to_temp_dataset to_dataset variables",
    "cupy": "__cuda_array_interface__ __cupy_get_ndarray__ get",
    "dask": "__dask_graph__ __dask_keys__ chunks dask compute persist",
    "scipy": "toarray todense tocsr nnz _spbase asformat matvec rmatvec",
    "sklearn": "fit get_params iloc toarray __sklearn_tags__ estimators_",
    "PIL": "__array_interface__ tobytes tostring _repr_png_ _repr_jpeg_",
    "matplotlib": "values to_numpy mask filled get_array to_mpl units convert_units _repr_html_",
    "torch": "__torch_function__ __torch_dispatch__ __cuda_array_interface__",
    "jax": "__jax_array__ aval weak_type addressable_shards",
    "tensorflow": "__tf_tensor__ _shape_tuple op graph",
    "sympy": "_sympy_ free_symbols",
    "numba": "_numba_type_ _dispatcher",
    "python": "__fspath__ __buffer__ __enter__ __get__ __set__ __call__ __next__ __await__",
}

#: Those that a Tensor has on purpose: it keeps the promise that the name makes there.
KEPT: set[str] = set()


@pytest.mark.parametrize("library", PROTOCOLS)
def test_no_attribute_is_somebody_elses_protocol(library):
    t = ag.tensor(X, requires_grad=True)
    p = nn.Parameter(X)
    for name in PROTOCOLS[library].split():
        assert not hasattr(t, name) or name in KEPT, name
        assert not hasattr(p, name) or name in KEPT, name


MASKED = np.ma.masked_array([4.0, 5.0, 6.0], mask=[False, True, False])
MASKED_CALLS = {
    "np.ma.log": lambda x: np.ma.log(x),
    "np.ma.add": lambda x: np.ma.add(x, MASKED),
    "m - x": lambda x: MASKED - x,
    "x - m": lambda x: x - MASKED,
    "m * x": lambda x: MASKED * x,
    "m / x": lambda x: MASKED / x,
    "m @ x": lambda x: MASKED @ x,
    "m += x": lambda x: MASKED.copy().__iadd__(x),
    "m[0] = x[0]": lambda x: MASKED.copy().__setitem__(0, x[0]),
    "m[:] = x": lambda x: MASKED.copy().__setitem__(slice(None), x),
    "np.ma.array": lambda x: np.ma.array(x),
    "np.ma.masked_where": lambda x: np.ma.masked_where([True, False, False], x),
    "np.ma.masked_greater": lambda x: np.ma.masked_greater(x, 1.5),
    "np.ma.sum": lambda x: np.ma.sum(x),
    "np.ma.mean": lambda x: np.ma.mean(x),
    "np.ma.getdata": lambda x: np.ma.getdata(x),
    "np.ma.dot": lambda x: np.ma.dot(x, MASKED),
    "np.ma.where": lambda x: np.ma.where([True, False, True], x, MASKED),
    "np.ma.concatenate": lambda x: np.ma.concatenate([x, MASKED]),
    "np.ma.stack": lambda x: np.ma.stack([x, MASKED]),
    "np.ma.average": lambda x: np.ma.average(x),
    "np.ma.power": lambda x: np.ma.power(x, MASKED),
    "np.ma.fix_invalid": lambda x: np.ma.fix_invalid(x),
    "np.ma.filled": lambda x: np.ma.filled(x, 0.0),
}


@pytest.mark.parametrize("call", MASKED_CALLS.values(), ids=MASKED_CALLS)
def test_masked_arrays_lose_no_gradient(call):
    """Each form raises, or returns a Tensor that is recorded."""
    t = ag.tensor(X, requires_grad=True) * 1
    try:
        result = call(t)
    except (TypeError, ValueError):
        return
    assert isinstance(result, ag.Tensor)
    assert result.requires_grad
