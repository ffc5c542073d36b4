"""Tensor: an array and the node that made it, answering NumPy's two dispatch protocols.

A Tensor is a light handle.  Ordinary NumPy on it, ``np.tanh(x @ w + b)``, records a graph
(NEP 13 for ufuncs, NEP 18 for the rest); ``loss.backward()`` walks it.  A call that would lose a
gradient silently (``np.array(t)``, ``float(t)``, ``out=``) raises instead.
"""

from __future__ import annotations

import copy
import operator
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.elsewhere import no_attribute
from autograd_core.engine.admission import admit
from autograd_core.engine.array_types import asarray_like, is_lazy, to_host
from autograd_core.engine.diagnostics import running_tape
from autograd_core.engine.differentiate import run_backward
from autograd_core.engine.graph import (
    DRAW,
    RECORD,
    UNTRACKED,
    Constant,
    Leaf,
    mode,
    producer,
    was_freed,
)
from autograd_core.engine.primitive import table
from autograd_core.engine.recording import (
    TensorBase,
    any_tracked,
    apply,
    holds_tensor,
    is_recording,
    make_tensor,
    stack_nested,
    unwrap,
    wrap,
)
from autograd_core.engine.runs import Variable, note_leaving, open_runs
from autograd_core.errors import ConversionError, GraphError, InPlaceError
from autograd_core.tensors.array_standard import StandardArray
from autograd_core.tensors.inplace import unboxed
from autograd_core.tensors.methods import ArrayMethods, getitem
from autograd_core.tensors.numpy_dispatch import call_function, call_ufunc
from autograd_core.tensors.operators import Operators
from autograd_core.tensors.scipy_calls import scipy_remedy


class Tensor(TensorBase, ArrayMethods, Operators, StandardArray, results=True):
    """An array that remembers how it was computed.

    Parameters
    ----------
    data
        Anything ``np.array`` takes; it is copied.  An array of another library that speaks
        NumPy's protocols is kept as it is.
    requires_grad
        Whether to compute gradients with respect to it; floating-point or complex data only.
    dtype
        As in ``np.array``.
    name
        The name that pictures and errors use.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> x = ag.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = np.sum(x ** 2)
    >>> y
    Tensor(14., float64, made by sum)
    >>> y.backward()
    >>> x.grad
    Tensor([2., 4., 6.], float64)
    """

    __module__ = "autograd_core"  # where users import it from; pickles name it so
    __slots__ = ()

    _grad: Tensor | None

    def __init__(
        self,
        data: Any,
        *,
        requires_grad: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        if isinstance(data, Tensor):
            if data._node.tracked and mode.get() & RECORD:
                raise ConversionError(
                    "ag.tensor copies values and would drop the gradient of a recorded Tensor; "
                    "use it as it is or copy it with t.copy(); t.detach() holds its values alone"
                )
            data = data._array
        data = admit(data)
        foreign = not isinstance(data, np.ndarray) and hasattr(type(data), "__array_function__")
        if foreign and dtype is not None:
            data = data.astype(dtype)
        self._array = data.copy() if foreign else unboxed(np.array(data, dtype=dtype))
        if self._array.dtype.kind not in "biufcSUMm":
            raise TypeError(
                f"a Tensor holds numbers, got dtype {self._array.dtype}: {type(data).__name__} "
                "does not convert to an array of numbers (are its rows of unequal length?)"
            )
        if mode.get() & DRAW and data is not self._array:
            running_tape().copies[id(self._array)] = (self._array, data)
        self._grad = self._sharing = None
        self._node = Constant(self._array, self, name)
        if requires_grad:
            self.requires_grad = True

    # -- what it is ---------------------------------------------------------------------------

    @property
    def data(self) -> Any:
        """The array inside (a NumPy number, if it has no axes).

        Of a leaf it may be written: ``w.data -= lr * w.grad``.
        """
        return self._array

    @data.setter
    def data(self, value: Any) -> None:
        node = self._node
        if value is self._array and node.primitive is None:
            self._wrote()
            return
        value = admit(unwrap(value))
        if node.primitive is not None:
            raise InPlaceError(
                f"the value of a recorded Tensor (made by {node.primitive.name}) cannot be "
                "replaced; replace that of a leaf, or start a new one with t.detach()"
            )
        if not hasattr(value, "dtype"):
            value = asarray_like(np.asarray(value, self.dtype), self)
        if value.shape != self.shape:
            raise ValueError(
                f".data of shape {self.shape} cannot become shape {value.shape}; "
                "make a new tensor with ag.tensor(...)"
            )
        if node.tracked and value.dtype.kind not in "fc":  # a leaf that gradients reach stays one
            value = value.astype(self.dtype)
        self._array = unboxed(value)
        if self._node is not UNTRACKED:
            self._node.out = self._array

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward()`` left here (a Tensor), or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            value = value if isinstance(value, Tensor) else Tensor(value, dtype=self.dtype)
            if value.shape != self.shape:
                raise ValueError(f".grad has shape {self.shape}, got shape {value.shape}")
        self._grad = value

    @property
    def _recording(self) -> Any:
        """Return what recorded programs depend on: hooks if there are any, or requires_grad."""
        diagnostics = self._node.diagnostics
        return (diagnostics and diagnostics.hooks) or self._node.tracked

    @_recording.setter
    def _recording(self, wanted: Any) -> None:
        if isinstance(wanted, bool):
            self.requires_grad = wanted

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to it.  May be set on a Tensor that no operation made."""
        return self._node.tracked

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self._node.tracked == bool(wanted):
            return
        if self._node.primitive is not None:
            raise GraphError(
                "requires_grad of a recorded Tensor cannot be switched off; use t.detach()"
            )
        if wanted and self.dtype.kind not in "fc":
            raise TypeError(
                f"only floating-point and complex Tensors have gradients, this one is "
                f"{self.dtype}; give it dtype=float"
            )
        kind = Leaf if wanted else Constant
        if wanted and isinstance(self._array, np.ndarray) and not self._array.flags.writeable:
            self._array = self._array.copy()
        self._node = kind(self._array, self, self.name)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self._node.primitive is None

    @property
    def name(self) -> str | None:
        """The name that pictures and errors use."""
        return self._node.name

    @name.setter
    def name(self, value: str | None) -> None:
        if self._node is UNTRACKED:
            self._own_leaf()
        self._node.with_diagnostics().name = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._array.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self._array.size  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        return self._array.nbytes  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a Tensor without axes")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self._array == unwrap(value)).any())

    def __repr__(self) -> str:
        kind = type(self).__name__
        if is_lazy(self):
            body = repr(self._array)
        else:
            body = np.array2string(to_host(self), separator=", ", prefix=f"{kind}(")
        parts = [body, str(self.dtype)]
        if self.name:
            parts.append(f"name={self.name!r}")
        made = self._node.primitive
        if made is not None:
            source = producer(self._node).primitive
            parts.append(f"made by {source.name if source else made.name}")
        elif self.requires_grad:
            parts.append("requires_grad")
        return f"{kind}({', '.join(parts)})"

    def __format__(self, spec: str) -> str:
        if spec and self.ndim == 0:
            return format(self._array.item(), spec)
        return format(str(self), spec)

    # -- leaving the graph --------------------------------------------------------------------

    def item(self, *index: int) -> Any:
        """Return the value as a Python number, outside the graph."""
        self._leaves("item()")
        return self._array.item(*index)

    def tolist(self) -> Any:
        """Return the values as (nested lists of) Python numbers, outside the graph."""
        self._leaves("tolist()")
        return self._array.tolist()

    def numpy(self) -> Any:
        """Return the array inside, shared and outside the graph."""
        self._leaves("numpy()")
        return self.data

    def detach(self) -> Tensor:
        """Return a Tensor that shares the values without history: no gradient flows."""
        return make_tensor(self._array, UNTRACKED)  # type: ignore[no-any-return]

    def _leaves(self, how: str) -> None:
        if open_runs and self._node.tracked:
            note_leaving(how)

    def _refuse(self, what: str, remedy: str) -> None:
        if self._node.tracked and mode.get() & RECORD and not was_freed(self._node):
            raise ConversionError(
                f"{what} would turn a Tensor that needs gradients into plain numbers and lose "
                f"them silently. {scipy_remedy()}{remedy}"
            )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        self._refuse(
            "this call (np.array, np.asarray, an assignment into an ndarray, a function that "
            "does not dispatch)",
            "For an array of Tensors and numbers write ag.array([...]) in place of np.array, or "
            "np.stack, np.concatenate (also for np.r_ and np.c_); to fill an array element by "
            "element start it with np.zeros(n, like=t) or np.zeros_like(t); an operand of another "
            "library (a masked array, a Series) becomes an ndarray first, np.asarray(a); to leave "
            "the graph on purpose t.detach() or t.numpy()",
        )
        if copy is None:
            return np.asarray(self._array, dtype=dtype)
        return np.array(self._array, dtype=dtype, copy=copy)

    def __float__(self) -> float:
        self._refuse(
            "float(t), math.f(t), or u[i] = t on a plain array u,",
            "Use np.f(t) to record, and make u with np.zeros(n, like=t), np.zeros_like(t), or join "
            "its elements with ag.array([...]) or np.stack; for the number alone, without a "
            "gradient, t.item(), or float(t) after backward()",
        )
        return float(self._array)

    def __int__(self) -> int:
        self._refuse("int(t)", "For the number alone, without a gradient, use int(t.item())")
        return int(self._array)

    def __complex__(self) -> complex:
        self._refuse(
            "complex(t)",
            "To record write t + 0j, or u + 1j * v of two; for the number alone, without a "
            "gradient, t.item()",
        )
        return complex(self._array)

    def __index__(self) -> int:
        self._refuse("using t as an index", "An index has no gradient: use t.item()")
        return operator.index(self._array)

    def __bool__(self) -> bool:
        return bool(self._array)

    def __round__(self, ndigits: int | None = None) -> Any:
        self._refuse(
            "round(t)",
            "np.round(t) is a Tensor (without a gradient: it is piecewise constant); for the "
            "number alone round(t.item(), n), or round(t, n) after backward()",
        )
        if self.ndim:
            return np.round(self, ndigits or 0)
        return round(self._array.item(), ndigits)

    def __copy__(self) -> Tensor:
        """Return another Tensor of the same value; a recorded one stays connected."""
        if is_recording(self):
            return self.copy()
        kind, data, *state = self.__reduce__()[1]
        return _restore(kind, data.copy(), *state)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """Return an independent Tensor: of a leaf another leaf, of a recorded value a copy.

        The copy of what is recorded, or of the variable of a differentiation that is under way,
        stays connected, so that its gradient arrives.
        """
        node = self._node
        if is_recording(self) and (node.primitive is not None or isinstance(node, Variable)):
            return self.copy()
        kind, *state = self.__reduce__()[1]
        return _restore(kind, *copy.deepcopy(state, memo))

    def __reduce__(self) -> Any:
        if not self.is_leaf or isinstance(self._node, Variable):
            made = self._node.primitive
            raise GraphError(
                f"a recorded Tensor ({f'made by {made.name}' if made else 'a variable of grad()'}) "
                "cannot be pickled, its graph would be left behind; take t.detach()"
            )
        state = (self._array, self.requires_grad, self.name, self._grad)
        return _restore, (type(self), *state)

    if not TYPE_CHECKING:  # a type checker knows every attribute

        def __getattr__(self, name: str) -> Any:
            raise no_attribute("Tensor", name)

    # -- gradients ----------------------------------------------------------------------------

    def backward(
        self,
        gradient: Any = None,
        *,
        create_graph: bool = False,
        retain_graph: bool | None = None,
    ) -> None:
        """Add the gradient of this Tensor to ``.grad`` of every leaf that it depends on.

        Parameters
        ----------
        gradient
            The cotangent, of this Tensor's shape; may be left out for a scalar (it is 1).
        create_graph
            Record the backward pass too, so that the gradients can be differentiated.
        retain_graph
            Keep what the graph saved, for another backward pass; by default only with
            ``create_graph``.

        Raises
        ------
        GraphError
            If nothing was recorded, or an earlier pass freed the graph.
        """
        retain = create_graph if retain_graph is None else retain_graph
        run_backward(self, gradient if create_graph else unwrap(gradient), create_graph, not retain)

    def retain_grad(self) -> None:
        """Make ``backward()`` leave a gradient here although an operation made this Tensor."""
        if not self.requires_grad:
            raise GraphError("retain_grad() of a Tensor that needs no gradient")
        if not self.is_leaf:
            self._node.with_diagnostics().retain = weakref.ref(self)

    def zero_grad(self) -> None:
        """Set ``.grad`` to None."""
        self._grad = None

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Call ``hook(gradient)`` when the gradient of this Tensor is known.

        What the hook returns, if not None, replaces the gradient.  Returns a function that
        removes the hook.
        """
        if not self.requires_grad:
            raise GraphError("register_hook() on a Tensor that needs no gradient")
        hooks = self._node.with_diagnostics().hooks
        key = max(hooks, default=0) + 1
        hooks[key] = hook
        return lambda: hooks.pop(key, None) and None

    # -- indexing, and NumPy's protocols ------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        return apply(getitem, (self,), {"index": unwrap(index)})  # type: ignore[no-any-return]

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            entry = table.get(ufunc)
            if entry is not None and entry.rules is not None:
                return apply(entry, args, {})
        return call_ufunc(ufunc, method, args, kwargs)

    def __array_function__(
        self, fun: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        by_like: Any = self._array
        own = not isinstance(by_like, (np.ndarray, np.generic))
        if own and fun in _BY_LIKE and not any_tracked(args):
            return wrap(by_like.__array_function__(fun, (), unwrap(args), unwrap(kwargs)))
        return call_function(fun, args, kwargs)


#: Functions that take ``like=``: a batch, a traced array and one of another library make their own.
_BY_LIKE = (np.zeros, np.ones, np.empty, np.full, np.array)


def _restore(kind: type[Tensor], data: Any, wanted: bool, name: str | None, grad: Any) -> Tensor:
    t = object.__new__(kind)
    t._array, t._grad, t._sharing = data, grad, None
    t._node = (Leaf if wanted else Constant)(data, t, name)
    return t


def tensor(
    data: Any, *, requires_grad: bool = False, dtype: Any = None, name: str | None = None
) -> Tensor:
    """Make a Tensor with a copy of ``data``; see :class:`Tensor`.

    Examples
    --------
    >>> import autograd_core as ag
    >>> ag.tensor([[1.0, 2.0]], requires_grad=True, name="w")
    Tensor([[1., 2.]], float64, name='w', requires_grad)
    """
    return Tensor(data, requires_grad=requires_grad, dtype=dtype, name=name)


def array(nested: Any, dtype: Any = None) -> Any:
    """Return ``np.array(nested)`` for nested lists that hold Tensors beside numbers and arrays.

    ``np.array`` itself cannot record: it reads its members one by one as plain numbers.

    Parameters
    ----------
    nested
        Numbers, arrays and Tensors in lists and tuples of equal lengths, or one of them.
    dtype
        The dtype of the result; by default the one to which the members promote.

    Returns
    -------
    Tensor, or ndarray where no member is a Tensor
        A new array, recorded if a member is.

    Raises
    ------
    ValueError
        If the rows have different shapes.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> def rotated(angle):
    ...     c, s = np.cos(angle), np.sin(angle)
    ...     return ag.array([[c, -s], [s, c]]) @ np.array([1.0, 0.0])
    >>> ag.jacobian(rotated)(0.0)
    array([0., 1.])
    """
    if not holds_tensor(nested):
        return np.array(nested, dtype=dtype)
    made = stack_nested(nested)
    if made is nested:
        made = made.copy()
    return made if dtype is None or made.dtype == np.dtype(dtype) else made.astype(dtype)
