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
    ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05, "amsgrad": True, "betas": (0.5, 0.7)}),
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
    second = make(broken, lr=9.0, **{k: v for k, v in settings.items() if k == "amsgrad"})
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
    with pytest.raises(TypeError, match=r"write Adam\(\[parameter\]"):
        nn.Adam(a, lr=1)
    for given in (nn.Linear(2, 1), {"params": nn.Linear(2, 1)}):
        with pytest.raises(TypeError, match=r"write model.parameters\(\)"):
            nn.SGD([given] if isinstance(given, dict) else given, lr=1)
    with pytest.raises(TypeError, match=r"got tuple; write model.parameters\(\)"):
        nn.SGD(nn.Linear(2, 1).named_parameters(), lr=1)
    with pytest.raises(TypeError, match="a set has none"):
        nn.SGD({a}, lr=1)
    with pytest.raises(TypeError, match='a dict with "params"'):
        nn.SGD([{"params": [a]}, a], lr=1)
    for given in ([a * 1], [{"params": a * 1}]):
        with pytest.raises(ValueError, match="result of an operation"):
            nn.SGD(given, lr=1)


def test_a_group_may_be_one_parameter():
    a, b, _ = parameters()
    optimizer = nn.SGD([{"params": a}, {"params": [b], "lr": 0.5}], lr=1)
    assert [g["params"] for g in optimizer.param_groups] == [[a], [b]]
    optimizer = nn.SGD([{"params": a, "lr": 0.5}])
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS"])
def test_a_missing_step_size_is_named_with_that_of_pytorch(name):
    with pytest.raises(TypeError, match=rf"{name} needs a step size.*lr=") as error:
        getattr(nn, name)(parameters())
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)])
    assert f"lr={theirs.param_groups[0]['lr']:g})" in str(error.value)


@pytest.mark.parametrize(("name", "settings"), [
    ("Adam", {"eps": -1e-8}),
    ("Adam", {"eps": "small"}),
    ("Adam", {"betas": (0.9,)}),
    ("Adam", {"betas": (0.9, 0.99, 0.999)}),
    ("Adam", {"betas": 0.9}),
    ("Adam", {"weight_decay": float("nan")}),
    ("RMSprop", {"alpha": 1.0}),
    ("RMSprop", {"momentum": -0.1}),
    ("SGD", {"momentum": True}),
    ("Adagrad", {"lr_decay": -1}),
])  # fmt: skip
def test_every_setting_has_a_range(name, settings):
    (setting,) = settings
    with pytest.raises(ValueError, match=f"{name}: {setting} "):
        getattr(nn, name)(parameters(), lr=0.1, **settings)


class Signs(nn.Optimizer):
    """Steps of one length: an optimizer with no setting but its rate."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr=lr)

    def update(self, p, data, g, group):
        data -= group["lr"] * np.sign(g)


class PlainAdam(nn.Adam):
    """Adam without weight decay among its settings."""

    def __init__(self, parameters, lr):
        nn.Optimizer.__init__(self, parameters, lr=lr, betas=(0.9, 0.999), eps=1e-8)


def test_a_subclass_needs_no_weight_decay():
    model, data = nn.Linear(2, 1, rng=0), (np.ones((4, 2), np.float32), np.ones((4, 1)))
    before = model.weight.data.copy()
    optimizer = Signs(model.parameters(), lr=0.25)
    nn.fit(model, [data], nn.mse_loss, optimizer, 1, progress=False)
    assert (np.abs(model.weight.data - before) == 0.25).all()
    a, b = parameters(), parameters()
    for optimizer, ps in ((PlainAdam(a, 0.1), a), (nn.Adam(b, 0.1), b)):
        step(optimizer, ps)
        optimizer.load_state_dict(optimizer.state_dict())
        step(optimizer, ps)
    np.testing.assert_array_equal(a[0].data, b[0].data)


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize(("kind", "options"), [
    (nn.SGD, {}), (nn.SGD, {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    (nn.SGD, {"momentum": 0.9, "nesterov": True}), (nn.Adam, {"weight_decay": 0.1}),
    (nn.AdamW, {}), (nn.RMSprop, {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    (nn.RMSprop, {"momentum": 0.5}), (nn.Adagrad, {"weight_decay": 0.1, "lr_decay": 0.1}),
])  # fmt: skip
def test_large_parameters_move_like_their_rows(kind, options, fortran):
    """Test that the blocks of a step change nothing, whatever the layout of weight and gradient."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 30_000)).astype(np.float32)
    rows = [nn.Parameter(v) for v in values]
    whole = nn.Parameter(np.asfortranarray(values) if fortran else values)
    first, second = kind([whole], lr=0.01, **options), kind(rows, lr=0.01, **options)
    for _ in range(3):
        g = rng.normal(size=values.shape).astype(np.float32)
        whole.grad = ag.tensor(np.asfortranarray(g) if fortran else g)
        for p, row in zip(rows, g, strict=True):
            p.grad = ag.tensor(row)
        first.step()
        second.step()
        assert np.array_equal(whole.data, [p.data for p in rows])


def test_groups_are_added_as_in_pytorch():
    torch = pytest.importorskip("torch")
    ours, theirs = parameters(), [torch.tensor(p.data, requires_grad=True) for p in parameters()]
    mine = nn.Adam(ours[:2], lr=0.05, weight_decay=0.1)
    other = torch.optim.Adam(theirs[:2], lr=0.05, weight_decay=0.1)
    for n in range(6):
        if n == 3:
            mine.add_param_group({"params": ours[2], "lr": 0.01})
            other.add_param_group({"params": [theirs[2]], "lr": 0.01})
        for optimizer, ps in ((mine, ours), (other, theirs)):
            optimizer.zero_grad()
            cost(ps).backward()
            optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        assert p.numpy() == pytest.approx(q.detach().numpy(), rel=1e-12)
    assert [g["weight_decay"] for g in mine.param_groups] == [0.1, 0.1]
    with pytest.raises(ValueError, match="twice"):
        mine.add_param_group({"params": ours[0]})
    with pytest.raises(ValueError, match="no setting speed"):
        mine.add_param_group({"params": [nn.Parameter([1.0])], "speed": 1})
    assert len(mine.param_groups) == 2


def test_the_settings_of_amsgrad_are_only_those_who_ask_have():
    """So that checkpoints of version 0.1 fit."""
    p = parameters()
    assert "amsgrad" not in nn.Adam(p, lr=0.1).param_groups[0]
    optimizer = nn.Adam(p, lr=0.1, amsgrad=True)
    step(optimizer, p)
    state = optimizer.state_dict()
    with pytest.raises(nn.StateError):
        nn.Adam(p, lr=0.1).load_state_dict(state)
    again = nn.Adam(p, lr=0.1, amsgrad=True)
    again.load_state_dict(state)
    assert (again.state[p[0]]["largest"] == optimizer.state[p[0]]["largest"]).all()
