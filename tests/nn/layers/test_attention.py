"""Attention: what masks hide, dropout, dtypes, derivatives; test_parity.py compares with PyTorch."""

import copy

import numpy as np
import pytest

import autograd_core as ag
import nn

RNG = np.random.default_rng(0)
Q, K, V = RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 6, 4)), RNG.normal(size=(2, 6, 3))
X = RNG.normal(size=(3, 5, 8))


def layer(**options):
    return nn.MultiheadAttention(8, 2, rng=1, dtype=float, **options)


def by_hand(q, k, v, seen):
    """Return what the definition says, query by query."""
    out = np.zeros((len(q), v.shape[1]))
    for i, row in enumerate(q):
        chance = np.exp(k @ row / 2) * seen[i]
        out[i] = chance @ v / chance.sum() if chance.any() else 0
    return out


def test_it_is_the_definition():
    seen = RNG.random((5, 6)) < 0.6
    seen[2] = False
    expected = [by_hand(*parts, seen) for parts in zip(Q, K, V, strict=True)]
    found = nn.scaled_dot_product_attention(Q, K, V, seen)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    added = np.where(seen, 0, -np.inf)
    np.testing.assert_array_equal(nn.scaled_dot_product_attention(Q, K, V, added), found)
    causal = np.tri(5, 6, dtype=bool)
    both = nn.scaled_dot_product_attention(Q, K, V, seen, is_causal=True)
    np.testing.assert_allclose(both, nn.scaled_dot_product_attention(Q, K, V, seen & causal))


def test_derivatives_to_second_order():
    seen = np.tri(5, 6, dtype=bool)
    seen[1] = False  # a query that sees no key
    attend = nn.scaled_dot_product_attention
    ag.assert_gradients(lambda q, k, v: attend(q, k, v, seen), Q, K, V, order=2)
    bias = RNG.normal(size=(5, 6))
    ag.assert_gradients(lambda b: attend(Q, K, V, b, is_causal=True), bias, order=2)
    q = ag.tensor(Q, requires_grad=True)
    attend(q, K, V, seen).sum().backward()
    assert not q.grad.numpy()[:, 1].any()


@pytest.mark.parametrize("norm_first", [False, True])
def test_places_see_no_later_ones_and_no_padding(norm_first):
    model = nn.TransformerEncoderLayer(8, 2, 16, 0.0, norm_first=norm_first, rng=0, dtype=float)
    other = X.copy()
    other[:, 3:] = np.sin(7 * other[:, 3:])
    a, b = (model(x, is_causal=True).numpy() for x in (X, other))
    np.testing.assert_array_equal(a[:, :3], b[:, :3])
    assert (a[:, 3:] != b[:, 3:]).all()
    causal = np.triu(np.ones((5, 5), bool), 1)
    np.testing.assert_allclose(model(X, causal).numpy(), a, rtol=1e-12)
    padding = np.arange(5) >= np.array([[3], [3], [5]])
    a, b = (model(x, src_key_padding_mask=padding).numpy() for x in (X, other))
    np.testing.assert_array_equal(a[:2, :3], b[:2, :3])
    np.testing.assert_allclose(a[:2, :3], model(X[:2, :3]).numpy(), rtol=1e-9)
    assert (a[2] != b[2]).all()


def test_weights_and_what_is_left_out():
    out, weights = layer()(X)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1)
    same, by_head = layer()(X, average_attn_weights=False)
    assert by_head.shape == (3, 2, 5, 5)
    np.testing.assert_allclose(by_head.numpy().mean(1), weights.numpy())
    np.testing.assert_array_equal(same.numpy(), out.numpy())
    without, none = layer()(X, X.copy(), X.copy(), need_weights=False)
    assert none is None
    np.testing.assert_allclose(without.numpy(), out.numpy(), rtol=1e-12)
    np.testing.assert_allclose(layer()(X[0])[0].numpy(), out.numpy()[0], rtol=1e-12)


def test_dropout_is_of_training_and_reproducible():
    model = nn.TransformerEncoderLayer(8, 2, 16, 0.4, rng=0)
    again, x = copy.deepcopy(model), X.astype(np.float32)
    first, second = model(x).numpy(), model(x).numpy()
    assert (first != second).any()
    np.testing.assert_array_equal(again(x).numpy(), first)
    model.eval()
    np.testing.assert_array_equal(model(x).numpy(), model(x).numpy())
    nothing = nn.TransformerEncoderLayer(8, 2, 16, 1.0, norm_first=True, rng=0)
    nothing.self_attn.out_proj.bias.data = np.ones(8, np.float32)
    np.testing.assert_array_equal(nothing(x).numpy(), x)  # both parts are dropped
    dropped = nn.scaled_dot_product_attention(Q, K, V, dropout=lambda w: 0 * w)
    assert not dropped.any()


def test_dtypes_are_kept():
    for dtype in (np.float16, np.float32, np.float64):
        a = nn.scaled_dot_product_attention(*(x.astype(dtype) for x in (Q, K, V)), np.tri(5, 6) > 0)
        assert a.dtype == dtype
        np.testing.assert_allclose(
            a, nn.scaled_dot_product_attention(Q, K, V, np.tri(5, 6) > 0), atol=0.01
        )
    model = nn.TransformerEncoderLayer(8, 2, 16, rng=0).eval()
    hidden = np.zeros((3, 5), bool)
    assert model(X.astype(np.float32), None, hidden, is_causal=True).dtype == np.float32
    large = np.full((2, 4), 200, np.float16)  # its scores overflow in float16
    assert np.isfinite(nn.scaled_dot_product_attention(large, large, large)).all()


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: layer()(X[..., :4]), ValueError, r"expects a query \(N, T, 8\) or \(T, 8\)"),
    (lambda: layer()(X, X[0]), ValueError, r"expects a key .* got shape \(5, 8\)"),
    (lambda: layer()(X, attn_mask=np.ones((5, 4), bool)), ValueError, r"shape \(5, 5\) or \(6, 5, 5\); got bool, \(5, 4\)"),
    (lambda: layer()(X, key_padding_mask=np.ones((5, 3), bool)), ValueError, r"\(3, 5\); got bool, \(5, 3\)"),
    (lambda: layer()(X, attn_mask=np.ones((5, 5), int)), ValueError, r"mask\.astype\(bool\)"),
    (lambda: nn.MultiheadAttention(8, 3), ValueError, "3 heads do not divide vectors of 8"),
    (lambda: nn.scaled_dot_product_attention(Q, V, V), ValueError, r"\(\.\.\., L, E\)"),
    (lambda: nn.scaled_dot_product_attention(Q, K, V[:, :5]), ValueError, r"\(2, 5, 3\)"),
])  # fmt: skip
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
