"""The shared parts of the trainings behind ``python -m nn``: configuration and run folder."""

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, Self

import numpy as np

import nn
from nn.cli.parser import ResultError, UsageError
from nn.cli.run_folder import claimed
from nn.files.reading import Entry, cut, parse_json, shown

#: The types that JSON has for those of the fields.
_JSON: dict[Any, tuple[type, ...]] = {
    int: (int,), float: (int, float), str: (str,), tuple[int, ...]: (list,),
    str | None: (str, NoneType), dict[str, Any]: (dict,),
}  # fmt: skip
#: Parameters and activations of one batch; training takes some ten times as many bytes.
_MOST_NUMBERS = 1 << 28


def option(default: Any, help: str = "", **settings: Any) -> Any:
    """Define a field of a configuration that is an option of the command line too.

    Parameters
    ----------
    default
        The value of the field.
    help
        The help text; the default is added unless the text names it.
    **settings
        Arguments of ``argparse.ArgumentParser.add_argument``, and ``aliases``: other names.
    """
    if "default" not in help:
        help = f"{help}; default: {default}".removeprefix("; ")
    return field(default=default, metadata={"help": help, **settings})


@dataclass(frozen=True)
class Config:
    """Base class of the choices of a run, which are stored with its weights."""

    #: The name under which the choices are stored, and the command that trains.
    key: ClassVar[str]
    command: ClassVar[str]
    #: The option that says where the data are; like --epochs it may change when a run is resumed.
    source: ClassVar[str]

    @classmethod
    def add_options(cls, command: argparse.ArgumentParser) -> None:
        """Add the options of a training to the parser of its command."""
        for f in fields(cls):
            if f.metadata:
                settings = dict(f.metadata)
                command.add_argument(f"--{f.name}", *settings.pop("aliases", ()), **settings)
        command.add_argument("--out", type=Path, metavar="DIR", help="default: runs/<time>")
        command.add_argument(
            "--no-compile", dest="compile", action="store_false",
            help="run each step of NumPy by itself; the results are the same, bit for bit",
        )  # fmt: skip
        command.add_argument("--resume", type=Path, metavar="DIR", help="a run to continue")

    @classmethod
    def given(cls, options: argparse.Namespace) -> dict[str, Any]:
        """Return the choices made on the command line."""
        found = {f.name: getattr(options, f.name, None) for f in fields(cls)}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def chosen(cls, options: argparse.Namespace) -> Self:
        """Return the choices of a new run."""
        return cls(**cls.given(options))

    def continued(self, options: argparse.Namespace) -> Self:
        """Return the choices of a resumed run; UsageError if it asks for other ones."""
        given = self.given(options)
        for name, value in given.items():
            if name not in ("epochs", self.source) and value != getattr(self, name):
                raise UsageError(
                    f"this run was begun with --{name} {cut(str(getattr(self, name)))}; a resumed "
                    f"run keeps its choices, only --epochs and the place of --{self.source} may be "
                    "others"
                )
        return replace(self, **given)

    def check(self) -> None:
        """Raise ValueError if choices that were read from a file cannot be used together."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every parameter by name, without making any."""
        raise NotImplementedError

    def row(self) -> int:
        """Return the number of activations of one example, or character."""
        raise NotImplementedError

    def check_size(self, rows: int) -> None:
        """Raise UsageError for a network, or a batch of ``rows``, beyond what memories hold."""
        parameters = sum(map(math.prod, self.shapes().values()))
        activations = rows * self.row()
        if parameters + activations > _MOST_NUMBERS:
            raise UsageError(
                f"these sizes ask for {parameters:,} parameters and {activations:,} activations of "
                f"a batch, of at most {_MOST_NUMBERS:,} together; choose smaller ones"
            )

    def metadata(self) -> dict[str, str]:
        """Return the choices as a string of JSON, to be stored with weights."""
        return {self.key: json.dumps(asdict(self))}

    @classmethod
    def parse(cls, metadata: Mapping[str, str], path: Path) -> Self:
        """Return the choices that :meth:`metadata` stored in the file at ``path``."""
        try:
            if cls.key not in metadata:
                raise ValueError(f"it holds no {cls.key}")
            given = parse_json(metadata[cls.key].encode())
            known = {f.name: f for f in fields(cls)}
            config = cls(**{name: _checked(known[name], v) for name, v in given.items()})
            if b"\0" in os.fsencode(getattr(config, cls.source) or ""):
                raise ValueError(f"{cls.source} is no path")
            config.check()
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            what = str(error) if type(error) is ValueError else shown(str(error))
            raise nn.FileFormatError(
                f"{path} was not written by python -m nn {cls.command}: {what}"
            ) from error
        return config

    @classmethod
    def of_file(cls, metadata: Mapping[str, str], entries: Mapping[str, Entry], path: Path) -> Self:
        """Return the choices of a file of weights, by its strings, and the shapes of its arrays."""
        return cls.parse(metadata, path)

    @classmethod
    def read_weights(cls, path: Path) -> tuple[Self, Any]:
        """Return the choices and the trained network of a run, given its folder or the file.

        The network is built when the choices were compared with the arrays in the file.

        Raises
        ------
        UsageError
            If the file holds the weights of another network.
        ResultError
            If weights are not finite.
        """
        path = path / "weights.safetensors" if path.is_dir() else path
        found: list[Self] = []

        def check(entries: dict[str, Entry], metadata: dict[str, str]) -> None:
            config = cls.of_file(metadata, entries, path)
            config.check_shapes(entries, path)
            found.append(config)

        weights, _ = nn.files.read(path, check)
        model = found[0].network()
        try:
            model.load_state_dict(weights)
        except nn.StateError as error:
            raise UsageError(
                f"{path} holds the weights of another network: {cut(str(error))}"
            ) from error
        check_finite(model, str(path))
        return found[0], model

    def network(self, rng: Any = None) -> Any:
        """Return the network, with initial values drawn from ``rng``."""
        raise NotImplementedError

    def check_shapes(self, entries: Mapping[str, Entry], path: Path, prefix: str = "") -> None:
        """Raise UsageError unless a file has the arrays of this network, which is not built."""
        shapes = {f"{prefix}{name}": shape for name, shape in self.shapes().items()}
        arrays = {name: e.shape for name, e in entries.items() if name.startswith(prefix)}
        for name in (*shapes, *arrays):
            if shapes.get(name) != arrays.get(name):
                raise UsageError(
                    f"{path} holds the weights of another network: {shown(name)} of shape "
                    f"{shown(arrays.get(name))}, expected {shown(shapes.get(name))}"
                )

    @classmethod
    @contextmanager
    def open_run(cls, options: argparse.Namespace) -> Iterator[tuple[Self, Path, Path | None]]:
        """Return the choices of a run, its folder, and the checkpoint that it continues from.

        The folder of a new run is created, and removed again if nothing is written to it.
        """
        if not options.resume:
            with claimed(options.out) as folder:
                yield cls.chosen(options), folder, None
            return
        if options.out and options.out != options.resume:
            raise UsageError("--resume continues in its own folder; leave out --out")
        folder, checkpoint = options.resume, options.resume / "checkpoint.safetensors"
        if not checkpoint.is_file():
            raise UsageError(f"{folder} holds no run to continue: there is no {checkpoint.name}")
        entries, metadata = nn.files.index(checkpoint)
        config = cls.parse(metadata, checkpoint)
        config.check_shapes(entries, checkpoint, "model.")
        yield config.continued(options), folder, checkpoint

    def train(
        self,
        folder: Path,
        checkpoint: Path | None,
        headline: str,
        parts: tuple[nn.Module, Any, Any, nn.Optimizer, int],
        callbacks: Sequence[Any] = (),
        **settings: Any,
    ) -> nn.History:
        """Train, and write the checkpoint, ``history.jsonl`` and the weights.

        Parameters
        ----------
        folder
            The folder of the run.
        checkpoint
            The file to continue from, if there is one.
        headline
            A line that describes the run.
        parts
            Model, data, loss, optimizer and number of epochs, as :func:`nn.fit` takes them.
        callbacks, **settings
            Further callbacks, whose states a checkpoint keeps, and settings of :func:`nn.fit`.
        """
        model, data, _, optimizer, _ = parts
        history = nn.History()
        if checkpoint:
            history = nn.resume(checkpoint, model, optimizer, data, callbacks)
        print(headline)
        written: list[Any] = [
            nn.Checkpoint(folder / "checkpoint.safetensors", note=self.metadata()),
            nn.JSONLines(folder / "history.jsonl"),
        ]
        with np.errstate(all="ignore"):  # fit looks for what is not finite itself
            history = nn.fit(*parts, callbacks=[*callbacks, *written], history=history, **settings)
        nn.save(folder / "weights.safetensors", model, self.metadata())
        check_finite(model, f"the network, saved in {folder},")
        return history

    def finish(self, history: nn.History, folder: Path) -> int:
        """Say how to continue a training that stopped; return the exit status."""
        if history.stopped:
            more = f"; to continue: python -m nn {self.command} --resume {folder}"
            print(history.stopped + (more if history.epochs else " in the first epoch"))
        return 130 if history.stopped == "interrupted" else 0


def _checked(f: "Field[Any]", value: Any) -> Any:
    """Return a choice that was read from a file; ValueError unless its option could give it."""
    wrong = f"{f.name} is {shown(value)}"
    if not isinstance(value, _JSON[f.type]):
        raise ValueError(wrong)
    if value not in f.metadata.get("choices", [value]):
        raise ValueError(wrong)
    if value is None or "type" not in f.metadata:
        return value
    try:
        return f.metadata["type"](",".join(map(str, value)) if type(value) is list else str(value))
    except argparse.ArgumentTypeError:
        raise ValueError(wrong) from None


def check_finite(model: nn.Module, what: str) -> None:
    """Raise ResultError for a network with parameters that are not finite."""
    for name, p in model.named_parameters():
        if not np.isfinite(p.data).all():
            raise ResultError(
                f"{what} holds numbers that are not finite (infinity or nan) in {name}: its "
                "training diverged; train again with a smaller --lr"
            )
