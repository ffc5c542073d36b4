"""scikit-learn under ``array_api_dispatch=True``: what is differentiated through, and what refuses."""

from __future__ import annotations

from typing import Any

import numpy as np

_rng = np.random.default_rng(5)
y, z = _rng.uniform(0.1, 0.9, 6), _rng.uniform(0.1, 0.9, 6)
X, Y = _rng.normal(size=(4, 3)), _rng.normal(size=(3, 3))


def _kernel(name: str) -> Any:
    return lambda s, a, b: getattr(s.metrics.pairwise, name)(a, b)


def _score(name: str) -> Any:
    return lambda s, a, b: getattr(s.metrics, name)(a, b, multioutput="raw_values")


CASES: dict[str, tuple[Any, ...]] = {
    "rbf_kernel of itself": (lambda s, x: s.metrics.pairwise.rbf_kernel(x), X),
    "MinMaxScaler": (lambda s, x: s.preprocessing.MinMaxScaler().fit_transform(x), X),
    "normalize": (lambda s, x: s.preprocessing.normalize(x), X),
    "PCA": (lambda s, x: s.decomposition.PCA(2, svd_solver="full").fit_transform(x), X),
    "Ridge": (lambda s, x, t: s.linear_model.Ridge(solver="svd").fit(x, t).coef_, X, y[:4]),
}
for _name in """euclidean_distances rbf_kernel laplacian_kernel cosine_similarity cosine_distances linear_kernel
    polynomial_kernel sigmoid_kernel manhattan_distances pairwise_distances pairwise_kernels""".split():
    CASES[_name] = (_kernel(_name), X, Y)
for _name in ("additive_chi2_kernel", "chi2_kernel"):
    CASES[_name] = (_kernel(_name), abs(X) + 0.1, abs(Y) + 0.1)
for (
    _name
) in "paired_euclidean_distances paired_cosine_distances paired_manhattan_distances".split():
    CASES[_name] = (_kernel(_name), X, X[::-1] * 1.1)
for _name in """mean_squared_error root_mean_squared_error mean_absolute_error mean_squared_log_error r2_score
    explained_variance_score mean_absolute_percentage_error mean_pinball_loss""".split():
    CASES[_name] = (_score(_name), abs(X) + 0.1, abs(X[::-1]) + 0.3)

#: scikit-learn ends these by ``float(score)``, or by a conversion: it must not go unnoticed.
LOUD: dict[str, tuple[Any, ...]] = {
    f"{_name} as a float": (
        "ConversionError",
        lambda s, a, b, name=_name: getattr(s.metrics, name)(a, b),
        y,
        z,
    )
    for _name in """mean_squared_error root_mean_squared_error mean_absolute_error r2_score max_error
    mean_poisson_deviance mean_gamma_deviance median_absolute_error""".split()
}
LOUD["log_loss"] = ("ConversionError", lambda s, p: s.metrics.log_loss([0, 1, 1, 0, 1, 0], p), y)


def prepare() -> Any:
    """scikit-learn, told to ask arrays for their namespace."""
    import sklearn
    import sklearn.decomposition
    import sklearn.linear_model
    import sklearn.metrics
    import sklearn.preprocessing

    sklearn.set_config(array_api_dispatch=True)
    return sklearn


if __name__ == "__main__":
    from tests.autograd_core.interop import isolated, sklearn_calls

    isolated.main(sklearn_calls)
