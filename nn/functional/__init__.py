"""Functions of arrays: activations, losses, convolutions, recurrences."""
