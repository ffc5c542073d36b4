"""The command line: ``python -m nn [train]``, ``predict``, ``chars`` and ``sample``.

Errors in options or files are reported in one line on stderr, with exit status 2, before anything
is written.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

import nn
from nn.cli import chars, parser, report
from nn.cli.config import Config, load_weights, option, read_weights
from nn.cli.images import read_examples
from nn.layers import activations

#: The losses by their names on the command line, and the step size that suits each.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "quadratic": nn.quadratic_cost,
    "mse": nn.mse_loss,
    "cross_entropy": nn.cross_entropy,
}
_RATES = {"quadratic": 3.0, "mse": 15.0, "cross_entropy": 0.5}


@dataclass(frozen=True)
class DigitsConfig(Config):
    """The choices of a run on digits."""

    key, command, source = "recipe", "train", "data"

    data: str = option("digits", "IDX files; or download", metavar="DIR|mnist|digits")
    layers: tuple[int, ...] = option(
        (64, 16, 16, 10),
        "default: 64,16,16,10, or 784,16,16,10",
        type=parser.sizes,
        metavar="N,...",
    )
    activation: str = option("sigmoid", choices=activations.NAMES)
    loss: str = option("quadratic", choices=sorted(LOSSES))
    init: str = option("xavier_normal", "initial weights", choices=nn.init.NAMES)
    lr: float = option(3.0, "step size, eta; default: 3 (0.5 for cross_entropy)", type=parser.rate)
    batch: int = option(10, "examples of a mini-batch", type=parser.count)
    epochs: int = option(30, "with --resume the total number", type=parser.count)
    seed: int = option(0, type=parser.seed)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(int(n) for n in self.layers))  # JSON has lists

    @classmethod
    def chosen(cls, options: argparse.Namespace) -> Self:
        """Return the choices of a new run; step size and layers suit the loss and the data."""
        given = {"data": cls.data, "loss": cls.loss, **cls.given(options)}
        layers = cls.layers if given["data"] == "digits" else (784, 16, 16, 10)
        return cls(**{"lr": _RATES[given["loss"]], "layers": layers, **given})

    @classmethod
    def of_weights(
        cls, metadata: Mapping[str, str], weights: Mapping[str, Any], path: Path
    ) -> Self:
        """Return the choices stored with weights; without them (PyTorch) shapes give the layers."""
        if cls.key in metadata:
            return cls.parse(metadata, path)
        shapes = [w.shape for name, w in weights.items() if name.endswith("weight")]
        chain = all(len(s) == 2 for s in shapes) and all(
            a[0] == b[1] for a, b in itertools.pairwise(shapes)
        )
        if not shapes or not chain:
            raise nn.StateError(f"{path} does not hold the weights of a feedforward network")
        return cls(layers=(shapes[0][1], *(s[0] for s in shapes)))

    def network(self, rng: Any = None) -> nn.Sequential:
        """Return the network, with initial values drawn from ``rng``."""
        output = None if self.loss == "cross_entropy" else "same"
        return nn.mlp(self.layers, self.activation, output=output, init=self.init, rng=rng)

    def load_data(self) -> nn.Split:
        """Load the images, and check that they fit the layers."""
        if self.data == "digits":
            data = nn.load_digits()
        elif self.data == "mnist":
            data = nn.load_mnist()
        else:
            data = nn.load_mnist(self.data, download=False)
        pixels, classes = data.x_train.shape[1], int(data.y_train.max()) + 1
        if self.layers[0] != pixels or self.layers[-1] < classes:
            raise parser.UsageError(
                f"--layers {','.join(map(str, self.layers))} does not fit the data: images of "
                f"{pixels} pixels in {classes} classes need {pixels},...,{classes}"
            )
        return data


def _parser() -> argparse.ArgumentParser:
    program = parser.Parser(prog="python -m nn", description=(__doc__ or "").split("\n")[0])
    commands = program.add_subparsers(dest="command", parser_class=parser.Parser)
    train = commands.add_parser("train", help="train a feedforward network on handwritten digits")
    DigitsConfig.add_options(train)
    train.add_argument(
        "--draw",
        type=parser.count,
        metavar="N",
        help="draw the flow of the gradient every N epochs",
    )
    predict = commands.add_parser("predict", help="classify images with trained weights")
    predict.add_argument("weights", type=Path, help="weights.safetensors of a run, or the run")
    predict.add_argument("images", help="a picture (.png), an array (.npy), IDX files, or digits")
    predict.add_argument("--count", type=parser.count, default=10, help="most images; default: 10")
    chars.add_commands(commands)
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
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
    config, folder, checkpoint = DigitsConfig.open_run(options)
    data, loss = config.load_data(), LOSSES[config.loss]
    init_rng, order_rng = np.random.default_rng(config.seed).spawn(2)
    model, targets = config.network(init_rng), nn.one_hot(data.y_train, config.layers[-1])
    loader = nn.DataLoader((data.x_train, targets), config.batch, shuffle=True, rng=order_rng)
    optimizer = nn.SGD(model.parameters(), lr=config.lr)
    batch = next(iter(nn.DataLoader((data.x_train, targets), config.batch)))
    layers = "-".join(map(str, config.layers))
    headline = (
        f"{layers} {config.activation}, {config.loss}, lr {config.lr:g}, batch {config.batch}, "
        f"seed {config.seed}: {sum(p.size for p in model.parameters()):,} parameters, "
        f"{len(data.y_train):,} images to train on, {len(data.y_test):,} held out"
    )
    history = config.train(
        folder,
        checkpoint,
        headline,
        (model, loader, loss, optimizer, config.epochs),
        [nn.Draw(folder, loss, batch, options.draw)] if options.draw else [],
        validation=(data.x_test, nn.one_hot(data.y_test, config.layers[-1])),
    )
    record = {"recipe": asdict(config), "epochs": history.epochs, "stopped": history.stopped}
    nn.files.write_atomically(folder / "history.json", json.dumps(record, indent=1).encode())
    held_out = (data.x_test, data.y_test)
    title = f"{layers} {config.activation} on {Path(config.data).name}"
    for line in report.write(folder, model, loss, batch, history, held_out, title):
        print(line)
    if history.epochs:
        accuracy = history.epochs[-1]["validation_accuracy"]
        print(f"{accuracy:.2%} of the held-out images are right; all is in {folder}")
    return config.finish(history, folder)


def _predict(options: argparse.Namespace) -> int:
    path, weights, metadata = read_weights(options.weights)
    config = DigitsConfig.of_weights(metadata, weights, path)
    model = config.network()
    load_weights(model, weights, path)
    images, labels = read_examples(options.images, config.layers[0], options.count)
    with nn.evaluating(model):
        outputs = np.asarray(model(images).detach())
    scores: Any = outputs if config.loss == "quadratic" else nn.softmax(outputs)
    for i, row in enumerate(scores):
        truth = "" if labels is None else f" (it is {labels[i]})"
        cells = "  ".join(f"{k}: {v:.3f}" for k, v in enumerate(row))
        print(f"image {i}: {row.argmax()}{truth}   {cells}")
    return 0
