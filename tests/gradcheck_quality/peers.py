"""Other packages' checkers on the same pairs: each adapter is True where the peer accuses."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np

from tests.gradcheck_quality.entry import Entry


def _halves(entry: Entry) -> tuple[Any, Any]:
    if not entry.is_pair:
        raise TypeError(f"{entry.id} is a function of Tensors; the peers run pairs only")
    return entry.subject


def _floating(a: Any) -> bool:
    return np.asarray(a).dtype.kind in "fc"


def _owned(a: Any) -> Any:
    """A copy in the same layout: a bug that writes into its inputs must not spoil the sample."""
    if not isinstance(a, np.ndarray):
        return a
    if a.flags.forc:
        return a.copy(order="K")
    return np.repeat(a, 2, axis=-1)[..., ::2]


def _conj(a: Any) -> Any:
    """HIPS and JAX carry the conjugates of PyTorch's complex gradients."""
    if isinstance(a, (tuple, list)):
        return tuple(_conj(b) for b in a)
    return np.conj(a) if np.asarray(a).dtype.kind == "c" else a


def _listed(gradients: Any) -> list[Any]:
    return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]


def torch_check(
    entry: Entry, inputs: tuple[Any, ...], fast: bool = False, second: bool = False
) -> bool:
    """``torch.autograd.gradcheck`` with its defaults.

    ``second`` changes nothing for a pair, whose backward is NumPy and records no graph.
    """
    import torch

    forward, backward = _halves(entry)

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.args = [t.detach().numpy() if isinstance(t, torch.Tensor) else t for t in tensors]
            ctx.out = forward(*ctx.args)
            if isinstance(ctx.out, (tuple, list)):
                return tuple(torch.from_numpy(np.array(o)) for o in ctx.out)
            return torch.from_numpy(np.array(ctx.out))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            gs = [g.detach().numpy() for g in cotangents]
            many = isinstance(ctx.out, (tuple, list))
            found = _listed(backward(tuple(gs) if many else gs[0], ctx.out, *ctx.args))
            return tuple(None if a is None else torch.from_numpy(np.array(a)) for a in found)

    def tensor(a: Any) -> Any:
        if not isinstance(a, (np.ndarray, np.generic, float, complex)):
            return a
        made = torch.from_numpy(np.asarray(_owned(a)))
        return made.requires_grad_(_floating(a))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tensors = tuple(tensor(a) for a in inputs)
            passed = torch.autograd.gradcheck(Wrapped.apply, tensors, fast_mode=fast)
        except Exception:
            return True
    return not passed


def hips_check(entry: Entry, inputs: tuple[Any, ...]) -> bool:
    """HIPS autograd's ``check_grads`` in reverse mode, to first order."""
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    forward, backward = _halves(entry)
    wrt = [i for i, a in enumerate(inputs) if _floating(a)]

    wrapped = primitive(lambda *args: forward(*args))

    def rule(i: int) -> Any:
        def make(out: Any, *args: Any) -> Any:
            def back(g: Any) -> Any:
                found = _listed(backward(_conj(g), out, *args))
                if len(found) != len(inputs):
                    raise ValueError(f"{len(found)} gradients for {len(inputs)} inputs")
                return _conj(found[i])

            return back

        return make

    defvjp(wrapped, *(rule(i) for i in wrt), argnums=wrt)

    def of_floats(*floats: Any) -> Any:
        args = [_owned(a) for a in inputs]
        for i, a in zip(wrt, floats, strict=True):
            args[i] = a
        return wrapped(*args)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            state = np.random.get_state()
            np.random.seed(0)
            floats = [_owned(inputs[i]) for i in wrt]
            check_grads(of_floats, tuple(range(len(wrt))), modes=["rev"], order=1)(*floats)
        except Exception:
            return True
        finally:
            np.random.set_state(state)
    return False


def jax_check(entry: Entry, inputs: tuple[Any, ...]) -> bool:
    """``jax.test_util.check_grads`` of a ``custom_vjp`` that calls back into NumPy, in float64."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)
    forward, backward = _halves(entry)
    wrt = [i for i, a in enumerate(inputs) if _floating(a)]

    def arguments(floats: Any) -> list[Any]:
        args = [_owned(a) for a in inputs]
        for i, a in zip(wrt, floats, strict=True):
            args[i] = np.array(a)
        return args

    def like(a: Any) -> Any:
        return jax.ShapeDtypeStruct(np.shape(a), np.asarray(a).dtype)

    def run(*floats: Any) -> Any:
        out = forward(*arguments(floats))
        return tuple(map(np.array, out)) if isinstance(out, (tuple, list)) else np.array(out)

    def run_back(g: Any, *floats: Any) -> Any:
        args = arguments(floats)
        out = forward(*args)
        g = tuple(map(np.array, g)) if isinstance(g, (tuple, list)) else np.array(g)
        found = _listed(backward(_conj(g), out, *args))
        if len(found) != len(inputs):
            raise ValueError(f"{len(found)} gradients for {len(inputs)} inputs")
        return tuple(np.asarray(_conj(found[i])) for i in wrt)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shapes = jax.tree.map(like, run(*(inputs[i] for i in wrt)))

            @jax.custom_vjp
            def wrapped(*floats: Any) -> Any:
                return jax.pure_callback(run, shapes, *floats)

            def saved(*floats: Any) -> Any:
                return wrapped(*floats), floats

            def back(floats: Any, g: Any) -> Any:
                return jax.pure_callback(run_back, tuple(map(like, floats)), g, *floats)

            wrapped.defvjp(saved, back)
            check_grads(wrapped, tuple(inputs[i] for i in wrt), order=1, modes=["rev"])
        except Exception:
            return True
    return False
