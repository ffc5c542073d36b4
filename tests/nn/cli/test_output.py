"""Streams whose failures cost nothing."""

import io
import sys

import pytest

from nn.cli import digits
from nn.cli.output import Guarded, guarded


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


class Closed(io.StringIO):
    def flush(self):
        raise BrokenPipeError(32, "Broken pipe")


def test_the_first_failure_is_kept():
    for stream, kind in ((Full(), OSError), (Closed(), BrokenPipeError), (None, OSError)):
        guard = Guarded(stream)
        print("text", file=guard, flush=True)
        print("more", file=guard, flush=True)
        assert isinstance(guard.error, kind)
        assert not guard.isatty()
        guard.flush()
    shut = io.StringIO()
    shut.close()
    guard = Guarded(shut)
    print("text", file=guard)
    assert isinstance(guard.error, ValueError)


def test_letters_that_an_encoding_lacks_are_escaped():
    raw = io.BytesIO()
    guard = Guarded(io.TextIOWrapper(raw, encoding="ascii"))
    print("ä\udcff", file=guard, end="", flush=True)
    assert raw.getvalue() == b"\\xe4\\udcff"
    assert guard.error is None


def test_streams_are_given_back():
    before = sys.stdout, sys.stderr

    def fail():
        with guarded() as out:
            assert sys.stdout is out
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (sys.stdout, sys.stderr) == before


def test_faults_of_ours_are_not_taken_for_the_user_s(monkeypatch, capsys):
    """A ValueError, or an OSError without a file, of the program itself keeps its traceback."""
    for error in (ValueError("ours"), KeyError("ours"), OSError(9, "Bad file descriptor")):

        def fail(options, error=error):
            raise error

        monkeypatch.setattr(digits, "_predict", fail)
        with pytest.raises(type(error)):
            digits.main(["predict", "a", "b"])
    for error, status, words in [
        (OSError(28, "No space left on device"), 2, "error: No space left on device"),
        (PermissionError(13, "Permission denied", "a\x1bb"), 2, "denied: a\\x1bb"),
        (MemoryError("Unable to allocate 3 TiB"), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, ""),
    ]:

        def fail(options, error=error):
            raise error

        monkeypatch.setattr(digits, "_predict", fail)
        assert digits.main(["predict", "a", "b"]) == status
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == bool(words)
        with pytest.raises(type(error)):
            digits.main(["predict", "a", "b", "--traceback"])
