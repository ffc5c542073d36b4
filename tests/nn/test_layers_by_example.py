"""Every layer and loss under ag.vmap: over examples, over members of an ensemble, over both."""

from __future__ import annotations

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.batching import looping
from autograd_core.transforms.trees import Tree
from tests.nn.layer_samples import INPUTS, VARIANTS, input_of, make

rng = np.random.default_rng(0)


def total(tree):
    weights = lambda a: 1 + np.arange(a.size).reshape(a.shape) / 7
    return sum(np.sum(np.sin(a) * weights(a)) for a in Tree(tree).leaves)


def plain(a):
    return a.detach().numpy() if isinstance(a, ag.Tensor) else np.asarray(a)


def assert_equals_the_loop(fun, axes, args):
    """Compare a function under vmap with a loop, and see that it ran on all examples at once."""

    def row(i):
        return [a if x is None else part(a, i) for a, x in zip(args, axes, strict=True)]

    def part(a, i):
        return {k: v[i] for k, v in a.items()} if isinstance(a, dict) else a[i]

    looping.looped.clear()
    found = Tree(ag.vmap(fun, axes)(*args)).leaves
    assert not looping.looped
    rows = [Tree(fun(*row(i))).leaves for i in range(3)]
    for a, column in zip(found, zip(*rows, strict=True), strict=True):
        wanted = np.stack([plain(c) for c in column])
        scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)
        assert plain(a).dtype == wanted.dtype
        assert np.allclose(plain(a), wanted, rtol=1e-12, atol=1e-12 * scale, equal_nan=True)


@pytest.mark.parametrize("axes", [(None, 0), (0, None), (0, 0)], ids=str)
@pytest.mark.parametrize("name", VARIANTS)
def test_a_layer_equals_the_loop(name, axes):
    layer = make(name, **VARIANTS[name])
    x, weights = input_of(layer), {k: rng.normal(size=p.shape) for k, p in layer.named_parameters()}
    if not weights and axes[0] == 0:
        pytest.skip("the layer has no parameters")
    args = [weights, x if axes[1] == 0 else x[0]]
    if axes[0] == 0:
        args[0] = {k: np.stack([w, w / 2, w * 1.5]) for k, w in weights.items()}
    argnums = tuple(i for i, a in enumerate(args) if (a if i == 0 else a.dtype.kind == "f"))

    def loss(weights, x):
        return total(nn.functional_call(layer, weights, x))

    def of_gradient(weights, x):
        return sum(np.sum(g**2) for g in Tree(ag.grad(loss, argnums)(weights, x)).leaves)

    forward = lambda weights, x: nn.functional_call(layer, weights, x)
    assert_equals_the_loop(forward, axes, args)
    assert_equals_the_loop(ag.grad(loss, argnums), axes, args)
    assert_equals_the_loop(ag.grad(of_gradient, argnums), axes, args)


LOGITS, LABELS = rng.normal(size=(3, 5, 4)), rng.integers(0, 4, (3, 5))
IGNORED = np.where(rng.random((3, 5)) < 0.4, -100, LABELS)
IGNORED[1] = -100  # of no label the mean is nan
SHARES = rng.random((3, 5, 4))
WEIGHT = np.array([0.0, 0.5, 1.0, 2.0])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)], ids=str)
@pytest.mark.parametrize("target", [LABELS, IGNORED, SHARES], ids=["labels", "ignored", "shares"])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weight"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_equals_the_loop(reduction, axes, target, weight, smoothing):
    def loss(logits, target):
        options = {"reduction": reduction, "label_smoothing": smoothing}
        return np.sum(np.sin(nn.cross_entropy(logits, target, weight, **options)))

    args = [a if x == 0 else a[0] for a, x in zip((LOGITS, target), axes, strict=True)]
    assert_equals_the_loop(loss, axes, args)
    assert_equals_the_loop(ag.grad(loss), axes, args)


def test_ignored_labels_hide_what_is_not_finite():
    logits = np.where(IGNORED[..., None] == -100, np.nan, LOGITS)
    slopes = ag.vmap(ag.grad(nn.cross_entropy))(logits, IGNORED)
    assert np.isfinite(slopes).all()
    assert slopes[0].any()


def test_wrong_labels_are_named():
    labels = LABELS.copy()
    labels[1, 2] = 7
    with pytest.raises(ValueError, match="class number 7"):
        ag.vmap(nn.cross_entropy)(LOGITS, labels)
    with pytest.raises(IndexError, match="ids 0 to 4, got 7"):
        ag.vmap(nn.Embedding(5, 2, rng=0))(labels)


def test_dropout_draws_for_each_example():
    x = np.ones((4, 30, 50))
    found, layer = nn.Dropout(0.3, rng=0), nn.Dropout(0.3, rng=0)
    masks = plain(ag.vmap(found)(x))
    assert np.array_equal(masks, [plain(layer(row)) for row in x])
    assert found.rng.bit_generator.state == layer.rng.bit_generator.state
    assert all((masks[i] != masks[j]).any() for i in range(4) for j in range(i))
    assert masks.mean() == pytest.approx(1, abs=0.03)
    slopes = ag.vmap(ag.grad(lambda x: np.sum(found(x) ** 2)))(x)
    assert np.array_equal(slopes, 2 * np.stack([plain(layer(row)) for row in x]) / 0.7)


def test_dropout_draws_in_every_level_and_for_what_is_the_same():
    layer, other = nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=0)
    x = np.ones((3, 8))
    both = plain(ag.vmap(lambda a: ag.vmap(lambda b: layer(a + 0 * b))(x))(x))
    assert np.array_equal(both, [[plain(other(row)) for _ in x] for row in x])
    same = plain(ag.vmap(lambda i: layer(x[0]))(np.arange(5)))
    assert same.shape == (5, 8)
    assert (same != same[0]).any()


def test_dropout_in_a_program_draws_anew():
    layer, other = nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=0)
    step = ag.vmap(ag.grad(lambda x: np.sum(layer(x) ** 2)))
    compiled, x = ag.compile(step), np.ones((3, 8))
    for _ in range(3):
        assert np.array_equal(compiled(x), 4 * np.stack([plain(other(row)) for row in x]))
    assert compiled.traces == 1


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
def test_batch_norm_in_training_is_refused(name):
    layer = make(name).train()
    x, state = input_of(make(name)), {k: np.stack([v] * 3) for k, v in layer.named_buffers()}
    for call in (lambda: ag.vmap(layer)(x),
                 lambda: ag.vmap(lambda s: nn.functional_call(layer, s, x[0]))(state)):  # fmt: skip
        with pytest.raises(ag.VmapError, match=f"{name} in training .*GroupNorm"):
            call()
    assert layer.num_batches_tracked == 0


def test_an_ensemble_of_parameters_and_buffers():
    model = (
        nn.Sequential(nn.Conv2d(4, 3, 3, rng=0), nn.BatchNorm2d(3), nn.Flatten()).to(float).eval()
    )
    before = model.state_dict()
    state = {k: rng.uniform(0.5, 1.5, (3, *a.shape)) for k, a in before.items() if a.ndim}
    assert_equals_the_loop(
        lambda state: nn.functional_call(model, state, INPUTS[0][0]), (0,), [state]
    )
    assert all(np.array_equal(before[k], a) for k, a in model.state_dict().items())
