"""``ag.scipy.ndimage``: values of SciPy, gradients by image, coordinates, width and kernel."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
from tests.autograd_core.scipy.peers import check, recorded, same

scipy_ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
from autograd_core.scipy import ndimage  # noqa: E402
from autograd_core.scipy.ndimage import _filtered, _sampled, _smoothed  # noqa: E402

rng = np.random.default_rng(5)
IMAGE, LINE = rng.normal(size=(4, 5)), rng.normal(size=7)
INSIDE = np.array([[0.3, 1.6, 2.9, 0.05], [0.2, 3.7, 2.4, 3.95]])
WIDE = np.array([[-0.7, 3.4, 5.3, -2.2, 0.4], [4.3, -0.3, 1.1, 6.6, 9.7]])


@pytest.mark.parametrize("mode", ndimage.COORDINATES)
@pytest.mark.parametrize("order", [1, 3])
def test_coordinates(mode, order):
    f = lambda a, c: ndimage.map_coordinates(a, c, order=order, mode=mode, cval=0.7)
    g = lambda a, c: scipy_ndimage.map_coordinates(a, c, order=order, mode=mode, cval=0.7)
    for c in (INSIDE, WIDE):
        same(recorded(f, IMAGE, c), g(IMAGE, c))
        same(_sampled(IMAGE, c, order, mode, 0.7, True), g(IMAGE, c))
    edges = np.array([[0.0, 3.0, 1.0], [4.0, 0.0, 2.0]])
    same(_sampled(IMAGE, edges, order, mode, 0.7, True), g(IMAGE, edges))
    check(f, IMAGE, np.concatenate([INSIDE[:, :1], WIDE[:, :3]], 1), order=1)


def test_coordinates_of_a_line_and_a_block():
    for options, shape in [({"prefilter": False}, (7,)), ({}, (3, 2))]:
        f = lambda a, c, m=ndimage, options=options: m.map_coordinates(a, c, **options)
        a, c = rng.normal(size=shape), rng.uniform(0.1, 0.9, (len(shape), 1))
        same(recorded(f, a, c), f(a, c, scipy_ndimage))
        check(lambda a, c, f=f: f(a, c), a, c)
    check(lambda a, c: ndimage.map_coordinates(a, c), IMAGE[:3, :3] + 1j, INSIDE[:, :1])


@pytest.mark.parametrize("mode", ndimage.BORDERS)
def test_gaussian(mode):
    f = lambda a, s: ndimage.gaussian_filter(a, s, mode=mode, cval=0.7)
    same(recorded(f, IMAGE, 0.8), scipy_ndimage.gaussian_filter(IMAGE, 0.8, mode=mode, cval=0.7))
    same(
        _smoothed(LINE, 2.3, 0, mode, 0.7, 4.0, None, None),
        scipy_ndimage.gaussian_filter(LINE, 2.3, mode=mode, cval=0.7),
    )
    check(f, LINE, 0.8, order=1)


def test_gaussian_of_derivatives_and_axes():
    for order in (0, 1, 2, 3, (1, 2)):
        f = lambda a, s, order=order: ndimage.gaussian_filter(a, [s, 2 * s], order, truncate=3.0)
        same(
            recorded(f, IMAGE, 0.6),
            scipy_ndimage.gaussian_filter(IMAGE, [0.6, 1.2], order, truncate=3.0),
        )
        same(_smoothed(IMAGE, [0.6, 1.2], order, "reflect", 0.0, 3.0, None, None), f(IMAGE, 0.6))
    check(f, IMAGE, 0.6)
    g = lambda a, s: ndimage.gaussian_filter(a, s, radius=2, axes=(1,))
    same(recorded(g, IMAGE, 0.9), scipy_ndimage.gaussian_filter(IMAGE, 0.9, radius=2, axes=(1,)))
    check(g, IMAGE, 0.9)


@pytest.mark.parametrize("mode", ndimage.BORDERS)
@pytest.mark.parametrize(
    ("shape", "origin"), [((3, 3), 0), ((2, 3), 0), ((3, 2), (1, -1)), ((2, 2), (-1, 0))]
)
def test_convolve(mode, shape, origin):
    w = rng.normal(size=shape)
    f = lambda a, w: ndimage.convolve(a, w, mode=mode, cval=0.3, origin=origin)
    theirs = scipy_ndimage.convolve(IMAGE, w, mode=mode, cval=0.3, origin=origin)
    same(recorded(f, IMAGE, w), theirs)
    same(_filtered(IMAGE, w, mode, 0.3, origin), theirs)
    if shape == (2, 3):
        check(f, IMAGE, w, order=1)


def test_convolution_to_second_order():
    check(ndimage.convolve, IMAGE[:3, :3], IMAGE[:2, :2])


def test_single_precision_and_refusals():
    small = IMAGE.astype(np.float32)
    for f in (
        lambda a: ndimage.map_coordinates(a, INSIDE),
        lambda a: ndimage.gaussian_filter(a, 1.0),
        lambda a: ndimage.convolve(a, np.ones((2, 2))),
    ):
        assert f(small).dtype == np.float32
        assert ag.grad(lambda a, f=f: f(a).sum())(small).dtype == np.float32
    with pytest.raises(ag.NotDifferentiableError, match="order=2"):
        ag.grad(lambda a: ndimage.map_coordinates(a, INSIDE, order=2).sum())(IMAGE)
    with pytest.raises(ag.NotDifferentiableError, match="mode='wrap'"):
        ag.grad(lambda a: ndimage.map_coordinates(a, INSIDE, mode="wrap").sum())(IMAGE)
    with pytest.raises(ag.NotDifferentiableError, match="output="):
        ndimage.convolve(IMAGE, IMAGE, output=IMAGE)
    with pytest.raises(ValueError, match="coordinates of shape"):
        ndimage.map_coordinates(IMAGE, WIDE[:1])
    same(ag.grad(lambda a: ndimage.map_coordinates(a, WIDE[:, 3:4]).sum())(IMAGE), np.zeros((4, 5)))


def test_as_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    import jax.scipy.ndimage as peer

    with jax.enable_x64(True):
        f = lambda m: lambda a, c: (m.map_coordinates(a, c, order=1) ** 2).sum()
        for i in (0, 1):
            same(
                ag.grad(f(ndimage), i)(IMAGE, INSIDE),
                np.asarray(jax.grad(f(peer), i)(IMAGE, list(INSIDE) if i == 0 else INSIDE)),
                rtol=1e-9,
            )
