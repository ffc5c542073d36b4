"""LBFGS: the steps of PyTorch, known minima, its state, and what it refuses."""

import numpy as np
import pytest

import autograd_core as ag
import nn


def rosenbrock(w):
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()


def wavy(w):
    return (w**4 / 4 - w**2 + 0.3 * w).sum() + (w[0] * w[1]) ** 2


def quadratic(w):
    scale = np.arange(1.0, 6.0) ** 2
    if not isinstance(w, nn.Parameter):
        scale = w.new_tensor(scale)
    return (scale * w * w).sum() / 2 + w.sum()


START = {
    rosenbrock: [-1.2, 1.0, -0.5, 0.8],
    wavy: [0.1, -0.2, 2.0],
    quadratic: [1.0, -2.0, 3.0, 0.5, 0.1],
}


def stepper(optimizer, loss, w):
    def closure():
        optimizer.zero_grad()
        value = loss(w)
        value.backward()
        return value

    return lambda: optimizer.step(closure)


@pytest.mark.parametrize("loss", START)
@pytest.mark.parametrize("settings", [
    {"lr": 1.0, "line_search_fn": "strong_wolfe"},
    {"lr": 1.0, "line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 3},
    {"lr": 8.0, "line_search_fn": "strong_wolfe", "max_iter": 2},
    {"lr": 0.01, "line_search_fn": "strong_wolfe", "max_iter": 4, "max_eval": 6},
    {"lr": 0.05, "line_search_fn": None, "max_iter": 5},
])  # fmt: skip
def test_steps_are_those_of_pytorch(loss, settings):
    torch = pytest.importorskip("torch")
    ours = nn.Parameter(START[loss], dtype=float)
    theirs = torch.tensor(START[loss], dtype=torch.float64, requires_grad=True)
    a = stepper(nn.LBFGS([ours], **settings), loss, ours)
    b = stepper(torch.optim.LBFGS([theirs], **settings), loss, theirs)
    for _ in range(10):
        first, second = a(), b()
        assert first.item() == pytest.approx(second.item(), rel=1e-9, abs=1e-12)
        assert ours.data == pytest.approx(theirs.detach().numpy(), rel=1e-9, abs=1e-9)


def test_a_quadratic_is_solved_in_as_many_directions_as_it_has():
    w = nn.Parameter(START[quadratic], dtype=float)
    optimizer = nn.LBFGS([w], lr=1.0, max_iter=12)
    stepper(optimizer, quadratic, w)()
    assert w.data == pytest.approx(-1 / np.arange(1.0, 6.0) ** 2, abs=1e-4)


def test_several_parameters_and_one_without_gradient():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    y = x @ [1.0, -2.0, 0.5] + 3
    layer, idle = nn.Linear(3, 1, rng=0, dtype=float), nn.Parameter([7.0], dtype=float)
    optimizer = nn.LBFGS([*layer.parameters(), idle], lr=1.0, max_iter=50)
    closure = stepper(optimizer, lambda m: nn.mse_loss(m(x)[:, 0], y), layer)
    assert closure().item() > 1
    assert layer.weight.data.ravel() == pytest.approx([1, -2, 0.5], abs=1e-4)
    assert layer.bias.data == pytest.approx([3], abs=1e-4)
    assert idle.data == pytest.approx([7.0])


def test_the_search_returns_to_the_domain_of_the_loss():
    w = nn.Parameter([30.0], dtype=float)
    optimizer = nn.LBFGS([w], lr=50.0, max_iter=30, max_eval=1000)
    tried = []

    def loss(w):
        tried.append(w.data.item())
        return (w - 5 * np.log(w)).sum()

    with np.errstate(all="ignore"):
        stepper(optimizer, loss, w)()
    assert min(tried) < 0
    assert w.data == pytest.approx([5.0], abs=1e-5)


@pytest.mark.parametrize("before", [0, 1, 4])
def test_a_restored_state_continues(before, tmp_path):
    def make(values):
        w = nn.Parameter(values, dtype=float)
        optimizer = nn.LBFGS([w], lr=1.0, max_iter=2, history_size=3)
        return w, optimizer, stepper(optimizer, rosenbrock, w)

    w, optimizer, step = make(START[rosenbrock])
    for _ in range(before):
        step()
    again, other, go_on = make(w.data.copy())
    other.load_state_dict(optimizer.state_dict())
    for _ in range(5):
        step()
        go_on()
    assert np.array_equal(w.data, again.data)
    with pytest.raises(nn.StateError, match="shape"):
        nn.LBFGS([nn.Parameter([1.0])], lr=1.0).load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda w: nn.LBFGS([w], lr=1.0).step(), TypeError, r"step\(closure\)"),
    (lambda w: nn.LBFGS([w], lr=-1.0), ValueError, "lr is a number"),
    (lambda w: nn.LBFGS([w], lr=1.0, max_iter=0), ValueError, "from 1 up"),
    (lambda w: nn.LBFGS([w], lr=1.0, line_search_fn="armijo"), ValueError, "strong_wolfe"),
    (lambda w: nn.LBFGS([{"params": [w]}, {"params": [nn.Parameter([1.0])]}], lr=1.0),
     ValueError, "one group"),
])  # fmt: skip
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(nn.Parameter([1.0]))


def test_each_pair_is_of_gradients_of_one_batch():
    """Alternate between two losses whose gradients differ by a constant: one Hessian."""
    w = nn.Parameter([1.0, -2.0, 3.0, 0.5, 0.1], dtype=float)
    optimizer = nn.LBFGS([w], lr=1.0, max_iter=2)
    for batch in range(6):
        sign = 1 if batch % 2 else -1
        stepper(optimizer, lambda w, s=sign: quadratic(w) + s * 1e3 * w.sum(), w)()
        memory = optimizer.state_dict()["state"][0]
        curvatures = memory["y"] / memory["s"]
        np.testing.assert_allclose(curvatures, [np.arange(1.0, 6.0) ** 2] * len(curvatures))
    assert len(memory["s"]) >= 5


@ag.primitive
def half_defined(x):
    """Return the squares, with a gradient of nan below 0."""
    return x * x


half_defined.defvjp(lambda g, _out, x: g * np.where(x < 0, np.nan, 2 * x))


@pytest.mark.parametrize("search", ["strong_wolfe", None])
def test_a_gradient_that_is_not_finite_is_outside_the_domain(search):
    w = nn.Parameter([3.0, 1.0], dtype=float)
    optimizer = nn.LBFGS([w], lr=100.0, max_iter=3, max_eval=50, line_search_fn=search)
    seen = []

    def loss(w):
        seen.append(w.data.min())
        return half_defined(w).sum()

    for _ in range(3):
        stepper(optimizer, loss, w)()
    assert min(seen) < 0
    assert np.isfinite(w.data).all()
    if search:
        assert w.data.max() < 1
