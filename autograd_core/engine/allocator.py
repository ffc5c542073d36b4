"""Let the C library reuse the memory of a freed graph for the next one.

A recorded step holds megabytes until its backward pass ends, and then frees them all.  The
allocator of Linux (glibc) returns so much at once to the kernel, and every page of the next step
must be requested, and zeroed, again: with arrays of some megabytes that took half the time of a
step.  It adapts, though: once a block of ``n`` bytes that was mapped by itself has been freed,
blocks up to ``n`` (at most 32 MiB) come from the heap, where up to ``2 n`` stay (mallopt(3),
M_MMAP_THRESHOLD).  Any program that frees one large array gets there; this does it at import.
No page is touched, so no memory is used.

``AUTOGRAD_CORE_KEEP_MEMORY=0`` in the environment switches it off.
"""

import os
import sys
from contextlib import suppress

import numpy as np

_BLOCK = (32 << 20) - 8192  # the largest that moves glibc's threshold, with room for its header


def keep_freed_memory() -> None:
    """Allocate and free one block just below 32 MiB, on Linux.

    Nothing happens where the address space is too small for it (``ulimit -v``), or where the
    environment has ``AUTOGRAD_CORE_KEEP_MEMORY=0``.
    """
    if sys.platform == "linux" and os.environ.get("AUTOGRAD_CORE_KEEP_MEMORY", "1") != "0":
        with suppress(MemoryError):
            np.empty(_BLOCK, np.uint8)
