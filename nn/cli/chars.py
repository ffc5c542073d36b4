"""``python -m nn chars`` trains a language model of characters; ``... sample`` generates text.

A run folder holds ``weights.safetensors`` (with the vocabulary and every choice), the checkpoint
to continue from, ``history.jsonl``, and ``sample.txt``.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn.cli.config import Config, add_run_options, load_weights, read_weights
from nn.cli.parser import UsageError, count, rate, seed
from nn.data.text import Characters, Streams, load_text
from nn.models import language


@dataclass(frozen=True)
class CharsConfig(Config):
    """The choices of a run on text, and its vocabulary."""

    key, command, source = "language", "chars", "text"

    kind: str = "gru"
    embed: int = 32
    hidden: int = 128
    layers: int = 1
    length: int = 64
    batch: int = 32
    lr: float = 2e-3
    epochs: int = 10
    seed: int = 0
    text: str | None = None
    characters: str = ""

    def check(self) -> None:
        """Raise an error if the vocabulary cannot be used."""
        Characters(self.characters)

    def network(self, rng: Any = None) -> language.CharRNN:
        """Return the model, with initial values drawn from ``rng``."""
        return nn.models.char_rnn(
            len(self.characters), self.kind, embed=self.embed, hidden=self.hidden,
            num_layers=self.layers, stateful=True, rng=rng,
        )  # fmt: skip


def add_commands(commands: Any) -> None:
    """Add both commands to the parser of ``python -m nn``."""
    train = commands.add_parser("chars", help="train a language model of characters")
    add = train.add_argument
    add("--text", metavar="FILE", help="UTF-8, also gzipped; default: this package's documentation")
    add("--kind", choices=sorted(language.KINDS), help="default: gru")
    add("--embed", type=count, help="numbers of a character; default: 32")
    add("--hidden", type=count, help="numbers of a state; default: 128")
    add("--layers", type=count, help="default: 1")
    add("--length", type=count, help="steps through which gradients flow back; default: 64")
    add("--batch", type=count, help="streams into which the text is cut; default: 32")
    add("--lr", type=rate, help="the learning rate of Adam; default: 0.002")
    add("--epochs", type=count, help="default: 10; with --resume the total number")
    add("--seed", type=seed, help="default: 0")
    add_run_options(train)
    sample = commands.add_parser("sample", help="generate text with a trained language model")
    sample.add_argument("run", type=Path, help="a run of chars, or its weights.safetensors")
    sample.add_argument("--prompt", help="the beginning of the text; default: a new line")
    sample.add_argument("--length", type=count, default=500, help="characters; default: 500")
    sample.add_argument("--temperature", type=rate, default=0.8, help="default: 0.8")
    sample.add_argument("--seed", type=seed, help="default: another text each time")


def _held_out(numbers: Any) -> nn.DataLoader:
    """Return windows of up to 256 characters, as a loader of ``(x, y)``."""
    length = min(256, len(numbers) - 1)
    used = (len(numbers) - 1) // length * length
    x, y = (numbers[i : i + used].reshape(-1, length) for i in (0, 1))
    return nn.DataLoader((x, y), 32)


def _default_prompt(characters: Characters) -> str:
    """Return a new line, or the first character of a vocabulary that has none."""
    return "\n" if "\n" in characters.all else characters.all[0]


def train(options: argparse.Namespace) -> int:
    """Run ``python -m nn chars`` and return the exit status."""
    config, folder, checkpoint = CharsConfig.open_run(options)
    text = load_text(config.text)
    if checkpoint is None:
        config = replace(config, characters=Characters(text).all)
    characters = Characters(config.characters)
    numbers = characters.encode(text)
    cut = len(numbers) * 9 // 10
    streams = Streams(numbers[:cut], config.batch, config.length)
    if len(numbers) - cut < 2:
        raise UsageError("a text of so few characters leaves none to be held out; use a longer one")
    model = config.network(config.seed)
    optimizer = nn.Adam(model.parameters(), lr=config.lr)
    headline = (
        f"{config.kind} of {config.hidden} units, lr {config.lr:g}, batch {config.batch}, "
        f"length {config.length}, seed {config.seed}: "
        f"{sum(p.size for p in model.parameters()):,} parameters, {len(characters)} characters, "
        f"{cut:,} to train on, {len(numbers) - cut:,} held out"
    )
    history = config.train(
        folder,
        checkpoint,
        headline,
        (model, streams, language.next_character_loss, optimizer, config.epochs),
        validation=_held_out(numbers[cut:]),
        max_norm=1.0,
    )
    prompt = _default_prompt(characters)
    sampled = language.sample(model, characters, prompt, temperature=0.8, rng=config.seed)
    nn.files.write_atomically(folder / "sample.txt", sampled.encode())
    print("", *(f"    {line}" for line in sampled.splitlines()[:12]), "", sep="\n")
    if history.epochs:
        nats = history.epochs[-1]["validation_loss"]
        print(f"{nats:.3f} nats per held-out character, perplexity {language.perplexity(nats):.2f} "
              f"of {len(characters)}; all is in {folder}")  # fmt: skip
    return config.finish(history, folder)


def sample(options: argparse.Namespace) -> int:
    """Run ``python -m nn sample`` and return the exit status."""
    path, weights, metadata = read_weights(options.run)
    config = CharsConfig.parse(metadata, path)
    model, characters = config.network(), Characters(config.characters)
    load_weights(model, weights, path)
    prompt = _default_prompt(characters) if options.prompt is None else options.prompt
    rng = np.random.default_rng(options.seed)
    sampled = language.sample(
        model, characters, prompt, options.length, temperature=options.temperature, rng=rng
    )
    print((prompt + sampled).strip("\n"))
    return 0
