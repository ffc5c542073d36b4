"""Standard output and error that may fail: a full disk or closed pipe must not cost a result.

While a command runs, both streams are wrapped: the first failure is kept, what follows is dropped,
and the command goes on.  Its exit status tells the failure when everything has been written.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Guarded:
    """Text stream whose writes never fail; ``error`` is the first failure.

    Characters that the encoding lacks are written as escapes.  A stream of None, which Python has
    where a standard stream is closed, fails at the first write.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.error: Exception | None = None

    def _try(self, action: Any) -> None:
        if self.error is None:
            try:
                action()
            except (OSError, ValueError) as error:  # ValueError: it is closed
                self.error = error

    def write(self, text: str) -> int:
        if self.stream is None:
            self.error = self.error or OSError(errno.EBADF, os.strerror(errno.EBADF))
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        known = text.encode(encoding, "backslashreplace").decode(encoding)
        self._try(lambda: self.stream.write(known))
        return len(text)

    def flush(self) -> None:
        if self.stream is not None:
            self._try(self.stream.flush)

    def isatty(self) -> bool:
        return bool(self.error is None and self.stream is not None and self.stream.isatty())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def guarded() -> Iterator[Guarded]:
    """Guard both standard streams for a block; the one of output is returned."""
    out = Guarded(sys.stdout)
    err = Guarded(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            yield out
        finally:
            out.flush()
