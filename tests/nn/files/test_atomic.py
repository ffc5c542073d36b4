"""Files written as a whole: links, modes, threads, killed writers, and names of any length."""

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import nn
from nn.files import atomic, write_atomically

ROOT = Path(__file__).parents[3]
posix = pytest.mark.skipif(os.name != "posix", reason="files have no modes there")

HANG = """
import sys, time
from nn.files import write_atomically
def hang(file):
    file.write(b"half")
    file.flush()
    print("here", flush=True)
    time.sleep(60)
write_atomically(sys.argv[1], hang)
"""


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def writer(tmp_path):
    """Return a process that is in the middle of writing a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANG, str(tmp_path / "theirs")], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().strip() == b"here"
    with process:
        yield process
        process.kill()


def test_what_a_killed_writer_left_is_removed_and_a_living_one_is_not(tmp_path, writer):
    (left,) = names(tmp_path)
    assert left.startswith(".nn-")
    write_atomically(tmp_path / "ours", b"1")
    assert names(tmp_path) == [left, "ours"]
    writer.kill()
    writer.wait()
    write_atomically(tmp_path / "ours", b"2")
    assert names(tmp_path) == ["ours"]


def test_a_file_in_the_middle_of_writing_survives_another_thread(tmp_path):
    """Write a second file of the same process, by name and by thread, while a first is open."""

    def content(file):
        file.write(b"first")
        thread = threading.Thread(target=write_atomically, args=(tmp_path / "b", b"second"))
        thread.start()
        thread.join()
        write_atomically(tmp_path / "a", b"inner")

    write_atomically(tmp_path / "a", content)
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a", "b"]


def test_threads_that_write_one_file_never_show_a_part(tmp_path):
    path, wrong, done = tmp_path / "file", [], threading.Event()
    contents = [bytes([i]) * 50_000 for i in range(4)]
    path.write_bytes(contents[0])

    def write(content):
        try:
            for _ in range(25):
                write_atomically(path, content)
        except OSError as error:
            wrong.append(error)

    def read():
        while not done.is_set():
            found = path.read_bytes()
            if found not in contents:
                wrong.append(len(found))

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(c,)) for c in contents]
    for t in (reader, *writers):
        t.start()
    for t in writers:
        t.join()
    done.set()
    reader.join()
    assert not wrong
    assert names(tmp_path) == ["file"]


def test_leftovers_of_other_hosts_and_files_of_others_stay(tmp_path):
    token = "0123456789abcdef"
    mine = tmp_path / f".nn-{atomic._HOST}-{token}.tmp"
    others = [f".nn-00000000-{token}.tmp", f".nn-{atomic._HOST}-{token}.tmp.txt", ".w.123.tmp"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "precious").write_bytes(b"kept")
    mine.symlink_to(tmp_path / "precious")
    write_atomically(tmp_path / "w", b"")
    assert set(others) < set(names(tmp_path))
    assert mine.is_symlink()
    mine.unlink()
    mine.write_bytes(b"left by a process that is gone")
    write_atomically(tmp_path / "w", b"")
    assert names(tmp_path) == sorted([*others, "precious", "w"])


@posix
def test_a_pipe_with_the_name_of_a_leftover_does_not_hang(tmp_path):
    pipe = tmp_path / f".nn-{atomic._HOST}-0123456789abcdef.tmp"
    os.mkfifo(pipe)
    write_atomically(tmp_path / "w", b"x")
    assert names(tmp_path) == [pipe.name, "w"]


@posix
def test_a_planted_link_is_not_followed(tmp_path, monkeypatch):
    """Plant a link under the next temporary name: an error, and nothing written through it."""
    monkeypatch.setattr(atomic.secrets, "token_hex", lambda n: "0" * 16)
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / f".nn-{atomic._HOST}-{'0' * 16}.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError) as caught:
        write_atomically(tmp_path / "w", b"x")
    assert caught.value.filename == str(tmp_path / "w")
    assert (tmp_path / "victim").read_bytes() == b"precious"


@posix
def test_a_file_that_was_taken_for_a_leftover_is_made_anew(tmp_path, monkeypatch):
    """Remove the temporary file just before it is locked, as a cleaning process could."""
    lock, removed = atomic._lock, []

    def lock_late(handle):
        if not removed:
            removed.extend(tmp_path.glob(".nn-*"))
            removed[0].unlink()
        return lock(handle)

    monkeypatch.setattr(atomic, "_lock", lock_late)
    write_atomically(tmp_path / "w", b"whole")
    assert (tmp_path / "w").read_bytes() == b"whole"
    assert len(removed) == 1
    assert names(tmp_path) == ["w"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o755])
def test_the_mode_of_a_file_stays(tmp_path, mode):
    path, seen = tmp_path / "w", []
    path.write_bytes(b"")
    path.chmod(mode)
    write_atomically(path, lambda file: seen.append(os.fstat(file.fileno()).st_mode & 0o777))
    assert seen == [mode]  # the temporary file is never open to more
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.parametrize(("mode", "left"), [(0o640, 0o600), (0o664, 0o644), (0o600, 0o600)])
def test_another_group_gets_the_rights_of_others(tmp_path, monkeypatch, mode, left):
    """Replace a file of somebody else, whose owner and group only root could keep."""
    path = tmp_path / "w"
    path.write_bytes(b"")
    path.chmod(mode)

    def refused(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refused)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == left


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_mode_of_the_umask(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "w", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "w").stat().st_mode) == 0o666 & ~mask


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    for target in (tmp_path / "there" / "w", tmp_path / "there" / "new"):
        link = tmp_path / f"link {target.name}"
        link.symlink_to(target)
        write_atomically(link, b"content")
        assert link.is_symlink()
        assert target.read_bytes() == b"content"
    assert names(tmp_path / "there") == ["new", "w"]
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        write_atomically(tmp_path / "loop", b"")
    assert (tmp_path / "loop").is_symlink()


def test_folders_pipes_and_devices_are_not_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "folder", b"")
    if os.name == "posix":
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "null").symlink_to(os.devnull)
        for name in ("pipe", "null"):
            with pytest.raises(OSError, match="device"):
                write_atomically(tmp_path / name, b"")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "socket"))
            with pytest.raises(OSError, match="device"):
                write_atomically(tmp_path / "socket", b"")
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_names_may_be_as_long_as_the_system_allows(tmp_path):
    for n in (200, 252, 255):
        path = tmp_path / ("a" * (n - 4) + ".npz")
        nn.save(path, {"a": [1.0]})
        assert nn.load(path)["a"].tolist() == [1]
    assert len(names(tmp_path)) == 3


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "none" / "w", b"")
    assert caught.value.filename == str(tmp_path / "none" / "w")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file_alone(tmp_path, error):
    path = tmp_path / "w"
    path.write_bytes(b"old")

    def content(file):
        file.write(b"new")
        raise error

    with pytest.raises(error):
        write_atomically(path, content)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["w"]


def test_without_locks_leftovers_stay(tmp_path, monkeypatch):
    """On file systems without locks no file is known to be left over."""
    monkeypatch.setattr(atomic, "_lock", lambda handle: None)
    left = tmp_path / f".nn-{atomic._HOST}-0123456789abcdef.tmp"
    left.write_bytes(b"")
    write_atomically(tmp_path / "w", b"x")
    assert names(tmp_path) == [left.name, "w"]
