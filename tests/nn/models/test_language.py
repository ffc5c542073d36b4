"""The language model of characters: states, gradients, samples, perplexity."""

import math

import numpy as np
import pytest

import nn
from nn.data.text import Characters, Streams
from nn.models import language


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


def test_a_repeating_text_is_learned_and_generated():
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


def test_logits_of_nan_generate_nothing():
    characters = Characters("ab")
    model = nn.models.char_rnn(2, rng=0)
    model.output.bias.data = np.array([np.nan, 0], np.float32)
    for temperature in (0.0, 1.0):
        with pytest.raises(ValueError, match="not finite: its training diverged"):
            language.sample(model, characters, "a", 3, temperature=temperature)


def transformer(**options):
    return language.CharTransformer(5, hidden=8, context=6, heads=2, rng=0, dtype=float, **options)


def test_a_transformer_sees_nothing_later_and_the_last_characters_alone():
    model, ids = transformer(), np.random.default_rng(0).integers(0, 5, (2, 9))
    whole = model(ids[:, :6]).numpy()
    other = ids[:, :6].copy()
    other[:, 4:] = (other[:, 4:] + 1) % 5
    changed = model(other).numpy()
    np.testing.assert_array_equal(changed[:, :4], whole[:, :4])
    assert (changed[:, 4:] != whole[:, 4:]).any(-1).all()
    state = None
    for t in range(9):
        logits, state = model.advance(ids[:, t : t + 1], state)
        seen = ids[:, max(0, t - 5) : t + 1]
        np.testing.assert_array_equal(state, seen)
        np.testing.assert_array_equal(logits.numpy()[:, -1], model(seen).numpy()[:, -1])
    with pytest.raises(ValueError, match="looks at 6 characters, got 9"):
        model(ids)


def test_a_transformer_learns_and_generates_a_text():
    text = "abcdefgh" * 60
    characters = Characters(text)
    model = language.CharTransformer(8, hidden=16, context=16, heads=2, num_layers=1, rng=0)
    optimizer = nn.AdamW(model.parameters(), lr=1e-2)
    streams = Streams(characters.encode(text), 4, 16)
    nn.fit(model, streams, language.next_character_loss, optimizer, 25, progress=False)
    assert language.sample(model, characters, "abc", 13, temperature=0) == "defghabcdefgh"
