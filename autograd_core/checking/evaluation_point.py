"""A target at one point: its inputs and outputs as real vectors, and its numeric slopes there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core.checking.coordinates import (
    EPS,
    MANY,
    Combinations,
    Coordinates,
    length_of,
    random_bytes,
    size_of,
)
from autograd_core.checking.differences import PASSES, Slopes, first_step, slopes
from autograd_core.checking.target import Target

Array = np.ndarray[Any, Any]

#: How many random points :meth:`EvaluationPoint.slope_range` visits, and how far away they are.
RANGE_POINTS = 24
RANGE_RADII = (2.0**-13, 2.0**-19)

#: Among how many elements ties are looked for.
MANY_TIED = 100_000


class EvaluationPoint:
    """A target at its inputs.

    Parameters
    ----------
    target
        What is differentiated.
    xs
        Its inputs.
    rng
        Source of everything random.
    noise_level
        The relative noise of the values as it was found at another point.

    Attributes
    ----------
    x, y : Coordinates
        Of the inputs and of the outputs, of which a few combinations are taken if they are many.
    at, center : ndarray
        The inputs and the outputs, as vectors.
    floor : ndarray
        How much each output moves when the inputs move by two units in the last place.
    noise_level : float
        The relative noise of the values, where it is far above round-off (float32 inside).
    counts : tuple of int
        How many slopes of the last comparison were decided, and how many there were.
    """

    def __init__(
        self, target: Target, xs: Sequence[Array], rng: np.random.Generator, noise_level: float = 0
    ) -> None:
        self.target, self.rng, self.noise_level = target, rng, noise_level
        self.x = Coordinates(xs)
        self.at = self.x.join(xs)
        outputs = target.forward(self.x.split(self.at.copy()))
        self.shapes = [np.shape(o) for o in outputs]
        many = sum(o.size for o in outputs) > MANY
        self.y = Combinations(outputs, rng) if many else Coordinates(outputs)
        self.center = self.y.join(outputs)
        jitter = np.zeros(self.y.size)
        for _ in range(2):
            moved = 2 * EPS * np.sign(random_bytes(rng, self.at.shape))
            moved += 1.0
            moved *= self.at
            jitter = np.fmax(jitter, np.abs(self.values(moved) - self.center))
        self._roundoff = self.y.roundoff(outputs)
        self._jitter = size_of(jitter)
        self.floor = np.fmax(self._jitter, noise_level * size_of(self.center)) + self._roundoff
        self._noise_is_estimated = False
        self.counts = (0, 0)  # of the last comparison: slopes that are decided, and all

    def estimate_noise(self) -> bool:
        """Raise the floor to the noise of the values; return whether that changed anything.

        Costs about 12 evaluations and can only relax a tolerance, so it runs only after a
        mismatch.
        """
        if self._noise_is_estimated:
            return False
        self._noise_is_estimated, before = True, self.floor
        self.floor = np.fmax(self._jitter, self._noise()) + self._roundoff
        return bool((self.floor > before).any())

    def _noise(self) -> Array:
        """Return the noise beyond round-off: fourth differences, in which smooth parts cancel.

        Noise is about the same at several distances; what grows with the distance is a kink, and
        what is just the same a jump.
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
        largest, least = (f(f(low, middle), high) for f in (np.maximum, np.minimum))
        jump = (largest - least < 0.01 * largest) & (largest > 0.05 * scale)
        noise = np.where(np.isfinite(largest) & ~kink & ~jump, largest, 0.0)
        noisy = noise > 1e3 * EPS * np.fmax(scale, 1e-300)
        if noisy.size and noisy.mean() > 1 / 3:  # the others have it too, and did not show it
            relative = np.median(noise[noisy] / scale[noisy].clip(1e-300))
            self.noise_level = max(self.noise_level, float(relative))
        return np.fmax(noise, self.noise_level * scale)

    def values(self, at: Array) -> Array:
        """Return the outputs at another point, nan where it has none; ``at`` may be overwritten."""
        try:
            outputs = self.target.forward(self.x.split(at))
        except Exception:  # outside the domain: a singular matrix
            return np.full(self.y.size, np.nan)
        if [o.shape for o in outputs] != self.shapes:
            raise ValueError(
                f"{self.target.name} returns shapes {[np.shape(o) for o in outputs]} at a point "
                f"nearby, expected {self.shapes} as at the point itself; the shapes of the results "
                "must not depend on the values of the inputs"
            )
        return self.y.join(outputs)

    def cotangents(self, count: int) -> Array:
        """Return random cotangents of both signs, ``(count, size)``; the last is half zeros."""
        shape = (count, self.y.size)
        u: Array = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1.0, 1.0], shape)
        if count > 1 and type(self.y) is Coordinates:
            u[-1] *= 8.0 * (self.rng.random(self.y.size) < 0.5)
        return u

    def slopes(
        self,
        directions: Array | None,
        mix: Array | None = None,
        passes: tuple[float, ...] = PASSES,
        relative: bool = False,
    ) -> Slopes:
        """Return numeric slopes along directions.

        Parameters
        ----------
        directions
            One in each row; None for each coordinate.
        mix
            Take these combinations of the outputs (rows) instead of the outputs.
        passes
            The factor of the first step for each step sequence.
        relative
            Measure the steps by the size of the point, also where that is below 1.
        """
        size = size_of(self.at)
        longest: Any = 1.0
        if directions is not None:
            size = np.array([size.max(where=d != 0, initial=0.0) for d in directions])
            longest = np.array([length_of(d) for d in directions])
        first = first_step(size)
        if relative:
            first = np.where(size > 0, first_step(size, least=1e-300), first)
        first = first / longest

        def move(i: int, t: float) -> Array:
            if directions is None:
                moved = self.at.copy()
                moved[i] += t
            else:
                moved = np.multiply(directions[i], t, dtype=float)
                moved += self.at
            value = self.values(moved)
            return value if mix is None else mix @ value

        if mix is None:
            return slopes(move, self.center, first, self.floor, passes)
        floor = np.abs(mix) @ (self.floor + 4 * EPS * size_of(self.center))
        return slopes(move, mix @ self.center, first, floor, passes)

    def gradient(self, at: Array, u: Array) -> Array | None:
        """Return the gradient at another point for a cotangent; None where backward fails."""
        try:
            _, pull = self.target.pullback(self.x.split(at))
            return self.x.join(pull(self.y.split(u.copy())))
        except Exception:
            return None

    def complex_slopes(self, direction: Array) -> Array | None:
        """Return slopes by a complex step, which cancels nothing; None where it is not possible.

        ``Im f(x + i h d) / h`` (W. Squire and G. Trapp, SIAM Review 40, 1998), for real functions
        written in operations of complex numbers: they must return complex numbers whose real part
        is the value.
        """
        real = all(d.kind == "f" for d in (*self.x.dtypes, *self.y.dtypes))
        if not (real and self.target.takes_complex):
            return None
        xs = self.x.split(self.at.copy())
        moved = [
            x + 1e-30j * d for x, d in zip(xs, self.x.split(direction.astype(float)), strict=True)
        ]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                outputs = [np.asarray(o) for o in self.target.forward(moved)]
        except Exception:
            return None
        if [o.shape for o in outputs] != self.shapes or any(o.dtype != complex for o in outputs):
            return None
        re, im = (self.y.join([part(o) for o in outputs]) for part in (np.real, np.imag))
        near = np.abs(re - self.center) <= 1e-9 * np.abs(self.center) + self.floor
        return im / 1e-30 if near.all() and np.isfinite(im).all() else None

    def is_constant(self, u: Array, direction: Array) -> bool:
        """Return whether the values do not move at all along a direction, close by."""
        size = np.abs(self.at[direction != 0]).max(initial=0.0)
        size = max(float(size), 1e-3) / length_of(direction)
        steps = [s * 2.0**-k * size for k in (20, 26) for s in (1, -1)]
        used = u != 0
        return all(
            np.array_equal(self.values(self.at + t * direction)[used], self.center[used])
            for t in steps
        )

    def has_values(self, u: Array, direction: Array) -> bool:
        """Return whether the values are finite a short way along a direction, on either side."""
        size = np.abs(self.at[direction != 0]).max(initial=0.0)
        step = 2.0**-6 * float(first_step(size)) / length_of(direction)
        sides = (self.values(self.at + t * direction)[u != 0] for t in (step, -step))
        return any(bool(np.isfinite(side).all()) for side in sides)

    def slope_range(
        self, u: Array, direction: Array, smooth: bool = False
    ) -> tuple[float, float] | None:
        """Return the range of the slopes at random points nearby, where they do not converge.

        None where the target is smooth there (unless ``smooth`` allows that), or has no values
        nearby.
        """
        ends: list[tuple[float, float]] = []
        for radius in RANGE_RADII:
            step, found = radius * 2.0**-6 / length_of(direction), []
            for _ in range(6 * self.at.size if 4 < self.at.size <= 40 else RANGE_POINTS):
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

    # -- directions other than the coordinates ----------------------------------------------------

    def random_directions(self, count: int) -> Array:
        """Return dense random directions, bytes of shape ``(count, size)``, for large inputs."""
        directions = random_bytes(self.rng, (count, self.x.size))
        directions[:, ~np.isfinite(self.at)] = 0
        return directions

    def tie_directions(self) -> Array:
        """Return directions along which max, sort and the like are smooth also at ties.

        All elements of each input together, all elements, and each group of equal elements.
        """
        real, i = self._real(), np.arange(self.at.size)
        inputs = [real & (span.start <= i) & (i < span.stop) for span in self.x.spans]
        return _distinct([*inputs, real, *self.tied_groups().astype(bool)], self.at.size)

    def tied_groups(self) -> Array:
        """Return the directions along which a group of equal elements moves together."""
        real = self._real()
        values, counts = np.unique(self.at[real][:MANY_TIED], return_counts=True)
        return _distinct([(self.at == v) & real for v in values[counts > 1][:4]], self.at.size)

    def _real(self) -> Array:
        """Return which coordinates are finite and no imaginary parts."""
        real = np.isfinite(self.at)
        for span, dtype in zip(self.x.spans, self.x.dtypes, strict=True):
            if dtype.kind == "c":
                real[span.start + 1 : span.stop : 2] = False
        return real


def _distinct(rows: list[Array], size: int) -> Array:
    unique = {row.tobytes(): row for row in rows if row.sum() > 1}
    return np.array(list(unique.values()), float).reshape(len(unique), size)
