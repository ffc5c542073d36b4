"""Words of PyTorch that are accepted, or answered with ours, so that ported code teaches itself."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

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
    "return_indices": ((False,), "only the maxima are returned"),
    "elementwise_affine": ((), "our word is affine="),
    "max_norm": ((None,), "scale layer.weight.data yourself"),
    "scale_grad_by_freq": ((False,), "scale the gradient yourself"),
    "sparse": ((False,), "gradients are dense"),
    "maximize": ((False,), "minimize the negative"),
    "num_workers": ((0,), "batches are read in this thread; leave it out"),
    "pin_memory": ((False,), "fit brings batches to where the model is; leave it out"),
    "collate_fn": ((None,), "give any iterable of batches to nn.fit"),
    "foreach": ((None, False, True), ""),
    "kdim": ((None,), "project keys before: nn.Linear(kdim, embed_dim)"),
    "vdim": ((None,), "project values before: nn.Linear(vdim, embed_dim)"),
    "add_bias_kv": ((False,), "join a parameter to the keys: np.concatenate"),
    "add_zero_attn": ((False,), "join zeros to the keys: np.concatenate"),
    "fused": ((None, False, True), ""),
    "capturable": ((False,), "there is nothing to capture"),
    "differentiable": ((False,), "use ag.grad through your own update"),
}

#: Names that PyTorch has in ``torch.nn`` and beside it, and what does their work here.
NAMES = {
    **dict.fromkeys([
        "AvgPool3d", "Bilinear", "CTCLoss", "Conv3d", "CosineEmbeddingLoss", "CosineSimilarity",
        "EmbeddingBag", "GLU", "GaussianNLLLoss", "Hardtanh", "HingeEmbeddingLoss", "LogSigmoid",
        "MarginRankingLoss", "MaxPool3d", "PixelShuffle", "PoissonNLLLoss", "ReflectionPad2d",
        "Softsign", "TransformerDecoderLayer", "TripletMarginLoss", "Unfold", "ZeroPad2d",
    ], 'a line of NumPy: see "Names of PyTorch" in nn/README.md'),
    **dict.fromkeys(["ModuleList", "ParameterList"], "a plain list: a module finds what is in it"),
    **dict.fromkeys(["ModuleDict", "ParameterDict"], "a plain dict: a module finds what is in it"),
    "BCELoss": "nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits",
    "CrossEntropyLoss": "nn.cross_entropy", "HuberLoss": "nn.huber_loss",
    "InstanceNorm2d": "nn.GroupNorm(channels, channels)", "KLDivLoss": "nn.kl_div",
    "L1Loss": "nn.l1_loss", "MSELoss": "nn.mse_loss", "NLLLoss": "nn.nll_loss",
    "SmoothL1Loss": "nn.smooth_l1_loss",
    "Transformer": "layers of nn.TransformerEncoderLayer and nn.MultiheadAttention",
    "TransformerEncoder": "a plain list of nn.TransformerEncoderLayer",
    "jit": "ag.compile, and nn.fit(..., compile=True)",
    "lr_scheduler": "nn.schedules, functions step -> lr", "no_grad": "ag.no_grad",
    **dict.fromkeys(["StepLR", "MultiStepLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts",
                     "ExponentialLR", "LambdaLR", "OneCycleLR", "LinearLR"],
                    "a function step -> lr of nn.schedules, for nn.fit(..., schedule=...)"),
    **dict.fromkeys(["TensorDataset", "Dataset"],
                    "nn.DataLoader((x, y), 32), or of any object with len(data) and data[i]"),
    "Adadelta": "nn.RMSprop or nn.Adam", "F": "the functions of nn: nn.relu, nn.cross_entropy",
    "Softmin": "nn.softmax(-x)", "Subset": "x[index]", "Tensor": "ag.Tensor",
    "Unflatten": "x.reshape",
    "compile": "nn.fit(..., compile=True), and ag.compile",
    "manual_seed": "rng=, of what is random: nn.Linear(2, 1, rng=0), nn.DataLoader(..., rng=0)",
    "random_split": "np.split(np.random.default_rng(0).permutation(len(x)), [n])",
    "swa_utils": "nn.ExponentialAverage", "tensor": "ag.tensor",
    "utils": "nn.clip_grad_norm_ and nn.clip_grad_value_",
}  # fmt: skip


#: Methods that PyTorch's modules have, and what does their work here.
METHODS = {
    "add_module": "model.name = module", "register_module": "model.name = module",
    "register_parameter": "model.name = nn.Parameter(array)", "get_parameter": "model.state_dict()",
    "cpu": "model.to(np)", "cuda": "model.to(cupy), whose arrays are on the GPU",
    "double": "model.to(np.float64)", "float": "model.to(np.float32)",
    "half": "model.to(np.float16)",
    "bfloat16": "model.to(np.float32): NumPy has no bfloat16", "type": "model.to(dtype)",
    "compile": "nn.fit(..., compile=True), or ag.compile of a step",
    "register_full_backward_hook": "t.register_hook(f) of the Tensor that forward returns",
    "share_memory": "nn.distributed.fit, for several processes",
    "fit": "nn.fit(model, data, loss, optimizer, epochs)", "predict": "model(x)",
    "save": "nn.save(path, model)", "evaluate": "nn.evaluate(model, data, loss)",
}  # fmt: skip


def _absent(owner: str, name: str, answers: dict[str, str]) -> str:
    """Return the message for an attribute that is not there, with what does its work here."""
    ours = answers.get(name)
    return f"{owner} has no attribute {name!r}" + (f"; here it is {ours}" if ours else "")


class Answers:
    """Base class whose instances answer methods of PyTorch's modules with ours."""

    if not TYPE_CHECKING:  # a type checker knows every name, and that there are no others

        def __getattr__(self, name: str) -> Any:
            owner = f"{type(self).__name__!r} object"
            raise AttributeError(_absent(owner, name, METHODS), name=name, obj=self)


def missing(module: str, name: str) -> AttributeError:
    """Return the error for a name that a module does not have."""
    return AttributeError(_absent(f"module {module!r}", name, NAMES))


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
