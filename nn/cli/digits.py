"""The command line: ``python -m nn [train]``, ``predict``, ``export``, ``chars``, ``sample``.

Errors in options or files are reported in one line on stderr, with exit status 2, and leave no
folder behind.
"""

import argparse
import errno
import itertools
import json
import math
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

import nn
from nn.cli import chars, parser, report, tables
from nn.cli.config import Config, option
from nn.cli.images import read_examples
from nn.cli.output import guarded
from nn.errors import printable
from nn.files.reading import Entry
from nn.layers import activations

#: The losses by their names on the command line, and the step size that suits each.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "quadratic": nn.quadratic_cost,
    "mse": nn.mse_loss,
    "cross_entropy": nn.cross_entropy,
}
_RATES = {"quadratic": 3.0, "mse": 15.0, "cross_entropy": 0.5}
_HELD_OUT_BATCH = 1000  # of nn.evaluate
#: What is wrong with a request, its files or its memory, in the user's words.
_MISTAKES = (parser.UsageError, nn.FileFormatError, nn.StateError, nn.DataError, MemoryError)
_FULL = {getattr(errno, n, None) for n in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EIO")} - {None}


@dataclass(frozen=True)
class DigitsConfig(Config):
    """The choices of a run on digits."""

    key, command, source = "recipe", "train", "data"

    data: str = option(
        "digits",
        "IDX files; or download; or a table, see below",
        metavar="DIR|FILE.csv|mnist|digits",
    )
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
    def of_file(cls, metadata: Mapping[str, str], entries: Mapping[str, Entry], path: Path) -> Self:
        """Return the choices of a file; without them (PyTorch) shapes give the layers."""
        if cls.key in metadata:
            return cls.parse(metadata, path)
        shapes = [e.shape for name, e in entries.items() if name.endswith("weight")]
        chain = all(len(s) == 2 and min(s) > 0 for s in shapes) and all(
            a[0] == b[1] for a, b in itertools.pairwise(shapes)
        )
        if not shapes or not chain:
            raise nn.StateError(f"{path} does not hold the weights of a feedforward network")
        return cls(layers=(shapes[0][1], *(s[0] for s in shapes)))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter by name: an activation is a layer, or is left out."""
        step = 1 if self.activation == "identity" else 2
        return {
            f"{i * step}.{name}": shape
            for i, (n, m) in enumerate(itertools.pairwise(self.layers))
            for name, shape in (("weight", (m, n)), ("bias", (m,)))
        }

    def row(self) -> int:
        """Return the number of activations of one image."""
        return sum(self.layers)

    def network(self, rng: Any = None) -> nn.Sequential:
        """Return the network, with initial values drawn from ``rng``."""
        output = None if self.loss == "cross_entropy" else "same"
        return nn.mlp(self.layers, self.activation, output=output, init=self.init, rng=rng)

    def load_data(self, new: bool) -> nn.Split:
        """Load the images, and check that layers and batches, of a new run, fit them."""
        if self.data == "digits":
            data = nn.load_digits()
        elif self.data == "mnist":
            data = nn.load_mnist()
        else:
            data = nn.load_mnist(self.data, download=False)
        classes = int(max(data.y_train.max(), data.y_test.max())) + 1
        pixels = data.x_train.shape[1]
        if self.layers[0] != pixels or self.layers[-1] < classes:
            raise parser.UsageError(
                f"--layers {','.join(map(str, self.layers))} does not fit the data: images of "
                f"{pixels} pixels in {classes} classes need {pixels},...,{classes}"
            )
        if self.batch > len(data.x_train) and new:
            raise parser.UsageError(
                f"--batch {self.batch} is more than the {len(data.x_train):,} images to train on"
            )
        self.check_size(max(min(self.batch, len(data.x_train)), _HELD_OUT_BATCH))
        return data


_VERSION = (
    f"autograd_core {nn.__version__}, NumPy {np.__version__}, Python {platform.python_version()}"
)


def _parser() -> argparse.ArgumentParser:
    program = parser.Parser(prog="python -m nn", description=(__doc__ or "").split("\n")[0])
    program.add_argument("--version", action="version", version=_VERSION)
    commands = program.add_subparsers(dest="command", parser_class=parser.Parser)
    train = commands.add_parser(
        "train", help="train a feedforward network on handwritten digits, or on a table"
    )
    DigitsConfig.add_options(train)
    tables.TableConfig.add_options(train)
    train.add_argument(
        "--draw",
        type=parser.count,
        metavar="N",
        help="draw the flow of the gradient every N epochs",
    )
    predict = commands.add_parser("predict", help="predict with trained weights")
    export = commands.add_parser("export", help="write a trained network as an ONNX file")
    for command in (predict, export):
        command.add_argument("weights", type=Path, help="weights.safetensors of a run, or the run")
    predict.add_argument(
        "images", help="a picture (.png), an array (.npy), IDX files, or digits; or a table (.csv)"
    )
    predict.add_argument(
        "--count", type=parser.count, help="most images, default: 10; most rows, default: all"
    )
    export.add_argument("file", type=Path, help="the file to write, such as model.onnx")
    chars.add_commands(commands)
    return program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status.

    2 stands for a request that cannot be carried out, 1 for a result that means nothing or could
    not be shown, 130 for Ctrl-C.  Faults of the program itself raise.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with guarded() as out:
        status = _run(given)
        out.flush()
        if out.error is None:
            return status
        if not isinstance(out.error, BrokenPipeError):
            _complain(f"the output could not be written: {_text(out.error)}")
        return status or 1


def _run(given: list[str]) -> int:
    commands = {
        "train": _train, "predict": _predict, "export": _export, "chars": chars.train,
        "sample": chars.sample,
    }  # fmt: skip
    traceback = "--traceback" in given
    given = [word for word in given if word != "--traceback"]
    if not given or given[0] not in (*commands, "-h", "--help", "--version"):
        given.insert(0, "train")
    try:
        options = _parser().parse_args(given)
        return commands[options.command](options)
    except SystemExit as stop:  # after --help
        return int(stop.code or 0)
    except (*_MISTAKES, OSError, nn.NonFiniteError, parser.ResultError, KeyboardInterrupt) as error:
        ours = isinstance(error, OSError) and error.filename is None and error.errno not in _FULL
        if traceback or ours:
            raise
        if isinstance(error, KeyboardInterrupt):
            return 130
        _complain(_text(error))
        return 1 if isinstance(error, ArithmeticError) else 2


def _text(error: Exception) -> str:
    """Describe an error in one line."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename is None else f"{error.strerror}: {error.filename}"
    elif isinstance(error, MemoryError):
        text = f"there is not enough memory; choose smaller sizes ({text})"
    return printable(" ".join(text.split()))


def _complain(text: str) -> None:
    print(f"python -m nn: error: {text}", file=sys.stderr)


def _train(options: argparse.Namespace) -> int:
    if tables.TableConfig.wanted(options):
        return tables.train(options)
    with DigitsConfig.open_run(options) as (config, folder, checkpoint):
        return _train_in(folder, config, checkpoint, options)


def _train_in(
    folder: Path, config: DigitsConfig, checkpoint: Path | None, options: argparse.Namespace
) -> int:
    draw: int | None = options.draw
    data, loss = config.load_data(checkpoint is None), LOSSES[config.loss]
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
        [nn.Draw(folder, loss, batch, draw)] if draw else [],
        validation=(data.x_test, nn.one_hot(data.y_test, config.layers[-1])),
        compile=options.compile,
    )
    record = {"recipe": asdict(config), "epochs": history.epochs, "stopped": history.stopped}
    nn.files.write_atomically(folder / "history.json", json.dumps(record, indent=1).encode())
    held_out = (data.x_test, data.y_test)
    title = f"{layers} {config.activation} on {Path(config.data).name}"
    for line in report.write(folder, model, loss, batch, history, held_out, title):
        print(line)
    if history.epochs:
        accuracy = history.epochs[-1].get("validation_accuracy", math.nan)
        print(f"{accuracy:.2%} of the held-out images are right; all is in {folder}")
    return config.finish(history, folder)


def _is_of_table(weights: Path) -> bool:
    path = weights / "weights.safetensors" if weights.is_dir() else weights
    return tables.TableConfig.key in nn.files.load_metadata(path)


def _export(options: argparse.Namespace) -> int:
    if _is_of_table(options.weights):
        return tables.export(options)
    config, model = DigitsConfig.read_weights(options.weights)
    example = np.zeros((2, config.layers[0]), np.float32)
    try:
        nn.onnx.export(model, example, options.file, output_names=["output"])
    except (ImportError, nn.onnx.ExportError) as error:
        raise parser.UsageError(str(error)) from error
    print(f"{options.file}: {config.layers[0]} pixels in, {config.layers[-1]} outputs")
    return 0


def _predict(options: argparse.Namespace) -> int:
    if _is_of_table(options.weights):
        return tables.predict(options)
    config, model = DigitsConfig.read_weights(options.weights)
    images, labels = read_examples(options.images, config.layers[0], options.count or 10)
    outputs = tables.outputs_of(model, images)
    scores: Any = outputs if config.loss == "quadratic" else nn.softmax(outputs)
    for i, row in enumerate(scores):
        truth = "" if labels is None else f" (it is {labels[i]})"
        cells = "  ".join(f"{k}: {v:.3f}" for k, v in enumerate(row))
        print(f"image {i}: {row.argmax()}{truth}   {cells}")
    return 0
