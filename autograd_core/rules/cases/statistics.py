"""Cases of NaN-aware functions, quantiles, averages and covariance."""

from __future__ import annotations

import numpy as np

from autograd_core.rules.cases.base import add, add_each, draw

A, T, V = draw(2, 3), draw(2, 3, 4), draw(5)
HOLES = T.copy()
HOLES.reshape(-1)[[1, 5, 6, 20]] = np.nan
UNEVEN = T > -0.9
C = A + 1j * A[::-1]

add_each(np, "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian", HOLES)
for id, options in (("axis", {"axis": 1}), ("axes", {"axis": (0, -1), "keepdims": True})):
    names = "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian"
    add_each(np, names, HOLES, after=f" {id}", **options)
add_each(np, "nansum nanprod nanmean nanvar nanstd", HOLES, after=" where", axis=2, where=UNEVEN)
add_each(np, "nanmax nanmin", HOLES, after=" where", axis=2, where=UNEVEN, initial=-9.0)
add("nanvar ddof", lambda x: np.nanvar(x, axis=0, ddof=0.5), HOLES)
add("nanstd dtype", lambda x: np.nanstd(x, axis=1, dtype=np.float64), HOLES)
add("nansum initial", lambda x: np.nansum(x, axis=0, initial=2.0), HOLES)
add("nanvar complex", lambda x: np.nanvar(x, axis=1), C)
add_each(np, "nancumsum nancumprod", HOLES)
add_each(np, "nancumsum nancumprod", HOLES, after=" axis", axis=1)

METHODS = (
    "inverted_cdf averaged_inverted_cdf closest_observation interpolated_inverted_cdf hazen weibull "
    "linear median_unbiased normal_unbiased lower higher midpoint nearest"
)
Q = np.array([0.1, 0.33, 0.5, 0.91])
for method in METHODS.split():
    add(f"quantile {method}", lambda x, m=method: np.quantile(x, Q, axis=1, method=m), draw(2, 7))
    add(
        f"nanquantile {method}",
        lambda x, m=method: np.nanquantile(x, 0.37, axis=2, method=m),
        HOLES,
    )
add("quantile", lambda x: np.quantile(x, 0.3), T)
add("quantile axes", lambda x: np.quantile(x, [[0.2], [0.7]], axis=(0, 2), keepdims=True), T)
add("quantile ends", lambda x: np.quantile(x, [0.0, 1.0], axis=0), T)
add("quantile q", lambda x, q: np.quantile(x, q, axis=1), T, np.array([0.21, 0.55]))
add("percentile", lambda x: np.percentile(x, [5, 62], axis=-1), T)
add("percentile q", lambda x, q: np.percentile(x, q), T, np.array(30.0))
add("nanpercentile", lambda x: np.nanpercentile(x, 40, axis=0), HOLES)
add("median", np.median, T)
add("median axis", lambda x: np.median(x, axis=1, keepdims=True), T)
add("median axes", lambda x: np.median(x, axis=(0, 1)), T)
add("median even", np.median, draw(6))
add("nanmedian last", lambda x: np.nanmedian(x, axis=-1), HOLES)

W = draw(2, 3, low=0.2, high=2.0)
for name in ("var", "std", "nanvar"):
    f = getattr(np, name)
    add(f"{name} mean", lambda x, m, f=f: f(x, axis=1, mean=m, ddof=1), A, draw(2, 1) + 5)
    add(f"{name} mean all", lambda x, f=f: f(x, keepdims=True, mean=x[0, 0] * x[1, 1]), A)
add(
    "std mean where",
    lambda x, m: np.std(x, axis=2, mean=m, where=UNEVEN, correction=0.5),
    T,
    np.array(4.0),
)
add("var mean complex", lambda x, m: np.var(x, mean=m), C, np.array(1.0 - 2j))
add("average", np.average, A)
add("average weights", lambda x, w: np.average(x, weights=w), A, W)
add("average axis", lambda x, w: np.average(x, axis=1, weights=w, keepdims=True), A, W[0])
add(
    "average weights axes",
    lambda x, w: np.average(x, axis=(2, 0), weights=w),
    T,
    draw(4, 2, low=0.2),
)
add("average returned", lambda x, w: np.average(x, 0, w, returned=True)[1] * x, A, W)
add("cov", np.cov, T[0])
add("cov columns", lambda x: np.cov(x, rowvar=False, bias=True), T[0])
add("cov two", lambda x, y: np.cov(x, y, ddof=0), V, draw(5))
add("cov vector", np.cov, V)
add(
    "cov weights", lambda x, w: np.cov(x, fweights=[1, 2, 1, 3], aweights=w), T[0], draw(4, low=0.2)
)
add("cov aweights", lambda x, w: np.cov(x, aweights=w, ddof=0), T[0], draw(4, low=0.2))
add("cov complex", np.cov, T[0] + 1j * T[1])
add("corrcoef", np.corrcoef, T[0])
add("corrcoef two", lambda x, y: np.corrcoef(x, y), V, draw(5))
add("corrcoef columns", lambda x: np.corrcoef(x, rowvar=False), T[0])
