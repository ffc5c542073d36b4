"""A small training that the tests of nn.training share."""

import numpy as np

import nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(53, 4)).astype(np.float32)
Y = nn.one_hot((X.sum(1) > 0).astype(int), 2)


def parts(seed=0, lr=0.5, optimizer=nn.SGD):
    init, order = np.random.default_rng(seed).spawn(2)
    model = nn.mlp([4, 5, 2], rng=init)
    loader = nn.DataLoader((X, Y), 10, shuffle=True, rng=order)
    return model, loader, nn.quadratic_cost, optimizer(model.parameters(), lr=lr)


def weights(model):
    return np.concatenate([a.ravel() for a in model.state_dict().values()])
