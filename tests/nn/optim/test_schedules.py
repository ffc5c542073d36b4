"""Learning-rate schedules: against PyTorch, their shapes, and one for each group."""

import inspect
import pickle

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
        (lambda o: kinds.MultiStepLR(o, [2, 5, 5, 7], 0.5), s.multi_step(0.4, [5, 2, 7, 5], 0.5)),
        (
            lambda o: kinds.CosineAnnealingWarmRestarts(o, 3, 1, 0.1),
            s.warm_restarts(0.4, 3, 1, 0.1),
        ),
        (lambda o: kinds.CosineAnnealingWarmRestarts(o, 2, 2), s.warm_restarts(0.4, 2, 2)),
    ]
    for theirs, ours in pairs:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
        rate = theirs(optimizer)
        for n in range(10):
            assert ours(n) == pytest.approx(rate.get_last_lr()[0], rel=1e-9)
            optimizer.step()
            rate.step()


@pytest.mark.parametrize("steps", [2, 7, 10, 100, 333])
@pytest.mark.parametrize("warmup", [0.0, 0.3, 0.45, 0.9, 1.0])
@pytest.mark.parametrize("first", [25.0, 10.0])
def test_one_cycle_is_that_of_pytorch(steps, warmup, first):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.4, steps, pct_start=warmup, div_factor=first
    )
    ours = nn.schedules.one_cycle(0.4, steps, warmup, first)
    for n in range(steps):
        assert ours(n) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        if n < steps - 1:
            optimizer.step()
            theirs.step()
    assert ours(steps + 5) == pytest.approx(0.4 / first / 1e4)


def test_warming_up_and_what_is_refused():
    s = nn.schedules
    assert [s.linear_warmup(1.0, 4)(n) for n in (0, 3, 9)] == [0.25, 1.0, 1.0]
    with pytest.raises(ValueError, match="at least one step"):
        s.cosine(1.0, 0)
    with pytest.raises(ValueError, match="from 1 up"):
        s.warm_restarts(1.0, 5, 0.5)
    with pytest.raises(ValueError, match="from 0 to 1"):
        s.one_cycle(1.0, 10, warmup=3)


def test_schedules_can_be_pickled():
    s = nn.schedules
    every = [
        s.constant(0.1), s.step(0.1, 3), s.exponential(0.1, 0.9), s.linear(0.1, 0.2, 5),
        s.cosine(0.1, 5), s.linear_warmup(0.1, 5), s.one_cycle(0.1, 9),
        s.multi_step(0.1, [2, 4]), s.warm_restarts(0.1, 3, 2),
        s.sequential((3, s.linear_warmup(0.1, 3)), (9, s.cosine(0.1, 9))),
    ]  # fmt: skip
    makers = [f for f in vars(s).values() if inspect.isfunction(f) and f.__name__[0] != "_"]
    assert len(every) == len(makers)
    for schedule in every:
        again = pickle.loads(pickle.dumps(schedule))
        assert [again(n) for n in range(15)] == [schedule(n) for n in range(15)]


def test_each_group_has_a_schedule_of_its_own():
    a, b, _ = parameters()
    optimizer = nn.SGD([{"params": [a]}, {"params": [b]}], lr=0.0)
    rate = nn.schedules.Scheduled(optimizer, [lambda n: n, lambda n: 10.0 * n])
    rate.step()
    rate.step()
    assert [g["lr"] for g in optimizer.param_groups] == [1, 10.0]
    with pytest.raises(ValueError, match="3 schedules for 2 groups"):
        nn.schedules.Scheduled(optimizer, [lambda n: 0.0] * 3)
