"""The members that the Python Array API standard asks of an array, beyond ndarray's own.

The namespace, the device, exchange of memory by DLPack, and the operators and augmented
assignments of integers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import apply
from autograd_core.errors import ConversionError
from autograd_core.tensors.inplace import InPlace
from autograd_core.tensors.numpy_dispatch import recording
from autograd_core.tensors.operators import comparison

#: The versions of the standard that the namespace satisfies.
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

#: DLPack's number of this machine's memory.
_CPU = (1, 0)
_NUMPY_KNOWS_VERSIONS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

Augmented = Callable[[Any, Any], Any]


def _moved(x: Any, *, device: Any) -> Any:
    return x.to_device(device)


to_device = Primitive(_moved, "to_device").defvjp(
    lambda g, _out, x, *, device: g.to_device(x.device)
)


def _augmented(fun: Callable[[Any, Any], Any], in_place: Callable[[Any, Any], Any]) -> Augmented:
    def method(self: Any, value: Any) -> Any:
        def write(v: Any) -> None:
            self._data = in_place(self._data, v)

        return self._in_place(value, lambda: fun(self, value), write)

    return method


class StandardArray(InPlace):
    """What makes a Tensor an array in the sense of the standard."""

    __slots__ = ()

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """The module :mod:`autograd_core.array_api`.

        Raises
        ------
        ValueError
            For a version of the standard that it does not satisfy.
        """
        if api_version is not None and api_version not in VERSIONS:
            raise ValueError(
                f"Tensors follow the array API standard of the versions {', '.join(VERSIONS)}; "
                f"got api_version={api_version!r}"
            )
        import autograd_core.array_api  # on request: most programs never ask

        return autograd_core.array_api

    @property
    def device(self) -> Any:
        """Where the values are: ``"cpu"``, or what the array of another library says."""
        return getattr(self._data, "device", "cpu")

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """The same values on a device, recorded; the Tensor itself, if it is there.

        Parameters
        ----------
        device
            ``"cpu"`` for values that NumPy holds; else what the inner array's own ``to_device``
            takes.
        stream
            None: a stream cannot be recorded.
        """
        if stream is not None:
            raise ValueError(f"to_device of a Tensor takes stream=None, got {stream!r}")
        if device == self.device:
            return self
        if isinstance(self._data, (np.ndarray, np.generic)):
            raise ValueError(
                f"values that NumPy holds are on the device 'cpu', got {device!r}; for another "
                "device make the Tensor from an array that is there: ag.tensor(cupy.asarray(a))"
            )
        return apply(to_device, (self,), {"device": device})

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if recording(self):
            raise ConversionError(
                "__dlpack__ (from_dlpack of another library) would share the values of a Tensor "
                "that needs gradients and lose them in silence; take t.detach()"
            )
        array = self._data
        asked = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
        given = {k: v for k, v in asked.items() if v is not None}
        if not isinstance(array, (np.ndarray, np.generic)):
            return array.__dlpack__(stream=stream, **given)
        if dl_device is not None and tuple(dl_device) != _CPU:
            raise BufferError(f"NumPy holds the values on device {_CPU}, not {dl_device}")
        array = np.asarray(array)
        if copy or (copy is None and not array.flags.writeable):
            array = array.copy()  # PyTorch ignores the flag "read-only" and would write
        if _NUMPY_KNOWS_VERSIONS:
            return array.__dlpack__(stream=stream, max_version=max_version)
        return array.__dlpack__(stream=stream)

    def __dlpack_device__(self) -> tuple[Any, int]:
        if isinstance(self._data, (np.ndarray, np.generic)):
            return _CPU
        return self._data.__dlpack_device__()  # type: ignore[no-any-return]

    __lshift__ = comparison(operator.lshift, np.left_shift)
    __rlshift__ = comparison(lambda x, y: y << x, np.left_shift)
    __rshift__ = comparison(operator.rshift, np.right_shift)
    __rrshift__ = comparison(lambda x, y: y >> x, np.right_shift)

    __ifloordiv__ = _augmented(operator.floordiv, operator.ifloordiv)
    __imod__ = _augmented(operator.mod, operator.imod)
    __iand__ = _augmented(operator.and_, operator.iand)
    __ior__ = _augmented(operator.or_, operator.ior)
    __ixor__ = _augmented(operator.xor, operator.ixor)
    __ilshift__ = _augmented(operator.lshift, operator.ilshift)
    __irshift__ = _augmented(operator.rshift, operator.irshift)
