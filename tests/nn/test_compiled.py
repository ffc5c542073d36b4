"""Layers, losses and optimizers, compiled: results and states equal the eager ones bit for bit."""

import copy
import subprocess
import sys

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.program.compiled import compile

RNG = np.random.default_rng


def equal(a, b):
    """Return whether trees of arrays, Tensors and numbers are equal bit for bit."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, ag.Tensor) or isinstance(b, ag.Tensor):
        return type(a) is type(b) and equal(a.data, b.data)
    return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")


def state_of(model, optimizer=None):
    """Return all numbers of a model and an optimizer, and the gradients."""
    gradients = [None if p.grad is None else p.grad.data for p in model.parameters()]
    kept = [g for g in gradients if g is not None]
    return model.state_dict(), kept, optimizer.state_dict() if optimizer else None


def steps_agree(model, batches, loss, optimizer=None, clip=None):
    """Train a model and a copy of it, compiled; after each step all is equal."""
    pairs = []
    for m in (model, copy.deepcopy(model)):
        o = optimizer(m.parameters()) if optimizer and list(m.parameters()) else None

        def step(*batch, m=m, o=o):
            xs = [ag.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x for x in batch]
            result = m(*xs)
            value = loss(result)
            m.zero_grad()
            value.backward()
            if clip:
                nn.clip_grad_norm_(m.parameters(), clip)
            if o:
                o.step()
            return ag.tensor(value.data), [x.grad for x in xs if isinstance(x, ag.Tensor)]

        pairs.append((m, o, step))
    (m, o, eager), (n, p, f) = pairs
    compiled = compile(f)
    for batch in batches:
        assert equal(eager(*batch), compiled(*batch))
        assert equal(state_of(m, o), state_of(n, p))
    assert compiled.traces
    return compiled


@pytest.mark.parametrize("seed", range(40))
def test_layers_of_random_configurations(seed, monkeypatch):
    pytest.importorskip("torch", reason="draws configurations with PyTorch's layers")
    from tests.nn import parity

    drawn = []

    def keep(draw, ours, theirs, *inputs, calls=1, scale=1.0, **options):
        drawn.append((ours, inputs))

    monkeypatch.setattr(parity, "compare_modules", keep)
    families = [n for n in parity.FAMILIES if n not in ("loss", "optimizer")]
    for i, name in enumerate(families):
        draw = parity.Draw(1000 * seed + i)
        with np.errstate(all="ignore"):
            parity.FAMILIES[name](draw)
        if not drawn:
            continue
        model, inputs = drawn.pop()
        if draw.flag():
            model.eval()

        def loss(result):
            parts = result if isinstance(result, (list, tuple)) else [result]
            parts = [p for p in parts if p is not None]
            total = 0.0
            for p in parts:
                for q in p if isinstance(p, (list, tuple)) else [p]:
                    wave = np.cos(np.arange(q.size).reshape(q.shape) + 1.5)
                    total = total + np.sum(q * wave.astype(q.dtype))
            return total

        batches = [
            [a + a.dtype.type(k) if a.dtype.kind == "f" else a for a in inputs] for k in range(3)
        ]
        needs = [p for p in model.parameters() if p.requires_grad]
        if not needs and not any(a.dtype.kind == "f" for a in inputs):
            continue
        with np.errstate(all="ignore"):
            steps_agree(model, batches, loss, lambda ps: nn.SGD(ps, lr=1e-3))


def classifier(*layers):
    return nn.Sequential(nn.Linear(8, 12, rng=0), *layers, nn.Linear(12, 5, rng=1))


def batches(count=8, dtype=np.float32):
    rng = RNG(3)
    return [[rng.random((6, 8)).astype(dtype)] for _ in range(count)]


TARGET = RNG(4).integers(0, 5, 6)


@pytest.mark.parametrize("optimizer", [
    lambda ps: nn.SGD(ps, lr=0.1), lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, nesterov=True),
    lambda ps: nn.SGD(ps, lr=0.1, momentum=0.9, dampening=0.2, weight_decay=0.01),
    lambda ps: nn.Adam(ps, lr=0.01), lambda ps: nn.Adam(ps, lr=0.01, weight_decay=0.1),
    lambda ps: nn.AdamW(ps, lr=0.01), lambda ps: nn.RMSprop(ps, lr=0.01, momentum=0.5),
    lambda ps: nn.RMSprop(ps, lr=0.01, centered=True),
    lambda ps: nn.Adagrad(ps, lr=0.1, lr_decay=0.1), lambda ps: nn.Adam(ps, lr=0.01, amsgrad=True),
])  # fmt: skip
@pytest.mark.parametrize("clip", [None, 0.1])
def test_optimizers(optimizer, clip):
    model = classifier(nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3, rng=7))
    compiled = steps_agree(
        model, batches(12), lambda z: nn.cross_entropy(z, TARGET), optimizer, clip
    )
    assert compiled.traces <= 3


@pytest.mark.parametrize("layer", [
    nn.ReLU(), nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.ELU(),
    nn.LeakyReLU(), nn.Softplus(), nn.Softmax(), nn.LogSoftmax(), nn.LayerNorm(12),
    nn.GroupNorm(3, 12), nn.BatchNorm1d(12), nn.Dropout(0.5, rng=0),
    nn.ReLU6(), nn.Mish(), nn.Hardswish(), nn.SELU(), nn.PReLU(12), nn.RMSNorm(12),
    nn.LayerNorm(12, bias=False), nn.TransformerEncoderLayer(12, 3, 8, 0.2, rng=0),
])  # fmt: skip
def test_activations_and_norms(layer):
    steps_agree(
        classifier(layer), batches(), lambda z: nn.cross_entropy(z, TARGET),
        lambda ps: nn.Adam(ps, lr=0.01),
    )  # fmt: skip


SOFT = RNG(5).dirichlet(np.ones(5), 6).astype(np.float32)
LOSSES = {
    "mse": lambda z: nn.mse_loss(z, SOFT),
    "mse none": lambda z: nn.mse_loss(z, SOFT, reduction="none").sum(),
    "l1": lambda z: nn.l1_loss(z, SOFT),
    "huber": lambda z: nn.huber_loss(z, SOFT, delta=0.3),
    "quadratic": lambda z: nn.quadratic_cost(z, SOFT),
    "bce logits": lambda z: nn.binary_cross_entropy_with_logits(z, np.round(SOFT)),
    "smooth l1": lambda z: nn.smooth_l1_loss(z, SOFT, beta=0.3),
    "bce weights": lambda z: nn.binary_cross_entropy_with_logits(
        z, np.round(SOFT), weight=np.arange(5.0), pos_weight=np.arange(1.0, 6.0)
    ),
    "bce": lambda z: nn.binary_cross_entropy(nn.sigmoid(z), SOFT),
    "kl": lambda z: nn.kl_div(nn.log_softmax(z), SOFT),
    "nll": lambda z: nn.nll_loss(nn.log_softmax(z), TARGET),
    "nll weight": lambda z: nn.nll_loss(nn.log_softmax(z), TARGET, weight=np.arange(1.0, 6.0)),
    "ce soft": lambda z: nn.cross_entropy(z, SOFT),
    "ce smooth": lambda z: nn.cross_entropy(z, TARGET, label_smoothing=0.1),
    "ce ignore": lambda z: nn.cross_entropy(z, np.where(TARGET == 1, -100, TARGET)),
    "ce weight": lambda z: nn.cross_entropy(z, TARGET, weight=np.arange(0.0, 5.0)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    steps_agree(classifier(nn.Tanh()), batches(), LOSSES[name], lambda ps: nn.SGD(ps, lr=0.1))


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_dtypes(dtype):
    model = classifier(nn.LayerNorm(12), nn.GELU()).to(dtype)
    steps_agree(
        model, batches(dtype=dtype), lambda z: nn.cross_entropy(z, TARGET),
        lambda ps: nn.SGD(ps, lr=0.01),
    )  # fmt: skip


def test_large_arrays_that_are_evaluated_in_blocks():
    model = nn.Sequential(nn.Linear(8, 12000, rng=0), nn.GELU(), nn.LayerNorm(12000), nn.Softmax())
    target = RNG(0).random((6, 12000), np.float32)
    steps_agree(
        model, batches(5), lambda z: nn.mse_loss(z, target), lambda ps: nn.Adam(ps, lr=0.01)
    )


def test_a_saved_step_goes_on_without_the_package(tmp_path):
    model = classifier(nn.BatchNorm1d(12), nn.GELU())
    optimizer = nn.Adam(model.parameters(), lr=0.01)

    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    compiled, (x,) = compile(step), batches(1)[0]
    compiled(x, TARGET), compiled(x, TARGET)
    compiled.save(tmp_path / "saved.py")
    np.savez(tmp_path / "data.npz", x=x, y=TARGET)
    alone = """
import sys
sys.modules.update(autograd_core=None, nn=None)
import numpy as np, saved
data = np.load("data.npz")
print([saved.step(data["x"], data["y"]) for _ in range(4)])
"""
    ran = subprocess.run(
        [sys.executable, "-c", alone], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.stderr == ""
    assert ran.stdout.strip() == str([compiled(x, TARGET) for _ in range(4)])
