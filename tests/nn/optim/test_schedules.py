"""Learning-rate schedules: against PyTorch, their shapes, and one for each group."""

import pytest

import nn
from tests.nn.optim.test_optimizer import parameters


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
