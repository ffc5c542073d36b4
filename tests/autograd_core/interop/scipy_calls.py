"""SciPy under ``SCIPY_ARRAY_API=1``: what is differentiated through, and what refuses."""

from __future__ import annotations

from typing import Any

import numpy as np

_rng = np.random.default_rng(5)
X, Y = _rng.uniform(0.1, 0.9, (3, 4)), _rng.uniform(0.1, 0.9, (3, 4))
MANY = _rng.uniform(0.1, 0.9, (5, 5))
V, W = _rng.uniform(0.1, 0.9, (4, 3)), _rng.normal(size=(4, 3))
ONE, OTHER = V[0], V[1]
Q = _rng.normal(size=4)

CASES: dict[str, tuple[Any, ...]] = {
    "logsumexp": (lambda s, x: s.special.logsumexp(x), X),
    "logsumexp axis": (lambda s, x: s.special.logsumexp(x, axis=1, keepdims=True), X),
    "logsumexp weights": (
        lambda s, x, b: s.special.logsumexp(x, axis=0, b=b, return_sign=True)[0],
        X,
        Y,
    ),
    "softmax": (lambda s, x: s.special.softmax(x, axis=1), X),
    "log_softmax": (lambda s, x: s.special.log_softmax(x, axis=-1), X),
    "polygamma": (lambda s, x: s.special.polygamma(1, x), X),
    "sinc": (lambda s, x: s.special.sinc(x), X),
    "betainc": (lambda s, x: s.special.betainc(2.0, 3.0, x), X),
    "xlogy": (lambda s, x, y: s.special.xlogy(x, y), X, Y),
    "rel_entr": (lambda s, x, y: s.special.rel_entr(x, y), X, Y),
    "zscore": (lambda s, x: s.stats.zscore(x, axis=1), X),
    "zscore of all": (lambda s, x: s.stats.zscore(x, axis=None, ddof=1), X),
    "zmap": (lambda s, x, y: s.stats.zmap(x, y, axis=1), X, Y),
    "skew": (lambda s, x: s.stats.skew(x, axis=1), X),
    "skew unbiased": (lambda s, x: s.stats.skew(x, axis=1, bias=False), X),
    "kurtosis": (lambda s, x: s.stats.kurtosis(x, axis=0), X),
    "moment": (lambda s, x: s.stats.moment(x, 3, axis=1), X),
    "describe": (lambda s, x: tuple(s.stats.describe(x, axis=1))[2:], X),
    "hmean": (lambda s, x: s.stats.hmean(x, axis=1), X),
    "gmean": (lambda s, x: s.stats.gmean(x, axis=1), X),
    "pmean": (lambda s, x: s.stats.pmean(x, 2.0, axis=1), X),
    "gstd": (lambda s, x: s.stats.gstd(x, axis=1), X),
    "sem": (lambda s, x: s.stats.sem(x, axis=1), X),
    "variation": (lambda s, x: s.stats.variation(x, axis=1), X),
    "trimmed mean": (lambda s, x: s.stats.tmean(x, limits=(0.2, 0.8)), X),
    "circmean": (lambda s, x: s.stats.circmean(x, axis=1), X),
    "circstd": (lambda s, x: s.stats.circstd(x, axis=1), X),
    "directional mean": (lambda s, x: s.stats.directional_stats(x).mean_direction, X),
    "entropy": (lambda s, x, y: s.stats.entropy(x, y, axis=1), X, Y),
    "interquartile": (lambda s, x: s.stats.iqr(x, axis=1), X),
    "quantile": (lambda s, x: s.stats.quantile(x, 0.3, axis=1), X),
    "lmoment": (lambda s, x: s.stats.lmoment(x, axis=1), X),
    "boxcox": (lambda s, x: s.stats.boxcox_llf(0.3, x[0]), X),
    "pearsonr, with p": (lambda s, x, y: tuple(s.stats.pearsonr(x[0], y[0])), X, Y),
    "t test, with p": (lambda s, x: tuple(s.stats.ttest_1samp(x, 0.2, axis=1)), X),
    "normality, with p": (lambda s, x: tuple(s.stats.normaltest(x, axis=None)), MANY),
    "rotation vector": (lambda s, v: s.Rotation.from_rotvec(v).as_matrix(), ONE),
    "rotation vectors": (lambda s, v: s.Rotation.from_rotvec(v).as_matrix(), V),
    "rotate": (lambda s, v, w: s.Rotation.from_rotvec(v).apply(w), ONE, W),
    "quaternion": (lambda s, q: s.Rotation.from_quat(q).as_rotvec(), Q),
    "from a rotation matrix": (
        lambda s, v: s.Rotation.from_matrix(s.Rotation.from_rotvec(v).as_matrix()).as_quat(),
        ONE,
    ),
    "Euler angles": (lambda s, e: s.Rotation.from_euler("xyz", e).as_matrix(), ONE),
    "to Euler angles": (lambda s, v: s.Rotation.from_rotvec(v).as_euler("zyx"), ONE),
    "Rodrigues": (lambda s, v: s.Rotation.from_mrp(v).as_mrp(), ONE),
    "composed rotations": (
        lambda s, v, w: (s.Rotation.from_rotvec(v) * s.Rotation.from_rotvec(w)).as_quat(),
        ONE,
        OTHER,
    ),
    "inverse rotation": (lambda s, v: s.Rotation.from_rotvec(v).inv().as_rotvec(), V),
    "angle": (lambda s, v: s.Rotation.from_rotvec(v).magnitude(), V),
    "mean rotation": (lambda s, v: s.Rotation.from_rotvec(v).mean().as_rotvec(), V),
    "half a rotation": (lambda s, v: (s.Rotation.from_rotvec(v) ** 0.5).as_matrix(), ONE),
    "rigid transform": (
        lambda s, v, w: s.RigidTransform.from_components(w, s.Rotation.from_rotvec(v)).apply(w),
        ONE,
        OTHER,
    ),
    "Fourier transform": (lambda s, x: abs(s.fft.rfft(x)), X),
    "convolution": (lambda s, x, y: s.signal.fftconvolve(x[0], y[0]), X, Y),
    "trapezoid": (lambda s, x: s.integrate.trapezoid(x, dx=0.1), X),
    "quadrature": (
        lambda s, p: (
            s.integrate.tanhsinh(lambda x, p: np.exp(p * x), 0 * p, 0 * p + 1, args=(p,)).integral
        ),
        ONE,
    ),
    "Rosenbrock": (lambda s, x: s.optimize.rosen(x), ONE),
    "a root, by what it depends on": (
        lambda s, p: (
            s.optimize.elementwise.find_root(
                lambda x, p: x * x * x - p, (0 * p, 0 * p + 2.0), args=(p,)
            ).x
        ),
        ONE,
    ),
}

for _name in """expit logit erf erfc erfinv entr gammaln psi ndtr log_ndtr ndtri i0 i0e i1 i1e j0 j1 k0 y0 exp2 cbrt gamma
    loggamma erfcx""".split():
    CASES[_name] = (lambda s, x, name=_name: getattr(s.special, name)(x), X)

#: SciPy converts to ndarrays, or mixes them in: it must not go unnoticed.
LOUD: dict[str, tuple[Any, ...]] = {
    "norm.logpdf": ("ConversionError", lambda s, x: s.stats.norm.logpdf(x), X),
    "linregress": ("ConversionError", lambda s, x, y: s.stats.linregress(x[0], y[0]).slope, X, Y),
    "expectile": ("ConversionError", lambda s, x: s.stats.expectile(x[0], 0.3), X),
    "linalg.inv": ("ConversionError", lambda s, x: s.linalg.inv(x[:, :3]), X),
    "linalg.expm": ("ConversionError", lambda s, x: s.linalg.expm(x[:, :3]), X),
    "fft.dct": ("ConversionError", lambda s, x: s.fft.dct(x), X),
    "simpson": ("ConversionError", lambda s, x: s.integrate.simpson(x), X),
    "cdist": ("ConversionError", lambda s, x, y: s.spatial.distance.cdist(x, y), X, Y),
    "gaussian_filter": ("ConversionError", lambda s, x: s.ndimage.gaussian_filter(x, 1.0), X),
    "multigammaln": ("ConversionError", lambda s, x: s.special.multigammaln(x + 3, 2), X),
    "lfilter, lists": ("TypeError", lambda s, x: s.signal.lfilter([1.0], [1.0, -0.5], x), X),
}


def prepare() -> Any:
    """SciPy, with the modules that the calls use."""
    import scipy
    import scipy.optimize.elementwise
    from scipy.spatial.transform import RigidTransform, Rotation

    class Library:
        def __getattr__(self, name: str) -> Any:
            return getattr(scipy, name)

    library = Library()
    library.Rotation, library.RigidTransform = Rotation, RigidTransform
    return library


if __name__ == "__main__":
    from tests.autograd_core.interop import isolated, scipy_calls

    isolated.main(scipy_calls)
