"""``scipy.integrate`` with derivatives: initial value problems, quadrature, Simpson's rule.

:func:`solve_ivp` has two gradients.  ``gradient="steps"`` differentiates the Runge-Kutta steps that
SciPy took: exactly the gradient of the numbers that were returned, with memory for each step.
``gradient="adjoint"`` solves the adjoint equation backwards (Pontryagin et al. 1962; Chen et al.
2018,
*Neural ordinary differential equations*): memory for the returned states alone, any method of
SciPy, exact up to the solver's tolerance.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> def decayed(rate):
...     fall = lambda t, y, k: -k * y
...     sol = ag.scipy.integrate.solve_ivp(fall, (0, 1), [2.0], args=(rate,), rtol=1e-8)
...     return sol.y[0, -1]
>>> ag.grad(decayed)(1.0).round(5)  # -2 exp(-1)
np.float64(-0.73576)
>>> def area(rate):
...     return ag.scipy.integrate.quad(lambda x, k: np.exp(-k * x), 0, np.inf, args=(rate,))[0]
>>> ag.grad(area)(2.0).round(6)
np.float64(-0.25)
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from autograd_core import program
from autograd_core.engine.array_types import any_of
from autograd_core.engine.operands import newest
from autograd_core.engine.recording import any_tracked, unwrap
from autograd_core.errors import NotDifferentiableError, VmapError
from autograd_core.rules.common import along, as_array, axis_index
from autograd_core.scipy.common import inexact, stacked, with_scipy_values
from autograd_core.scipy.implicit import (
    Function,
    as_tuple,
    flatten,
    is_plain,
    numbers,
    plain,
    solution,
    split,
    unflatten,
)
from autograd_core.scipy.runge_kutta import TABLEAUS, replay
from autograd_core.transforms.gradients import vjp

# -- initial value problems -----------------------------------------------------------------------


def _right_side(fun: Function, args: tuple[Any, ...]) -> Function:
    """Return the function of t and y, whose result may be a list (also of Tensors)."""
    return lambda t, y: as_array(fun(t, y, *args))


def _solve(fun: Function, span: Any, y0: Any, times: Any, options: dict[str, Any]) -> Any:
    """Return SciPy's solution on plain arrays; raise where it fails."""
    from scipy import integrate

    found = integrate.solve_ivp(
        lambda t, y: np.asarray(unwrap(fun(t, y))), span, y0, t_eval=times, **options
    )
    if not found.success:
        raise RuntimeError(f"solve_ivp failed at t = {found.t[-1:]}: {found.message}")
    return found


def solve_ivp(
    fun: Function,
    t_span: Any,
    y0: Any,
    method: str = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    *,
    gradient: str = "steps",
    **options: Any,
) -> Any:
    """Solve y' = fun(t, y, *args), y(t0) = y0; as ``scipy.integrate.solve_ivp``.

    Gradients reach ``y0``, ``args``, the ends of ``t_span`` and ``t_eval``.

    Parameters
    ----------
    fun
        ``fun(t, y, *args)`` in plain NumPy, of shape (N,).  If it is compiled, ``ag.compile(fun)``,
        so is the right side of the adjoint equation.
    t_span : (t0, t1)
    y0 : array of shape (N,)
    method : str
        With a gradient by steps 'RK45', 'RK23' or 'DOP853'; by the adjoint equation any of SciPy's.
    t_eval : array of shape (T,), optional
    dense_output, events
        Without gradients only.
    vectorized : bool
        As in SciPy.
    args : tuple, optional
        Parameters; with the adjoint method, Tensors must be passed here and not captured.
    gradient : 'steps' or 'adjoint'
    **options
        SciPy's: ``rtol``, ``atol``, ``max_step``, ``first_step``.

    Returns
    -------
    OdeResult
        SciPy's, whose ``y`` (N, T) is differentiable.  With the adjoint method and no ``t_eval``
        the times are those of SciPy's steps.

    Raises
    ------
    RuntimeError
        If a gradient is wanted and the solver fails.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> solve = ag.scipy.integrate.solve_ivp
    >>> f = lambda y: solve(lambda t, y: -y, (0, 1), y, gradient="adjoint", rtol=1e-8).y[0, -1]
    >>> ag.grad(f)(np.array([3.0])).round(5)
    array([0.36788])
    """
    from scipy import integrate

    if gradient not in ("steps", "adjoint"):
        raise ValueError(f"solve_ivp has gradient='steps' or 'adjoint', got {gradient!r}")
    args, y0 = as_tuple(args), inexact(y0)
    start, end = t_span
    right = _right_side(fun, args)
    if is_plain((y0, start, end, t_eval, args)) and not any_tracked([right(start, y0)]):
        return integrate.solve_ivp(
            lambda t, y, *args: numbers("solve_ivp", fun(t, y, *args)), unwrap((start, end)),
            unwrap(y0), method, unwrap(t_eval), dense_output, events, vectorized,
            plain(args) or None, **options,
        )  # fmt: skip
    if dense_output or events is not None:
        raise NotDifferentiableError(
            "ag.scipy.integrate.solve_ivp has no gradients with dense_output= or events=; ask for "
            "the times with t_eval="
        )
    options = {"method": method, **options}
    batched = newest((start, end, t_eval, y0, args)) is not None
    if batched and t_eval is None:
        raise VmapError(
            "solve_ivp takes other steps for each example of ag.vmap; ask for times with t_eval=",
            is_final=True,
        )
    if gradient == "steps":
        if method not in TABLEAUS:
            raise NotDifferentiableError(
                f"solve_ivp(method={method!r}) has no gradient by steps, which "
                f"{', '.join(TABLEAUS)} have; use gradient='adjoint'"
            )
        if not batched:
            return _by_steps(fun, start, end, y0, t_eval, args, options)

        def states_of(start: Any, end: Any, y0: Any, t_eval: Any, args: Any) -> Any:
            return _by_steps(fun, start, end, y0, t_eval, args, options).y

        states_of.public_name = "ag.scipy.integrate.solve_ivp"  # type: ignore[attr-defined]
        y = VmapError.run_on_batch(states_of, (start, end, y0, t_eval, args), {})
        return solution(None, t=t_eval, y=y)
    _one_for_all("solve_ivp(gradient='adjoint')", start, end, t_eval)
    span = tuple(float(unwrap(t)) for t in (start, end))
    if y0.dtype.kind == "c":
        raise NotDifferentiableError(
            "solve_ivp(gradient='adjoint') takes real states; use gradient='steps'"
        )
    if t_eval is not None:
        found: list[Any] = []

        def run(right: Function, start: Any, times: Any, y0: Any) -> Any:
            found[:] = [_solve(right, (float(start), span[1]), y0, times, options)]
            return found[0].y

        states = _adjoint(fun, start, as_array(t_eval), y0, args, options, run)
        return solution(found[0], t=t_eval, y=states)
    result = _solve(right, span, unwrap(y0), None, options)
    moments = np.concatenate([result.t[1:-1], as_array(end).reshape(1)])
    states = _adjoint(fun, start, moments, y0, args, options)
    return solution(result, y=np.concatenate([y0[:, None], states], axis=1))


def _one_for_all(name: str, *times: Any) -> None:
    """Raise if times differ over a batch."""
    if newest(times) is not None:
        raise VmapError(
            f"{name} has the same times for all examples of ag.vmap; those of "
            "solve_ivp(gradient='steps') may differ",
            is_final=True,
        )


def _by_steps(
    fun: Function, start: Any, end: Any, y0: Any, t_eval: Any, args: Any, options: dict[str, Any]
) -> Any:
    """Return SciPy's solution, whose states are those of its steps, taken again on Tensors."""
    right, span = _right_side(fun, args), tuple(float(unwrap(t)) for t in (start, end))
    times = None if t_eval is None else np.asarray(unwrap(as_array(t_eval)), float)
    steps = _solve(right, span, unwrap(y0), None, options)
    result = steps if times is None else _solve(right, span, unwrap(y0), times, options)
    result.y = replay(right, options["method"], steps.t, start, end, y0, t_eval)
    if times is not None:
        result.t = t_eval
    return result


def _adjoint(
    fun: Function,
    start: Any,
    times: Any,
    y0: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    run: Function | None = None,
) -> Any:
    """Return the states at some times, (N, T), whose rule solves the adjoint equation backwards.

    ``run`` (fun, start, times, y0) finds them in place of ``solve_ivp`` up to the last time.
    """
    floats, join = split(args)

    def forward(start: Any, times: Any, y0: Any, *values: Any) -> Any:
        whole = join(*values)

        def right(t: Any, y: Any) -> Any:
            return numbers("solve_ivp", as_array(fun(t, y, *whole)))

        if run is not None:
            return run(right, start, times, y0)
        return _solve(right, (float(start), float(times[-1])), y0, times, options).y

    def rule(g: Any, out: Any, start: Any, times: Any, y0: Any, *values: Any) -> Any:
        n, whole = y0.shape[0], join(*values)
        size = sum(int(np.prod(v.shape, dtype=int)) for v in values)
        back = (_compiled_side if isinstance(fun, program.Compiled) else _adjoint_side)(fun, n)
        a, by_p, by_times = 0.0 * out[:, 0], np.zeros(size, out.dtype), []
        for i in range(times.shape[0] - 1, -1, -1):
            now, before = times[i], times[i - 1] if i else start
            by_times.append((g[:, i] * as_array(fun(now, out[:, i], *whole))).sum())
            a = a + g[:, i]
            if float(unwrap(now)) == float(unwrap(before)):
                continue
            state = np.concatenate([out[:, i], a, np.zeros(size, out.dtype)])
            state = _adjoint(back, now, as_array(before).reshape(1), state, whole, options)[:, 0]
            a, by_p = state[n : 2 * n], by_p + state[2 * n :]
        by_start = -(a * as_array(fun(start, y0, *whole))).sum()
        return by_start, np.stack(by_times[::-1]), a, *unflatten(by_p, values)

    solved = stacked(forward, "integrate.solve_ivp", opaque=True).defvjp(vjp_all=rule)
    return solved(inexact(start), inexact(times), y0, *floats)


def _adjoint_side(fun: Function, n: int) -> Function:
    """Return the right side of the adjoint equation: of n states, as many cotangents, the rest."""

    def back(t: Any, state: Any, *whole: Any) -> Any:
        """Return (y', -a df/dy, -a df/dp)."""
        few, put = split(whole)
        y, a = state[:n], state[n : 2 * n]
        slope, pull = vjp(lambda y, *p: as_array(fun(t, y, *put(*p))), y, *few)
        by_y, *by_p = pull(a) if few else (pull(a),)
        return np.concatenate([slope, -by_y, -flatten(by_p, y)])

    return back


@functools.lru_cache(maxsize=32)
def _compiled_side(fun: Function, n: int) -> Any:
    return program.compile(_adjoint_side(fun, n))


def odeint(
    func: Function,
    y0: Any,
    t: Any,
    args: Any = (),
    *,
    tfirst: bool = False,
    rtol: float | None = None,
    atol: float | None = None,
    **options: Any,
) -> Any:
    """Solve y' = func(y, t, *args), y(t[0]) = y0; as ``scipy.integrate.odeint``.

    Gradients reach ``y0``, ``t`` and ``args`` by the adjoint equation, which LSODA solves, too.

    Parameters
    ----------
    func
        ``func(y, t, *args)`` in plain NumPy, of shape (N,).
    y0 : array of shape (N,)
    t : array of shape (T,)
    args : tuple
        Parameters; Tensors must be passed here and not captured.
    tfirst : bool
        Whether the function takes ``t`` before ``y``.
    rtol, atol : float, optional
        1.49e-8 by default, also of the adjoint equation.
    **options
        SciPy's; with gradients only of the steps (``hmax``, ``mxstep``, ...).

    Returns
    -------
    array of shape (T, N)

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> fall = lambda y, t, k: -k * y
    >>> f = lambda k: ag.scipy.integrate.odeint(fall, [2.0], [0.0, 1.0], (k,))[1, 0]
    >>> ag.grad(f)(1.0).round(5)  # -2 exp(-1)
    np.float64(-0.73576)
    """
    from scipy import integrate

    args, y0, t = as_tuple(args), inexact(y0), inexact(t)

    def of_time(t: Any, y: Any, *args: Any) -> Any:
        return func(t, y, *args) if tfirst else func(y, t, *args)

    def run(right: Function, start: Any, times: Any, y0: Any) -> Any:
        moments = np.concatenate([np.reshape(start, 1), times])
        found = integrate.odeint(right, y0, moments, tfirst=True, rtol=rtol, atol=atol, **options)
        return found[1:].T

    if is_plain((y0, t, args)):
        given = plain(args)
        return integrate.odeint(
            lambda t, y: numbers("odeint", of_time(t, y, *given)), unwrap(y0), unwrap(t),
            tfirst=True, rtol=rtol, atol=atol, **options,
        )  # fmt: skip
    unknown = options.keys() - {"h0", "hmax", "hmin", "mxstep", "mxhnil", "mxordn", "mxords"}
    if unknown or y0.ndim != 1 or y0.dtype.kind != "f":
        raise NotDifferentiableError(
            "ag.scipy.integrate.odeint has gradients, vmap and compile of real y0 of shape (N,), "
            f"without full_output=, Dfun= and the like; got {sorted(unknown) or y0.shape}"
        )
    _one_for_all("odeint", t)
    adjoint = {"method": "LSODA", "rtol": rtol or 1.49e-8, "atol": atol or 1.49e-8}
    states = _adjoint(of_time, t[0], t[1:], y0, args, adjoint, run=run)
    return np.concatenate([y0[None], states.T])


# -- quadrature -----------------------------------------------------------------------------------


def _between(a: float, b: float) -> float:
    """Return a point between two limits."""
    if np.isfinite(a) and np.isfinite(b):
        return (a + b) / 2
    return a + 1.0 if np.isfinite(a) else b - 1.0 if np.isfinite(b) else 0.0


def _integral(
    func: Function, a: Any, b: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Any]:
    """Return the integral of a function of any shape, differentiable, and its estimated error."""
    floats, join = split(args)

    def forward(a: Any, b: Any, *values: Any) -> Any:
        from scipy import integrate

        whole = join(*values)

        def values_at(x: float) -> Any:
            return numbers("quad", func(x, *whole))

        if values_at(_between(float(a), float(b))).ndim == 0:
            found = integrate.quad(lambda x: float(values_at(x)), a, b, **options)
            return np.float64(found[0]), np.float64(found[1])
        limit = {"limit": options["limit"]} if "limit" in options else {}
        tolerances = {
            "epsabs": options.get("epsabs", 1.49e-8),
            "epsrel": options.get("epsrel", 1.49e-8),
        }
        found = integrate.quad_vec(values_at, float(a), float(b), **tolerances, **limit)
        return found[0], np.float64(found[1])

    def rule(g: Any, _out: Any, a: Any, b: Any, *values: Any) -> Any:
        g, whole = g[0], join(*values)

        def at(end: Any) -> Any:
            finite = np.isfinite(unwrap(end))
            if not any_of(finite):
                return 0.0 * g.sum()
            if not any_of(~finite):
                return (g * as_array(func(end, *whole))).sum()
            inside = (g * as_array(func(np.where(finite, end, 0.0), *whole))).sum()
            return np.where(finite, inside, 0.0)

        if not values:
            return -at(a), at(b)

        def pulled(x: Any, g: Any, *whole: Any) -> Any:
            few, put = split(whole)
            value, pull = vjp(lambda *p: as_array(func(x, *put(*p))), *few)
            back = pull(g.reshape(value.shape))
            return flatten(back if len(few) > 1 else (back,), g)

        by_values = _integral(pulled, a, b, (g, *whole), options)[0]
        return -at(a), at(b), *unflatten(by_values, values)

    solved = stacked(forward, "integrate.quad", opaque=True).defvjp(vjp_all=rule)
    value, error = solved(inexact(a), inexact(b), *floats)
    return value, unwrap(error)


def quad(
    func: Function,
    a: Any,
    b: Any,
    args: Any = (),
    full_output: int = 0,
    **options: Any,
) -> Any:
    """Return the integral of a function from a to b, and its error; as ``scipy.integrate.quad``.

    Gradients reach the limits (where they are finite) and ``args``: under the integral sign, by the
    same quadrature (Leibniz).

    Parameters
    ----------
    func
        ``func(x, *args)``, a number, in plain NumPy.
    a, b : numbers
        May be infinite.
    args : tuple
        Numbers or arrays; Tensors must be passed here and not captured.
    full_output, weight, wvar, complex_func, points
        Without gradients only.
    **options
        SciPy's: ``epsabs``, ``epsrel``, ``limit``.

    Returns
    -------
    (value, error)

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda b: ag.scipy.integrate.quad(np.cos, 0.0, b)[0])(0.0)
    np.float64(1.0)
    """
    from scipy import integrate

    args = as_tuple(args)
    if is_plain((a, b, args)):
        limits = (unwrap(a), unwrap(b), plain(args))

        def unrecorded(x: float, *values: Any) -> Any:
            return numbers("quad", func(x, *values))[()]

        found = integrate.quad(unrecorded, *limits, full_output=full_output, **options)
        return *map(np.float64, found[:2]), *found[2:]
    unknown = options.keys() - {"epsabs", "epsrel", "limit"}
    if unknown or full_output:
        raise NotDifferentiableError(
            f"ag.scipy.integrate.quad has no gradients, vmap and compile with "
            f"{min(unknown or {'full_output'})}="
        )
    return _integral(func, a, b, args, options)


# -- samples --------------------------------------------------------------------------------------


def _value_of_simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    from scipy import integrate

    return integrate.simpson(y, x=x, dx=dx, axis=axis)


def _simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral of parabolas; of an even number the last part by Cartwright's rule."""
    axis = axis_index(y, axis)
    n = y.shape[axis]

    def part(a: Any, start: int | None, stop: int | None, step: int = 1) -> Any:
        return a[along(axis, slice(start, stop, step))]

    if x is None:
        h = np.ones(n - 1).reshape((-1,) + (1,) * (y.ndim - axis - 1)) * dx
    else:
        h = np.diff(x, axis=axis) if x.ndim > 1 or y.ndim == 1 else np.diff(x)
        if x.ndim == 1:
            h = h.reshape((-1,) + (1,) * (y.ndim - axis - 1))
    h = h.reshape((1,) * (y.ndim - h.ndim) + h.shape)
    stop = n - 2 if n % 2 else n - 3
    total: Any = 0.0
    if stop > 0:
        y0, y1, y2 = (part(y, i, stop + i, 2) for i in range(3))
        h0, h1 = part(h, 0, stop, 2), part(h, 1, stop + 1, 2)
        both = h0 + h1
        area = y0 * (2 - h1 / h0) + y1 * (both * both / (h0 * h1)) + y2 * (2 - h0 / h1)
        total = (both / 6 * area).sum(axis)
    if n % 2 == 0:
        last = [y[along(axis, -i)] for i in (1, 2, 3) if i <= n]
        h1 = h[along(axis, -1)]
        if n == 2:
            return total + 0.5 * h1 * (last[0] + last[1])
        h0 = h[along(axis, -2)]
        total = total + (2 * h1 * h1 + 3 * h0 * h1) / (6 * (h0 + h1)) * last[0]
        total = total + (h1 * h1 + 3 * h0 * h1) / (6 * h0) * last[1]
        total = total - h1**3 / (6 * h0 * (h0 + h1)) * last[2]
    return total


_exact_simpson = with_scipy_values("integrate.simpson", _value_of_simpson)(_simpson)


def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the integral of samples by Simpson's rule; as ``scipy.integrate.simpson``.

    Parameters
    ----------
    y : array
    x : array, optional
        The points, of shape (N,) or the shape of ``y``.
    dx : number
        Their distance, where ``x`` is not given.
    axis : int

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> ag.grad(lambda y: ag.scipy.integrate.simpson(y, dx=3.0))(np.ones(3))
    array([1., 4., 1.])
    """
    return _exact_simpson(inexact(y), None if x is None else inexact(x), dx=dx, axis=axis)


__all__ = ["odeint", "quad", "simpson", "solve_ivp"]
