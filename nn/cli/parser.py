"""The argument parser of ``python -m nn``: it raises instead of exiting; types of options."""

import argparse
from typing import NoReturn


class UsageError(ValueError):
    """A request on the command line that cannot be carried out."""


class Parser(argparse.ArgumentParser):
    """Parser that raises :class:`UsageError` where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def count(text: str) -> int:
    """Parse a number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up, got {text!r}")
    return int(text)


def seed(text: str) -> int:
    """Parse a number from 0 up."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 up, got {text!r}")
    return int(text)


def rate(text: str) -> float:
    """Parse a positive number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def sizes(text: str) -> tuple[int, ...]:
    """Parse at least two positive numbers, such as 784,16,16,10."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) < 2 or min(found) < 1:
        raise argparse.ArgumentTypeError(f"sizes look like 784,16,16,10, got {text!r}")
    return found
