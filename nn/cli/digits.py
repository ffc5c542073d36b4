"""The command line: ``python -m nn [train]``, ``predict``, ``chars`` and ``sample``.

Whatever is wrong with the options or the files is told in one line on stderr, with exit status 2,
before anything is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn import init
from nn.cli import chars
from nn.cli import report as pictures
from nn.cli.config import LOSSES, Recipe
from nn.cli.images import read_examples
from nn.cli.parser import Parser, UsageError, checkpoint_in, count, new_folder, rate, seed
from nn.layers import activations


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) < 2 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"sizes look like 784,16,16,10, got {text!r}")
    return sizes


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m nn", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", parser_class=Parser)
    train = commands.add_parser("train", help="train a feedforward network on handwritten digits")
    only = train.add_argument
    only("--data", metavar="DIR|mnist|digits", help="IDX files; or download; default: digits")
    only("--layers", type=_sizes, metavar="N,...", help="default: 64,16,16,10, or 784,16,16,10")
    only("--activation", choices=activations.NAMES, help="default: sigmoid")
    only("--loss", choices=sorted(LOSSES), help="default: quadratic")
    only("--init", choices=init.NAMES, help="of the weights; default: xavier_normal")
    only("--lr", type=rate, help="the step size, eta; default: 3 (0.5 for cross_entropy)")
    only("--batch", type=count, help="examples of a mini-batch; default: 10")
    only("--epochs", type=count, help="default: 30; with --resume the number in all")
    only("--seed", type=seed, help="default: 0")
    train.add_argument("--out", type=Path, metavar="DIR", help="default: runs/<time>")
    only("--draw", type=count, metavar="N", help="the gradient's flow, every N epochs")
    train.add_argument("--resume", type=Path, metavar="DIR", help="a run to go on with")
    predict = commands.add_parser("predict", help="classify images with trained weights")
    predict.add_argument("weights", type=Path, help="weights.safetensors of a run, or the run")
    predict.add_argument("images", help="a picture (.png), an array (.npy), IDX files, or digits")
    predict.add_argument("--count", type=count, default=10, help="images at most; default: 10")
    chars.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"train": _train, "predict": _predict, "chars": chars.train, "sample": chars.sample}
    if not given or given[0] not in (*commands, "-h", "--help"):
        given.insert(0, "train")
    try:
        options = _parser().parse_args(given)
        return commands[options.command](options)
    except nn.NonFiniteLossError as error:
        print(f"python -m nn: {error}", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        text = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else str(error)
        print("python -m nn: error: " + " ".join(text.split()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _train(options: argparse.Namespace) -> int:
    chosen = {k: v for k, v in vars(options).items() if v is not None}
    if options.resume:
        folder = options.resume
        checkpoint = checkpoint_in(folder, options.out)
        recipe = Recipe.parse(nn.load_metadata(checkpoint).get("recipe", ""), str(checkpoint))
        recipe = recipe.continued(chosen)
    else:
        folder = new_folder(options.out or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S"))
        recipe = Recipe.chosen(chosen)
    data = recipe.load_data()
    model, optimizer, loader = recipe.build(data)
    history = nn.History()
    if options.resume:
        history = nn.resume(checkpoint, model, optimizer, loader)
    folder.mkdir(parents=True, exist_ok=True)
    loss = LOSSES[recipe.loss]
    batch = next(iter(nn.DataLoader((data.x_train, loader.arrays[1]), recipe.batch)))
    note = {"recipe": recipe.text()}
    pixels = recipe.layers[0]
    print(f"{'-'.join(map(str, recipe.layers))} {recipe.activation}, {recipe.loss}, "
          f"lr {recipe.lr:g}, batch {recipe.batch}, seed {recipe.seed}: "
          f"{nn.summary(model, pixels).parameters:,} parameters, "
          f"{len(data.y_train):,} images to train on, {len(data.y_test):,} held out")  # fmt: skip
    history = nn.fit(
        model,
        loader,
        loss,
        optimizer,
        recipe.epochs,
        validation=(data.x_test, nn.one_hot(data.y_test, recipe.layers[-1])),
        callbacks=[
            nn.Checkpoint(folder / "checkpoint.safetensors", note=note),
            nn.JSONLines(folder / "history.jsonl"),
            *([nn.Draw(folder, loss, batch, options.draw)] if options.draw else []),
        ],
        history=history,
    )
    nn.save(folder / "weights.safetensors", model, note)
    record = {"recipe": json.loads(recipe.text()), "epochs": history.epochs}
    text = json.dumps({**record, "stopped": history.stopped}, indent=1).encode()
    nn.files.weights.write_atomically(folder / "history.json", lambda file: file.write(text))
    held_out = (data.x_test, data.y_test)
    title = f"{'-'.join(map(str, recipe.layers))} {recipe.activation} on {Path(recipe.data).name}"
    for line in pictures.write(folder, model, loss, batch, history, held_out, title):
        print(line)
    if history.epochs:
        print(f"{history.epochs[-1]['validation_accuracy']:.2%} of the held-out images are right; "
              f"all is in {folder}")  # fmt: skip
    if history.stopped:
        print(f"{history.stopped}; python -m nn train --resume {folder} goes on")
    return 130 if history.stopped == "interrupted" else 0


def _predict(options: argparse.Namespace) -> int:
    path = options.weights
    path = path / "weights.safetensors" if path.is_dir() else path
    weights = nn.load(path)
    recipe = Recipe.of_weights(nn.load_metadata(path).get("recipe"), weights, str(path))
    model = recipe.network()
    try:
        model.load_state_dict(weights)
    except nn.StateError as error:
        raise UsageError(f"{path} holds the weights of another network: {error}") from error
    images, labels = read_examples(options.images, recipe.layers[0], options.count)
    with nn.evaluating(model):
        outputs = np.asarray(model(images).detach())
    shown: Any = outputs if recipe.loss == "quadratic" else nn.softmax(outputs)
    for i, row in enumerate(shown):
        truth = "" if labels is None else f" (it is {labels[i]})"
        cells = "  ".join(f"{k}: {v:.3f}" for k, v in enumerate(row))
        print(f"image {i}: {row.argmax()}{truth}   {cells}")
    return 0
