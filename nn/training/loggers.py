"""Callbacks of ``fit`` that write its history as it grows: JSON lines, and TensorBoard's files."""

from __future__ import annotations

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
from nn.files.weights import write_atomically
from nn.training.loop import History, Run

#: How every line begins.
_START = b'{"epoch": '


def _number(value: Any) -> Any:
    """As JSON has it: null for what is not finite."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


class JSONLines:
    """Append one JSON object an epoch to a file, which can be read while training goes on.

    What is not finite is written as null.  A resumed training continues its file, which is first
    made to hold the epochs of its history, each once, whatever a crash has left there; a training
    from the start begins the file anew.  Of several callbacks, put it after those that add columns.

    Parameters
    ----------
    path
        Of the file; its folder is made if it is not there.

    Raises
    ------
    FileFormatError
        If a file is there that this callback has not written; it is left as it is.

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
        self._history: History | None = None  # of which the file holds so many epochs:
        self._written = 0
        if self.path.exists():
            self._recognize()

    def _recognize(self) -> None:
        """Every line begins as ours do, the last one as far as it goes."""
        data = self.path.read_bytes().rstrip(b"\0")  # which a loss of power may leave
        for number, line in enumerate(data.splitlines(keepends=True), start=1):
            whole = line.endswith(b"\n")
            if not (line.startswith(_START) if whole else _START.startswith(line[: len(_START)])):
                raise FileFormatError(
                    f"{self.path} holds no epochs of a training (see its line {number}); it is "
                    "left as it is, choose another path"
                )

    def __call__(self, run: Run) -> None:
        rows = run.history.epochs
        if self._history is run.history and self._written == len(rows) - 1 and self.path.exists():
            with self.path.open("ab") as file:
                file.write(_line(rows[-1]))
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = b"".join(map(_line, rows))
            write_atomically(self.path, lambda file: file.write(text))
        self._history, self._written = run.history, len(rows)


def _line(row: dict[str, float]) -> bytes:
    row = {"epoch": row["epoch"], **row}
    values = {name: _number(value) for name, value in row.items()}
    return json.dumps(values, allow_nan=False).encode() + b"\n"


def _tensorboardx() -> tuple[Any, Any, Any]:
    """Its messages Event and Summary, and its checksum."""
    try:
        from tensorboardX.proto import event_pb2, summary_pb2
        from tensorboardX.record_writer import masked_crc32c
    except ImportError as error:
        raise ImportError(
            "nn.TensorBoard writes by tensorboardX, which is not installed: "
            "pip install tensorboardX (nn.JSONLines needs nothing)"
        ) from error
    return event_pb2, summary_pb2.Summary, masked_crc32c


class TensorBoard:
    """Append every number of the history, and the learning rates, for TensorBoard to draw.

    The epoch is the step.  Each epoch the file is opened, appended to and closed: what is drawn is
    never behind, and nothing stays open however the training ends.  A resumed training continues
    its curves in a file of its own; epochs that are trained again replace those of before.

    Parameters
    ----------
    folder
        For ``tensorboard --logdir``, one for each training; made if it is not there.

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

    def __call__(self, run: Run) -> None:
        messages, summary, checksum = _tensorboardx()
        row, groups = run.history.epochs[-1], run.optimizer.param_groups
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
        if common["step"] != self._step + 1:  # what another training wrote from here on is void
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
    """One record of a TFRecord file: the length and the data, each followed by its CRC-32C."""
    length = struct.pack("<Q", len(data))
    return b"".join(part + struct.pack("<I", checksum(part)) for part in (length, data))
