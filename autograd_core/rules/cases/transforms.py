"""Cases of Fourier transforms, with every keyword."""

from __future__ import annotations

import numpy as np

from autograd_core.rules.cases.base import add, add_each, draw

F = np.fft
X, Y = draw(3, 4), draw(2, 3, 5)
ONE = ({}, {"axis": 0}, {"n": 3}, {"n": 6}, {"n": 7, "axis": -2}, {"norm": "ortho"},
       {"norm": "forward", "n": 5})  # fmt: skip
MANY = ({}, {"axes": (0, 1)}, {"s": (3, 4), "axes": (0, 2)}, {"norm": "ortho"},
        {"s": (6, 2), "axes": (-1, 0), "norm": "forward"})  # fmt: skip

for options in ONE:
    add_each(F, "fft ifft rfft irfft hfft ihfft", X, after=f" {options}", **options)
    add_each(F, "fft ifft irfft hfft", X + 1j * X[::-1], after=f" complex {options}", **options)
for options in MANY:
    add_each(
        F, "fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn", Y, after=f" {options}", **options
    )
add_each(F, "fft2 ifft2 irfft2 fftn ifftn irfftn", Y + 1j * Y[::-1], after=" complex")
add("fft positional", lambda a: F.fft(a, 5, 0, "ortho"), X)
for name in ("fftshift", "ifftshift"):
    f = getattr(F, name)
    for axes in (None, 1, (0, 2)):
        add(f"{name} {axes}", lambda a, f=f, axes=axes: f(a, axes=axes), Y)
