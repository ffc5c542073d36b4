"""The report of a training run: pictures of its graph, its training and its mistakes."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from nn import plot
from nn.cli.html import page
from nn.files.atomic import write_atomically
from nn.module import Module, evaluating
from nn.training.callbacks import draw_gradient_flow
from nn.training.evaluation import Loss
from nn.training.loop import History

#: Inches of a plot: on a phone of 390 pixels its letters of 10 points are as many pixels high.
_WIDTH, _HEIGHT = 4.4, 3.3
#: The file, the heading and the caption of each picture.
SHOWN = (
    ("graph.svg", "The computation graph", "of one step; graph.html lets you walk through it"),
    ("gradient_flow.svg", "The flow of the gradient", "its size at each layer, beside the last"),
    ("history.png", "The training", "training and held-out loss by epoch, with a ring at the best"),
    ("accuracy.png", "The accuracy", "of the held-out examples by epoch, with a ring at the best"),
    ("r2.png", "The explained variance", "R2 of the held-out examples by epoch"),
    ("weights.png", "The first layer's weights", "by neuron: green positive, red negative"),
    ("activations.png", "Activations", "of the held-out examples, and how many are saturated"),
    ("gradients.png", "Gradients", "of one batch, by powers of ten"),
    ("confusion.png", "The confusion matrix", "true and predicted classes, of held-out examples"),
    ("predicted.png", "Predicted and true values", "of the held-out examples; exact on the line"),
    ("mistakes.png", "The most confident mistakes", "true class, predicted class, confidence"),
)


def graphs(folder: Path, model: Module, loss: Loss, batch: Any) -> None:
    """Draw the graph of one step and the flow of its gradient; needs no other program.

    Parameters
    ----------
    folder
        The folder for ``graph.svg``, ``graph.html``, ``graph.dot`` and ``gradient_flow.svg``.
    model, loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn.
    """
    for name, p in model.named_parameters():
        p.name = p.name or name
    names = {"x": batch[0], "y": batch[1]}
    picture = ag.draw(loss(model(batch[0]), batch[1]), names=names)
    for suffix in ("svg", "html", "dot"):
        picture.save(folder / f"graph.{suffix}")
    draw_gradient_flow(folder / "gradient_flow.svg", model, loss, batch)


def _save(path: Path, draw: Callable[..., Any], *args: Any, height: float) -> None:
    """Write a plot, of a width at which its letters can be read on a phone, too."""
    figure = plot.axes.figure(_WIDTH, height)
    draw(*args, ax=figure.subplots())
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=180))


def _predictions(prediction: Any, true: Any, *, ax: Any) -> None:
    """Draw predicted over true numbers, and the line on which they are equal."""
    plot.axes.despine(ax).plot(true, prediction, "o", ms=4, alpha=0.6, color=plot.axes.BLUE)
    ax.axline((float(true.mean()),) * 2, slope=1, color=plot.axes.MUTED, lw=1)
    ax.set(xlabel="true", ylabel="predicted")


def plots(
    folder: Path,
    model: Module,
    loss: Loss,
    batch: Any,
    history: History,
    held_out: Any = None,
    classes: Sequence[str] | None = None,
    images: bool = True,
) -> None:
    """Draw the plots that need matplotlib.

    Parameters
    ----------
    folder, model, loss, batch, history, held_out, classes, images
        As in :func:`write`.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    plot.axes.figure(1, 1)  # raises before anything is written
    if history.epochs:
        _save(folder / "history.png", plot.history, history, height=_HEIGHT)
        for name in ("accuracy", "r2"):
            column = f"validation_{name}"
            if column in history.epochs[-1]:
                _save(folder / f"{name}.png", plot.history, history, [column], height=_HEIGHT)
    if images and next(model.parameters()).ndim == 2:
        _save(folder / "weights.png", plot.weights, model, height=_HEIGHT)
    before = [(p, p.grad) for p in model.parameters()]
    loss(model(batch[0]), batch[1]).backward()
    count = len(before)
    try:
        _save(folder / "gradients.png", plot.gradients, model, height=1.2 + 0.4 * count)
    finally:
        for p, grad in before:
            p.grad = grad
    if held_out is None:
        return
    x, y = held_out
    with evaluating(model), ag.no_grad():
        scores = np.asarray(model(x).detach())
    _save(folder / "activations.png", plot.activations, model, x, height=1.2 + 0.35 * count)
    if np.asarray(y).dtype.kind == "f":
        _save(folder / "predicted.png", _predictions, scores, y, height=_HEIGHT)
        return
    names = () if classes is None else (classes,)
    _save(folder / "confusion.png", plot.confusion_matrix, scores, y, *names, height=_WIDTH)
    if images:
        _save(folder / "mistakes.png", plot.mistakes, x, scores, y, height=_WIDTH)


def write(
    folder: Path,
    model: Module,
    loss: Loss,
    batch: Any,
    history: History,
    held_out: Any = None,
    title: str = "a training run",
    classes: Sequence[str] | None = None,
    images: bool = True,
) -> Iterator[str]:
    """Write every picture and ``index.html``, which shows them.

    Parameters
    ----------
    folder
        The folder of the run.
    model, loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn.
    history
        The history of the training.
    held_out
        Examples and class numbers, for the confusion matrix, mistakes and activations; or numbers
        to predict.
    title
        The heading of the page.
    classes
        The names of the classes.
    images
        Whether the examples are images: the weights and the mistakes are drawn as such.

    Yields
    ------
    str
        A line for each kind of picture that could not be drawn, and the remedy.
    """
    graphs(folder, model, loss, batch)
    missing = ""
    try:
        plots(folder, model, loss, batch, history, held_out, classes, images)
    except ImportError:
        missing = "no plots of the training: matplotlib is not installed (pip install matplotlib)"
        yield missing
    shown = [s for s in SHOWN if (folder / s[0]).exists()]
    text = page(title, shown, history, missing, sorted(p.name for p in folder.iterdir()))
    write_atomically(folder / "index.html", text.encode())
