"""Quantities as text: bytes, counts and times with a unit that keeps them short."""


def bytes_text(n: float) -> str:
    """Return a number of bytes in a binary unit.

    Examples
    --------
    >>> from autograd_core.profiling.quantities import bytes_text
    >>> bytes_text(512), bytes_text(1_705_984), bytes_text(3 * 1024**3)
    ('512 B', '1,666 KiB', '3.0 GiB')
    """
    for unit, limit in (("B", 1024), ("KiB", 10_000), ("MiB", 1024)):
        if n < limit:
            return f"{n:,.0f} {unit}" if n >= 10 or unit == "B" else f"{n:.1f} {unit}"
        n /= 1024
    return f"{n:,.1f} GiB"


def count_text(n: float) -> str:
    """Return a count, with a decimal prefix from 10,000 upwards.

    Examples
    --------
    >>> from autograd_core.profiling.quantities import count_text
    >>> count_text(272), count_text(12960), count_text(420000)
    ('272', '12.96 k', '0.42 M')
    """
    for limit, scale, unit in (
        *((1e12, 1e12, "T"), (1e9, 1e9, "G")),
        *((1e5, 1e6, "M"), (1e4, 1e3, "k")),
    ):
        if n >= limit:
            return f"{n / scale:.2f} {unit}"
    return f"{n:,.0f}"


def time_text(seconds: float) -> str:
    """Return a time in seconds, milliseconds or microseconds.

    Examples
    --------
    >>> from autograd_core.profiling.quantities import time_text
    >>> time_text(6.93e-3), time_text(12e-6)
    ('6.93 ms', '12.0 µs')
    """
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-4:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds * 1e6:.1f} µs"
