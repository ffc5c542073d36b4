"""Pictures of a training run: its computation graph, first-layer weights and loss curve."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import autograd_core as ag
from nn.module import Module
from nn.training import History


def write(
    folder: Path, model: Module, loss: Callable[[Any, Any], Any], batch: Any, history: History
) -> Iterator[str]:
    """Write every picture whose library is installed; yields a line for each that is not."""
    for name, p in model.named_parameters():
        p.name = name
    picture = ag.draw(loss(model(batch[0]), batch[1]))
    picture.save(folder / "graph.dot")
    if shutil.which("dot"):
        picture.save(folder / "graph.svg")
    else:
        yield "no picture of the graph: Graphviz's dot is not installed (graph.dot is there)"
    try:
        from matplotlib import figure
    except ImportError:
        yield "no pictures of weights and loss: matplotlib is not installed"
        return
    first = next(model.parameters()).data
    _weights(figure.Figure, first).savefig(folder / "weights.png", dpi=120)
    if history.epochs:
        _curve(figure.Figure, history).savefig(folder / "loss.png", dpi=120)


def _weights(new_figure: Any, weight: Any, most: int = 64) -> Any:
    """Each hidden neuron's weights as an image: green positive, red negative, white zero."""
    from matplotlib.colors import LinearSegmentedColormap

    shown = weight[:most]
    side = math.isqrt(shown.shape[1])
    shape = (side, side) if side * side == shown.shape[1] else (1, shown.shape[1])
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(figsize=(1.6 * columns, 1.6 * rows), layout="constrained")
    colours = LinearSegmentedColormap.from_list("sign", ["#b2182b", "#ffffff", "#1b7837"])
    largest = float(np.abs(shown).max()) or 1.0
    for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
        if i < len(shown):
            axes.imshow(shown[i].reshape(shape), cmap=colours, vmin=-largest, vmax=largest)
            axes.set_title(str(i), fontsize=8)
    return figure


def _curve(new_figure: Any, history: History) -> Any:
    """Loss and held-out accuracy by epoch."""
    figure = new_figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    epochs = history["epoch"]
    axes.plot(epochs, history["loss"], label="loss, training")
    axes.plot(epochs, history["validation_loss"], label="loss, held out")
    axes.set(xlabel="epoch", ylabel="loss", yscale="log")
    other = axes.twinx()
    other.plot(epochs, history["validation_accuracy"], color="C2", label="accuracy, held out")
    other.set_ylabel("accuracy")
    lines = [*axes.get_lines(), *other.get_lines()]
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    return figure
