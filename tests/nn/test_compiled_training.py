"""Training steps, compiled, while somebody changes the model or optimizer between them; across files."""

import copy
import pickle

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.program.compiled import compile
from tests.nn.test_compiled import equal, state_of

RNG = np.random.default_rng
X = RNG(0).normal(size=(6, 8)).astype(np.float32)
TARGET = RNG(1).integers(0, 5, 6)


def network(*layers):
    return nn.Sequential(nn.Linear(8, 12, rng=0), *layers, nn.Linear(12, 5, rng=1))


def noisy():
    return network(nn.BatchNorm1d(12), nn.Dropout(0.3, rng=3))


def sgd(parameters):
    return nn.SGD(parameters, lr=0.1, momentum=0.9)


def plain(model, optimizer, x):
    loss = nn.cross_entropy(model(x), TARGET)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def agree(change=None, make=network, step=plain, optimizer=sgd, at=(3, 6), calls=8, traces=5):
    """Train eagerly and compiled; ``change(model, optimizer, n)`` is made before some calls."""
    for check in (True, False):
        m, n = make(), make()
        o, p = optimizer(m.parameters()), optimizer(n.parameters())
        compiled, count = compile(lambda x, n=n, p=p: step(n, p, x), check=check), 0
        for i in range(calls):
            if change and i in at:
                change(m, o, count)
                change(n, p, count)
                count += 1
            x = (X * (1 + 0.1 * i)).astype(X.dtype)
            assert equal(step(m, o, x), compiled(x)), i
            assert equal(state_of(m, o), state_of(n, p)), i
        assert 1 <= compiled.traces <= traces


def freezes(m, o, n):
    for p in m[0].parameters():
        p.requires_grad = bool(n)


def replaces(m, o, n):
    m[0].weight = nn.Parameter(RNG(n).normal(size=m[0].weight.shape).astype(np.float32))


def copies(m, o, n):
    m.load_state_dict(pickle.loads(pickle.dumps(copy.deepcopy(m))).state_dict())


def sets(**options):
    def change(m, o, n):
        for name, values in options.items():
            o.param_groups[0][name] = values[n]

    return change


@pytest.mark.parametrize(("change", "make"), [
    (freezes, network), (replaces, network), (copies, network),
    (lambda m, o, n: m.train(bool(n)), noisy),
    (lambda m, o, n: m.to([np.float64, np.float32][n]), network),
    (lambda m, o, n: m.load_state_dict(network().state_dict()), network),
    (lambda m, o, n: o.load_state_dict(copy.deepcopy(o.state_dict())), network),
    (lambda m, o, n: setattr(m[2], "p", [0.9, 0.0][n]), noisy),
    (lambda m, o, n: setattr(m[2], "rng", RNG(n)), noisy),
    (sets(momentum=[0.0, 0.5]), network), (sets(weight_decay=[0.1, 0.0]), network),
])  # fmt: skip
def test_changes_between_steps(change, make):
    agree(change, make)


def test_a_rate_that_changes_at_each_step():
    agree(lambda m, o, n: sets(lr=0.1 / np.arange(1, 9))(m, o, n), at=range(1, 9), traces=2)


def test_gradients_that_somebody_clears():
    def step(m, o, x):
        loss = nn.cross_entropy(m(x), TARGET)
        loss.backward()
        o.step()
        return loss.item()

    agree(lambda m, o, n: m.zero_grad(), step=step)


def test_gradients_of_two_batches():
    def step(m, o, x):
        o.zero_grad()
        for part in (x[:3], x[3:]):
            (nn.cross_entropy(m(part), TARGET[:3]) / 2).backward()
        o.step()

    agree(step=step)


def test_gradients_that_add_up_over_calls():
    def make():
        model = network()
        model.count = 0
        return model

    def step(m, o, x):
        loss = nn.cross_entropy(m(x), TARGET) / 2
        loss.backward()
        m.count += 1
        if m.count % 2 == 0:
            o.step()
            o.zero_grad()
        return loss.item()

    agree(make=make, step=step)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = (nn.Linear(8, 8, rng=i) for i in range(2))
        self.c = nn.Linear(8, 5, rng=2)
        self.b.weight = self.a.weight
        self.unused = nn.Parameter(np.ones(3, np.float32))

    def forward(self, x):
        return self.c(nn.tanh(self.b(nn.tanh(self.a(x)))))


def test_a_shared_parameter_and_one_without_gradient():
    def part(m, o, n):
        if n:
            m.b.weight = nn.Parameter(m.a.weight.data.copy())

    agree(part, Tied)


class Flat(nn.Module):
    """Has parameters that are views of one array."""

    def __init__(self):
        super().__init__()
        self.flat = RNG(0).normal(size=45).astype(np.float32)
        self.w, self.b = (
            nn.Parameter(np.zeros((8, 5), np.float32)),
            nn.Parameter(np.zeros(5, np.float32)),
        )
        self.w.data, self.b.data = self.flat[:40].reshape(8, 5), self.flat[40:]

    def forward(self, x):
        return x @ self.w + self.b


def test_parameters_that_are_views_of_one_array():
    def step(m, o, x):
        found = plain(m, o, x)
        m.flat *= np.float32(0.99)
        return found, m.flat.sum()

    agree(make=Flat, step=step)
    agree(lambda m, o, n: m.flat.fill(0.1 * n), make=Flat)


class Remembers(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(8, 8, rng=0), nn.Linear(8, 5, rng=1)
        self.h, self.seen = None, np.zeros(1, np.float32)

    def forward(self, x):
        h = np.zeros((6, 8), np.float32) if self.h is None else self.h
        h = nn.tanh(self.inner(x) + h * np.float32(0.5))
        self.h = h.detach()
        self.seen = self.seen + np.float32(1)
        return self.outer(h)


def test_a_state_that_is_carried_and_reset():
    agree(lambda m, o, n: setattr(m, "h", None), Remembers)


def test_a_penalty_on_gradients():
    def by_transform(m, o, x):
        o.zero_grad()
        slope = ag.grad(lambda t: np.sum(np.tanh(m(t))))(ag.tensor(x))
        loss = np.sum(slope * slope)
        loss.backward()
        o.step()
        return loss.item()

    def by_create_graph(m, o, x):
        o.zero_grad()
        nn.cross_entropy(m(x), TARGET).backward(create_graph=True)
        loss = sum(np.sum(p.grad * p.grad) for p in m.parameters())
        o.zero_grad()
        loss.backward()
        o.step()
        return loss.item()

    for step in (by_transform, by_create_graph):
        agree(make=lambda: network(nn.Tanh()), step=step)


def test_a_checkpointed_layer_and_an_evaluation_inside():
    def step(m, o, x):
        with nn.evaluating(m):
            told = m(x).data.sum()
        o.zero_grad()
        h = ag.checkpoint(m[0])(ag.tensor(x, requires_grad=True))
        loss = nn.cross_entropy(m[3](m[2](m[1](h))), TARGET)
        loss.backward()
        o.step()
        return loss.item(), told

    agree(make=noisy, step=step)


class Signs:
    """An optimizer of the user's, with state in plain Python."""

    def __init__(self, parameters):
        self.parameters, self.t, self.seen = list(parameters), 0, []
        self.means = [np.zeros_like(p.data) for p in self.parameters]

    def zero_grad(self):
        for p in self.parameters:
            p.grad = None

    def step(self):
        self.t += 1
        for i, p in enumerate(self.parameters):
            p.data -= 0.01 / self.t * np.sign(0.9 * self.means[i] + 0.1 * p.grad.data)
            self.means[i] = 0.99 * self.means[i] + 0.01 * p.grad.data
        self.seen.append(self.t)

    def state_dict(self):
        return {"t": self.t, "means": self.means, "seen": self.seen}


def test_an_optimizer_of_the_users():
    agree(optimizer=Signs)
