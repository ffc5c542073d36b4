"""Cases of scipy.special, where SciPy is installed."""

from __future__ import annotations

import numpy as np

import autograd_core as ag
from autograd_core.rules.cases.base import add, add_each, draw

A, UNIT = draw(2, 3), draw(2, 3, low=0.05, high=0.9)
POS, OTHER = draw(2, 3, low=0.3, high=4.0), draw(2, 3, low=0.4, high=3.5)
add("np.i0", np.i0, np.array([-3.0, -0.7, 1e-3, 2.4, 14.0, 17.0]))

try:
    import scipy.special as s
except ImportError:
    s = None

if s is not None:
    add_each(
        s,
        "erf erfc erfcx erfi expit log_expit ndtr log_ndtr i0 i1 i0e i1e j0 j1 exp10 cosm1 sindg cosdg "
        "cbrt exp2 expm1",
        A,
        before="scipy ",
    )
    add_each(s, "erfinv logit ndtri entr log1p", UNIT, before="scipy ")
    add("scipy erfcinv", s.erfcinv, UNIT + 0.4)
    add_each(s, "gamma gammaln digamma loggamma y0 y1 k0 k1", POS, before="scipy ")
    add("scipy gammaln negative", s.gammaln, -POS - 0.013)
    add("scipy digamma negative", s.psi, -POS - 0.013)
    add_each(s, "beta betaln xlogy xlog1py rel_entr kl_div", POS, OTHER, before="scipy ")
    add("scipy xlogy at 0", s.xlogy, np.array([0.0, 1.2]), np.array([0.7, 0.4]))
    for name in ["jv", "yv", "iv", "kv", "yn", "jn"]:
        add(f"scipy {name}", lambda x, name=name: getattr(s, name)(2, x), POS)
    add("scipy zeta", lambda x: s.zeta(3.0, x), POS)
    add("scipy erfcx far", s.erfcx, 5 * POS)
    add("scipy gammainc", lambda x: s.gammainc(1.7, x), POS)
    add("scipy gammaincc", lambda x: s.gammaincc(1.7, x), POS)
    add("scipy betainc", lambda x: s.betainc(1.7, 2.2, x), UNIT)
    add("scipy boxcox", lambda x: s.boxcox(x, 0.6), POS)
    add("scipy huber", lambda r: s.huber(1.1, r), A)
    add("scipy rgamma", s.rgamma, np.array([2.3, 0.5, -0.7, -2.0, 0.0, 1.0]))
    add("scipy gammasgn", lambda x: s.gammasgn(x) * x, A + 0.013)
    add_each(s, "poch binom", POS, OTHER, before="scipy ")
    for name in ["ive", "kve", "kn", "chdtr", "chdtrc", "stdtr", "gammaincinv", "gammainccinv"]:
        add(f"scipy {name}", lambda x, name=name: getattr(s, name)(2, x), UNIT)
    add("scipy betaincinv", lambda x: s.betaincinv(1.7, 2.2, x), UNIT)
    if hasattr(s, "betaincc"):  # SciPy 1.11
        add("scipy betaincc", lambda x: s.betaincc(1.7, 2.2, x), UNIT)
    add_each(s, "k0e k1e expi exp1", POS, before="scipy ")
    add_each(s, "dawsn exprel", np.array([-3.0, -0.2, 0.0, 0.3, 2.5]), before="scipy ")
    add("scipy tandg", s.tandg, 9 * A)
    add("scipy boxcox1p", lambda x: s.boxcox1p(x, 0.6), POS)
    add("scipy inv_boxcox", lambda y: s.inv_boxcox(y, 0.6), POS)
    add("scipy lambertw", lambda z: s.lambertw(z), POS - 0.4)
    add("scipy pseudo_huber", lambda r: s.pseudo_huber(1.1, r), A)
    for n in (0, 1, 3):
        add(f"polygamma {n}", lambda x, n=n: ag.special.polygamma(n, x), POS)

T = draw(2, 3, 4)
for axis in (None, 1, -1, (0, 2)):
    names = "logsumexp softmax log_softmax"
    add_each(ag.special, names, T, after=f" {axis}", axis=axis)
add("logsumexp keepdims", lambda x: ag.special.logsumexp(x, axis=1, keepdims=True), T)
add("logsumexp factors", lambda x, b: ag.special.logsumexp(x, axis=0, b=b), A, POS)
