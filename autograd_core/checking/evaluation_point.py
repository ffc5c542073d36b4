"""One subject at one point: its values as a vector of real numbers, and numeric slopes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.checking.coordinates import Coordinates
from autograd_core.checking.differences import EPS, PASSES, Slopes, first_step, slopes
from autograd_core.checking.target import Subject

Array = np.ndarray[Any, Any]

HULL_POINTS = 24
HULL_RADII = (2.0**-13, 2.0**-19)


def size_of(a: Array) -> Array:
    """Absolute values, 0 for what is not finite."""
    return np.where(np.isfinite(a), np.abs(a), 0.0)


class Point:
    """A subject at its inputs.

    Attributes
    ----------
    x, y : Coordinates
        Of the inputs and of the outputs.
    at, center : ndarray
        The inputs and the outputs, as vectors.
    floor : ndarray
        How much each output moves when the inputs move by two units in the last place.
    coarse : float
        The relative noise of the values, where it is far above round-off (float32 inside).
    """

    def __init__(
        self, subject: Subject, xs: Sequence[Array], rng: np.random.Generator, coarse: float = 0.0
    ) -> None:
        self.subject, self.rng, self.coarse = subject, rng, coarse
        self.x = Coordinates(xs)
        self.at = self.x.join(xs)
        outputs = subject.forward(self.x.split(self.at.copy()))
        self.shapes = [np.shape(o) for o in outputs]
        self.y = Coordinates(outputs)
        self.center = self.y.join(outputs)
        noise = np.zeros(self.y.size)
        for _ in range(2):
            step = 1.0 + 2 * EPS * rng.choice([-1.0, 1.0], self.at.shape)
            noise = np.fmax(noise, np.abs(self.values(self.at * step) - self.center))
        self._rounding = self._coarseness(outputs)
        self._jitter = size_of(noise)
        self.floor = np.fmax(self._jitter, coarse * size_of(self.center)) + self._rounding
        self._listened = False

    def listen(self) -> bool:
        """Raise the floor by the grain of the values; False if it stays what it was.

        It costs a dozen evaluations and only ever excuses, so that it waits for an accusation.
        """
        if self._listened:
            return False
        self._listened, before = True, self.floor
        self.floor = np.fmax(self._jitter, self._grain()) + self._rounding
        return bool((self.floor > before).any())

    def _grain(self) -> Array:
        """Noise that is larger than round-off, by fourth differences, in which smooth parts cancel.

        It is much the same at several distances; what grows with the distance is a kink.
        """
        size = size_of(self.at)
        size = np.where(size > 0, size, size.mean() if size.size else 0.0)
        away, found = self.rng.uniform(0.5, 1.0, size.shape) * size, []
        scale = size_of(self.center)  # of the values here and nearby: some are zero here
        for distance in (2.0**-24, 2.0**-22, 2.0**-20):
            step = distance * away
            near = [self.values(self.at + k * step) for k in (-2, -1, 1, 2)]
            scale = np.fmax(scale, size_of(np.array(near)).max(axis=0))
            fourth = near[0] - 4 * near[1] + 6 * self.center - 4 * near[2] + near[3]
            found.append(np.abs(fourth) / 8)
        low, middle, high = found
        kink = (np.abs(middle - 4 * low) < 0.2 * middle) & (np.abs(high - 4 * middle) < 0.2 * high)
        largest = np.maximum(np.maximum(low, middle), high)
        grain = np.where(np.isfinite(largest) & ~kink, largest, 0.0)
        noisy = grain > 1e3 * EPS * np.fmax(scale, 1e-300)
        if noisy.size and noisy.mean() > 1 / 3:  # the others have it, too, and did not show it
            found_coarse = np.median(grain[noisy] / scale[noisy].clip(1e-300))
            self.coarse = max(self.coarse, float(found_coarse))
        return np.fmax(grain, self.coarse * scale)

    def _coarseness(self, outputs: Sequence[Array]) -> Array:
        """The round-off of outputs in float32 and float16."""
        eps = [float(np.finfo(np.asarray(o).dtype).eps) for o in outputs]
        coarse = [
            np.full(o.shape, e if e > EPS else 0.0) for o, e in zip(outputs, eps, strict=True)
        ]
        return 4 * size_of(self.center) * self.y.join(coarse)

    def values(self, at: Array) -> Array:
        """The outputs at another point, nan where it has none; ``at`` is not to be used again."""
        try:
            outputs = self.subject.forward(self.x.split(at))
        except Exception:  # outside the domain: a singular matrix
            return np.full(self.y.size, np.nan)
        if [o.shape for o in outputs] != self.shapes:
            raise ValueError(
                f"{self.subject.name} returns other shapes at a point nearby: "
                f"{[np.shape(o) for o in outputs]}, and {self.shapes} at the point itself"
            )
        return self.y.join(outputs)

    def cotangents(self, count: int) -> Array:
        """Dense random ones, of both signs; the last is larger, and half zeros."""
        shape = (count, self.y.size)
        u = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)
        if count > 1:
            u[-1] *= 8.0 * (self.rng.random(self.y.size) < 0.5)
        return np.asarray(u)

    def slopes(
        self,
        directions: Array | None,
        mix: Array | None = None,
        passes: tuple[float, ...] = PASSES,
        relative: bool = False,
    ) -> Slopes:
        """Numeric slopes along directions.

        Parameters
        ----------
        directions
            One in each row; None for each coordinate.
        mix
            Take these combinations of the outputs (rows) instead of the outputs.
        passes
            The ladders: what their first steps are multiplied by.
        relative
            Measure the steps by the point, also where that is below 1.
        """
        size = np.abs(self.at)
        if directions is not None:
            support = directions != 0
            size = np.where(support, size, 0.0).max(axis=1, initial=0.0)
        size = np.where(np.isfinite(size), size, 0.0)
        first = first_step(size)
        if relative:
            first = np.where(size > 0, first_step(size, least=1e-300), first)

        def move(i: int, t: float) -> Array:
            if directions is None:
                moved = self.at.copy()
                moved[i] += t
            else:
                moved = self.at + t * directions[i]
            value = self.values(moved)
            return value if mix is None else mix @ value

        if mix is None:
            return slopes(move, self.center, first, self.floor, passes)
        floor = np.abs(mix) @ (self.floor + 4 * EPS * size_of(self.center))
        return slopes(move, mix @ self.center, first, floor, passes)

    def gradient(self, at: Array, u: Array) -> Array | None:
        """What backward gives at another point, for a cotangent; None where it gives nothing."""
        try:
            _, pull = self.subject.pullback(self.x.split(at))
            return self.x.join(pull(self.y.split(u.copy())))
        except Exception:
            return None

    def complex_slopes(self, direction: Array) -> Array | None:
        """Slopes by a complex step, which cancels nothing; None where the subject takes none.

        ``Im f(x + i h d) / h`` (W. Squire and G. Trapp, SIAM Review 40, 1998), for real functions
        that are written in operations of complex numbers: they must return such, of this real part.
        """
        real = all(d.kind == "f" for d in (*self.x.dtypes, *self.y.dtypes))
        if not (real and self.subject.takes_complex):
            return None
        xs = self.x.split(self.at.copy())
        moved = [x + 1e-30j * d for x, d in zip(xs, self.x.split(direction.copy()), strict=True)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                outputs = [np.asarray(o) for o in self.subject.forward(moved)]
        except Exception:
            return None
        if [o.shape for o in outputs] != self.shapes or any(o.dtype != complex for o in outputs):
            return None
        flat = np.concatenate([o.reshape(-1) for o in outputs])
        near = np.abs(flat.real - self.center) <= 1e-9 * np.abs(self.center) + self.floor
        return flat.imag / 1e-30 if near.all() and np.isfinite(flat.imag).all() else None

    def still(self, u: Array, direction: Array) -> bool:
        """Whether the values do not move at all along a direction, close by."""
        size = np.abs(self.at[direction != 0]).max(initial=0.0)
        steps = [s * 2.0**-k * max(float(size), 1e-3) for k in (20, 26) for s in (1, -1)]
        used = u != 0
        return all(
            np.array_equal(self.values(self.at + t * direction)[used], self.center[used])
            for t in steps
        )

    def hull(self, u: Array, direction: Array, smooth: bool = False) -> tuple[float, float] | None:
        """The range of slopes at random points nearby, where these do not come together.

        None where the subject is smooth there (unless that is allowed), or has no values nearby.
        """
        ends: list[tuple[float, float]] = []
        for radius in HULL_RADII:
            step, found = radius * 2.0**-6, []
            for _ in range(6 * self.at.size if 4 < self.at.size <= 40 else HULL_POINTS):
                away = self.rng.uniform(-1, 1, self.at.shape) * np.fmax(1.0, np.abs(self.at))
                p = self.at + radius * away
                change = self.values(p + step * direction) - self.values(p - step * direction)
                found.append(float(u @ change) / (2 * step))
            found = [v for v in found if np.isfinite(v)]
            if not found:
                return None
            ends.append((min(found), max(found)))
        (low, high), (fine_low, fine_high) = ends
        apart = fine_high - fine_low > 0.25 * (high - low)
        return (low, high) if apart or smooth else None
