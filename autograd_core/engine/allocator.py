"""Let the C library keep the memory that a graph gives back, for the next one.

A recorded step holds megabytes until its backward pass ends, and then frees them all.  The
allocator of Linux (glibc) returns so much at once to the kernel, and every page of the next step
is asked for, and zeroed, again: with arrays of some megabytes that took half the time of a step.
It adapts, though: once a block of ``n`` bytes that was mapped by itself has been freed, blocks up
to ``n`` (at most 32 MiB) come from the heap, of which up to ``2 n`` stay (mallopt(3),
M_MMAP_THRESHOLD).  Any program that frees one large array arrives there; here it is done at once.
No page is touched.
"""

from __future__ import annotations

import sys

import numpy as np


def keep_freed_memory() -> None:
    """Allocate and free one block just below 32 MiB, on Linux."""
    if sys.platform == "linux":
        np.empty((32 << 20) - 8192, np.uint8)
