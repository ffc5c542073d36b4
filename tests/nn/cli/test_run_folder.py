"""Folders of runs: claimed once, and removed if nothing was written."""

import threading

import pytest

from nn.cli.parser import UsageError
from nn.cli.run_folder import claimed


def test_one_of_many_claims_an_empty_folder(tmp_path):
    (tmp_path / "run").mkdir()
    start, won, lost = threading.Barrier(8), [], []

    def claim():
        start.wait()
        try:
            with claimed(tmp_path / "run") as folder:
                (folder / "history.jsonl").write_text("x")
                won.append(folder)
        except UsageError as error:
            lost.append(str(error))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert (len(won), len(lost)) == (1, 7)
    assert all("already exists; choose another --out" in text for text in lost)


def test_a_claim_between_looking_and_claiming_is_noticed(tmp_path, monkeypatch):
    """Let the folder look empty, although another process has claimed it since."""
    (tmp_path / "history.jsonl").write_text("")
    monkeypatch.setattr(type(tmp_path), "iterdir", lambda self: iter(()))
    with pytest.raises(UsageError, match="already exists"), claimed(tmp_path):
        pass
    assert (tmp_path / "history.jsonl").exists()


def test_default_names_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "now")
    with claimed(None) as a, claimed(None) as b, claimed(None) as c:
        assert [str(p) for p in (a, b, c)] == ["runs/now", "runs/now-2", "runs/now-3"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_folder_without_results_is_removed(tmp_path, error):
    (tmp_path / "there").mkdir()

    def fail(folder, result=None):
        with claimed(folder):
            assert folder.is_dir()
            if result:
                (folder / result).write_text("result")
            raise error

    for folder in (tmp_path / "a" / "b" / "c", tmp_path / "there" / "d", tmp_path / "there"):
        with pytest.raises(error):
            fail(folder)
        assert [p.name for p in tmp_path.rglob("*")] == ["there"]  # it was there before
    with pytest.raises(error):
        fail(tmp_path / "kept", "weights")
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["weights"]


def test_files_and_folders_in_use_are_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    for name in ("file", "link", "full"):
        with pytest.raises(UsageError, match="already exists"), claimed(tmp_path / name):
            pass
    assert (tmp_path / "file").read_text() == (tmp_path / "full" / "x").read_text() == "mine"
