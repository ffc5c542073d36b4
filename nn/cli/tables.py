"""``python -m nn train --data table.csv --target column``: a network on the columns of a table.

``predict`` applies it to another table, and ``export`` writes it as an ONNX file.  The weights hold
the names, the categories and the scales of the columns, so that neither needs scikit-learn.
"""

import argparse
import csv
import io
import itertools
import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import nn
from nn.cli import parser, report
from nn.cli.config import Config, option
from nn.cli.table_columns import (
    Schema,
    check_scikit_learn,
    choose_classes,
    choose_columns,
    confusion,
    fit_inputs,
    missing_words,
    split,
)
from nn.cli.table_files import Table, read_table
from nn.errors import printable
from nn.files.reading import shown
from nn.layers import activations
from nn.models.tables import Prediction, TableNetwork
from nn.module import Array

_BATCH = 1000  # of rows that are predicted at once
_MOST_SHOWN = 20  # classes of a confusion matrix that is printed
_PATIENCE = 30  # epochs without a better validation loss
#: The options that a run on digits has not.
_OWN = ("target", "task", "ignore", "categories", "hidden")


@dataclass(frozen=True)
class TableConfig(Config):
    """The choices of a run on a table, and what its columns are."""

    key, command, source = "table", "train", "data"

    data: str = ""
    target: str = option("", "the column of a table to predict", metavar="COLUMN")
    task: str = option(
        "auto", "what to predict; default: by the target's values",
        choices=["auto", "classification", "regression"],
    )  # fmt: skip
    ignore: str = option("", "columns to leave out; default: none", metavar="COLUMN,...")
    categories: str = option(
        "", "columns whose numbers are names, of a kind or a place; default: those that hold texts",
        metavar="COLUMN,...",
    )  # fmt: skip
    hidden: tuple[int, ...] = option(
        (32,), "neurons of hidden layers; default: 32", type=parser.widths, metavar="N,..."
    )
    activation: str = "relu"
    lr: float = 0.002
    batch: int = 32
    epochs: int = 200
    seed: int = 0
    columns: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(int(n) for n in self.hidden))  # JSON has lists

    @classmethod
    def add_options(cls, command: argparse.ArgumentParser) -> None:
        """Add the options that only a table has; it shares the others with digits."""
        group = command.add_argument_group(
            "a table, --data FILE.csv --target COLUMN",
            "defaults: --activation relu --lr 0.002 --batch 32 --epochs 200; the weights are those "
            f"of the best validation loss, and {_PATIENCE} epochs without a better one are the end",
        )
        for name in _OWN:
            group.add_argument(f"--{name}", **cls.__dataclass_fields__[name].metadata)

    @classmethod
    def wanted(cls, options: argparse.Namespace) -> bool:
        """Return whether options ask for a run on a table; UsageError for those of digits."""
        own = [n for n in _OWN if getattr(options, n) is not None]
        data = options.data or ""
        if options.resume:
            path = options.resume / "checkpoint.safetensors"
            table = path.is_file() and cls.key in nn.files.load_metadata(path)
        else:
            table = options.target is not None
            if not table and (own or data.lower().endswith((".csv", ".tsv"))):
                raise parser.UsageError(
                    f"which column of {data or 'the table'} is to be predicted? "
                    "--data table.csv --target COLUMN"
                )
            if table and not data:
                raise parser.UsageError(
                    "which table holds the column? --data table.csv --target COLUMN"
                )
        others = [n for n in ("layers", "loss", "init") if getattr(options, n) is not None]
        if table and others:
            raise parser.UsageError(
                f"--{others[0]} is an option of digits; a table has --hidden, and its loss goes "
                "with the target"
            )
        if own and not table:
            raise parser.UsageError(f"--{own[0]} is an option of tables, and this run is of digits")
        return table

    def check(self) -> None:
        """Raise ValueError if what is said of the columns cannot be used."""
        for name, least in (("lr", 0.0), ("batch", 1), ("epochs", 1), ("seed", 0)):
            value = getattr(self, name)
            if not least <= value < 2**128:
                raise ValueError(f"{name} is {shown(value)}")
        if self.activation not in activations.NAMES or not self.hidden:
            raise ValueError(f"activation is {shown(self.activation)}")
        Schema.of_json(self.columns)

    @property
    def schema(self) -> Schema:
        """Return what the columns are."""
        return Schema.of_json(self.columns)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter and buffer by name."""
        schema = self.schema
        numbers = sum(n is None for n in schema.sizes)
        width = numbers + sum(n or 0 for n in schema.sizes)
        found: dict[str, tuple[int, ...]] = {
            "inputs.fill": (len(schema.sizes),), "inputs.mean": (numbers,),
            "inputs.scale": (numbers,),
        }  # fmt: skip
        if schema.classes is None:
            found |= {"mean": (1,), "scale": (1,)}
        sizes = [width, *self.hidden, len(schema.classes or [0])]
        step = 1 if self.activation == "identity" else 2
        for i, (n, m) in enumerate(itertools.pairwise(sizes)):
            found |= {f"layers.{i * step}.weight": (m, n), f"layers.{i * step}.bias": (m,)}
        return found

    def row(self) -> int:
        """Return the number of activations of one row."""
        schema = self.schema
        return 2 * sum(n or 1 for n in schema.sizes) + sum(self.hidden) + len(schema.classes or [0])

    def network(self, rng: Any = None) -> TableNetwork:
        """Return the network, with initial values drawn from ``rng``."""
        classes = None if self.schema.classes is None else len(self.schema.classes)
        return TableNetwork(self.schema.sizes, self.hidden, classes, self.activation, rng=rng)

    @classmethod
    def read_weights(cls, path: Path) -> tuple["TableConfig", TableNetwork]:
        """Return the choices and the trained network of a run, given its folder or the file."""
        config, model = super().read_weights(path)
        for name, a in model.named_buffers():
            if not np.isfinite(a).all() or (name.endswith("scale") and not (a > 0).all()):
                raise parser.ResultError(f"{path} holds a column whose {name} is no usable number")
        return config, model


def train(options: argparse.Namespace) -> int:
    """Run ``python -m nn train --data FILE.csv --target COLUMN`` and return the exit status."""
    with TableConfig.open_run(options) as (config, folder, checkpoint):
        return _train_in(folder, config, checkpoint, options)


def _train_in(
    folder: Path, config: TableConfig, checkpoint: Path | None, options: argparse.Namespace
) -> int:
    check_scikit_learn()
    table = read_table(Path(config.data))
    classes, task = choose_classes(table, config.target, config.task)
    ignored, named = (
        [n.strip() for n in next(csv.reader([given]), []) if n.strip()]
        for given in (config.ignore, config.categories)
    )
    for name in (*ignored, *named):
        table.column(name)
    target = Schema(config.target, classes, {})
    known, y = target.targets(table)
    parts = split(len(known), y if classes else None, config.seed)
    columns, notes = choose_columns(table, config.target, ignored, named, known[parts[0]])
    schema = replace(target, columns=columns)
    if checkpoint is not None and schema.to_json() != config.columns:
        raise parser.UsageError(
            f"{config.data} is another table than the one that this run was begun with"
        )
    config = replace(config, columns=schema.to_json())
    every, found = schema.encode(table)
    sets = [(every[known[rows]], y[rows]) for rows in parts]
    count = len(parts[0])
    config.check_size(max(min(config.batch, count), _BATCH))
    init_rng, order_rng = np.random.default_rng(config.seed).spawn(2)
    model = config.network(init_rng)
    fit_inputs(model.inputs, sets[0][0])
    loss: Any = nn.cross_entropy
    if classes is None:
        loss, model.mean, model.scale = _in_units(sets[0][1])
    without = len(table) - len(known)
    words = missing_words(table.columns[config.target])
    extra = [f"{without:,} rows without {shown(config.target)} left out{words}"] if without else []
    about = f"{config.data}: {len(table):,} rows, {notes[0]}"
    for line in (about, f"{shown(config.target)}: {task}", *extra, *notes[1:], *found):
        print(printable(line))
    loader = nn.DataLoader(sets[0], config.batch, shuffle=True, rng=order_rng, dtype=np.float64)
    held_out, test = (nn.DataLoader(s, _BATCH, dtype=np.float64) for s in sets[1:])
    optimizer = nn.AdamW(nn.param_groups(model, weight_decay=0.01), lr=config.lr)
    batch = next(iter(nn.DataLoader(sets[0], min(config.batch, count), dtype=np.float64)))
    headline = (
        f"{'-'.join(str(n) for n in (model.inputs.width, *config.hidden, len(classes or [0])))} "
        f"{config.activation}, lr {config.lr:g}, batch {config.batch}, seed {config.seed}: "
        f"{sum(p.size for p in model.parameters()):,} parameters, {len(parts[0]):,} rows to train "
        f"on, {len(parts[1]):,} to validate, {len(parts[2]):,} to test"
    )
    draw = [nn.Draw(folder, loss, batch, options.draw)] if options.draw else []
    history = config.train(
        folder, checkpoint, headline, (model, loader, loss, optimizer, config.epochs),
        [nn.EarlyStopping(patience=_PATIENCE), *draw], validation=held_out, compile=options.compile,
    )  # fmt: skip
    scores = nn.evaluate(model, test, loss)
    record = {"recipe": asdict(config), "epochs": history.epochs, "stopped": history.stopped}
    record["test"] = scores
    nn.files.write_atomically(folder / "history.json", json.dumps(record, indent=1).encode())
    title = f"{config.target} of {Path(config.data).name}"
    for line in report.write(
        folder, model, loss, batch, history, sets[2], title, classes=classes, images=False
    ):
        print(line)
    print(*_results(model, sets, classes, scores), sep="\n")
    early = history.stopped not in (None, "interrupted")
    print(f"{f'{history.stopped}; ' if early else ''}all is in {folder}")
    return 0 if early else config.finish(history, folder)


def _in_units(y: Array) -> tuple[Any, Array, Array]:
    """Return the loss in units of the target's standard deviation, its mean, and that deviation."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = y.mean(0), y.std(0)
    if not np.isfinite(scale).all():
        raise nn.DataError("the target is too large to be standardized; divide it first")
    if not (scale > 0).all():
        raise nn.DataError("the target has one value in all rows to train on; there is no scale")

    def loss(prediction: Any, target: Any) -> Any:
        return nn.mse_loss(prediction / scale, target / scale)

    return loss, mean, scale


def _results(
    model: TableNetwork, sets: Any, classes: tuple[str, ...] | None, scores: dict[str, float]
) -> list[str]:
    """Return lines on the test, beside what a constant prediction would reach."""
    (_, y_train), _, (x, y) = sets
    if classes is None:
        usual = np.abs(y - np.median(y_train)).mean()
        return [
            f"test: R2 {scores['r2']:.3f}, mean absolute error {scores['mae']:.4g} "
            f"(always predicting the median: {usual:.4g})"
        ]
    most = np.argmax(np.bincount(y_train))
    line = (
        f"test: accuracy {scores['accuracy']:.2%} (always predicting {shown(classes[most])}: "
        f"{np.mean(y == most):.2%})"
    )
    if len(classes) > _MOST_SHOWN:
        return [line]
    line += "; the confusion of true (rows) and predicted classes:"
    return [line, *confusion(outputs_of(model, x).argmax(1), y, classes)]


def outputs_of(model: nn.Module, x: Array) -> Array:
    """Return the outputs for rows; ResultError if they are not finite."""
    with nn.evaluating(model), np.errstate(all="ignore"):
        made = [np.asarray(model(x[i : i + _BATCH]).detach()) for i in range(0, len(x), _BATCH)]
    outputs = np.concatenate(made)
    if not np.isfinite(outputs).all():
        raise parser.ResultError("the outputs of the network are not finite; its weights are huge")
    return outputs


def predict(options: argparse.Namespace) -> int:
    """Predict each row of another table: CSV on standard output, notes on standard error."""
    config, model = TableConfig.read_weights(options.weights)
    schema, table = config.schema, read_table(Path(options.images))
    x, notes = schema.encode(table)
    outputs = outputs_of(model, x)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    shown_rows = slice(options.count)
    if schema.classes is None:
        writer.writerow([schema.target])
        writer.writerows([repr(float(v))] for v in outputs[shown_rows, 0])
    else:
        shares: Any = nn.softmax(outputs)
        writer.writerow([schema.target, *(f"probability of {c}" for c in schema.classes)])
        for row in np.asarray(shares)[shown_rows]:
            writer.writerow([schema.classes[row.argmax()], *(f"{p:.6g}" for p in row)])
    print(text.getvalue(), end="")
    if schema.target in table.columns:
        notes += _scores(model, schema, table, x)
    for note in notes:
        print(printable(note), file=sys.stderr)
    return 0


def _scores(model: TableNetwork, schema: Schema, table: Table, x: Array) -> list[str]:
    """Return a line on the rows of a table whose target is known, if there are any."""
    try:
        rows, y = schema.targets(table)
    except nn.DataError as error:
        return [f"the predictions are not compared with the targets: {error}"]
    if not len(rows):
        return []
    loader = nn.DataLoader((x[rows], y), _BATCH, dtype=np.float64)
    scores = nn.evaluate(model, loader, None if schema.classes is None else "cross_entropy")
    found = ", ".join(f"{n} {v:.4g}" for n, v in scores.items() if n != "loss")
    return [f"{len(rows):,} rows have a {shown(schema.target)}: {found}"]


def export(options: argparse.Namespace) -> int:
    """Write the network of a table as an ONNX file, which takes its columns as they are."""
    config, model = TableConfig.read_weights(options.weights)
    schema = config.schema
    names = ["class", "probabilities"] if schema.classes else ["prediction"]
    example = np.tile(model.inputs.fill, (3, 1))
    example[0] = np.nan  # missing values are a part of the computation
    try:
        nn.onnx.export(
            Prediction(model), example, options.file, input_names=["columns"], output_names=names,
            metadata={TableConfig.key: json.dumps(schema.to_json())},
        )  # fmt: skip
    except (ImportError, nn.onnx.ExportError) as error:
        raise parser.UsageError(str(error)) from error
    print(f"{options.file}: {len(schema.sizes)} columns in, {' and '.join(names)} out")
    return 0
