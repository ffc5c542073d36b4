"""Folders of runs: each is claimed by one process, and none is left by a run that wrote nothing."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nn.cli.parser import UsageError

#: Created exclusively, and written by the training after its first epoch.
_CLAIM = "history.jsonl"


@contextmanager
def claimed(chosen: Path | None) -> Iterator[Path]:
    """Create the folder of a run, for one process alone, and yield it.

    Parameters
    ----------
    chosen
        The folder, which is new or empty; by default ``runs/<time>``, with a number after it if
        another run began in the same second.

    Raises
    ------
    UsageError
        If the chosen folder is in use.
    """
    stamp = time.strftime("%Y-%m-%d-%H%M%S")
    for i in itertools.count(1):
        folder = chosen or Path("runs") / (stamp if i == 1 else f"{stamp}-{i}")
        made = [p for p in (folder, *folder.parents) if not p.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise FileExistsError
            (folder / _CLAIM).open("x").close()
            break
        except FileExistsError:
            if chosen:
                begun = chosen.is_dir() and [p.name for p in chosen.iterdir()] == [_CLAIM]
                remedy = (
                    "remove it if its run was killed before an epoch" if begun else "--resume it"
                )
                raise UsageError(
                    f"{folder} already exists; choose another --out, or {remedy}"
                ) from None
    try:
        yield folder
    finally:
        with suppress(OSError):  # folders that hold something stay
            if not (folder / _CLAIM).stat().st_size:
                (folder / _CLAIM).unlink()
            for p in made:
                p.rmdir()
