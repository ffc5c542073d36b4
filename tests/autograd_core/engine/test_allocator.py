"""Freed memory is kept on Linux, unless the environment or the address space forbids it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from autograd_core.engine import allocator

linux = pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator is Linux's")


@linux
def test_one_block_is_allocated(monkeypatch):
    monkeypatch.delenv("AUTOGRAD_CORE_KEEP_MEMORY", raising=False)
    sizes = []
    monkeypatch.setattr(allocator.np, "empty", lambda n, dtype: sizes.append(n))
    allocator.keep_freed_memory()
    assert sizes == [(32 << 20) - 8192]


def test_the_environment_switches_it_off(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_CORE_KEEP_MEMORY", "0")
    monkeypatch.setattr(allocator.np, "empty", lambda *_: pytest.fail("allocated"))
    allocator.keep_freed_memory()


def test_too_little_memory_is_no_error(monkeypatch):
    def refuse(n, dtype):
        raise np._core._exceptions._ArrayMemoryError((n,), np.dtype(dtype))

    monkeypatch.setattr(allocator.np, "empty", refuse)
    allocator.keep_freed_memory()


@linux
def test_import_where_address_space_is_short():
    code = (
        "import resource, numpy\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (24 << 20),) * 2)\n"
        "import autograd_core as ag\n"
        "print(ag.grad(numpy.tanh)(0.0))"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip() == "1.0", done.stderr
