"""``python -m nn``: train the feedforward network on handwriting; ``predict`` with it."""

import sys

from nn.cli.digits import main

sys.exit(main())
