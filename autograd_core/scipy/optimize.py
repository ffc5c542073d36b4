"""``scipy.optimize`` with derivatives: roots, minima and least squares as functions of parameters.

The solution x(p) of F(x, p) = 0 has the derivative -F_x^-1 F_p (implicit function theorem),
whatever found it; of a minimum F is the gradient by x, and a variable at its bound stays there
(Griewank and Walther 2008, *Evaluating derivatives*, ch. 15).  Starting points have no influence:
gradient 0.

Without ``jac=`` the solvers get exact derivatives from this package in place of differences.

Examples
--------
>>> import numpy as np, autograd_core as ag
>>> off = lambda x, p: x * x - p
>>> square_root = lambda p: ag.scipy.optimize.root(off, np.ones(1), args=(p,)).x[0]
>>> ag.grad(square_root)(4.0).round(6)
np.float64(0.25)
>>> apart = lambda x, p: np.sum((x - p) ** 2)
>>> fit = lambda p: ag.scipy.optimize.minimize(apart, np.zeros(2), args=(p,)).x
>>> ag.jacobian(fit)(np.array([1.0, 2.0])).round(6)
array([[1., 0.],
       [0., 1.]])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_core.engine.array_types import asarray_like
from autograd_core.engine.recording import unwrap
from autograd_core.errors import NotDifferentiableError
from autograd_core.rules.common import as_array, mT
from autograd_core.scipy.common import refuse, stacked
from autograd_core.scipy.implicit import (
    Function,
    as_tuple,
    is_plain,
    numbers,
    plain,
    solution,
    split,
)
from autograd_core.transforms.gradients import grad, vjp
from autograd_core.transforms.jacobians import hessian, jacobian

#: Methods of SciPy that take derivatives.
WITH_JACOBIAN = ("hybr", "lm")
WITH_GRADIENT = (
    *("CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "SLSQP", "dogleg", "trust-constr"),
    *("trust-ncg", "trust-krylov", "trust-exact"),
)
WITH_HESSIAN = ("dogleg", "trust-ncg", "trust-krylov", "trust-exact")


def _implicit(
    name: str,
    solver: Function,
    condition: Function,
    start: Any,
    args: tuple[Any, ...],
    free: Function,
) -> Any:
    """Return SciPy's result, whose x is differentiable by ``args``.

    Parameters
    ----------
    name : str
        For errors and pictures.
    solver : function (start, *args) -> OptimizeResult
    condition : function (x, *args) -> array
        What is 0 at the solution.
    start : array
    args : tuple
    free : function (OptimizeResult) -> bool array
        Which variables are free, as opposed to at a bound.
    """
    floats, join = split(args)
    found: dict[str, Any] = {}

    def forward(start: Any, *values: Any) -> Any:
        result = solver(start, *join(*values))
        if not result.success and getattr(result, "status", 0) != 2:
            raise RuntimeError(f"{name} found no solution, so it has no gradient: {result.message}")
        found["result"] = result
        return np.asarray(result.x, float), np.asarray(free(result), float)

    def rule(g: Any, out: Any, _start: Any, *values: Any) -> Any:
        x, loose = out[0], (unwrap(out[1]) != 0).reshape(-1)
        whole, n = join(*values), x.size
        matrix = jacobian(lambda x: condition(x, *whole))(x).reshape(n, n)
        one = asarray_like(np.eye(n), x)
        matrix = np.where(loose[:, None] & loose[None, :], matrix, one)
        right = np.where(loose, g[0].reshape(-1), 0.0)
        try:
            s = np.linalg.solve(mT(matrix), right)
        except np.linalg.LinAlgError:
            raise NotDifferentiableError(
                f"{name}: the matrix of second derivatives (of root: the Jacobian) is singular at "
                "the solution, so a small change of the parameters can move it far: no gradient is "
                "defined"
            ) from None
        if not values:
            return (None,)
        _, pull = vjp(lambda *p: condition(x, *join(*p)), *values)
        back = pull(-s.reshape(x.shape))
        return None, *(back if len(values) > 1 else (back,))

    solved = stacked(forward, f"optimize.{name}", opaque=True).defvjp(vjp_all=rule)
    x, _ = solved(start, *floats)
    return solution(found["result"], x=x)


def _start(x0: Any) -> Any:
    """Return a starting point as plain numbers; it has no influence on the solution."""
    return unwrap(as_array(x0)).astype(float)


def _arrays(fun: Function) -> Function:
    """Return a function with the result as an array, also of a list of Tensors."""
    return lambda x, *args: as_array(fun(x, *args))


def root(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """Find a root of a vector function; as ``scipy.optimize.root``.

    Parameters
    ----------
    fun
        ``fun(x, *args)`` in plain NumPy, of the shape of x.
    x0 : array of shape (N,)
        Where to start; its gradient is 0.
    args : tuple
        Parameters; Tensors must be passed here and not captured.
    method : str
    jac : optional
        By default ours, for the methods 'hybr' and 'lm'; False leaves it to SciPy's differences.
    tol, callback, options
        As in SciPy.

    Returns
    -------
    OptimizeResult
        SciPy's, with a differentiable ``x``.

    Raises
    ------
    RuntimeError
        If a gradient is wanted and SciPy reports no success.
    NotDifferentiableError
        In backward, if the Jacobian is singular at the root.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> f = lambda x, p: np.cos(p * x) - x
    >>> cosine = lambda p: ag.scipy.optimize.root(f, [0.7], args=(p,)).x[0]
    >>> ag.grad(cosine)(1.0).round(6)  # -x sin(x) / (1 + sin(x)), x = cos(x)
    np.float64(-0.297474)
    """
    from scipy import optimize

    args, fun = as_tuple(args), _arrays(fun)
    start = _start(x0)

    def solver(start: Any, *args: Any) -> Any:
        slope = jac
        if jac is None and method in WITH_JACOBIAN:
            slope = lambda x, *args: unwrap(jacobian(lambda x: fun(x, *args))(x))
        return optimize.root(
            lambda x, *args: numbers("root", fun(x, *args)),
            start,
            args=args,
            method=method,
            jac=slope,
            tol=tol,
            callback=callback,
            options=options,
        )

    if is_plain((start, args)):
        return solver(start, *plain(args))
    return _implicit("root", solver, fun, start, args, lambda r: np.ones(np.shape(r.x), bool))


def _at_bounds(x: Any, bounds: Any) -> Any:
    """Return which variables lie on a bound."""
    if bounds is None:
        return np.zeros(np.shape(x), bool)
    if hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
    else:
        low, high = zip(*bounds, strict=True)
        low = [-np.inf if b is None else b for b in low]
        high = [np.inf if b is None else b for b in high]
    low, high = (np.broadcast_to(np.asarray(b, float), np.shape(x)) for b in (low, high))
    near = 1e-10 * (1 + abs(x))
    return (x - low <= near) | (high - x <= near)


def minimize(
    fun: Function,
    x0: Any,
    args: Any = (),
    method: str | None = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """Minimize a scalar function; as ``scipy.optimize.minimize``.

    Parameters
    ----------
    fun
        ``fun(x, *args)``, a number, in plain NumPy.
    x0 : array of shape (N,)
        Where to start; its gradient is 0.
    args : tuple
        Parameters; Tensors must be passed here and not captured.
    method : str, optional
    jac, hess : optional
        By default ours, for the methods that take them; ``jac=False`` leaves the gradient to
        SciPy's differences.
    hessp, tol, callback, options
        As in SciPy.
    bounds : optional
        Constants; a variable at its bound has derivative 0.
    constraints
        Without gradients only.

    Returns
    -------
    OptimizeResult
        SciPy's, with differentiable ``x`` and ``fun``.

    Raises
    ------
    RuntimeError
        If a gradient is wanted and SciPy reports no success.
    NotDifferentiableError
        In backward, if the Hessian is singular at the minimum.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> f = lambda x, p: np.sum(x**4 / 4 - p * x)
    >>> best = lambda p: ag.scipy.optimize.minimize(f, np.ones(1), args=(p,)).x[0]
    >>> ag.grad(best)(8.0).round(4)  # x = p^(1/3), 1 / (3 x^2)
    np.float64(0.0833)
    """
    from scipy import optimize

    args = as_tuple(args)
    start = _start(x0)
    bounded = bounds is not None
    chosen = method or ("SLSQP" if constraints else "L-BFGS-B" if bounded else "BFGS")

    def solver(start: Any, *args: Any) -> Any:
        slope, curvature = jac, hess
        if jac is None and chosen in WITH_GRADIENT:
            slope = lambda x, *args: unwrap(grad(lambda x: fun(x, *args))(x))
        if hess is None and hessp is None and chosen in WITH_HESSIAN:
            curvature = lambda x, *args: unwrap(hessian(lambda x: fun(x, *args))(x))
        return optimize.minimize(
            fun if slope is True else lambda x, *args: numbers("minimize", fun(x, *args))[()],
            start, args, method, slope, curvature, hessp, bounds, constraints, tol, callback,
            options,
        )  # fmt: skip

    if is_plain((start, args)):
        return solver(start, *plain(args))
    if constraints:
        raise NotDifferentiableError(
            "ag.scipy.optimize.minimize has no gradients with constraints=; bounds= have, or write "
            "the Lagrangian's conditions as a root"
        )
    if jac is True:
        raise NotDifferentiableError(
            "ag.scipy.optimize.minimize has no gradients with jac=True; leave it out, ours is used"
        )

    def condition(x: Any, *args: Any) -> Any:
        return grad(lambda x: fun(x, *args))(x)

    result = _implicit(
        "minimize", solver, condition, start, args, lambda r: ~_at_bounds(np.asarray(r.x), bounds)
    )
    result.fun = fun(result.x, *args)
    return result


def least_squares(
    fun: Function,
    x0: Any,
    jac: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    *,
    loss: Any = "linear",
    args: Any = (),
    kwargs: Any = None,
    **options: Any,
) -> Any:
    """Minimize half the sum of squares of a vector function; as ``scipy.optimize.least_squares``.

    Parameters
    ----------
    fun
        ``fun(x, *args)``, an array of residuals, in plain NumPy.
    x0 : array of shape (N,)
        Where to start; its gradient is 0.
    jac : optional
        By default ours; '2-point' is SciPy's default.
    bounds : (low, high) or scipy.optimize.Bounds
        Constants; a variable at its bound has derivative 0.
    method : str
    loss : str
        With gradients 'linear' only.
    args : tuple
        Parameters; Tensors must be passed here and not captured.
    kwargs : dict, optional
    **options
        SciPy's: ``ftol``, ``xtol``, ``gtol``, ``x_scale``, ``max_nfev``, ...

    Returns
    -------
    OptimizeResult
        SciPy's, with a differentiable ``x``.

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> t, y = np.arange(4.0), 3.0 * np.exp(-0.5 * np.arange(4.0))
    >>> residuals = lambda x, y: x[0] * np.exp(-x[1] * t) - y
    >>> ag.scipy.optimize.least_squares(residuals, [1.0, 1.0], args=(y,)).x.round(6)
    array([3. , 0.5])
    """
    from scipy import optimize

    args, more = as_tuple(args), kwargs or {}
    residuals = _arrays(lambda x, *args: fun(x, *args, **more))
    start = _start(x0)

    def solver(start: Any, *args: Any) -> Any:
        slope = jac
        if jac is None:
            slope = lambda x, *args: unwrap(jacobian(lambda x: residuals(x, *args))(x))
        return optimize.least_squares(
            lambda x, *args: numbers("least_squares", residuals(x, *args)),
            start, slope, bounds, method, loss=loss, args=args, **options,
        )  # fmt: skip

    if not is_plain(more):
        raise refuse("ag.scipy.optimize.least_squares", "kwargs=", "pass it by args=")
    if is_plain((start, args)):
        return solver(start, *plain(args))
    if loss != "linear":
        raise NotDifferentiableError(
            f"ag.scipy.optimize.least_squares has no gradients with loss={loss!r}; loss='linear' "
            "has, or write the loss for minimize"
        )
    ends = bounds if hasattr(bounds, "lb") else optimize.Bounds(*bounds)

    def condition(x: Any, *args: Any) -> Any:
        return grad(lambda x: 0.5 * (residuals(x, *args) ** 2).sum())(x)

    return _implicit(
        "least_squares",
        solver,
        condition,
        start,
        args,
        lambda r: ~_at_bounds(np.asarray(r.x), ends),
    )


__all__ = ["least_squares", "minimize", "root"]
