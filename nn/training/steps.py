"""One step of training: the loss, its gradients, their checks and the update; also compiled."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import autograd_core as ag
from nn.module import Module
from nn.optim.clipping import clip_grad_norm_, first_not_finite
from nn.optim.optimizer import Optimizer
from nn.training.evaluation import Loss, examples


class LossIsNotFinite(ArithmeticError):
    """The loss of a step, before anything was changed; ``value`` is the loss."""

    def __init__(self, value: float) -> None:
        self.value = value


class GradientIsNotFinite(ArithmeticError):
    """A gradient of a step, before anything was changed; ``parameter`` is whose it is."""

    def __init__(self, parameter: Any) -> None:
        self.parameter = parameter


class TrainingStep:
    """Steps of one training.

    Parameters
    ----------
    model, loss, optimizer, max_norm
        As in :func:`nn.fit`.
    compiled
        Whether steps run as programs; what cannot be compiled says why, once, and goes on eagerly.
    after
        Functions of the model, to call after each step.
    """

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, max_norm: float | None,
        compiled: bool, after: Sequence[Callable[[Module], None]] = (),
    ) -> None:  # fmt: skip
        self.after = after
        self.model, self.loss, self.optimizer, self.max_norm = model, loss, optimizer, max_norm
        self.moved: list[Any] = [p for group in optimizer.param_groups for p in group["params"]]
        whole = type(optimizer).step is Optimizer.step  # others call a closure, some repeatedly
        self._update: Callable[..., Any] = self._whole if whole else self._by_closure
        self._evaluate: Callable[..., Any] = self.evaluate
        if compiled and whole:
            self._update = _ProgramOrEager(self._whole)
        elif compiled:
            self._evaluate = _ProgramOrEager(self.evaluate)

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step, and return the loss before it."""
        found: float = self._update(x, y)
        return found

    def examples(self, x: Any, y: Any) -> float:
        """Return the number of examples of the last step, over which its loss is the mean."""
        return examples(x, y)

    def batch(self, x: Any, y: Any) -> Any:
        """Return the inputs and targets of a step."""
        return x, y

    def evaluate(self, x: Any, y: Any, checked: bool = True) -> Any:
        """Compute the loss and all gradients; return the loss, and as a number."""
        value = self.loss(self.model(x), y)
        number = value.item()
        if checked and not -math.inf < number < math.inf:
            raise LossIsNotFinite(number)
        self.model.zero_grad()
        self.optimizer.zero_grad()
        value.backward()
        if checked:
            _check_use(self.model, self.moved)
            bad = first_not_finite(self.moved)
            if bad is not None:
                raise GradientIsNotFinite(bad)
        if self.max_norm is not None:
            clip_grad_norm_(self.moved, self.max_norm)
        return value, number

    def _whole(self, x: Any, y: Any) -> Any:
        _, number = self.evaluate(x, y)
        self.optimizer.step()
        for function in self.after:
            function(self.model)
        return number

    def _by_closure(self, x: Any, y: Any) -> Any:
        tries: list[float] = []

        def closure() -> Any:
            value, number = self._evaluate(x, y, not tries)  # LBFGS may try too far later
            tries.append(number)
            return value

        self.optimizer.step(closure)
        if not tries:
            raise TypeError(
                f"{type(self.optimizer).__name__}.step(closure) did not call the closure, which "
                "computes the loss and its gradients"
            )
        for function in self.after:
            function(self.model)
        return tries[0]


class _ProgramOrEager:
    """A compiled function that goes on eagerly, and says so once, if it cannot be compiled."""

    def __init__(self, f: Any) -> None:
        self.f = f
        self.program: Any = ag.compile(f, blocks=False)

    def __call__(self, *args: Any) -> Any:
        if self.program is not None:
            try:
                return self.program(*args)
            except ag.CompileError as error:  # before anything was changed
                warnings.warn(f"this training is not compiled: {error}", stacklevel=5)
                self.program = None
        return self.f(*args)


def _check_use(model: Module, moved: Sequence[Any]) -> None:
    """Raise ValueError if the optimizer holds what the model has replaced since it was made."""
    own = {id(p) for p in model.parameters()}
    if any(p.requires_grad and p.grad is None and id(p) not in own for p in moved):
        raise ValueError(
            "the optimizer holds a parameter that the model does not hold and that has no part in "
            "the loss: one that was replaced since? Make the optimizer again, with "
            "model.parameters()"
        )
