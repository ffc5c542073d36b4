"""Runs the samples of one of PyTorch's operations here and there, and compares to second order.

The samples are those of ``torch.testing``'s ``op_db``, with which PyTorch tests itself: every leaf
that it differentiates is differentiated here, with the same random cotangents.
"""

from __future__ import annotations

import random
import sys
import types
import unittest
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import autograd_core as ag
from tests.autograd_core.rules.pytorch_samples import conventions as by
from tests.autograd_core.rules.pytorch_samples.mapping import MAPPING, PROCESSED

DTYPES = ("float64", "complex128", "float32")
#: Relative tolerances of values, first and second derivatives; absolute ones are the same, times
#: the largest number of the array, or 1.
TOLERANCES = {"float64": (1e-10, 1e-8, 1e-7), "float32": (5e-5, 1e-3, 5e-3)}


@dataclass
class Result:
    """Count what became of the samples of one operation."""

    samples: int = 0
    refused: list[str] = field(default_factory=list)  # by PyTorch
    inexpressible: list[str] = field(default_factory=list)  # by NumPy, given plain arrays
    compared: list[int] = field(default_factory=lambda: [0, 0, 0])  # at each order
    by_convention: int = 0
    wrong: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)


@cache
def operations() -> dict[str, Any]:
    """Return PyTorch's operations by name, ``name|variant`` where there are several."""
    stub = types.ModuleType("expecttest")  # imported by torch.testing, and not used here
    stub.TestCase = unittest.TestCase  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        absent = sys.modules.setdefault("expecttest", stub) is stub
        from torch.testing._internal.common_methods_invocations import op_db

        if absent:
            del sys.modules["expecttest"]
    return {f"{op.name}|{op.variant_test_name}".rstrip("|"): op for op in op_db}


def mapped(name: str) -> Callable[..., Any] | None:
    """Return the NumPy spelling of an operation: its variant's own, or that of the name."""
    if name in by.REASONS:
        return None
    return MAPPING.get(name) or MAPPING.get(name.partition("|")[0])


def _walk(tree: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return arguments with ``leaf`` applied to everything that is not a container."""
    if isinstance(tree, dict):
        return {k: _walk(v, leaf) for k, v in tree.items()}
    if isinstance(tree, slice):
        return slice(*(_walk(v, leaf) for v in (tree.start, tree.stop, tree.step)))
    if isinstance(tree, (list, tuple)):
        return (list if isinstance(tree, list) else tuple)(_walk(v, leaf) for v in tree)
    return leaf(tree)


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in _flat(item)]
    return [tree]


def _numpy(t: Any) -> Any:
    """Return a copy of a tensor's numbers."""
    return t.numpy(force=True).copy()


def _random(like: Any, rng: np.random.Generator) -> Any:
    a = np.asarray(rng.normal(size=like.shape))
    if like.dtype.kind == "c":
        a = a + 1j * rng.normal(size=like.shape)
    return a.astype(like.dtype)


def samples(op: Any, dtype: str) -> Iterator[Any]:
    """Yield the samples of an operation in a dtype; none where PyTorch does not support it."""
    import torch

    kind = getattr(torch, dtype)
    if kind in op.supported_dtypes("cpu"):
        torch.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        differentiable = op.supports_autograd and kind in op.supported_backward_dtypes("cpu")
        yield from op.sample_inputs("cpu", kind, requires_grad=differentiable)


class Theirs:
    """Values and derivatives of one sample by PyTorch."""

    def __init__(
        self, op: Any, sample: Any, hermitian: bool = False, first_order: bool = False
    ) -> None:
        import torch

        copies: dict[int, Any] = {}

        def fresh(v: Any) -> Any:
            if isinstance(v, torch.Tensor):
                if id(v) not in copies:
                    copies[id(v)] = v.detach().clone().requires_grad_(v.requires_grad)
                return copies[id(v)]
            return v

        self.torch, self.orders = torch, 2 if op.supports_gradgrad and not first_order else 1
        self.call = _walk((sample.input, sample.args, sample.kwargs), fresh)
        self.differentiable = any(t.requires_grad for t in copies.values())
        self.leaves = [
            t for t in copies.values()
            if t.requires_grad or (not self.differentiable and (t.is_floating_point() or t.is_complex()))
        ]  # fmt: skip
        self.where = {id(t): i for i, t in enumerate(self.leaves)}
        self.converted = self.to_numpy(self.call)
        x, args, kwargs = self.call
        if hermitian:
            x = (x + x.mH) / 2
        result = sample.output_process_fn_grad(op(x, *args, **kwargs))
        tensors = [t for t in _flat(result) if isinstance(t, torch.Tensor)]
        tensors = tensors or [torch.tensor(result)]  # a number or a bool
        self.outputs = [t for t in tensors if t.is_floating_point() or t.is_complex()] or tensors
        self.values = [_numpy(t) for t in self.outputs]
        self.arrays = [_numpy(t) for t in copies.values()]

    def to_numpy(self, tree: Any) -> Any:
        """Return arguments as arrays, leaves as numbered placeholders."""
        torch = self.torch

        def leaf(v: Any) -> Any:
            if isinstance(v, torch.Tensor):
                return _Leaf(self.where[id(v)]) if id(v) in self.where else _numpy(v)
            if isinstance(v, torch.dtype):
                return np.dtype(str(v).removeprefix("torch."))
            return v

        return _walk(tree, leaf)

    def derivatives(self, cotangents: list[Any], weights: list[Any]) -> list[list[Any]]:
        """Return the gradients, then those of their product with ``weights``."""
        torch = self.torch
        cot = [torch.tensor(c, requires_grad=True) for c in cotangents]
        used = [(o, c) for o, c in zip(self.outputs, cot, strict=True) if o.requires_grad]
        zeros = lambda of: [np.zeros(tuple(t.shape), _numpy(t).dtype) for t in of]
        if not used:
            return [zeros(self.leaves), zeros([*self.leaves, *cot])]
        first = torch.autograd.grad(
            [o for o, _ in used], self.leaves, [c for _, c in used],
            create_graph=self.orders > 1, allow_unused=True,
        )  # fmt: skip
        again = [
            (g, torch.tensor(w)) for g, w in zip(first, weights, strict=True)
            if g is not None and g.requires_grad
        ]  # fmt: skip
        targets = [*self.leaves, *cot]
        second = [None] * len(targets)
        if again and self.orders > 1:
            try:
                second = torch.autograd.grad(
                    [g for g, _ in again], targets, [w for _, w in again], allow_unused=True
                )
            except (RuntimeError, NotImplementedError):
                self.orders = 1
        return [
            [z if g is None else _numpy(g) for g, z in zip(found, zeros(of), strict=True)]
            for found, of in ((first, self.leaves), (second, targets))
        ][: self.orders]


@dataclass
class _Leaf:
    number: int


class Ours:
    """Values and derivatives of one sample by this library."""

    def __init__(self, f: Callable[..., Any], converted: Any, leaves: list[Any]) -> None:
        self.tensors = leaves
        x, args, kwargs = _walk(
            converted, lambda v: leaves[v.number] if isinstance(v, _Leaf) else v
        )
        result = [r if hasattr(r, "dtype") else np.asarray(r) for r in _flat(f(x, *args, **kwargs))]
        self.outputs = [r for r in result if r.dtype.kind in "fc"] or result
        self.values = [np.asarray(o.data if isinstance(o, ag.Tensor) else o) for o in self.outputs]

    def derivatives(self, cotangents: list[Any], weights: list[Any]) -> list[list[Any]]:
        """Return what :meth:`Theirs.derivatives` returns."""
        pairs = zip(cotangents, self.outputs, strict=True)  # PyTorch's may be complex, ours real
        cotangents = [c.real.copy() if o.dtype.kind == "f" else c for c, o in pairs]
        cot = [ag.tensor(c, requires_grad=True) for c in cotangents]
        array = lambda g, t: np.zeros(t.shape, t.dtype) if g is None else np.asarray(g.data)
        recorded = lambda ts, cs: [
            (t, c) for t, c in zip(ts, cs, strict=True) if isinstance(t, ag.Tensor) and t.requires_grad
        ]  # fmt: skip
        used, targets = recorded(self.outputs, cot), [*self.tensors, *cot]
        first: Any = [None] * len(self.tensors)
        if used:
            first = ag.gradients(
                [o for o, _ in used], self.tensors, [c for _, c in used],
                create_graph=True, allow_unused=True,
            )  # fmt: skip
        second: Any = [None] * len(targets)
        if again := recorded(first, weights):
            second = ag.gradients(
                [g for g, _ in again], targets, [w for _, w in again], allow_unused=True
            )
        return [
            [array(g, t) for g, t in zip(found, of, strict=True)]
            for found, of in ((first, self.tensors), (second, targets))
        ]


def difference(found: Any, wanted: Any, tolerance: float) -> str:
    """Return how two arrays differ, or nothing."""
    if found.shape != wanted.shape:
        return f"shape {found.shape}, not {wanted.shape}"
    finite = np.abs(wanted[np.isfinite(wanted)])
    scale = max(1.0, float(finite.max(initial=0.0)))
    close = np.isclose(found, wanted, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if close.all():
        return ""
    at = np.argmin(close)
    return f"{found.flat[at]:.6g}, not {wanted.flat[at]:.6g} at {at} of {found.shape}"


def _but_for_nan(found: Any, wanted: Any, tolerance: float) -> bool:
    """Return whether two arrays agree where PyTorch's is not nan, and ours is finite elsewhere."""
    nan = np.isnan(wanted)
    agree = not difference(found[~nan], wanted[~nan], tolerance)
    return agree and bool(np.isfinite(found[nan]).all())


def _as_sampled(name: str, f: Callable[..., Any], sample: Any) -> Callable[..., Any]:
    """Return the function with what PyTorch's sample does before and after the operation."""
    after = sample.output_process_fn_grad
    after = PROCESSED.get(after.__name__, after)
    symmetric = lambda x: (x + np.conj(np.matrix_transpose(x))) / 2 if name in by.HERMITIAN else x
    return lambda x, *args, **kwargs: after(f(symmetric(x), *args, **kwargs))


def _describe(v: Any) -> Any:
    """Return a short form of one argument for a message."""
    return _walk(v, lambda a: f"{a.dtype}{list(a.shape)}" if hasattr(a, "shape") else a)


def check(name: str) -> Result:
    """Compare all samples of one operation."""
    op, f = operations()[name], mapped(name)
    assert f is not None, name
    result = Result()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for dtype in DTYPES:
            for number, sample in enumerate(samples(op, dtype)):
                result.samples += 1
                _compare(name, op, f, sample, dtype, number, result)
    return result


def _compare(
    name: str, op: Any, f: Any, sample: Any, dtype: str, number: int, result: Result
) -> None:
    what = f"{name} {dtype} sample {number}: {_describe(sample.input)} {_describe(sample.args)} {_describe(sample.kwargs)}"
    try:
        theirs = Theirs(op, sample, name in by.HERMITIAN, name in by.FIRST_ORDER)
        rng = np.random.default_rng(number)
        cotangents = [_random(v, rng) for v in theirs.values]
        weights = [_random(_numpy(t), rng) for t in theirs.leaves]
        wanted = [theirs.values]
        if theirs.differentiable:
            wanted += theirs.derivatives(cotangents, weights)
    except (RuntimeError, NotImplementedError, ValueError, IndexError, TypeError) as error:
        result.refused.append(f"{what}: {type(error).__name__}: {error}")
        return
    arrays = [_numpy(t) for t in theirs.leaves]
    f = _as_sampled(name, f, sample)
    try:
        plain = Ours(f, theirs.converted, arrays)
    except Exception as error:
        result.inexpressible.append(f"{what}: {type(error).__name__}: {error}")
        return
    if len(plain.outputs) != len(theirs.outputs):
        result.wrong.append(f"{what}: {len(plain.outputs)} results, not {len(theirs.outputs)}")
        return
    try:
        ours = Ours(f, theirs.converted, [ag.tensor(a, requires_grad=True) for a in arrays])
        found = [ours.values]
        if theirs.differentiable:
            found += ours.derivatives(cotangents, weights)
    except ag.NotDifferentiableError as error:
        if name in by.NAN and any(np.isnan(a).any() for part in wanted for a in part):
            result.by_convention += 1
        else:
            result.crashed.append(f"{what}: {type(error).__name__}: {error}")
        return
    except Exception as error:
        result.crashed.append(f"{what}: {type(error).__name__}: {error}")
        return
    single = any(a.dtype in ("f4", "c8") for a in [*arrays, *theirs.values, *theirs.arrays])
    tolerances = TOLERANCES["float32" if single else "float64"]
    tolerances = (max(tolerances[0], by.ROUGH.get(name, 0.0)), *tolerances[1:])
    dtypes = [[v.dtype for v in plain.values], [a.dtype for a in arrays]]
    for got, of in zip(found, dtypes, strict=False):
        for dtype_found, dtype_wanted in zip((g.dtype for g in got), of, strict=True):
            if dtype_found != dtype_wanted:
                result.wrong.append(f"{what}: dtype {dtype_found}, not {dtype_wanted}")
                return
    for order, (ours_, theirs_) in enumerate(zip(found, wanted, strict=False)):
        both, tolerance = list(zip(ours_, theirs_, strict=True)), tolerances[order]
        if wrong := [d for a, b in both if (d := difference(a, b, tolerance))]:
            if name in by.NAN and all(_but_for_nan(a, b, tolerance) for a, b in both):
                result.by_convention += 1
            else:
                result.wrong.append(f"{what}: order {order}: {wrong[0]}")
            return
        result.compared[order] += 1
