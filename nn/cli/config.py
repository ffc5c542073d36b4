"""The shared parts of the trainings behind ``python -m nn``: configuration and run folder."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import nn
from nn.cli.parser import UsageError


def option(default: Any, help: str = "", **settings: Any) -> Any:
    """Define a field of a configuration that is an option of the command line too.

    Parameters
    ----------
    default
        The value of the field.
    help
        The help text; the default is added unless the text names it.
    **settings
        Arguments of ``argparse.ArgumentParser.add_argument``.
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
                command.add_argument(f"--{f.name}", **f.metadata)
        command.add_argument("--out", type=Path, metavar="DIR", help="default: runs/<time>")
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
                    f"this run was begun with --{name} {getattr(self, name)}; a resumed run keeps "
                    f"its choices, only --epochs and the place of --{self.source} may be others"
                )
        return replace(self, **given)

    def check(self) -> None:
        """Raise an error if choices that were read from a file cannot be used."""

    def metadata(self) -> dict[str, str]:
        """Return the choices as a string of JSON, to be stored with weights."""
        return {self.key: json.dumps(asdict(self))}

    @classmethod
    def parse(cls, metadata: Mapping[str, str], path: Path) -> Self:
        """Return the choices that :meth:`metadata` stored in the file at ``path``."""
        try:
            config = cls(**json.loads(metadata[cls.key]))
            config.check()
        except (KeyError, ValueError, TypeError) as error:
            raise nn.FileFormatError(
                f"{path} was not written by python -m nn {cls.command}: {error}"
            ) from error
        return config

    @classmethod
    def open_run(cls, options: argparse.Namespace) -> tuple[Self, Path, Path | None]:
        """Return the choices of a run, its folder, and the checkpoint that it continues from."""
        folder: Path = options.out or Path("runs") / time.strftime("%Y-%m-%d-%H%M%S")
        if not options.resume:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise UsageError(f"{folder} already exists; choose another --out, or --resume it")
            return cls.chosen(options), folder, None
        if options.out and options.out != options.resume:
            raise UsageError("--resume continues in its own folder; leave out --out")
        folder, checkpoint = options.resume, options.resume / "checkpoint.safetensors"
        if not checkpoint.is_file():
            raise UsageError(f"{folder} holds no run to continue: there is no {checkpoint.name}")
        config = cls.parse(nn.load_metadata(checkpoint), checkpoint)
        return config.continued(options), folder, checkpoint

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
            The folder of the run; created when missing.
        checkpoint
            The file to continue from, if there is one.
        headline
            A line that describes the run.
        parts
            Model, data, loss, optimizer and number of epochs, as :func:`nn.fit` takes them.
        callbacks, **settings
            Further callbacks and settings of :func:`nn.fit`.
        """
        model, data, _, optimizer, _ = parts
        history = nn.resume(checkpoint, model, optimizer, data) if checkpoint else nn.History()
        folder.mkdir(parents=True, exist_ok=True)
        print(headline)
        written: list[Any] = [
            nn.Checkpoint(folder / "checkpoint.safetensors", note=self.metadata()),
            nn.JSONLines(folder / "history.jsonl"),
        ]
        history = nn.fit(*parts, callbacks=[*written, *callbacks], history=history, **settings)
        nn.save(folder / "weights.safetensors", model, self.metadata())
        return history

    def finish(self, history: nn.History, folder: Path) -> int:
        """Say how to continue a training that stopped; return the exit status."""
        if history.stopped:
            print(f"{history.stopped}; to continue: python -m nn {self.command} --resume {folder}")
        return 130 if history.stopped == "interrupted" else 0


def read_weights(path: Path) -> tuple[Path, dict[str, Any], dict[str, str]]:
    """Read the weights of a run, given its folder or the file; return its path and metadata too."""
    path = path / "weights.safetensors" if path.is_dir() else path
    return path, *nn.files.read(path)


def load_weights(model: nn.Module, weights: Mapping[str, Any], path: Path) -> None:
    """Load weights; UsageError if they belong to another network."""
    try:
        model.load_state_dict(weights)
    except nn.StateError as error:
        raise UsageError(f"{path} holds the weights of another network: {error}") from error
