"""Every layer by name, with settings and inputs for it; needs no pytest."""

from __future__ import annotations

import inspect

import numpy as np

import nn

rng = np.random.default_rng(0)

#: What layers are made with, by the names of their parameters without a default.
SETTINGS = {
    "in_features": 6, "out_features": 3, "num_embeddings": 5, "embedding_dim": 3,
    "in_channels": 4, "out_channels": 6, "kernel_size": 3, "output_size": 2, "num_features": 4,
    "num_channels": 4, "num_groups": 2, "normalized_shape": 6, "input_size": 6, "hidden_size": 3,
    "embed_dim": 6, "num_heads": 2, "d_model": 6, "nhead": 2,
}  # fmt: skip

#: Inputs of three examples, the first that a layer takes is used.
INPUTS = [rng.normal(size=(3, *shape)) for shape in ((2, 4, 6, 6), (2, 4, 6), (2, 6))]
INPUTS.append(rng.integers(0, 5, (3, 2, 4)))

LAYERS = {
    name: {}
    for name in nn.layers.__all__
    if name not in ("Sequential", "Upsample") and inspect.isclass(getattr(nn, name))
}
VARIANTS = {
    **LAYERS,
    "LSTM of two layers": {"bidirectional": True, "num_layers": 2},
    "GRU of two layers": {"bidirectional": True, "num_layers": 2},
    "LayerNorm without weights": {"affine": False},
    "GroupNorm without weights": {"affine": False},
    "Conv2d in groups": {"groups": 2, "stride": 2, "padding": 1},
    "Embedding with padding": {"padding_idx": 1},
    "LayerNorm without bias": {"bias": False},
    "MaxPool2d with a last window": {"ceil_mode": True, "stride": 2, "dilation": 2},
    "AvgPool2d without padding": {"padding": 1, "count_include_pad": False, "ceil_mode": True},
    "PReLU of channels": {"num_parameters": 4},
    "Upsample": {"scale_factor": 2},
    "Upsample between neighbours": {"size": 5, "mode": "bilinear"},
    "TransformerEncoderLayer before": {"norm_first": True, "activation": "gelu"},
}


def make(name, **options):
    """Make a layer in evaluation, with every parameter that has no default taken from SETTINGS."""
    cls = getattr(nn, name.split()[0])
    for base in cls.__mro__[:-1]:
        for key, p in inspect.signature(
            vars(base).get("__init__", cls.__init__)
        ).parameters.items():
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and key != "self":
                options.setdefault(key, SETTINGS[key])
    return cls(**options).to(float).eval()


def input_of(layer):
    for x in INPUTS:
        try:
            layer(x[0])
        except (TypeError, ValueError, IndexError):
            continue
        return x
    raise AssertionError(f"{layer!r} takes none of the inputs; add one to INPUTS")
