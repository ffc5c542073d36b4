"""``python -m autograd_core``: check gradients from the command line."""

import sys

from autograd_core.checking.cli import main

if __name__ == "__main__":
    sys.exit(main())
