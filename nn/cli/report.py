"""Pictures of a training run: its graph, the gradient's flow, the training, weights, mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from nn import plot
from nn.cli.html import page
from nn.module import Module, evaluating
from nn.training.loop import History

Loss = Callable[[Any, Any], Any]
#: File, what it shows, and what a reader should look for in it.
SHOWN = (
    ("graph.svg", "The computation graph", "of one step; graph.html lets you walk through it"),
    ("gradient_flow.svg", "The flow of the gradient", "its size at each layer, beside the last"),
    ("history.png", "The training", "training and held-out loss by epoch, the best one ringed"),
    ("weights.png", "The first layer's weights", "an image a neuron: green positive, red negative"),
    ("activations.png", "Activations", "of the held-out images, and how many are saturated"),
    ("gradients.png", "Gradients", "of one batch, by powers of ten"),
    ("confusion.png", "The confusion matrix", "what was taken for what, on the held-out images"),
    ("mistakes.png", "The most confident mistakes", "true class, predicted class, confidence"),
)


def graphs(folder: Path, model: Module, loss: Loss, batch: Any, stem: str = "") -> None:
    """Draw the graph of one step and the flow of its gradient; needs no other program.

    Parameters
    ----------
    folder
        Where ``graph.svg``, ``graph.html``, ``graph.dot`` and ``gradient_flow.svg`` are written.
    model, loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn.
    stem
        With one, only the flow of the gradient is drawn, as ``<stem>.svg``.
    """
    for name, p in model.named_parameters():
        p.name = p.name or name
    names = {"x": batch[0], "y": batch[1]}
    if not stem:
        picture = ag.draw(loss(model(batch[0]), batch[1]), names=names)
        for ending in ("svg", "html", "dot"):
            picture.save(folder / f"graph.{ending}")
    value = loss(model(batch[0]), batch[1])
    flow = ag.draw(value, level="modules", color="grad", names=names)
    flow.save(folder / f"{stem or 'gradient_flow'}.svg")


def _saved(path: Path, draw: Callable[..., Any], *args: Any, size: tuple[float, float]) -> None:
    figure = plot.axes.figure(*size)
    draw(*args, ax=figure.subplots())
    figure.savefig(path, dpi=120)


def plots(
    folder: Path, model: Module, loss: Loss, batch: Any, history: History, held_out: Any = None
) -> None:
    """Draw what matplotlib draws.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    small = (5.6, 4.4)
    plot.axes.figure(1, 1)  # before anything is written
    if history.epochs:
        _saved(folder / "history.png", plot.history, history, size=(6.4, 4.2))
    if next(model.parameters()).ndim == 2:
        _saved(folder / "weights.png", plot.weights, model, size=small)
    before = [(p, p.grad) for p in model.parameters()]
    loss(model(batch[0]), batch[1]).backward()
    count = len(before)
    try:
        _saved(folder / "gradients.png", plot.gradients, model, size=(6.4, 1.2 + 0.55 * count))
    finally:
        for p, grad in before:
            p.grad = grad
    if held_out is None:
        return
    x, y = held_out
    with evaluating(model), ag.no_grad():
        scores = np.asarray(model(x).detach())
    _saved(folder / "activations.png", plot.activations, model, x, size=(6.4, 1.2 + 0.45 * count))
    _saved(folder / "confusion.png", plot.confusion_matrix, scores, y, size=small)
    _saved(folder / "mistakes.png", plot.mistakes, x, scores, y, size=small)


def write(
    folder: Path,
    model: Module,
    loss: Loss,
    batch: Any,
    history: History,
    held_out: Any = None,
    title: str = "a training run",
) -> Iterator[str]:
    """Write every picture and ``index.html``, which shows them.

    Parameters
    ----------
    folder
        Of the run.
    model, loss, batch
        ``loss(model(batch[0]), batch[1])`` is drawn.
    history
        Of the training.
    held_out
        Images and class numbers, for the confusion matrix, mistakes and activations.
    title
        Above the page.

    Yields
    ------
    str
        A line for what could not be drawn, and how to have it.
    """
    graphs(folder, model, loss, batch)
    missing = ""
    try:
        plots(folder, model, loss, batch, history, held_out)
    except ImportError:
        missing = "no plots of the training: matplotlib is not installed (pip install matplotlib)"
        yield missing
    shown = [s for s in SHOWN if (folder / s[0]).exists()]
    text = page(title, shown, history, missing, sorted(p.name for p in folder.iterdir()))
    (folder / "index.html").write_text(text, encoding="utf-8")
