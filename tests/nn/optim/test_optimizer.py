"""All optimizers but LBFGS: against PyTorch over 50 steps, their state, and what they refuse."""

import numpy as np
import pytest

import autograd_core as ag
import nn

SETTINGS = [
    ("SGD", {"lr": 0.05}),
    ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.2}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-4, "weight_decay": 0.1, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.9}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1, "eps": 1e-4}),
]


def parameters():
    rng = np.random.default_rng(0)
    return [nn.Parameter(rng.normal(size=s), dtype=np.float64) for s in ((3, 4), (4,), ())]


def cost(ps):
    a, b, c = ps
    return ((a * a - b) ** 2).sum() + (c * b).sum() ** 2 + c * c


def step(optimizer, ps):
    optimizer.zero_grad()
    cost(ps).backward()
    optimizer.step()


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_fifty_steps_equal_pytorch(name, settings):
    torch = pytest.importorskip("torch")
    ours = parameters()
    theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
    a, b = getattr(nn, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings)
    for _ in range(50):
        step(a, ours)
        step(b, theirs)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-12)


def test_groups_have_settings_of_their_own():
    a, b, c = parameters()
    optimizer = nn.SGD([{"params": [a], "lr": 0.5}, {"params": [b, c]}], lr=0.1)
    before = [p.data.copy() for p in (a, b)]
    cost((a, b, c)).backward()
    optimizer.step()
    np.testing.assert_allclose(a.data, before[0] - 0.5 * a.grad.data)
    np.testing.assert_allclose(b.data, before[1] - 0.1 * b.grad.data)


def test_a_parameter_without_gradient_stays():
    a, b, c = parameters()
    optimizer, before = nn.Adam([a, b, c], lr=0.1), c.data.copy()
    (a.sum() + b.sum()).backward()
    optimizer.step()
    assert c.data == before
    optimizer.zero_grad()
    assert a.grad is None


@pytest.mark.parametrize(("name", "settings"), SETTINGS[3:])
def test_a_restored_state_continues(name, settings):
    make = getattr(nn, name)
    straight, broken = parameters(), parameters()
    optimizer = make(straight, **settings)
    for _ in range(6):
        step(optimizer, straight)
    first = make(broken, **settings)
    for _ in range(3):
        step(first, broken)
    second = make(broken, lr=9.0)
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        step(second, broken)
    for p, q in zip(straight, broken, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_a_state_that_does_not_fit_changes_nothing():
    ps = parameters()
    optimizer = nn.Adam(ps, lr=0.1)
    step(optimizer, ps)
    state = optimizer.state_dict()
    with pytest.raises(nn.StateError, match="shape"):
        nn.Adam([ps[1], ps[0], ps[2]], lr=0.1).load_state_dict(state)
    with pytest.raises(nn.StateError, match="groups"):
        nn.Adam(ps[:2], lr=0.1).load_state_dict(state)


def test_a_step_between_forward_and_backward_is_noticed():
    ps = parameters()
    optimizer = nn.SGD(ps, lr=0.1)
    step(optimizer, ps)
    loss = cost(ps)
    optimizer.step()
    with pytest.raises(ag.MutationError):
        loss.backward()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr": -1}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": "fast"}, "lr"),
        ({"lr": 1, "momentum": -1}, "momentum"),
        ({"lr": 1, "nesterov": True}, "nesterov"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.SGD(parameters(), **settings)


def test_what_is_no_parameter():
    with pytest.raises(ValueError, match="no parameters"):
        nn.SGD([], lr=1)
    with pytest.raises(TypeError, match="ndarray"):
        nn.SGD([np.zeros(2)], lr=1)
    a = parameters()[0]
    with pytest.raises(ValueError, match="twice"):
        nn.SGD([a, a], lr=1)
    with pytest.raises(ValueError, match="betas"):
        nn.Adam([a], lr=1, betas=(1, 0.9))
    with pytest.raises(ValueError, match="no setting speed"):
        nn.SGD([{"params": [a], "speed": 1}], lr=1)
    with pytest.raises(TypeError, match="lr"):
        nn.SGD([a])
