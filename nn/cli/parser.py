"""The argument parser of ``python -m nn``: it raises instead of exiting; types of options."""

import argparse
from collections.abc import Callable
from typing import Any, NoReturn


class UsageError(ValueError):
    """A request on the command line that cannot be carried out."""


class ResultError(ArithmeticError):
    """A computation whose result means nothing, because it is not finite."""


class Parser(argparse.ArgumentParser):
    """Parser that raises :class:`UsageError` where argparse would end the process."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_argument("--traceback", action="store_true", help="show where an error came from")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in a range, both ends included.

    Examples
    --------
    >>> from nn.cli.parser import whole
    >>> whole(1, 10)("7")
    7
    """

    def parse(text: str) -> int:
        value = int(text) if text.isdecimal() and len(text) < 50 else -1
        if value < low:
            raise argparse.ArgumentTypeError(f"expected a number from {low} up, got {text[:50]!r}")
        if value > high:
            raise argparse.ArgumentTypeError(f"expected a number up to {high:,}, got {text!r}")
        return value

    return parse


#: Numbers of examples, units, epochs; of layers; and seeds, of which NumPy uses 128 bits.
count = whole(1, 10**9)
depth = whole(1, 1000)
seed = whole(0, 2**128 - 1)


def rate(text: str) -> float:
    """Parse a positive number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text[:50]!r}")
    return value


def temperature(text: str) -> float:
    """Parse a positive number that logits can be divided by."""
    value = rate(text)
    if value < 1e-6:
        raise argparse.ArgumentTypeError(f"expected a number from 1e-6 up, got {text[:50]!r}")
    return value


def sizes(text: str) -> tuple[int, ...]:
    """Parse at least two positive numbers, such as 784,16,16,10."""
    parts = text.split(",")
    if not 2 <= len(parts) <= 1000 or not all(p.strip().isdecimal() for p in parts):
        raise argparse.ArgumentTypeError(f"sizes look like 784,16,16,10, got {text[:50]!r}")
    try:
        return tuple(count(part.strip()) for part in parts)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"sizes look like 784,16,16,10: {error}") from None


def widths(text: str) -> tuple[int, ...]:
    """Parse at least one positive number, such as 64,32."""
    return sizes(f"1,{text}")[1:]
