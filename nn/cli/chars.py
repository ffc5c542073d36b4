"""``python -m nn chars`` trains a language model of characters; ``... sample`` lets it talk.

A run folder holds ``weights.safetensors`` (with the vocabulary and every choice), the checkpoint
to go on from, ``history.jsonl``, and ``sample.txt``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn.cli.parser import UsageError, checkpoint_in, count, new_folder, rate, seed
from nn.data.text import Characters, Streams, load_text
from nn.models import language


@dataclass(frozen=True)
class Recipe:
    """Every choice of a run, and its vocabulary."""

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

    @classmethod
    def parse(cls, metadata: Mapping[str, str], source: Path) -> Recipe:
        """Back from the strings in a file."""
        try:
            found = cls(**json.loads(metadata["language"]))
            Characters(found.characters)
        except (KeyError, ValueError, TypeError) as error:
            raise nn.FileFormatError(f"{source} is not of python -m nn chars: {error}") from error
        return found

    def network(self, rng: Any = None) -> language.CharRNN:
        """The model, its initial values drawn from ``rng``."""
        return nn.models.char_rnn(
            len(self.characters), self.kind, embed=self.embed, hidden=self.hidden,
            num_layers=self.layers, stateful=True, rng=rng,
        )  # fmt: skip


def add_commands(commands: Any) -> None:
    """Add both commands to the parser of ``python -m nn``."""
    train = commands.add_parser("chars", help="train a language model of characters")
    only = train.add_argument
    only(
        "--text", metavar="FILE", help="UTF-8, also gzipped; default: this package's documentation"
    )
    only("--kind", choices=sorted(language.KINDS), help="default: gru")
    only("--embed", type=count, help="numbers of a character; default: 32")
    only("--hidden", type=count, help="numbers of a state; default: 128")
    only("--layers", type=count, help="default: 1")
    only("--length", type=count, help="steps that gradients go back; default: 64")
    only("--batch", type=count, help="streams that the text is cut into; default: 32")
    only("--lr", type=rate, help="of Adam; default: 0.002")
    only("--epochs", type=count, help="default: 10; with --resume the number in all")
    only("--seed", type=seed, help="default: 0")
    only("--out", type=Path, metavar="DIR", help="default: runs/<time>")
    only("--resume", type=Path, metavar="DIR", help="a run to go on with")
    talk = commands.add_parser("sample", help="text by a trained language model")
    talk.add_argument("run", type=Path, help="a run of chars, or its weights.safetensors")
    talk.add_argument("--prompt", help="what the text goes on from; default: a new line")
    talk.add_argument("--length", type=count, default=500, help="characters; default: 500")
    talk.add_argument("--temperature", type=rate, default=0.8, help="default: 0.8")
    talk.add_argument("--seed", type=seed, help="default: another text each time")


def _chosen(options: argparse.Namespace) -> tuple[Recipe, Path, Path | None]:
    """The choices of a run, its folder, and the checkpoint that it goes on from."""
    given = {
        f.name: vars(options)[f.name]
        for f in fields(Recipe)
        if vars(options).get(f.name) is not None
    }
    if not options.resume:
        folder = options.out or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
        return Recipe(**given), new_folder(folder), None
    checkpoint = checkpoint_in(options.resume, options.out)
    recipe = Recipe.parse(nn.load_metadata(checkpoint), checkpoint)
    for name, value in given.items():
        if name not in ("epochs", "text") and value != getattr(recipe, name):
            raise UsageError(
                f"this run was begun with --{name} {getattr(recipe, name)}; a resumed run keeps "
                "its choices, only --epochs and the place of --text may be others"
            )
    return replace(recipe, **given), options.resume, checkpoint


def _held_out(numbers: Any) -> nn.DataLoader:
    """Windows of up to 256 characters, as a loader of ``(x, y)``."""
    length = min(256, len(numbers) - 1)
    used = (len(numbers) - 1) // length * length
    x, y = (numbers[i : i + used].reshape(-1, length) for i in (0, 1))
    return nn.DataLoader((x, y), 32)


def _beginning(characters: Characters) -> str:
    """What a text goes on from, unless said: a new line, where the vocabulary has one."""
    return "\n" if "\n" in characters.all else characters.all[0]


def train(options: argparse.Namespace) -> int:
    """``python -m nn chars``; the exit status."""
    recipe, folder, checkpoint = _chosen(options)
    text = load_text(recipe.text)
    if checkpoint is None:
        recipe = replace(recipe, characters=Characters(text).all)
    characters = Characters(recipe.characters)
    numbers = characters.encode(text)
    cut = len(numbers) * 9 // 10
    streams = Streams(numbers[:cut], recipe.batch, recipe.length)
    if len(numbers) - cut < 2:
        raise UsageError("a text of so few characters leaves none to be held out")
    model = recipe.network(recipe.seed)
    optimizer = nn.Adam(model.parameters(), lr=recipe.lr)
    history = nn.History()
    if checkpoint is not None:
        history = nn.resume(checkpoint, model, optimizer)
    folder.mkdir(parents=True, exist_ok=True)
    note = {"language": json.dumps(asdict(recipe))}
    parameters = sum(p.size for p in model.parameters())
    print(
        f"{recipe.kind} of {recipe.hidden} units, lr {recipe.lr:g}, batch {recipe.batch}, "
        f"length {recipe.length}, seed {recipe.seed}: {parameters:,} parameters, "
        f"{len(characters)} characters, {cut:,} to train on, {len(numbers) - cut:,} held out"
    )
    history = nn.fit(
        model,
        streams,
        language.next_character_loss,
        optimizer,
        recipe.epochs,
        validation=_held_out(numbers[cut:]),
        max_norm=1.0,
        callbacks=[
            nn.Checkpoint(folder / "checkpoint.safetensors", note=note),
            nn.JSONLines(folder / "history.jsonl"),
        ],
        history=history,
    )
    nn.save(folder / "weights.safetensors", model, note)
    said = language.sample(
        model, characters, _beginning(characters), 500, temperature=0.8, rng=recipe.seed
    )
    nn.files.weights.write_atomically(folder / "sample.txt", lambda file: file.write(said.encode()))
    print("", *(f"    {line}" for line in said.splitlines()[:12]), "", sep="\n")
    if history.epochs:
        nats = history.epochs[-1]["validation_loss"]
        print(f"{nats:.3f} nats per held-out character, perplexity {language.perplexity(nats):.2f} "
              f"of {len(characters)}; all is in {folder}")  # fmt: skip
    if history.stopped:
        print(f"{history.stopped}; python -m nn chars --resume {folder} goes on")
    return 130 if history.stopped == "interrupted" else 0


def sample(options: argparse.Namespace) -> int:
    """``python -m nn sample``; the exit status."""
    path = options.run / "weights.safetensors" if options.run.is_dir() else options.run
    weights, metadata = nn.files.weights.read(path)
    recipe = Recipe.parse(metadata, path)
    model, characters = recipe.network(), Characters(recipe.characters)
    try:
        model.load_state_dict(weights)
    except nn.StateError as error:
        raise UsageError(f"{path} holds the weights of another network: {error}") from error
    prompt = _beginning(characters) if options.prompt is None else options.prompt
    rng = np.random.default_rng(options.seed)
    said = language.sample(
        model, characters, prompt, options.length, temperature=options.temperature, rng=rng
    )
    print((prompt + said).strip("\n"))
    return 0
