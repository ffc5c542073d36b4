"""Data-parallel training on Dask: each worker keeps a shard of the data and sends gradients.

A step computes, on every worker that holds a shard, the gradients of a batch of it, and takes the
step of their mean over all examples: the step that one machine takes on the joined batch, up to
rounding.  Everything else (progress, history, callbacks, checkpoints, schedules) is that of
:func:`nn.fit`.  Scheduling, transport and what happens when a worker dies are Dask's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import nn
from nn.init import Rng, generator
from nn.module import Module, evaluating
from nn.training import random_states
from nn.training.evaluation import Loss, examples, pair
from nn.training.loop import History
from nn.training.steps import GradientIsNotFinite, LossIsNotFinite, TrainingStep


def fit(
    model: Module,
    shards: Any,
    loss: Loss | str,
    optimizer: nn.Optimizer,
    epochs: int,
    *,
    client: Any = None,
    batch_size: int | None = None,
    local_steps: int = 1,
    shuffle: bool = False,
    rng: Rng = None,
    **options: Any,
) -> History:
    """Train a model on shards of data that stay on the workers of a Dask cluster.

    Parameters
    ----------
    model, loss, optimizer, epochs
        As in :func:`nn.fit`.  The loss is a mean over examples, which is checked once: one that
        divides by class weights, or a sum, would be another than on one machine.
    shards
        One for each part of the data: futures of pairs ``(x, y)``, or pairs of arrays, which are
        sent; or two Dask arrays of equal chunks of rows; or a Dask bag of pairs ``(x, y)`` of
        single examples.  Futures that were computed are computed again when their worker dies;
        scattered ones are lost with it.
    client
        A ``distributed.Client``; by default the one that was made last.
    batch_size
        The number of examples that each shard adds to a batch; all of them by default.
    local_steps
        How many steps workers take on their own before their weights are averaged (McDonald et
        al., 2010; Stich, 2019): fewer messages, and another training than on one machine.
    shuffle, rng
        Whether each shard goes through its examples in a new order in each epoch, and the
        generator or seed that chooses it.
    **options
        ``validation``, ``metrics``, ``callbacks``, ``schedule``, ``max_norm``, ``progress`` and
        ``history`` of :func:`nn.fit`.

    Raises
    ------
    ValueError
        For a loss that is no mean over examples, for batch normalisation in training (its
        statistics would be of a shard: use GroupNorm or LayerNorm, or freeze it by ``eval()``), and
        for ``max_norm`` with ``local_steps``.

    Examples
    --------
    ::

        with distributed.Client(n_workers=4, threads_per_worker=1) as client:
            shards = client.map(load, paths)            # each returns (x, y)
            nn.distributed.fit(model, shards, nn.cross_entropy, optimizer, 10, client=client)
    """
    data = Shards(shards, client, batch_size, local_steps, shuffle, rng)
    return nn.fit(model, data, loss, optimizer, epochs, **options)


class Shards:
    """Data on the workers of a cluster, as batches of places: what :func:`nn.fit` iterates over."""

    def __init__(
        self, shards: Any, client: Any, batch_size: int | None, local_steps: int, shuffle: bool,
        rng: Rng,
    ) -> None:  # fmt: skip
        import distributed

        self.client = client if client is not None else distributed.get_client()
        size = 1 if batch_size is None else batch_size
        for value, name in ((size, "batch_size"), (local_steps, "local_steps")):
            if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is a whole number from 1 up, got {value!r}")
        self.shards = _futures(shards, self.client)
        self.sizes = self.client.gather(self.client.map(_length, self.shards, pure=False))
        if not self.shards or not min(self.sizes):
            raise ValueError(f"each shard has at least one example, got lengths {self.sizes}")
        self.batch_size, self.local_steps = batch_size or max(self.sizes), local_steps
        self.shuffle, self.rng = shuffle, generator(rng)

    def __len__(self) -> int:
        whole: int = -(-max(self.sizes) // (self.batch_size * self.local_steps))
        return whole

    def __iter__(self) -> Iterator[tuple[list[Any], Any]]:
        """Yield the places of a batch in each shard, and a target of as many rows."""
        orders = [self.rng.permutation(n) if self.shuffle else np.arange(n) for n in self.sizes]
        step = self.batch_size * self.local_steps
        for start in range(0, len(self) * step, step):
            places = [order[start : start + step] for order in orders]
            yield places, np.broadcast_to(np.float32(0), sum(map(len, places)))

    def training_step(
        self, model: Module, loss: Loss, optimizer: nn.Optimizer, max_norm: float | None,
        after: Sequence[Callable[[Module], None]] = (),
    ) -> TrainingStep:  # fmt: skip
        """Return the way to take a step, which :func:`nn.fit` asks data for that have one."""
        for name, module in model.named_modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)) and module.training:
                raise ValueError(
                    f"{name or 'the model'} is a {type(module).__name__} in training, whose "
                    "statistics would be those of a shard and not of the batch; use nn.GroupNorm "
                    "or nn.LayerNorm, or freeze it: layer.eval()"
                )
        if self.local_steps > 1 and max_norm is not None:
            raise ValueError("max_norm= is of gradients, which local_steps= never joins")
        return _ShardedStep(self, model, loss, optimizer, max_norm, after)


@dataclass
class _Parts:
    """What workers copy: one object, so that the optimizer still holds the model's parameters."""

    model: Module
    optimizer: nn.Optimizer
    loss: Loss


class _ShardedStep(TrainingStep):
    """Steps whose gradients, or weights, are means of those of the workers."""

    def __init__(
        self, data: Shards, model: Module, loss: Loss, optimizer: nn.Optimizer,
        max_norm: float | None, after: Sequence[Callable[[Module], None]],
    ) -> None:  # fmt: skip
        super().__init__(model, loss, optimizer, max_norm, False, after)
        self.data, self.client, self.taken, self.counted = data, data.client, 0, 0.0
        if data.local_steps > 1:
            self._update = self._local
        self.parts = self.client.submit(_keep, _Parts(model, optimizer, loss), pure=False)
        self.client.submit(_check_mean, self.parts, data.shards[0], pure=False).result()

    def examples(self, x: Any, y: Any) -> float:
        return self.counted

    def batch(self, x: Any, y: Any) -> Any:
        """Return what a step was of: the rows of all shards, for the search of what went wrong."""
        rows = self._on_each(_rows, x)
        return tuple(np.concatenate([np.asarray(r[i]) for r in rows]) for i in (0, 1))

    def evaluate(self, x: Any, y: Any, checked: bool = True) -> Any:
        weights = self.model.state_dict()
        found = self._on_each(_slopes, x, self.parts, weights, self.taken)
        self.taken += 1
        value, self.counted = _mean([f[0] for f in found], [f[2] for f in found])
        if checked and not np.isfinite(value):
            raise LossIsNotFinite(float(value))
        self.optimizer.zero_grad()
        for i, p in enumerate(self.model.parameters()):
            slopes = [f[1][i] for f in found]
            if slopes[0] is not None:
                g, _ = _mean(slopes, [f[2] for f in found])
                p.grad = g.astype(p.dtype)
        bad = nn.optim.clipping.first_not_finite(self.moved) if checked else None
        if bad is not None:
            raise GradientIsNotFinite(bad)
        if self.max_norm is not None:
            nn.clip_grad_norm_(self.moved, self.max_norm)
        return value, float(value)

    def _local(self, x: Any, y: Any) -> float:
        state, saved = self.model.state_dict(), self.optimizer.state_dict()
        settings = self.data.batch_size, self.taken
        found = self._on_each(_train_alone, x, self.parts, state, saved, *settings)
        self.taken += 1
        counts = [f[3] for f in found]
        value, self.counted = _mean([f[0] for f in found], counts)
        if not np.isfinite(value):
            raise LossIsNotFinite(float(value))
        self.model.load_state_dict(_mean_tree([f[1] for f in found], counts))
        self.optimizer.load_state_dict(_mean_tree([f[2] for f in found], counts))
        for function in self.after:
            function(self.model)
        return float(value)

    def _on_each(self, fun: Any, places: list[Any], *args: Any) -> list[Any]:
        """Run a function where each shard is that has a part in the batch; in the same order."""
        tasks = [
            self.client.submit(fun, shard, at, i, *args, pure=False)
            for i, (shard, at) in enumerate(zip(self.data.shards, places, strict=True))
            if len(at)
        ]
        found: list[Any] = self.client.gather(tasks)
        return found


def _mean(values: Sequence[Any], counts: Sequence[float]) -> tuple[Any, float]:
    """Return the mean of values of so many examples each, in float64, and their number."""
    total = sum(counts)
    parts = [np.asarray(v, np.float64) * n for v, n in zip(values, counts, strict=True) if n]
    return sum(parts[1:], parts[0]) / total if parts else np.float64(np.nan), total


def _mean_tree(trees: Sequence[Any], counts: Sequence[float]) -> Any:
    """Return the mean of trees of arrays and numbers; what is no float is that of the first."""
    first = trees[0]
    if isinstance(first, dict):
        return {key: _mean_tree([t[key] for t in trees], counts) for key in first}
    if isinstance(first, (list, tuple)):
        return type(first)(_mean_tree(part, counts) for part in zip(*trees, strict=True))
    if isinstance(first, np.ndarray) and first.dtype.kind in "fc":
        return _mean(trees, counts)[0].astype(first.dtype)
    return first


# -- on the workers -------------------------------------------------------------------------------


def _keep(value: Any) -> Any:
    return value


def _length(shard: Any) -> int:
    x, y = pair(shard)
    if len(x) != len(y):
        raise ValueError(f"a shard has {len(x)} inputs and {len(y)} targets")
    return len(y)


def _rows(shard: Any, at: Any, _number: int) -> Any:
    return shard[0][at], shard[1][at]


def _batch(shard: Any, at: Any, model: Module) -> Any:
    """Return rows of a shard, floating-point ones in the dtype of the model."""
    dtype = next(iter(model.parameters())).dtype
    return tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in _rows(shard, at, 0))


def _prepare(model: Module, state: Any, *seeds: int) -> None:
    """Give a worker's copy of the model its weights, and random numbers of this shard's own."""
    model.load_state_dict(state)
    for i, source in enumerate(random_states.sources(model=model).values()):
        if isinstance(source, np.random.Generator):
            source.bit_generator.state = type(source.bit_generator)([*seeds, i]).state


def _slopes(shard: Any, at: Any, number: int, parts: Any, state: Any, taken: int) -> Any:
    """Return the loss of a batch, the gradient of each parameter, and the number of examples."""
    model = copy.deepcopy(parts.model)  # tasks may run in threads
    _prepare(model, state, number, taken)
    x, y = _batch(shard, at, model)
    model.zero_grad()
    value = parts.loss(model(x), y)
    value.backward()
    slopes = [None if p.grad is None else p.grad.numpy() for p in model.parameters()]
    return value.item(), slopes, examples(x, y)


def _train_alone(
    shard: Any, at: Any, number: int, parts: Any, state: Any, saved: Any, size: int, taken: int
) -> Any:
    """Take a step on each batch of so many rows; return the loss, both states, the examples."""
    own = copy.deepcopy(parts)  # together, so that the optimizer moves the copy
    model, optimizer = own.model, own.optimizer
    _prepare(model, state, number, taken)
    optimizer.load_state_dict(saved)
    losses, counts = [], []
    for start in range(0, len(at), size):
        x, y = _batch(shard, at[start : start + size], model)
        losses.append(TrainingStep(model, own.loss, optimizer, None, False)(x, y))
        counts.append(examples(x, y))
    value, count = _mean(losses, counts)
    return value, model.state_dict(), optimizer.state_dict(), count


def _check_mean(parts: Any, shard: Any) -> None:
    """Raise ValueError if the loss of a few examples is not the mean of the losses of two parts."""
    model, loss = parts.model, parts.loss
    x, y = _batch(shard, slice(5), model)
    cut = len(y) // 2
    if not cut:
        return
    with evaluating(model), nn.module.undisturbed(model):
        whole = loss(model(x), y).item()
        halves = [loss(model(a), b).item() for a, b in ((x[:cut], y[:cut]), (x[cut:], y[cut:]))]
    counts = [examples(x[:cut], y[:cut]), examples(x[cut:], y[cut:])]
    wanted, _ = _mean(halves, counts)
    if np.isfinite(whole) and not np.isclose(whole, wanted, rtol=1e-3, atol=1e-5):
        raise ValueError(
            f"the loss of 5 examples is {whole:.6g}, and the mean of that of the first {cut} and "
            f"of the others {wanted:.6g}: it is no mean over examples (a sum? class weights?), so "
            "that the mean over the workers would be another training than on one machine"
        )


def _futures(shards: Any, client: Any) -> list[Any]:
    """Return a future of a pair of arrays for each shard."""
    import distributed

    if hasattr(shards, "map_partitions") and hasattr(shards, "to_delayed"):  # a bag
        return [client.compute(part) for part in _delayed(_stacked, shards)]
    if isinstance(shards, tuple) and all(hasattr(a, "to_delayed") for a in shards):
        x, y = (a.rechunk(dict.fromkeys(range(1, a.ndim), -1)) for a in shards)
        if x.chunks[0] != y.chunks[0]:
            raise ValueError(
                f"the arrays have other chunks of rows, {x.chunks[0]} and {y.chunks[0]}; write "
                "y.rechunk((x.chunks[0], ...))"
            )
        return [client.compute(part) for part in _delayed(_paired, x, y)]
    if isinstance(shards, tuple) or not hasattr(shards, "__iter__"):
        raise TypeError(
            "shards is a list, of futures or of pairs (x, y) for each worker, a pair of Dask "
            f"arrays or a Dask bag; got a {type(shards).__name__}"
        )
    return [
        s if isinstance(s, distributed.Future) else client.submit(_keep, s, pure=False)
        for s in shards
    ]


def _delayed(fun: Any, *collections: Any) -> list[Any]:
    import dask

    parts = [np.ravel(c.to_delayed()) for c in collections]
    return [dask.delayed(fun)(*row) for row in zip(*parts, strict=True)]


def _paired(x: Any, y: Any) -> Any:
    return np.asarray(x), np.asarray(y)


def _stacked(rows: Any) -> Any:
    x, y = zip(*rows, strict=True)
    return np.stack(x), np.stack(y)
