"""Example networks: MLP, LeNet-5, RNN, deep sigmoid, residual block."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import autograd_core as ag
import nn


class Conv2d(nn.Module):
    """A convolution by windows and einsum."""

    def __init__(self, n, m, kernel_size, padding=0, rng=None):
        self.in_channels, self.out_channels = n, m
        self.kernel_size, self.padding = kernel_size, padding
        rng = np.random.default_rng(rng)
        bound = (n * kernel_size**2) ** -0.5
        self.weight = nn.Parameter(rng.uniform(-bound, bound, (m, n, kernel_size, kernel_size)))
        self.bias = nn.Parameter(rng.uniform(-bound, bound, m))

    def forward(self, x):
        p, k = self.padding, self.kernel_size
        if p:
            x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        windows = sliding_window_view(x, (k, k), axis=(2, 3))
        return np.einsum("nchwij,mcij->nmhw", windows, self.weight) + self.bias[:, None, None]

    def describe(self):
        pad = f" pad {self.padding}" if self.padding else ""
        k = self.kernel_size
        return f"{k}×{k}{pad}, {self.in_channels} → {self.out_channels}"


class MaxPool(nn.Module):
    def __init__(self, size):
        self.size = size

    def forward(self, x):
        n, c, h, w = x.shape
        s = self.size
        return x.reshape(n, c, h // s, s, w // s, s).max(axis=(3, 5))

    def describe(self):
        return f"{self.size}×{self.size}"


class BatchNorm2d(nn.Module):
    def __init__(self, n):
        self.features = n
        self.gain, self.shift = nn.Parameter(np.ones(n)), nn.Parameter(np.zeros(n))

    def forward(self, x):
        mean = x.mean(axis=(0, 2, 3), keepdims=True)
        var = x.var(axis=(0, 2, 3), keepdims=True)
        z = (x - mean) / np.sqrt(var + 1e-5)
        return z * self.gain[:, None, None] + self.shift[:, None, None]

    def describe(self):
        return str(self.features)


class MLP(nn.Module):
    def __init__(self, rng=0):
        rng = np.random.default_rng(rng)
        self.fc1 = nn.Linear(784, 16, rng=rng)
        self.fc2 = nn.Linear(16, 16, rng=rng)
        self.out = nn.Linear(16, 10, rng=rng)

    def forward(self, x):
        return nn.sigmoid(self.out(nn.sigmoid(self.fc2(nn.sigmoid(self.fc1(x))))))


class LeNet5(nn.Module):
    def __init__(self, rng=0):
        rng = np.random.default_rng(rng)
        self.conv1 = Conv2d(1, 6, 5, padding=2, rng=rng)
        self.conv2 = Conv2d(6, 16, 5, rng=rng)
        self.pool = MaxPool(2)
        self.fc1 = nn.Linear(400, 120, rng=rng)
        self.fc2 = nn.Linear(120, 84, rng=rng)
        self.fc3 = nn.Linear(84, 10, rng=rng)

    def forward(self, x):
        x = self.pool(nn.relu(self.conv1(x)))
        x = self.pool(nn.relu(self.conv2(x)))
        x = x.reshape(x.shape[0], -1)
        return self.fc3(nn.relu(self.fc2(nn.relu(self.fc1(x)))))


class RNNCell(nn.Module):
    def __init__(self, n, m, rng=0):
        rng = np.random.default_rng(rng)
        self.W = nn.Parameter(rng.normal(size=(n, m)) * n**-0.5)
        self.U = nn.Parameter(rng.normal(size=(m, m)) * m**-0.5 * 0.55)
        self.b = nn.Parameter(np.zeros(m))

    def forward(self, x, h):
        return np.tanh(x @ self.W + h @ self.U + self.b)


class RNN(nn.Module):
    def __init__(self, n=8, m=16, outputs=4, rng=0):
        self.cell = RNNCell(n, m, rng)
        self.out = nn.Linear(m, outputs, rng=rng)
        self.width = m

    def forward(self, x):
        h = np.zeros((x.shape[0], self.width), np.float32)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.out(h)


class DeepSigmoid(nn.Module):
    def __init__(self, depth=8, rng=0):
        rng = np.random.default_rng(rng)
        sizes = [784] + [64] * (depth - 1) + [10]
        for i in range(depth):
            setattr(self, f"fc{i + 1}", nn.Linear(sizes[i], sizes[i + 1], rng=rng))
        self.depth = depth

    def forward(self, x):
        for i in range(self.depth):
            x = nn.sigmoid(getattr(self, f"fc{i + 1}")(x))
        return x


class ResidualBlock(nn.Module):
    def __init__(self, n=8, rng=0):
        rng = np.random.default_rng(rng)
        self.conv1, self.conv2 = Conv2d(n, n, 3, 1, rng), Conv2d(n, n, 3, 1, rng)
        self.bn1, self.bn2 = BatchNorm2d(n), BatchNorm2d(n)

    def forward(self, x):
        h = nn.relu(self.bn1(self.conv1(x)))
        return nn.relu(self.bn2(self.conv2(h)) + x)


def mlp():
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 784), np.float32), rng.random((32, 10), np.float32)
    model = MLP()
    return model, nn.mse_loss(model(x), y)


def lenet(batch=32):
    rng = np.random.default_rng(0)
    x = rng.random((batch, 1, 28, 28), np.float32)
    model = LeNet5()
    return model, nn.cross_entropy(model(x), rng.integers(0, 10, batch))


def rnn(steps=20):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, steps, 8)).astype(np.float32)
    y = rng.normal(size=(4, 4)).astype(np.float32)
    model = RNN()
    return model, nn.mse_loss(model(x), y)


def deep(depth=8):
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 784), np.float32), rng.random((32, 10), np.float32)
    model = DeepSigmoid(depth)
    return model, nn.mse_loss(model(x), y)


def residual():
    rng = np.random.default_rng(0)
    model = ResidualBlock()
    return model, model(ag.tensor(rng.random((4, 8, 8, 8), np.float32), name="x"))
