"""What the commands of ``python -m nn`` share: a parser that raises, and the types of options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn


class UsageError(ValueError):
    """Something on the command line that cannot be done."""


class Parser(argparse.ArgumentParser):
    """Raises :class:`UsageError` where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def count(text: str) -> int:
    """A number from 1 up."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 up, got {text!r}")
    return int(text)


def rate(text: str) -> float:
    """A positive number."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def seed(text: str) -> int:
    """A number from 0 up."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 up, got {text!r}")
    return int(text)


def new_folder(folder: Path) -> Path:
    """``folder``, once it is sure that nothing is in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} already exists; choose another --out, or --resume it")
    return folder


def checkpoint_in(folder: Path, out: Path | None) -> Path:
    """The checkpoint of a run to go on with."""
    if out and out != folder:
        raise UsageError("--resume goes on in its own folder; leave out --out")
    checkpoint = folder / "checkpoint.safetensors"
    if not checkpoint.is_file():
        raise UsageError(f"{folder} holds no run to go on with: there is no {checkpoint.name}")
    return checkpoint
