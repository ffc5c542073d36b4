"""The command line: ``python -m autograd_core draw package.module:object --input 32,784``."""

import argparse
import inspect
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.command_line import UsageError, load, sizes
from autograd_core.drawing.api import COLOURS, DIRECTIONS, draw
from autograd_core.drawing.colour.palette import THEMES
from autograd_core.drawing.picture import FORMATS, Picture
from autograd_core.drawing.trace.groups import LEVELS
from autograd_core.engine.recording import TensorBase
from autograd_core.errors import AutogradError

DONE, FAILED, USAGE = 0, 1, 2


def _input(text: str) -> tuple[tuple[int, ...], str, int]:
    """Parse ``32,784``, ``32,784:float64`` or ``32:int:10``: shape, dtype, bound."""
    lengths, _, rest = text.partition(":")
    dtype, _, high = rest.partition(":")
    try:
        shape = sizes(lengths)
        kind = np.dtype(dtype or "float32")
        if min(shape, default=1) < 0 or kind.kind not in "fiuc":
            raise ValueError
        return shape, kind.str, int(high or 2)
    except (TypeError, ValueError):
        raise argparse.ArgumentTypeError(
            "expected sizes separated by commas, optionally a dtype, and for whole numbers an "
            f"upper bound: 32,784 or 32,784:float64 or 32:int:10; got {text!r}"
        ) from None


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    p = argparse.ArgumentParser(
        prog="python -m autograd_core draw",
        description="Draw the computation graph of a Tensor, a function or a module. "
        "Exit status: 0 drawn, 1 the program failed, 2 wrong usage.",
    )
    # fmt: off
    p.add_argument("object", help="package.module:object; a class or a factory of a module is "
                   "called without arguments")
    p.add_argument("--input", type=_input, action="append", default=[], metavar="32,784",
                   help="shape of a random input, once per argument; 32:int:10 for whole numbers")
    p.add_argument("-o", "--output", default="graph.svg",
                   help=f"file to write, {', '.join('.' + f for f in FORMATS)}; - prints text")
    # fmt: on
    p.add_argument("--level", choices=("auto", *LEVELS), default="auto")
    p.add_argument("--color", choices=COLOURS, default="kind")
    p.add_argument("--direction", choices=DIRECTIONS)
    p.add_argument("--theme", choices=THEMES, default="auto")
    # fmt: off
    p.add_argument("--fold", type=lambda text: text.split(","), default=True, metavar="NAME,NAME",
                   help="fold equal modules of these classes or paths, and nothing else")
    # fmt: on
    p.add_argument("--no-fold", dest="fold", action="store_false", help="draw every step")
    p.add_argument("--depth", type=int, help="how deeply clusters of modules nest")
    p.add_argument("--max-nodes", type=int, default=300)
    p.add_argument("--title")
    p.add_argument("--seed", type=int, default=0, help="seed of the random inputs")
    return p


def _inputs(options: argparse.Namespace) -> list[Any]:
    """Return random inputs of the wanted shapes and dtypes."""
    rng = np.random.default_rng(options.seed)
    return [
        rng.integers(0, high, shape).astype(kind)
        if np.dtype(kind).kind in "iu"
        else rng.standard_normal(shape).astype(kind)
        for shape, kind, high in options.input
    ]


def _takes_nothing(f: Any) -> bool:
    """Return whether a function has no positional parameters, like one that builds a model."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in parameters)


def _picture(options: argparse.Namespace) -> Picture:
    """Return the picture that the options describe."""
    what, inputs = load(options.object, "object"), _inputs(options)
    if isinstance(what, type) or (callable(what) and not isinstance(what, TensorBase)
                                  and (not inputs or _takes_nothing(what))):  # fmt: skip
        try:
            what = what()
        except TypeError as error:
            raise UsageError(
                f"{options.object} cannot be called without arguments ({error}); give --input "
                "for each of them"
            ) from error
    if hasattr(what, "named_parameters") and not inputs:
        raise UsageError(f"{options.object} is a module: give --input for each of its arguments")
    names = ("level", "color", "direction", "theme", "depth", "max_nodes", "title", "fold")
    return draw(what, *inputs, **{name: getattr(options, name) for name in names})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    options = parser().parse_args(arguments)
    try:
        ending = os.path.splitext(options.output)[1].lower().lstrip(".")
        if options.output != "-" and ending not in FORMATS:
            raise UsageError(
                f"{options.output}: the ending is one of {', '.join('.' + f for f in FORMATS)}"
            )
        picture = _picture(options)
        if options.output == "-":
            print(picture.text)
        else:
            boxes = f"{len(picture.graph.boxes)} boxes, level {picture.level}"
            print(f"{picture.save(options.output)}: {boxes}")
        return DONE
    except (TypeError, ValueError, OSError, ImportError) as error:
        status, message = USAGE, f"{options.object} cannot be drawn with these options: {error}"
    except (UsageError, AutogradError) as error:
        status, message = USAGE if isinstance(error, UsageError) else FAILED, str(error)
    print(f"python -m autograd_core draw: {' '.join(message.split())}", file=sys.stderr)
    return status
