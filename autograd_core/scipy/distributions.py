"""Distributions of one variable: methods of SciPy's names, from one log-density each.

Of a continuous one, with f the density and F the distribution function, F' = f, (log F)' = f / F,
and (F^-1)' = 1 / f (implicit differentiation).  By a shape parameter they need dF/dparameter, which
``scipy.special`` has for none of Student's t, gamma, beta and chi-squared: that is refused by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.engine.array_types import any_of, asarray_like
from autograd_core.engine.primitive import Primitive
from autograd_core.engine.recording import any_tracked, holds_tensor, unwrap, wrap
from autograd_core.rules.common import as_array
from autograd_core.scipy.common import float_type, refuse, stacked, with_scipy_values

Function = Callable[..., Any]


def scipy_method(distribution: str, method: str) -> Function:
    """Return a method of one of SciPy's distributions, in the float type of its arguments."""

    def value(*args: Any) -> Any:
        from scipy import stats

        out = getattr(getattr(stats, distribution), method)(*args)
        return np.asarray(out).astype(float_type(*args))[()]

    return value


def _array(a: Any) -> Any:
    """Return a list as an array; a Python number stays one, and keeps float32."""
    return a if isinstance(a, (int, float)) else as_array(a)


def where_supported(inside: Any, fun: Function, z: Any, instead: float, outside: float) -> Any:
    """Return fun(z) where the density is positive, without evaluating it elsewhere."""
    inside = asarray_like(unwrap(inside), z)
    return np.where(inside, fun(np.where(inside, z, instead)), outside)


def without(out: Any, *wrong: Any) -> Any:
    """Return a result with nan where an argument is not one of the distribution, as SciPy does."""
    mask = functools.reduce(np.logical_or, wrong)
    return np.where(asarray_like(mask, out), np.nan, out) if any_of(mask) else out


def _not_positive(parameter: Any) -> Any:
    return np.logical_not(np.greater(unwrap(parameter), 0))


class Distribution:
    """Base class: the arguments of SciPy's methods, and frozen distributions.

    Parameters
    ----------
    name : str
        As in ``scipy.stats``.
    parameters : tuple of str
        The parameters behind the value, in SciPy's order; those named loc and scale have defaults.
    """

    methods: tuple[str, ...] = ()

    def __init__(self, name: str, parameters: tuple[str, ...]) -> None:
        self.name, self.parameters = name, parameters
        self._functions = {method: self._function(method) for method in self.methods}

    def __repr__(self) -> str:
        return f"ag.scipy.stats.{self.name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """Return the distribution with these parameters, whose methods take the value alone."""
        return Frozen(self, self._bind("__call__", args, kwargs))

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)
        if method not in self._functions:
            raise AttributeError(
                f"{self!r} has {', '.join(self.methods)}, and no {method}; without gradients "
                f"scipy.stats.{self.name} has more"
            )

        def call(x: Any, *args: Any, **kwargs: Any) -> Any:
            return self._call(method, x, self._bind(method, args, kwargs))

        call.__name__ = method
        return call

    def __dir__(self) -> list[str]:
        return sorted(self.methods)

    def _bind(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the parameters in order."""
        names = self.parameters
        if len(args) > len(names):
            raise TypeError(f"{self!r}.{method} takes the parameters {names}, got {len(args)}")
        given = dict(zip(names, args, strict=False))
        unknown = (kwargs.keys() - {*names}) | (kwargs.keys() & given.keys())
        given = {"loc": 0, "scale": 1} | given | kwargs
        missing = [n for n in names if n not in given]
        if unknown or missing:
            what = f"no {min(unknown)!r}" if unknown else f"{missing[0]!r}, which is missing"
            raise TypeError(f"{self!r}.{method} takes the parameters {names}: {what}")
        return [_array(given[n]) for n in names]

    def _call(self, method: str, x: Any, parameters: list[Any]) -> Any:
        return self._functions[method](_array(x), *parameters)

    def _function(self, method: str) -> Function:
        raise NotImplementedError

    def _refuse(self, method: str, name: str, value: Any, reason: str) -> None:
        """Raise if an argument without a gradient needs one."""
        if any_tracked([value]):
            raise refuse(f"{self!r}.{method}", name, f"{reason}; detach() it if none is wanted")


class Frozen:
    """A distribution whose parameters are given.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda m: ag.scipy.stats.norm(m, 2.0).logpdf(1.0))(0.0)
    np.float64(0.25)
    """

    def __init__(self, distribution: Distribution, parameters: list[Any]) -> None:
        self._distribution, self._parameters = distribution, parameters

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)
        return functools.partial(
            lambda call, x: call(x, *self._parameters), getattr(self._distribution, method)
        )


class Continuous(Distribution):
    """A continuous distribution: density, distribution function and quantiles with gradients.

    Parameters
    ----------
    name : str
    shapes : tuple of str
        The parameters in front of loc and scale.
    logpdf : function (z, *shapes)
        The logarithm of the standard density, in plain NumPy.
    support : (low, high)
        The interval of positive density.
    by_shape : function (z, *shapes) -> dF/dshape, optional
        For a distribution of one shape.
    """

    methods = ("logpdf", "pdf", "logcdf", "cdf", "logsf", "sf", "ppf", "isf")

    def __init__(
        self,
        name: str,
        shapes: tuple[str, ...],
        logpdf: Function,
        support: tuple[float, float] = (-np.inf, np.inf),
        by_shape: Function | None = None,
    ) -> None:
        self.shapes, self.support, self._density, self._by_shape = shapes, support, logpdf, by_shape
        super().__init__(name, (*shapes, "loc", "scale"))

    def _log(self, z: Any, *shapes: Any) -> Any:
        """Return the logarithm of the standard density, -inf outside of the support."""
        low, high = self.support
        if low == -np.inf:
            return self._density(z, *shapes)
        middle = low + 0.5
        inside = (unwrap(z) >= low) & (unwrap(z) <= high)
        return where_supported(inside, lambda s: self._density(s, *shapes), z, middle, -np.inf)

    def _function(self, method: str) -> Function:
        n = len(self.shapes)
        value = scipy_method(self.name, method)
        if method in ("logpdf", "pdf"):

            def density(x: Any, *parameters: Any) -> Any:
                *shapes, loc, scale = parameters
                log = self._log((x - loc) / scale, *shapes) - np.log(scale)
                log = without(log, np.isnan(unwrap(x)), *map(_not_positive, (*shapes, scale)))
                return log if method == "logpdf" else np.exp(log)

            return with_scipy_values(f"stats.{self.name}.{method}", value)(density)
        standard = self._standard(method)

        def of_location_and_scale(x: Any, *parameters: Any) -> Any:
            shapes, (loc, scale) = parameters[:n], parameters[n:]
            if self._by_shape is None:
                for name, shape in zip(self.shapes, shapes, strict=True):
                    self._refuse(method, name, shape, "scipy.special has no such derivative")
            if method in ("ppf", "isf"):
                out = standard(x, *shapes) * scale + loc
            else:
                out = standard((x - loc) / scale, *shapes)
            return without(out, _not_positive(scale))

        return with_scipy_values(f"stats.{self.name}.{method}", value)(of_location_and_scale)

    def _standard(self, method: str) -> Primitive:
        """Return the primitive of a method without location and scale."""
        made = stacked(scipy_method(self.name, method), f"stats.{self.name}.{method}", 0)
        sign = -1.0 if method in ("sf", "logsf", "isf") else 1.0
        inverse, log = method in ("ppf", "isf"), method.startswith("log")

        def by_value(g: Any, out: Any, x: Any, *shapes: Any) -> Any:
            if inverse:
                return sign * g * np.exp(-self._log(out, *shapes))
            if not log:
                return sign * g * np.exp(self._log(x, *shapes))
            possible = asarray_like(np.isfinite(unwrap(out)), out)
            ratio = self._log(x, *shapes) - np.where(possible, out, 0.0)
            return sign * g * np.where(possible, np.exp(np.where(possible, ratio, 0.0)), 0.0)

        def by_shape(g: Any, out: Any, x: Any, *shapes: Any) -> Any:
            assert self._by_shape is not None
            if inverse:
                return -g * self._by_shape(out, *shapes) * np.exp(-self._log(out, *shapes))
            slope = sign * self._by_shape(x, *shapes)
            return g * (slope * np.exp(-out) if log else slope)

        if self._by_shape is None:
            return made.defvjp(by_value, elementwise=True)
        return made.defvjp(by_value, by_shape, elementwise=True)


class Discrete(Distribution):
    """A discrete distribution: probabilities with gradients by the parameters.

    The quantiles are whole numbers, steps without a gradient: they are not recorded.

    Parameters
    ----------
    name : str
    shapes : tuple of str
    logpmf, cdf, sf : functions (k, *shapes)
        The logarithm of the probability, and the distribution function and its complement, exact
        where they are small, in plain NumPy.
    valid : function (*shapes) -> bool
        Whether the parameters are those of a distribution.
    whole : tuple of str
        Parameters that are whole numbers, without a gradient.
    by_cdf : tuple of str
        Parameters by which the distribution function has a gradient.
    top : str
        The parameter that is the largest value of the variable, if there is one.
    """

    methods = ("logpmf", "pmf", "logcdf", "cdf", "logsf", "sf", "ppf", "isf")

    def __init__(
        self,
        name: str,
        shapes: tuple[str, ...],
        logpmf: Function,
        cdf: Function,
        sf: Function,
        valid: Function,
        *,
        whole: tuple[str, ...] = (),
        by_cdf: tuple[str, ...] = (),
        top: Function | None = None,
    ) -> None:
        self.shapes, self.whole, self.by_cdf, self._top = shapes, whole, by_cdf, top
        self._logpmf, self._below, self._valid = logpmf, {"cdf": cdf, "sf": sf}, valid
        super().__init__(name, (*shapes, "loc"))

    def _function(self, method: str) -> Function:
        point = method in ("logpmf", "pmf")
        title, value = f"stats.{self.name}.{method}", scipy_method(self.name, method)
        if method in ("ppf", "isf"):
            steps = stacked(value, title, 0, opaque=True)

            def quantile(*args: Any) -> Any:
                out = steps(*unwrap(args))
                return wrap(out) if holds_tensor(args) else out

            return quantile

        def composed(k: Any, *parameters: Any) -> Any:
            *shapes, loc = parameters
            for name, shape in zip(self.shapes, shapes, strict=True):
                if name in self.whole or not (point or name in self.by_cdf):
                    self._refuse(method, name, shape, "there is no such derivative")
            self._refuse(method, "k", k, "a whole number has none")
            self._refuse(method, "loc", loc, "a whole number has none")
            shift = unwrap(k) - unwrap(loc)
            last = np.inf if self._top is None else self._top(*map(unwrap, shapes))
            wrong = np.isnan(shift), np.logical_not(self._valid(*map(unwrap, shapes)))
            if point:
                inside = (shift >= 0) & (shift <= last) & (shift == np.floor(shift))
                log = without(self._where(inside, self._logpmf, shift, shapes, -np.inf), *wrong)
                return log if method == "logpmf" else np.exp(log)
            whole, kind = np.floor(shift), method.removeprefix("log")
            inside = (whole >= 0) & (whole < last)
            outside = (whole >= last if kind == "cdf" else whole < 0) * 1.0
            out = self._where(inside, self._below[kind], whole, shapes, 0.0) + outside
            out = without(out, *wrong)
            if method == kind:
                return out
            zero = unwrap(out) == 0
            return np.where(zero, -np.inf, np.log(np.where(zero, 1.0, out)))

        return with_scipy_values(title, value)(composed)

    def _where(self, inside: Any, fun: Function, k: Any, shapes: Any, outside: float) -> Any:
        k = np.where(inside, k, 0.0)
        return np.where(inside, fun(k, *shapes), outside)
