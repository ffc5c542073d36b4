"""Words of PyTorch that are accepted, or answered with ours, so that ported code teaches itself."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Init = TypeVar("Init", bound=Callable[..., None])

#: Arguments that PyTorch has and this package has not: the values that mean what happens anyway,
#: and the answer to others.
_ARGUMENTS: dict[str, tuple[tuple[Any, ...], str]] = {
    "inplace": ((False,), "results are always new arrays; leave it out"),
    "dim": ((), "our word is axis="),
    "batch_first": (
        (True,),
        "sequences are (N, T, features) here; swap yours: np.swapaxes(x, 0, 1)",
    ),
    "device": ((None, "cpu"), "an array is where its library keeps it; leave it out"),
    "padding_mode": (("zeros",), "pad before: np.pad(x, widths, mode=...)"),
    "track_running_stats": ((True,), "running statistics are always kept"),
    "ceil_mode": ((False,), "pad the input so that the windows fit"),
    "return_indices": ((False,), "only the maxima are returned"),
    "count_include_pad": ((True,), "the padding counts in the mean"),
    "elementwise_affine": ((), "our word is affine="),
    "max_norm": ((None,), "scale layer.weight.data yourself"),
    "scale_grad_by_freq": ((False,), "scale the gradient yourself"),
    "sparse": ((False,), "gradients are dense"),
    "amsgrad": ((False,), "the maximum of the squares is not kept"),
    "maximize": ((False,), "minimize the negative"),
    "foreach": ((None, False, True), ""),
    "fused": ((None, False, True), ""),
    "capturable": ((False,), "there is nothing to capture"),
    "differentiable": ((False,), "use ag.grad through your own update"),
}

#: Names that PyTorch has in ``torch.nn`` and beside it, and what does their work here.
NAMES = {
    "CrossEntropyLoss": "nn.cross_entropy",
    "NLLLoss": "nn.nll_loss",
    "MSELoss": "nn.mse_loss",
    "L1Loss": "nn.l1_loss",
    "HuberLoss": "nn.huber_loss",
    "SmoothL1Loss": "nn.huber_loss",
    "BCELoss": "nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits",
    "KLDivLoss": "nn.kl_div",
    "ModuleList": "a plain list: a module finds what is in its lists",
    "ModuleDict": "a plain dict: a module finds what is in its dicts",
    "ParameterList": "a plain list: a module finds what is in its lists",
    "ParameterDict": "a plain dict: a module finds what is in its dicts",
    "AdaptiveAvgPool1d": "nn.GlobalAvgPool",
    "utils": "nn.clip_grad_norm_ and nn.clip_grad_value_",
    "lr_scheduler": "nn.schedules, functions step -> lr",
    "no_grad": "ag.no_grad",
}


def missing(module: str, name: str) -> AttributeError:
    """Return the error for a name that a module does not have."""
    ours = NAMES.get(name)
    hint = f"; here it is {ours}" if ours else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint}")


def accepts_pytorch(init: Init) -> Init:
    """Decorate ``__init__``: accept PyTorch's words where they change nothing, else answer them."""
    words = _ARGUMENTS.keys() - inspect.signature(init).parameters.keys()

    @functools.wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        for word in words.intersection(kwargs):
            value, (same, answer) = kwargs.pop(word), _ARGUMENTS[word]
            if not any(value is s or (isinstance(s, str) and value == s) for s in same):
                raise TypeError(f"{type(self).__name__} has no {word}={value!r}: {answer}")
        init(self, *args, **kwargs)

    return wrapped  # type: ignore[return-value]
