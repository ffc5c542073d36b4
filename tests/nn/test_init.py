"""Initial values: variances, seeds, orthogonality."""

import numpy as np
import pytest

import nn


@pytest.mark.parametrize("name", nn.init.NAMES)
def test_initializers(name):
    f = nn.init.named(name)
    np.testing.assert_array_equal(f((20, 30), rng=3), f((20, 30), rng=3))
    assert f((20, 30), rng=0).shape == (20, 30)
    expected = {"xavier": 2 / 500, "glorot": 2 / 500, "kaiming": 2 / 300, "he": 2 / 300,
                "lecun": 1 / 300, "normal": 1, "uniform": 1 / 12, "orthogonal": 1 / 300}  # fmt: skip
    variance = expected.get(name.split("_")[0])
    if variance:
        np.testing.assert_allclose(f((200, 300), rng=0).var(), variance, rtol=0.05)


def test_orthogonal_and_fans():
    for shape in ((4, 7), (7, 4), (5, 5)):
        q = nn.init.orthogonal(shape, rng=0)
        small = q @ q.T if shape[0] <= shape[1] else q.T @ q
        np.testing.assert_allclose(small, np.eye(min(shape)), atol=1e-12)
    with pytest.raises(ValueError, match="fan-in"):
        nn.init.xavier_normal((3,))
