"""Optimizers against PyTorch over 50 steps, their state, and what they refuse."""

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
def test_state_goes_on_where_it_was(name, settings):
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


def test_clipping_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    for limit in (0.5, 1e6):
        ours = parameters()
        theirs = [torch.tensor(p.data.copy(), requires_grad=True) for p in ours]
        cost(ours).backward()
        cost(theirs).backward()
        norm = nn.clip_grad_norm_(ours, limit)
        assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(theirs, limit)))
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=1e-12)
    nn.clip_grad_value_(ours, 0.1)
    assert max(np.abs(p.grad.data).max() for p in ours) <= 0.1


def test_a_norm_that_is_not_finite_changes_nothing():
    w = nn.Parameter([1.0, 2.0])
    w.grad = ag.tensor(np.array([np.nan, 1.0], np.float32))
    assert np.isnan(nn.clip_grad_norm_([w], 1.0))
    assert w.grad.numpy()[1] == 1.0


def test_schedules_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    kinds, s = torch.optim.lr_scheduler, nn.schedules
    pairs = [
        (lambda o: kinds.StepLR(o, 3, 0.5), s.step(0.4, 3, 0.5)),
        (lambda o: kinds.ExponentialLR(o, 0.9), s.exponential(0.4, 0.9)),
        (lambda o: kinds.CosineAnnealingLR(o, 10, 0.1), s.cosine(0.4, 10, 0.1)),
        (lambda o: kinds.LinearLR(o, 0.25, 1.0, 5), s.linear(0.1, 0.4, 5)),
    ]
    for theirs, ours in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
        rate = theirs(optimizer)
        for n in range(10):
            assert ours(n) == pytest.approx(rate.get_last_lr()[0], rel=1e-9)
            optimizer.step()
            rate.step()


def test_warming_up_and_one_cycle():
    s = nn.schedules
    assert [s.linear_warmup(1.0, 4)(n) for n in (0, 3, 9)] == [0.25, 1.0, 1.0]
    rates = [s.one_cycle(1.0, 20)(n) for n in range(21)]
    assert max(rates) == rates[6] == 1.0
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] < 1e-5
    with pytest.raises(ValueError, match="at least one step"):
        s.cosine(1.0, 0)


def test_each_group_has_a_schedule_of_its_own():
    a, b, _ = parameters()
    optimizer = nn.SGD([{"params": [a]}, {"params": [b]}], lr=0.0)
    rate = nn.schedules.Scheduled(optimizer, [lambda n: n, lambda n: 10.0 * n])
    rate.step()
    rate.step()
    assert [g["lr"] for g in optimizer.param_groups] == [1, 10.0]
    with pytest.raises(ValueError, match="3 schedules for 2 groups"):
        nn.schedules.Scheduled(optimizer, [lambda n: 0.0] * 3)
