"""``sparse_jacobian``: the Jacobian of a known pattern, from a few products with it."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core.engine.recording import unwrap
from autograd_core.errors import GraphError
from autograd_core.transforms.evaluation import LinearizedCall
from autograd_core.transforms.jacobians import can_push, pull_rows, push_columns


def sparse_jacobian(
    fun: Callable[..., Any], pattern: Any, coloring: Sequence[int] | None = None
) -> Callable[..., Any]:
    """Return the Jacobian of a function by its first argument, as a function: a sparse matrix.

    Rows that share no column are computed by one product, as one colour, and so are columns that
    share no row, where they need fewer colours: a tridiagonal Jacobian of any size takes three
    products.  One more product, with random numbers, is compared with the matrix, so that a pattern
    that leaves out an entry is found.

    Parameters
    ----------
    fun
        From an array of any shape, and further arguments, to an array.
    pattern
        Where the Jacobian may differ from 0: an array or a sparse matrix of SciPy of shape
        ``(value.size, argument.size)``, of which only the places of its non-zeros count.
    coloring
        The colour of each row, an integer from 0, if a better one is known than what is found
        greedily: rows of the same colour share no column.

    Returns
    -------
    function
        It returns a ``scipy.sparse.csr_array``.

    Raises
    ------
    ValueError
        If the pattern has another shape than the Jacobian, or a coloring is none.
    GraphError
        If the Jacobian has an entry outside the pattern, or is needed inside another transform,
        which cannot record or batch a matrix of SciPy.
    ImportError
        Without SciPy.

    References
    ----------
    Curtis, Powell and Reid, "On the estimation of sparse Jacobian matrices", IMA Journal of Applied
    Mathematics 13 (1974).

    Examples
    --------
    >>> import numpy as np, autograd_core as ag
    >>> def diffusion(u):
    ...     return np.diff(u, n=2, prepend=0.0, append=0.0)
    >>> pattern = np.abs(np.subtract.outer(np.arange(4), np.arange(4))) < 2
    >>> ag.sparse_jacobian(diffusion, pattern)(np.zeros(4)).toarray()
    array([[-2.,  1.,  0.,  0.],
           [ 1., -2.,  1.,  0.],
           [ 0.,  1., -2.,  1.],
           [ 0.,  0.,  1., -2.]])
    """
    from scipy import sparse

    places = sparse.csr_array(sparse.coo_array(pattern) != 0)
    rows, columns = places.nonzero()
    if coloring is None:
        by_row, by_column = _colors(places), _colors(places.T.tocsr())
        few_columns = 2 * by_column.max(initial=0) < by_row.max(initial=0)
    else:
        by_row, few_columns = _checked(np.asarray(coloring), places), False

    @functools.cache
    def seeds_of(forward: bool) -> Any:
        return _seeds(by_column if forward else by_row)

    @functools.wraps(fun)
    def wrapped(x: Any, *args: Any, **kwargs: Any) -> Any:
        run = LinearizedCall(fun, (x, *args), [0], kwargs, "sparse_jacobian()")
        outputs = run.outputs(run.value)
        if len(outputs) != 1 or len(run.variables) != 1:
            raise GraphError(
                f"sparse_jacobian() is of one array by one array, got {len(outputs)} by "
                f"{len(run.variables)}; see ravel for trees"
            )
        (value,), (variable,) = outputs, run.variables
        if places.shape != (value.size, variable.size):
            raise ValueError(
                f"the pattern has shape {places.shape}; the Jacobian of a value of {value.size} "
                f"elements by {variable.size} has shape ({value.size}, {variable.size})"
            )
        forward = few_columns and can_push(run, value)
        seeds: Any = seeds_of(forward)
        if forward:
            found = push_columns(run, value, len(seeds), lambda i, j: seeds[i:j], None)
        else:
            (found,) = pull_rows(run, value, len(seeds), lambda i, j: seeds[i:j], None)
        products = unwrap(found)
        if type(products) is not np.ndarray or run.watched([found]):
            raise GraphError(
                "sparse_jacobian() inside another transform: a sparse matrix of SciPy can be "
                "neither recorded nor batched; take jacobian, or jvp and vjp for products with it"
            )
        products = products.reshape(len(seeds), -1)
        kept = products[by_column[columns], rows] if forward else products[by_row[rows], columns]
        matrix = sparse.csr_array((kept, (rows, columns)), shape=places.shape)
        _compare(matrix if forward else matrix.T, seeds[-1], products[-1])
        return matrix

    return wrapped


def _colors(places: Any) -> Any:
    """Return a color for each row, the least one that no row that shares a column has."""
    taken = [0] * places.shape[1]  # the colors of the rows of a column, as bits
    colors = np.zeros(places.shape[0], int)
    starts, columns = places.indptr.tolist(), places.indices.tolist()
    for row in range(len(colors)):
        own = columns[starts[row] : starts[row + 1]]
        used = 0
        for column in own:
            used |= taken[column]
        free = ~used & (used + 1)  # the lowest bit that is 0
        colors[row] = free.bit_length() - 1
        for column in own:
            taken[column] |= free
    return colors


def _seeds(colors: Any) -> Any:
    """Return the sum of the unit vectors of each color, and random numbers to compare with."""
    probe = np.random.default_rng(0).uniform(0.5, 1.5, len(colors))
    return np.vstack([np.arange(colors.max(initial=-1) + 1)[:, None] == colors, probe])


def _checked(coloring: Any, places: Any) -> Any:
    if coloring.shape != places.shape[:1] or coloring.dtype.kind not in "iu":
        raise ValueError(
            f"coloring has an integer for each of the {places.shape[0]} rows, got shape "
            f"{coloring.shape} of {coloring.dtype}"
        )
    rows, columns = places.nonzero()
    pairs = np.stack([coloring[rows], columns])
    if coloring.min(initial=0) < 0 or np.unique(pairs, axis=1).shape[1] < len(rows):
        raise ValueError("the coloring has negative colors, or two rows of a color share a column")
    return coloring


def _compare(matrix: Any, probe: Any, product: Any) -> None:
    """Raise if a product with the true Jacobian is none with the matrix."""
    terms = abs(matrix) @ probe
    rtol = np.finfo(product.dtype).eps ** 0.5
    differs = abs(matrix @ probe - product) > rtol * (terms + terms.max(initial=0.0))
    if differs.any():
        raise GraphError(
            f"the Jacobian has entries outside the pattern, in {int(differs.sum())} of its "
            f"{len(product)} rows or columns, the first in number {int(np.argmax(differs))}; add "
            "them: ag.jacobian(fun)(x) != 0 shows them all, for a small x"
        )
