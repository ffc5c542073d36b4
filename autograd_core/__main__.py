"""``python -m autograd_core``: check gradients and draw graphs from the command line."""

import sys
from collections.abc import Sequence

from autograd_core.checking.cli import main as check
from autograd_core.drawing.cli import main as draw


def main(arguments: Sequence[str]) -> int:
    """Run one command; return the exit status."""
    if arguments[:1] == ["draw"]:
        return draw(arguments[1:])
    return check(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
