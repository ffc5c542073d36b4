"""Cases of the Fourier transforms, with every keyword."""

from __future__ import annotations

import numpy as np

from autograd_core.rules.cases.base import add, draw

F = np.fft
X, Y = draw(3, 4), draw(2, 3, 5)
ONE = (
    {},
    {"axis": 0},
    {"n": 3},
    {"n": 6},
    {"n": 7, "axis": -2},
    {"norm": "ortho"},
    {"norm": "forward", "n": 5},
)
MANY = ({}, {"axes": (0, 1)}, {"s": (3, 4), "axes": (0, 2)}, {"norm": "ortho"},
        {"s": (6, 2), "axes": (-1, 0), "norm": "forward"})  # fmt: skip

for name in ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]:
    f = getattr(F, name)
    for options in ONE:
        add(f"{name} {options}", lambda a, f=f, o=options: f(a, **o), X)
    if name not in ("rfft", "ihfft"):
        for options in ONE:
            add(f"{name} complex {options}", lambda a, f=f, o=options: f(a, **o), X + 1j * X[::-1])
for name in ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]:
    f = getattr(F, name)
    for options in MANY:
        add(f"{name} {options}", lambda a, f=f, o=options: f(a, **o), Y)
    if name[0] != "r":
        add(f"{name} complex", f, Y + 1j * Y[::-1])
add("fft positional", lambda a: F.fft(a, 5, 0, "ortho"), X)
for name in ("fftshift", "ifftshift"):
    f = getattr(F, name)
    for axes in (None, 1, (0, 2)):
        add(f"{name} {axes}", lambda a, f=f, axes=axes: f(a, axes=axes), Y)
