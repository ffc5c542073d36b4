"""``python -m nn chars`` trains a language model of characters; ``... sample`` generates text.

A run folder holds ``weights.safetensors`` (with the vocabulary and every choice), the checkpoint
to continue from, ``history.jsonl``, and ``sample.txt``.
"""

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

import nn
from nn.cli import parser
from nn.cli.config import Config, option
from nn.data.text import Characters, Streams, load_text
from nn.models import language

_GATES = {"rnn": 1, "gru": 3, "lstm": 4}
#: Choices that a transformer has by default, where others are given for recurrent networks.
_TRANSFORMER = {"hidden": 64, "layers": 2, "lr": 4e-3}
_HELD_OUT = 32, 256  # windows of a batch, and characters of a window


@dataclass(frozen=True)
class CharsConfig(Config):
    """The choices of a run on text, and its vocabulary."""

    key, command, source = "language", "chars", "text"

    kind: str = option("gru", choices=sorted([*language.KINDS, "transformer"]), aliases=["--model"])
    embed: int = option(32, "numbers of a character in a recurrent network", type=parser.count)
    hidden: int = option(128, "numbers of a state; default: 128 or 64", type=parser.count)
    layers: int = option(1, "default: 1, of a transformer 2", type=parser.depth)
    heads: int = option(4, "of each layer of a transformer", type=parser.count)
    length: int = option(64, "steps through which gradients flow back", type=parser.count)
    batch: int = option(32, "streams into which the text is cut", type=parser.count)
    lr: float = option(2e-3, "the largest rate of Adam; default: 2e-3 or 4e-3", type=parser.rate)
    epochs: int = option(10, "with --resume the total number", type=parser.count)
    seed: int = option(0, type=parser.seed)
    text: str | None = option(
        None, "UTF-8, also gzipped; default: this package's documentation", metavar="FILE"
    )
    characters: str = ""

    @property
    def is_transformer(self) -> bool:
        """Whether the network attends, and is not recurrent."""
        return self.kind == "transformer"

    @classmethod
    def chosen(cls, options: argparse.Namespace) -> Self:
        """Return the choices of a new run, of a transformer with its own defaults."""
        given = cls.given(options)
        return cls(**(_TRANSFORMER if given.get("kind") == "transformer" else {}) | given)

    def check(self) -> None:
        """Raise ValueError if the vocabulary cannot be used."""
        self.characters.encode()
        if Characters(self.characters).all != self.characters:
            raise ValueError("its characters are not in order, each once")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter by name."""
        if self.is_transformer:
            return _transformer_shapes(self)
        vocabulary, n = len(self.characters), self.hidden
        gates = _GATES[self.kind] * n
        found: dict[str, tuple[int, ...]] = {"embedding.weight": (vocabulary, self.embed)}
        for i in range(self.layers):
            inputs = n if i else self.embed
            for name, shape in (
                ("weight_ih", (gates, inputs)), ("weight_hh", (gates, n)),
                ("bias_ih", (gates,)), ("bias_hh", (gates,)),
            ):  # fmt: skip
                found[f"recurrent.{name}_l{i}"] = shape
        return {**found, "output.weight": (vocabulary, n), "output.bias": (vocabulary,)}

    def row(self) -> int:
        """Return the number of activations of one character."""
        if self.is_transformer:
            return (10 * self.hidden + self.heads * self.length) * self.layers + len(
                self.characters
            )
        gates = _GATES[self.kind] * self.hidden
        return self.embed + self.layers * gates + len(self.characters)

    def network(self, rng: Any = None) -> language.CharRNN | language.CharTransformer:
        """Return the model, with initial values drawn from ``rng``."""
        if self.is_transformer:
            return language.CharTransformer(
                len(self.characters), hidden=self.hidden, context=self.length,
                num_layers=self.layers, heads=self.heads, rng=rng,
            )  # fmt: skip
        return nn.models.char_rnn(
            len(self.characters), self.kind, embed=self.embed, hidden=self.hidden,
            num_layers=self.layers, stateful=True, rng=rng,
        )  # fmt: skip


def _transformer_shapes(config: CharsConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter of a transformer by name; UsageError of odd heads."""
    n, characters = config.hidden, len(config.characters)
    if n % config.heads:
        raise parser.UsageError(f"--heads {config.heads} does not divide --hidden {n}")
    sizes: dict[str, tuple[int, ...]] = {"norm.": (n,), "output.": (characters, n)}
    for i in range(config.layers):
        attention = f"layers.{i}.self_attn."
        sizes |= {f"{attention}in_proj_": (3 * n, n), f"{attention}out_proj.": (n, n)}
        sizes |= {f"layers.{i}.linear1.": (4 * n, n), f"layers.{i}.linear2.": (n, 4 * n)}
        sizes |= {f"layers.{i}.norm1.": (n,), f"layers.{i}.norm2.": (n,)}
    biases = {f"{name}bias": shape[:1] for name, shape in sizes.items()}
    sizes |= {"embedding.": (characters, n)}
    weights = {f"{name}weight": shape for name, shape in sizes.items()}
    return {**weights, **biases, "positions": (config.length, n)}


def _optimizer(config: CharsConfig, model: nn.Module, steps: int) -> tuple[nn.Optimizer, Any]:
    """Return the optimizer, and the schedule, of a training of ``steps``."""
    if not config.is_transformer:
        return nn.Adam(model.parameters(), lr=config.lr), None
    rate = nn.schedules.one_cycle(config.lr, steps, warmup=min(0.3, 100 / steps))
    return nn.AdamW(nn.param_groups(model, 0.1), lr=config.lr, betas=(0.9, 0.99)), rate


def add_commands(commands: Any) -> None:
    """Add both commands to the parser of ``python -m nn``."""
    train = commands.add_parser("chars", help="train a language model of characters")
    CharsConfig.add_options(train)
    sample = commands.add_parser("sample", help="generate text with a trained language model")
    sample.add_argument("run", type=Path, help="a run of chars, or its weights.safetensors")
    sample.add_argument("--prompt", help="the beginning of the text; default: a new line")
    sample.add_argument("--length", type=parser.count, default=500, help="characters; default: 500")
    sample.add_argument("--temperature", type=parser.temperature, default=0.8, help="default: 0.8")
    sample.add_argument("--seed", type=parser.seed, help="default: another text each time")


def _held_out(numbers: Any, most: int) -> nn.DataLoader:
    """Return windows of up to ``most`` characters, as a loader of ``(x, y)``."""
    length = min(most, len(numbers) - 1)
    used = (len(numbers) - 1) // length * length
    x, y = (numbers[i : i + used].reshape(-1, length) for i in (0, 1))
    return nn.DataLoader((x, y), _HELD_OUT[0])


def _default_prompt(characters: Characters) -> str:
    """Return a new line, or the first character of a vocabulary that has none."""
    return "\n" if "\n" in characters.all else characters.all[0]


def _generate(model: Any, *args: Any, **options: Any) -> str:
    """Return what :func:`nn.language.sample` does; ResultError if logits are not finite."""
    advance = model.advance

    def checked(ids: Any, state: Any = None) -> Any:
        with np.errstate(all="ignore"):
            logits, state = advance(ids, state)
        if not np.isfinite(nn.functional.as_array(logits)).all():
            raise parser.ResultError("the outputs of the network are not finite")
        return logits, state

    vars(model)["advance"] = checked
    try:
        return language.sample(model, *args, **options)
    finally:
        del vars(model)["advance"]


def _as_numbers(characters: Characters, text: str) -> Any:
    """Return the numbers of characters; UsageError for one that is not in the vocabulary."""
    try:
        return characters.encode(text)
    except ValueError as error:
        raise parser.UsageError(str(error)) from error


def train(options: argparse.Namespace) -> int:
    """Run ``python -m nn chars`` and return the exit status."""
    with CharsConfig.open_run(options) as (config, folder, checkpoint):
        return _train_in(folder, config, checkpoint, options)


def _train_in(
    folder: Path, config: CharsConfig, checkpoint: Path | None, options: argparse.Namespace
) -> int:
    text = load_text(config.text)
    if checkpoint is None:
        config = replace(config, characters=Characters(text).all)
    characters = Characters(config.characters)
    numbers = _as_numbers(characters, text)
    cut = len(numbers) * 9 // 10
    try:
        streams = Streams(numbers[:cut], config.batch, config.length)
    except ValueError as error:
        raise parser.UsageError(str(error)) from error
    if len(numbers) - cut < 2:
        raise parser.UsageError(
            "a text of so few characters leaves none to be held out; use a longer one"
        )
    config.check_size(max(config.batch * min(config.length, streams.each), math.prod(_HELD_OUT)))
    model = config.network(config.seed)
    optimizer, schedule = _optimizer(config, model, config.epochs * len(streams))
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
        validation=_held_out(numbers[cut:], config.length if schedule else _HELD_OUT[1]),
        schedule=schedule,
        max_norm=1.0,
        compile=options.compile,
    )
    prompt = _default_prompt(characters)
    sampled = _generate(model, characters, prompt, temperature=0.8, rng=config.seed)
    nn.files.write_atomically(folder / "sample.txt", sampled.encode())
    print("", *(f"    {line}" for line in sampled.splitlines()[:12]), "", sep="\n")
    if history.epochs:
        nats = history.epochs[-1].get("validation_loss", math.nan)
        print(f"{nats:.3f} nats per held-out character, perplexity {language.perplexity(nats):.2f} "
              f"of {len(characters)}; all is in {folder}")  # fmt: skip
    return config.finish(history, folder)


def sample(options: argparse.Namespace) -> int:
    """Run ``python -m nn sample`` and return the exit status."""
    config, model = CharsConfig.read_weights(options.run)
    characters = Characters(config.characters)
    prompt = _default_prompt(characters) if options.prompt is None else options.prompt
    if not len(_as_numbers(characters, prompt)):
        raise parser.UsageError("--prompt needs at least one character")
    rng = np.random.default_rng(options.seed)
    sampled = _generate(
        model, characters, prompt, options.length, temperature=options.temperature, rng=rng
    )
    print((prompt + sampled).strip("\n"))
    return 0
