"""Columns of a history: whether they improve by falling or by rising."""

_FALLING = ("loss", "error", "mse", "rmse", "mae", "perplexity", "nll", "deviance")
_RISING = ("accuracy", "score", "r2", "f1", "auc", "precision", "recall", "right")


def usual_direction(column: str) -> str | None:
    """Return ``"min"`` or ``"max"`` by the last word of a column's name; None if it is unknown.

    Examples
    --------
    >>> from nn.columns import usual_direction
    >>> [usual_direction(name) for name in ("validation_loss", "accuracy", "seconds")]
    ['min', 'max', None]
    """
    word = column.lower().rsplit("_", 1)[-1]
    if "brier" in column.lower():  # a score that falls
        return "min"
    return "min" if word in _FALLING else "max" if word in _RISING else None


def direction(monitor: str, mode: str | None) -> str:
    """Return ``"min"`` or ``"max"``: the given mode, or by the name of the column.

    Raises
    ------
    ValueError
        For another mode, or without one for a column of an unknown name.
    """
    if mode not in (None, "min", "max"):
        raise ValueError(f'mode is "min", "max" or None, got {mode!r}')
    found = mode or usual_direction(monitor)
    if found is None:
        raise ValueError(
            f'whether {monitor!r} improves by falling or by rising is not known: say mode="min" '
            'or mode="max"'
        )
    return found


def better(new: float, old: float | None, mode: str, margin: float = 0.0) -> bool:
    """Return whether a value improves on the best so far."""
    if old is None:
        return new == new
    return new < old - margin if mode == "min" else new > old + margin
