"""The training loop, evaluation, callbacks, checkpoints and loggers."""
