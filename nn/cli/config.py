"""What the command line trains: every choice of a run, kept beside its weights."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

import nn

#: The losses by their names on the command line, and the step size that suits each.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "quadratic": nn.quadratic_cost,
    "mse": nn.mse_loss,
    "cross_entropy": nn.cross_entropy,
}
_RATES = {"quadratic": 3.0, "mse": 15.0, "cross_entropy": 0.5}


@dataclass(frozen=True)
class Recipe:
    """Every choice of a run; the document's network unless said otherwise."""

    data: str = "digits"
    layers: tuple[int, ...] = (64, 16, 16, 10)
    activation: str = "sigmoid"
    loss: str = "quadratic"
    init: str = "xavier_normal"
    lr: float = 3.0
    batch: int = 10
    epochs: int = 30
    seed: int = 0

    @classmethod
    def chosen(cls, options: Mapping[str, Any]) -> Recipe:
        """From what was given on the command line."""
        given = {f.name: options[f.name] for f in fields(cls) if f.name in options}
        given.setdefault("lr", _RATES[given.get("loss", "quadratic")])
        if "layers" not in given and given.get("data", "digits") != "digits":
            given["layers"] = (784, 16, 16, 10)
        return cls(**{**given, "layers": tuple(given.get("layers", cls.layers))})

    def continued(self, options: Mapping[str, Any]) -> Recipe:
        """Of a resumed run: only the number of epochs may be another."""
        for name in [f.name for f in fields(self) if f.name in options]:
            value = tuple(options[name]) if name == "layers" else options[name]
            if name not in ("epochs", "data") and value != getattr(self, name):
                raise ValueError(
                    f"this run was begun with --{name} {getattr(self, name)}; a resumed run keeps "
                    "its choices, only --epochs and the place of --data may be others"
                )
        return replace(self, **{k: options[k] for k in ("epochs", "data") if k in options})

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str, source: str) -> Recipe:
        """Back from JSON; ``source`` names the file in errors."""
        try:
            read = json.loads(text)
            recipe = cls(**{**read, "layers": tuple(int(n) for n in read["layers"])})
        except (ValueError, TypeError, KeyError) as error:
            raise nn.FileFormatError(f"{source} is not of python -m nn: {error}") from error
        return recipe

    @classmethod
    def of_weights(cls, text: str | None, weights: Mapping[str, Any], source: str) -> Recipe:
        """Of a weights file; without a recipe in it (PyTorch's) its shapes tell the layers."""
        if text is not None:
            return cls.parse(text, source)
        shapes = [w.shape for n, w in weights.items() if n.endswith("weight")]
        chain = all(len(s) == 2 for s in shapes) and all(
            a[0] == b[1] for a, b in itertools.pairwise(shapes)
        )
        if not shapes or not chain:
            raise nn.StateError(f"{source} does not hold the weights of a feedforward network")
        return cls(layers=(shapes[0][1], *(s[0] for s in shapes)))

    def network(self, rng: Any = None) -> nn.Sequential:
        """The network, its initial values drawn from ``rng``."""
        output = None if self.loss == "cross_entropy" else "same"
        return nn.mlp(self.layers, self.activation, output=output, init=self.init, rng=rng)

    def load_data(self) -> nn.Split:
        """The images, checked against the layers."""
        if self.data == "digits":
            data = nn.load_digits()
        elif self.data == "mnist":
            data = nn.load_mnist()
        else:
            data = nn.load_mnist(self.data, download=False)
        pixels, classes = data.x_train.shape[1], int(data.y_train.max()) + 1
        if self.layers[0] != pixels or self.layers[-1] < classes:
            raise ValueError(
                f"--layers {','.join(map(str, self.layers))} does not fit the data: images of "
                f"{pixels} pixels in {classes} classes need {pixels},...,{classes}"
            )
        return data

    def build(self, data: nn.Split) -> tuple[nn.Sequential, nn.SGD, nn.DataLoader]:
        """The network, its optimizer, and the mini-batches; all that is random from one seed."""
        init_rng, order_rng = np.random.default_rng(self.seed).spawn(2)
        model = self.network(init_rng)
        targets = nn.one_hot(data.y_train, self.layers[-1])
        loader = nn.DataLoader((data.x_train, targets), self.batch, shuffle=True, rng=order_rng)
        return model, nn.SGD(model.parameters(), lr=self.lr), loader
