"""Names that PyTorch, JAX and HIPS autograd have, answered with ours in the error."""

import numpy as np

#: What does the work of attributes of Tensors elsewhere; functions of NumPy are found by name.
_OF_TENSORS = {
    "bmm": "t @ other", "chunk": "np.array_split(t, n, axis)", "clamp": "np.clip(t, low, high)",
    "clone": "t.copy()", "cpu": "ag.to_host(t)", "cuda": "ag.tensor(cupy.asarray(t.data))",
    "dim": "t.ndim",
    "expand": "np.broadcast_to(t, shape)", "float": "t.astype(np.float32)",
    "gather": "np.take_along_axis(t, index, axis)", "int": "t.astype(int)",
    "log_softmax": "nn.log_softmax(t)", "long": "t.astype(int)",
    "masked_fill": "np.where(mask, value, t)", "mm": "t @ other", "norm": "np.linalg.norm(t)",
    "numel": "t.size", "permute": "t.transpose(axes)", "pow": "t ** n",
    "relu": "np.maximum(t, 0), or nn.relu(t)", "requires_grad_": "t.requires_grad = True",
    "matmul": "t @ other", "sigmoid": "nn.sigmoid(t)", "softmax": "nn.softmax(t)", "t": "t.T",
    "to": "t.astype(dtype), or ag.tensor(cupy.asarray(t.data)) on a GPU",
    "topk": "np.argsort(t)[..., -k:], and np.sort",
    "unsqueeze": "np.expand_dims(t, axis)", "view": "t.reshape(shape)", "zero_": "t.data[...] = 0",
}  # fmt: skip

#: What does the work of functions of ``torch``, ``jax`` and ``autograd``.
_OF_MODULE = {
    "Function": "@ag.primitive and .defvjp", "Variable": "ag.tensor(x, requires_grad=True)",
    "autograd": "ag.grad, ag.vjp, ag.gradients; t.backward()", "cat": "np.concatenate",
    "check_grads": "ag.assert_gradients", "clamp": "np.clip",
    "custom_vjp": "@ag.primitive and .defvjp", "from_numpy": "ag.tensor", "jacfwd": "ag.jacobian",
    "jacrev": "ag.jacobian", "jit": "ag.compile", "make_jvp": "ag.jvp", "make_vjp": "ag.vjp",
    "nn": "import nn", "numpy": "import numpy as np: plain NumPy is differentiated",
    "rand": "rng.random(shape)", "randn": "rng.normal(size=shape)",
    "random": "np.random.default_rng(seed), and ag.sample under ag.vmap",
    "stop_gradients": "ag.stop_gradient",
}  # fmt: skip


def no_attribute(owner: str, name: str) -> AttributeError:
    """Return the error for an attribute that Tensors (``owner`` "Tensor") or the module lacks."""
    of_tensor = owner == "Tensor"
    ours = (_OF_TENSORS if of_tensor else _OF_MODULE).get(name)
    if not ours and name.islower() and callable(getattr(np, name, None)):
        ours = f"np.{name}(t)" if of_tensor else f"np.{name}"
    if not ours and of_tensor and name[-1] == "_" != name[0]:
        ours = "t[...] = what it is to be: operations make new Tensors"
    what = "'Tensor' object" if of_tensor else f"module {owner!r}"
    hint = f"; here it is {ours}" if ours else ""
    return AttributeError(f"{what} has no attribute {name!r}{hint}")
