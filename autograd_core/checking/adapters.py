"""``from_torch`` and ``from_jax``: check functions of other frameworks as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.checking.target import Pull, Target, differentiable_leaves, name_of, partial
from autograd_core.transforms.trees import flatten

Array = np.ndarray[Any, Any]


class FromTorch(Target):
    """A function of PyTorch tensors; its gradients are those of ``torch.autograd``."""

    max_order = 2

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        import torch

        self.f, self.name, self.torch = f, name, torch

    def at(self, args: Sequence[Any], positions: Sequence[int]) -> Target:
        fixed = [self.torch.tensor(np.array(a, order="C")) for a in args]
        return FromTorch(partial(self.f, fixed, positions), self.name)

    def _outputs(self, tensors: Sequence[Any]) -> list[Any]:
        return [
            o for o in flatten(self.f(*tensors))[0]
            if isinstance(o, self.torch.Tensor) and (o.is_floating_point() or o.is_complex())
        ]  # fmt: skip

    def _arguments(self, xs: Sequence[Any], needed: bool) -> list[Any]:
        tensors = [self.torch.tensor(np.array(x, order="C")) for x in xs]
        for t in tensors:
            t.requires_grad_(needed and (t.is_floating_point() or t.is_complex()))
        return tensors

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        with self.torch.no_grad():
            return [o.resolve_conj().numpy() for o in self._outputs(self._arguments(xs, False))]

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        tensors = self._arguments(xs, True)
        outputs = self._outputs(tensors)

        def back(vs: list[Array]) -> list[Any]:
            cotangents = [self.torch.tensor(np.array(v, order="C")) for v in vs]
            recorded = [i for i, o in enumerate(outputs) if o.requires_grad]
            leaves = [t for t in tensors if t.requires_grad]
            found: Sequence[Any] = [None] * len(leaves)
            if recorded:
                found = self.torch.autograd.grad(
                    [outputs[i] for i in recorded], leaves, [cotangents[i] for i in recorded],
                    retain_graph=True, allow_unused=True,
                )  # fmt: skip
            rest = iter(found)
            gradients = [next(rest) if t.requires_grad else None for t in tensors]
            return [None if g is None else g.detach().resolve_conj().numpy() for g in gradients]

        return [o.detach().resolve_conj().numpy() for o in outputs], back

    def derivative(self, count: int) -> Target:
        def gradients(*both: Any) -> list[Any]:
            with self.torch.enable_grad():
                xs = [
                    x if x.requires_grad else x.detach().clone().requires_grad_()
                    for x in both[:count]
                ]
                return list(
                    self.torch.autograd.grad(
                        self._outputs(xs), xs, list(both[count:]),
                        create_graph=True, allow_unused=True, materialize_grads=True,
                    )
                )  # fmt: skip

        return FromTorch(gradients, f"the gradient of {self.name}")


def from_torch(f: Callable[..., Any]) -> Target:
    """Return a target for a function of PyTorch tensors (a module, ``autograd.Function.apply``).

    Raises
    ------
    ImportError
        Without PyTorch.
    """
    return FromTorch(f, name_of(f))


class FromJax(Target):
    """A function of JAX arrays; its gradients are those of ``jax.vjp``, in float64."""

    max_order = 2

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.f, self.name, self.jax = f, name, jax

    def at(self, args: Sequence[Any], positions: Sequence[int]) -> Target:
        return FromJax(partial(self.f, args, positions), self.name)

    def forward(self, xs: Sequence[Array]) -> list[Array]:
        return differentiable_leaves([np.asarray(o) for o in flatten(self.f(*xs))[0]])

    def pullback(self, xs: Sequence[Array]) -> tuple[list[Array], Pull]:
        def of_floats(*floats: Any) -> list[Any]:
            rest = iter(floats)
            full = [next(rest) if x.dtype.kind in "fc" else x for x in map(np.asarray, xs)]
            return [
                o for o in flatten(self.f(*full))[0] if self.jax.numpy.result_type(o).kind in "fc"
            ]

        varied = [np.asarray(x).dtype.kind in "fc" for x in xs]
        values, pull = self.jax.vjp(of_floats, *(x for x, v in zip(xs, varied, strict=True) if v))

        def back(vs: list[Array]) -> list[Any]:
            # JAX does not conjugate cotangents; the direction of steepest ascent is the conjugate
            found = iter(pull([np.conj(v) for v in vs]))
            return [np.conj(np.asarray(next(found))) if v else None for v in varied]

        return [np.asarray(v) for v in values], back

    def derivative(self, count: int) -> Target:
        def gradients(*both: Any) -> list[Any]:
            _, pull = self.jax.vjp(lambda *xs: flatten(self.f(*xs))[0], *both[:count])
            return [g.conj() for g in pull([v.conj() for v in both[count:]])]

        return FromJax(gradients, f"the gradient of {self.name}")


def from_jax(f: Callable[..., Any]) -> Target:
    """Return a target for a function of JAX arrays; turns 64-bit numbers on.

    Raises
    ------
    ImportError
        Without JAX.
    """
    return FromJax(f, name_of(f))
