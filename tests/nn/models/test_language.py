"""Text, the language model of characters, and its two commands."""

import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.cli import digits as cli
from nn.data.text import Characters, Streams, load_text
from nn.models import language


@given(st.text(min_size=1))
def test_a_text_becomes_numbers_and_back(text):
    characters = Characters(text)
    numbers = characters.encode(text)
    assert characters.decode(numbers) == text
    assert sorted(set(numbers.tolist())) == list(range(len(characters)))


def test_a_strange_character_is_told():
    with pytest.raises(ValueError, match="'z' is not among the 2"):
        Characters("ab").encode("az")
    with pytest.raises(ValueError, match="empty text"):
        Characters("")


@given(st.integers(2, 200), st.integers(1, 5), st.integers(1, 9))
def test_streams_go_on_where_the_last_window_ended(n, batch, length):
    if (n - 1) // batch < 1:
        with pytest.raises(ValueError, match="too short"):
            Streams(np.arange(n), batch, length)
        return
    streams = Streams(np.arange(n), batch, length)
    windows = list(streams)
    assert len(windows) == len(streams)
    x = np.concatenate([x for x, _ in windows], axis=1)
    assert (np.diff(x, axis=1) == 1).all()
    assert x.size == (n - 1) // batch * batch
    assert all((y == x + 1).all() for x, y in windows)


def test_load_text(tmp_path):
    (tmp_path / "a.txt").write_bytes("\ufeffä\r\nb".encode())
    assert load_text(tmp_path / "a.txt") == "ä\nb"
    (tmp_path / "b.gz").write_bytes(gzip.compress("ä".encode()))
    assert load_text(tmp_path / "b.gz") == "ä"
    for name, raw, words in [
        ("c.gz", gzip.compress(b"abc" * 99)[:-9], "corrupt"),
        ("d.txt", b"\xff\xfe\xfa", "UTF-8"),
        ("e.txt", b"", "empty"),
    ]:
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(nn.DataError, match=words):
            load_text(tmp_path / name)
    with pytest.raises(nn.DataError, match="cannot be read"):
        load_text(tmp_path / "none.txt")
    assert len(load_text()) > 100_000


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_a_stateful_model_reads_windows_as_one_text(kind):
    model = nn.models.char_rnn(5, kind, embed=3, hidden=4, stateful=True, rng=0, dtype=float)
    ids = np.random.default_rng(0).integers(0, 5, (2, 12))
    whole, _ = model.advance(ids)
    parts = np.concatenate([model(ids[:, :5]).numpy(), model(ids[:, 5:]).numpy()], axis=1)
    assert parts == pytest.approx(whole.numpy(), rel=1e-12)
    model.train()  # forgets
    assert model(ids).numpy() == pytest.approx(whole.numpy(), rel=1e-12)
    assert model(ids[:1]).shape == (1, 12, 5)  # other streams: from zeros
    model.eval()
    assert model(ids).numpy() == pytest.approx(model(ids).numpy(), abs=0)


def test_gradients_end_where_the_window_began():
    model = nn.models.char_rnn(5, "gru", embed=3, hidden=4, stateful=True, rng=0, dtype=float)
    first, second = np.array([[0, 1]]), np.array([[2, 3]])
    model(first)
    language.next_character_loss(model(second), np.array([[3, 4]])).backward()
    gradient = model.embedding.weight.grad.numpy()
    assert (gradient[[0, 1]] == 0).all()
    assert (gradient[[2, 3]] != 0).any(axis=1).all()


def test_a_text_that_repeats_is_learned_and_said():
    text = "abcdefgh" * 60
    characters = Characters(text)
    model = nn.models.char_rnn(8, "gru", embed=8, hidden=16, stateful=True, rng=0)
    optimizer = nn.Adam(model.parameters(), lr=1e-2)
    streams = Streams(characters.encode(text), 4, 16)
    history = nn.fit(
        model, streams, language.next_character_loss, optimizer, 25, max_norm=1.0, progress=False
    )
    assert language.perplexity(history["loss"][-1]) < 1.2
    said = language.sample(model, characters, "abc", 13, temperature=0)
    assert said == "defghabcdefgh"
    assert model.training
    again = [language.sample(model, characters, "a", 30, temperature=2.0, rng=1) for _ in range(2)]
    assert again[0] == again[1]
    with pytest.raises(ValueError, match="at least one character"):
        language.sample(model, characters, "")


def test_perplexity_of_guessing():
    loss = language.next_character_loss(np.zeros((2, 3, 65)), np.zeros((2, 3), int))
    assert language.perplexity(loss.item()) == pytest.approx(65)
    assert math.isfinite(language.perplexity(1e9))


# -- the commands ---------------------------------------------------------------------------


def run(capsys, *arguments):
    status = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be, that is the question.\n" * 60)
    return path


def small(text, out, *more):
    return ("chars", "--text", text, "--out", out, "--hidden", 16, "--batch", 4, *more)


def test_a_run_and_what_it_says(capsys, text, tmp_path):
    out = tmp_path / "run"
    status, shown, err = run(capsys, *small(text, out, "--epochs", 3))
    assert (status, err) == (0, "")
    assert "nats per held-out character, perplexity" in shown
    assert len(out.joinpath("history.jsonl").read_text().splitlines()) == 3
    assert {p.name for p in out.iterdir()} == {
        "weights.safetensors", "checkpoint.safetensors", "history.jsonl", "sample.txt"
    }  # fmt: skip
    status, shown, err = run(
        capsys, "sample", out, "--prompt", "to be", "--length", 20, "--seed", 1
    )
    assert status == 0
    assert shown.startswith("to be")
    status, _, err = run(capsys, "sample", out, "--prompt", "Ä")
    assert (status, err.count("\n")) == (2, 1)
    assert "'Ä' is not among" in err


def test_a_resumed_run_equals_one_without_a_break(capsys, text, tmp_path):
    run(capsys, *small(text, tmp_path / "a", "--epochs", 3))
    run(capsys, *small(text, tmp_path / "b", "--epochs", 1))
    status, _, _ = run(capsys, "chars", "--resume", tmp_path / "b", "--epochs", 3)
    assert status == 0
    a, b = (nn.load(tmp_path / x / "weights.safetensors") for x in "ab")
    assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(("arguments", "words"), [
    (["chars", "--text", "nowhere.txt"], "cannot be read"),
    (["chars", "--kind", "transformer"], "invalid choice"),
    (["chars", "--hidden", "0"], "from 1 up"),
    (["chars", "--batch", "1000000", "--out", "{tmp}/new"], "too short"),
    (["chars", "--resume", "{tmp}"], "no run to go on with"),
    (["sample", "{tmp}/none.safetensors"], "No such file"),
])  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(capsys, tmp_path, arguments, words):
    status, out, err = run(capsys, *(a.format(tmp=tmp_path) for a in arguments))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert not (tmp_path / "new").exists()


def test_a_resumed_run_keeps_its_choices(capsys, text, tmp_path):
    run(capsys, *small(text, tmp_path / "a", "--epochs", 1))
    status, _, err = run(capsys, "chars", "--resume", tmp_path / "a", "--hidden", 8)
    assert status == 2
    assert "begun with --hidden 16" in err
    weights = tmp_path / "a" / "weights.safetensors"
    nn.save(weights, nn.load(weights), {"language": json.dumps({"characters": ""})})
    assert run(capsys, "sample", tmp_path / "a")[0] == 2
