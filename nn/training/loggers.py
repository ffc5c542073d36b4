"""Callbacks of ``fit`` that write its history as it grows: JSON lines, and TensorBoard files."""

import json
import math
import os
import socket
import struct
import time
from numbers import Real
from pathlib import Path
from typing import Any

from nn.errors import FileFormatError
from nn.files.reading import open_file
from nn.files.weights import write_atomically
from nn.training.loop import CallbackBase, History, TrainingState

#: The beginning of every line.
_START = b'{"epoch": '


def _number(value: Any) -> Any:
    """Return a value that JSON can express: None for infinity and nan."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


class JSONLines(CallbackBase):
    """Append one JSON object per epoch to a file, which can be read while training goes on.

    Infinity and nan are written as null.  A resumed training continues its file, which is first
    rewritten to hold each epoch of its history once, whatever a crash has left there; a training
    from the start begins a new file.  Put it after callbacks that add columns.

    Parameters
    ----------
    path
        The file to write; its folder is created when missing.

    Raises
    ------
    FileFormatError
        If the file exists and was not written by this callback; it is left as it is.

    Examples
    --------
    >>> import tempfile, numpy as np, nn
    >>> from pathlib import Path
    >>> batch, model = (np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)), nn.mlp([2, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = nn.JSONLines(Path(folder) / "history.jsonl")
    ...     optimizer = nn.SGD(model.parameters(), lr=0.0)
    ...     history = nn.fit(model, [batch], nn.mse_loss, optimizer, 2, callbacks=[log],
    ...                      progress=False)
    ...     [line[:12] for line in log.path.read_text().splitlines()]
    ['{"epoch": 1,', '{"epoch": 2,']
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._history: History | None = None  # the file holds its first self._written epochs
        self._written = 0
        if self.path.exists():
            self._recognize()

    def _recognize(self) -> None:
        """Check that every line begins as this class writes it; the last one may be cut off."""
        with open_file(self.path) as file:
            data = file.read().rstrip(b"\0")  # a loss of power may leave zeros
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            whole = line.endswith(b"\n")
            if not (line.startswith(_START) if whole else _START.startswith(line[: len(_START)])):
                raise FileFormatError(
                    f"{self.path} is not a history of a training (see its line {number}); it is "
                    "left as it is, choose another path"
                )

    def __call__(self, state: TrainingState) -> None:
        rows = state.history.epochs
        if self._history is state.history and self._written == len(rows) - 1 and self.path.exists():
            with self.path.open("ab") as file:
                file.write(_line(rows[-1]))
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, b"".join(map(_line, rows)))
        self._history, self._written = state.history, len(rows)


def _line(row: dict[str, float]) -> bytes:
    values = {name: _number(value) for name, value in {"epoch": 0, **row}.items()}
    return json.dumps(values, allow_nan=False).encode() + b"\n"


def _tensorboardx() -> tuple[Any, Any, Any]:
    """Return the messages of tensorboardX, its Summary, and its checksum."""
    try:
        from tensorboardX.proto import event_pb2, summary_pb2
        from tensorboardX.record_writer import masked_crc32c
    except ImportError as error:
        raise ImportError(
            "nn.TensorBoard needs tensorboardX, which is not installed: "
            "pip install tensorboardX (nn.JSONLines needs nothing else)"
        ) from error
    return event_pb2, summary_pb2.Summary, masked_crc32c


class TensorBoard(CallbackBase):
    """Append every number of the history, and the learning rates, for TensorBoard to draw.

    The epoch is the step.  After each epoch the file is opened, appended to and closed, so the
    curves are always up to date, and no file stays open however the training ends.  A resumed
    training continues its curves in a file of its own; epochs that are trained again replace the
    earlier ones.

    Parameters
    ----------
    folder
        The folder for ``tensorboard --logdir``, one for each training; created when missing.

    Raises
    ------
    ImportError
        If tensorboardX, which is optional, is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        _tensorboardx()
        self.folder = Path(folder)
        self.path: Path | None = None
        self._step = -1

    def __call__(self, state: TrainingState) -> None:
        messages, summary, checksum = _tensorboardx()
        row, groups = state.history.epochs[-1], state.optimizer.param_groups
        rates = {f"learning_rate/{i}": group["lr"] for i, group in enumerate(groups)}
        if len(groups) == 1:
            rates = {"learning_rate": groups[0]["lr"]}
        values = [
            summary.Value(tag=name, simple_value=float(value))
            for name, value in {**row, **rates}.items()
            if name != "epoch" and isinstance(value, Real)
        ]
        common = {"wall_time": time.time(), "step": int(row["epoch"])}
        events = [messages.Event(**common, summary=summary(value=values))]
        if common["step"] != self._step + 1:  # replace what another training wrote from here on
            start = messages.SessionLog(status=messages.SessionLog.START)
            events.insert(0, messages.Event(**common, session_log=start))
        if self.path is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp = f"{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
            self.path = self.folder / f"events.out.tfevents.{stamp}"
            events.insert(0, messages.Event(wall_time=time.time(), file_version="brain.Event:2"))
        records = b"".join(_record(event.SerializeToString(), checksum) for event in events)
        with self.path.open("ab") as file:
            file.write(records)
        self._step = int(row["epoch"])


def _record(data: bytes, checksum: Any) -> bytes:
    """Return one record of a TFRecord file: length and data, each followed by its CRC-32C."""
    length = struct.pack("<Q", len(data))
    return b"".join(part + struct.pack("<I", checksum(part)) for part in (length, data))
