"""Where arrays live: new ones in this machine's memory, others where their array is."""

from __future__ import annotations

from typing import Any

#: The device of everything that NumPy holds, and of everything that this namespace creates.
CPU = "cpu"


def check_device(device: Any) -> None:
    """Refuse to create an array elsewhere than here."""
    if device is not None and device != CPU:
        raise ValueError(
            f"new arrays are NumPy's, on the device {CPU!r}; got device={device!r}. Make the array "
            "from one that is there (zeros_like, full_like, ...), or move it with t.to_device"
        )
