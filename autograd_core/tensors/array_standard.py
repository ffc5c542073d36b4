"""The members of an array that the Python Array API standard requires beyond ndarray's own.

The namespace, the device, exchange of memory by DLPack, and the operators and augmented
assignments of integers.
"""

import operator
from types import ModuleType
from typing import Any

import numpy as np

from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import apply, is_recording
from autograd_core.errors import ConversionError
from autograd_core.tensors.inplace import InPlace, augmented
from autograd_core.tensors.operators import plain_operator

#: The versions of the standard that the namespace satisfies.
VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

#: DLPack's (type, number) of this machine's memory.
_CPU = (1, 0)
_NUMPY_KNOWS_VERSIONS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


def _moved(x: Any, *, device: Any) -> Any:
    return x.to_device(device)


to_device = Primitive(_moved, "to_device", flops=lambda *_args, **_options: 0).defvjp(
    lambda g, _out, x, *, device: g.to_device(x.device)
)


class StandardArray(InPlace):
    """The members that make a Tensor an array in the sense of the standard."""

    __slots__ = ()

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        """Return the module :mod:`autograd_core.array_api`.

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
        """The device of the values: ``"cpu"``, or the device of another library's array."""
        return getattr(self._array, "device", "cpu")

    def to_device(self, device: Any, /, *, stream: Any = None) -> Any:
        """Return the same values on a device, recorded; the Tensor itself, if it is there.

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
        if isinstance(self._array, (np.ndarray, np.generic)):
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
        if is_recording(self):
            raise ConversionError(
                "__dlpack__ (from_dlpack of another library) would share the values of a Tensor "
                "that needs gradients and lose them silently; take t.detach()"
            )
        array = self._array
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
        if isinstance(self._array, (np.ndarray, np.generic)):
            return _CPU
        return self._array.__dlpack_device__()  # type: ignore[no-any-return]

    __lshift__ = plain_operator(operator.lshift, np.left_shift)
    __rlshift__ = plain_operator(lambda x, y: y << x, np.left_shift)
    __rshift__ = plain_operator(operator.rshift, np.right_shift)
    __rrshift__ = plain_operator(lambda x, y: y >> x, np.right_shift)

    __ifloordiv__ = augmented(operator.floordiv, operator.ifloordiv)
    __imod__ = augmented(operator.mod, operator.imod)
    __iand__ = augmented(operator.and_, operator.iand)
    __ior__ = augmented(operator.or_, operator.ior)
    __ixor__ = augmented(operator.xor, operator.ixor)
    __ilshift__ = augmented(operator.lshift, operator.ilshift)
    __irshift__ = augmented(operator.rshift, operator.irshift)
