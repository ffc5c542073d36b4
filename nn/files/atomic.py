"""Files that are written as a whole or not at all.

The content goes to a temporary file beside the target, which is flushed to disk and renamed.  Its
name is unpredictable and it is created exclusively, so neither a planted link nor another writer
can stand in its place.  While it is written it is locked; the lock ends with the process, so
the next writer recognizes what a killed one left, and removes it.
"""

import errno
import os
import re
import secrets
import socket
import stat
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

#: Temporary files of this host; those of other hosts in a shared folder are left alone.
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_TEMPORARY = re.compile(rf"\.nn-{_HOST}-[0-9a-f]{{16}}\.tmp")
#: Windows has no lock that lasts until the renaming; there, leftovers are those as old as this.
_OLD_SECONDS = 3600.0


def write_atomically(path: str | Path, content: bytes | Callable[[Any], object]) -> None:
    """Write a file as a whole: under another name, flushed to disk, then renamed.

    A reader finds the old file or the new one, never a part, also after a crash.  An existing file
    keeps its mode and owner (where the owner cannot be kept, the group gets the rights of others);
    a new one gets what the umask says.  A link is followed, and the file that it names is replaced.
    A second hard link keeps the old content.

    On Windows files have no modes and ``os.replace`` cannot replace a file that a program has
    open: PermissionError is raised, and the old file stays as it was.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    content
        Its bytes, or a function of the open file that writes them.

    Raises
    ------
    OSError
        If the file cannot be written, or is a folder, a pipe or a device.  The old file, if there
        is one, is unchanged then.

    Examples
    --------
    >>> import nn, pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "notes.txt"
    ...     nn.files.write_atomically(path, b"first")
    ...     nn.files.write_atomically(path, lambda file: file.write(b"second"))
    ...     path.read_bytes(), len(list(path.parent.iterdir()))
    (b'second', 1)
    """
    target = Path(os.path.realpath(path))
    old = _status(target)
    _remove_leftovers(target.parent)
    try:
        temporary, file = _create(target.parent, 0o666 if old is None else 0o600)
    except OSError as error:  # name the file that was asked for
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with file:
            if old is not None and os.chmod in os.supports_fd:
                mode = stat.S_IMODE(old.st_mode)
                try:
                    os.chown(file.fileno(), old.st_uid, old.st_gid)
                except OSError:  # another group may do no more than everybody
                    mode = mode & 0o707 | (mode & 0o007) << 3
                os.chmod(file.fileno(), mode)
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":  # renamed while it is locked
                temporary.replace(target)
        if sys.platform == "win32":  # cannot rename an open file
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(target.parent)


def _status(target: Path) -> os.stat_result | None:
    """Return the status of the file to replace, if there is one."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "A pipe or device is not replaced by a file", str(target))
    return found


def _create(folder: Path, mode: int) -> tuple[Path, Any]:
    """Create a temporary file that no other process can have, and lock it."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), mode)

    while True:
        path = folder / f".nn-{_HOST}-{secrets.token_hex(8)}.tmp"
        file = open(path, "xb", opener=opener)  # noqa: SIM115
        # whoever cleans up may have taken the file for a leftover before it was locked
        if _lock(file.fileno()) is not False and path.exists():
            return path, file
        file.close()


def _lock(handle: int) -> bool | None:
    """Lock an open file; return False if another has locked it, None where locks are missing."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes of this user and host have left."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):
                    _remove_leftover(Path(entry.path))


def _remove_leftover(path: Path) -> None:
    if not stat.S_ISREG(path.lstat().st_mode):
        return
    if sys.platform == "win32":  # which refuses to remove what is open
        if time.time() - path.stat().st_mtime > _OLD_SECONDS:
            path.unlink()
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(handle).st_uid == os.geteuid() and _lock(handle):
            path.unlink()
    finally:
        os.close(handle)


def _flush_folder(folder: Path) -> None:
    """Flush a new name to disk, on systems whose folders can be flushed."""
    if os.name == "posix":
        with suppress(OSError):  # the file is in place; a folder may be closed to reading
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
