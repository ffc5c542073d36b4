"""Modules: what is found inside them, their state, mode, dtype and repr."""

import collections
import copy
import functools
import pickle
import threading
import types

import numpy as np
import pytest

import autograd_core as ag
import nn


class Odd(nn.Module):
    """Module with parameters in attributes, lists, tuples and dicts; one is shared; a cycle."""

    def __init__(self):
        self.first = nn.Parameter([1.0])
        self.layers = [nn.Linear(2, 2, rng=0), (nn.Linear(2, 2, rng=1),)]
        self.table = {"a": nn.Parameter([2.0]), "b": self.first}
        self.me = self
        self.size = 3

    def forward(self, x):
        return x


NAMES = [
    "first",
    "layers.0.weight",
    "layers.0.bias",
    "layers.1.0.weight",
    "layers.1.0.bias",
    "table.a",
]


def test_parameters_are_found_once_in_order():
    assert [n for n, _ in Odd().named_parameters()] == NAMES
    assert [n for n, _ in Odd().named_modules()] == ["", "layers.0", "layers.1.0"]


def test_a_module_without_forward_is_refused():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1)
    with pytest.raises(AttributeError):
        _ = nn.Module().weigth


def test_state_dict_is_a_copy_and_loads_back():
    a, b = nn.mlp([3, 4, 2], rng=0), nn.mlp([3, 4, 2], rng=1)
    state = a.state_dict()
    assert list(state) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    b.load_state_dict(state)
    state["0.weight"][:] = 7
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(a(x).data, b(x).data)


def test_load_state_dict_lists_every_mismatch_and_changes_nothing():
    model = nn.mlp([3, 4, 2], rng=0)
    before = model.state_dict()
    wrong = {
        "0.weight": np.zeros((4, 1)),
        "0.bias": np.ones(4),
        "2.weight": np.zeros((2, 4)),
        "x": 1,
    }
    with pytest.raises(nn.StateError) as error:
        model.load_state_dict(wrong)
    for part in ("0.weight has shape (4, 1), expected (4, 3)", "missing: 2.bias", "unexpected: x"):
        assert part in str(error.value)
    with pytest.raises(nn.StateError, match=r"\(4, 1\)"):
        model.load_state_dict(wrong, strict=False)
    with pytest.raises(nn.StateError, match="holds <U1"):
        model.load_state_dict({**before, "2.bias": np.array(["a", "b"])})
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    del wrong["0.weight"]
    assert model.load_state_dict(wrong, strict=False) == (["0.weight", "2.bias"], ["x"])
    assert (model[0].bias.data == 1).all()


def test_loading_leaves_an_earlier_graph_alone():
    model = nn.Linear(2, 1, init=lambda shape, rng: np.full(shape, 3.0))
    x = ag.tensor(np.ones((1, 2), np.float32), requires_grad=True)
    y = model(x).sum()
    model.load_state_dict({"weight": np.zeros((1, 2)), "bias": np.zeros(1)})
    y.backward()
    assert (x.grad.data == 3).all()


def test_parameters_without_axes():
    model = nn.Module()
    model.scale = nn.Parameter(2.0)
    model.load_state_dict({"scale": np.array(5.0)})
    assert model.scale.item() == 5
    (model.scale * model.scale).backward()
    nn.SGD(model.parameters(), lr=0.1).step()
    assert model.scale.item() == 4


def test_modes():
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Sigmoid()))
    model[1].eval()
    with nn.evaluating(model):
        assert not any(m.training for _, m in model.named_modules())
    assert [m.training for _, m in model.named_modules()] == [True, True, False, False]
    assert model.train() is model
    assert model[1][0].training


def test_evaluation_in_one_thread_leaves_the_mode_of_others():
    model, rounds, wrong = nn.Sequential(nn.Dropout(0.5, rng=0)), 300, []
    together = threading.Barrier(3)

    def evaluate():
        together.wait()
        for _ in range(rounds):
            with nn.evaluating(model):
                wrong.extend(m for _, m in model.named_modules() if m.training)

    def train():
        together.wait()
        for _ in range(rounds):
            wrong.extend(m for _, m in model.named_modules() if not m.training)

    threads = [threading.Thread(target=f) for f in (evaluate, evaluate, train)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert model.training


def test_what_is_said_within_evaluating_holds():
    model = nn.Sequential(nn.Dropout(0.5, rng=0), nn.Dropout(0.5, rng=0))
    with nn.evaluating(model):
        model[0].train()  # Monte Carlo dropout
        assert [m.training for _, m in model.named_modules()] == [False, True, False]
        with nn.evaluating(model):
            assert not model[0].training
        assert model[0].training
        model[1].eval()
    assert [m.training for _, m in model.named_modules()] == [True, True, False]


def test_a_parameter_is_not_replaced_by_what_would_not_be_trained():
    layer = nn.Linear(2, 1, rng=0)
    for value in (np.ones((1, 2)), ag.tensor(np.ones((1, 2)), requires_grad=True), 1.0):
        with pytest.raises(TypeError, match=r"\.weight\.data = array.*nn\.Parameter\(array\)"):
            layer.weight = value
    layer.weight.data = np.ones((1, 2), np.float32)
    layer.weight = nn.Parameter(np.zeros((1, 2)))
    layer.bias = None
    assert [n for n, _ in layer.named_parameters()] == ["weight"]


class Counting(nn.BatchNorm1d):
    """Batch normalization with one more buffer."""

    buffers = ("calls",)

    def __init__(self, n):
        super().__init__(n)
        self.calls = 0

    def forward(self, x):
        self.calls = self.calls + 1
        return super().forward(x)


def test_buffers_of_base_classes_are_kept():
    layer = Counting(2)
    layer(np.ones((3, 2), np.float32))
    names = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked", "calls"]
    assert list(layer.state_dict()) == names
    other = Counting(2)
    other.load_state_dict(layer.state_dict())
    assert other.calls == other.num_batches_tracked == 1
    layer.buffers = ("more",)
    with pytest.raises(nn.StateError, match="'more' among its buffers"):
        layer.state_dict()
    with pytest.raises(TypeError, match="a plain array, got a Tensor"):
        other.running_mean = other(np.ones((3, 2), np.float32)).mean(0)
    with pytest.raises(TypeError, match=r'\("calls",\)'):
        type("Wrong", (nn.Module,), {"buffers": "calls"})


def test_equal_names_in_a_state_are_refused():
    model = nn.Module()
    model.table = {1: nn.Parameter([1.0]), "1": nn.Parameter([2.0])}
    with pytest.raises(nn.StateError, match=r"the name 'table\.1'"):
        model.state_dict()
    model = nn.Module()
    model.table = {"a.b": nn.Parameter([1.0]), "a": {"b": nn.Parameter([2.0])}}
    with pytest.raises(nn.StateError, match=r"the name 'table\.a\.b'"):
        model.load_state_dict({})


class Tied(nn.Module):
    """Language model whose output shares the weight of its embedding."""

    def __init__(self):
        self.embedding = nn.Embedding(5, 3)
        self.output = nn.Linear(3, 5, bias=False)
        self.output.weight = self.embedding.weight


def test_the_state_of_a_tied_model_has_every_name():
    model = Tied()
    state = model.state_dict()
    assert list(state) == ["embedding.weight", "output.weight"]
    assert len(list(model.parameters())) == 1
    state = {name: 2 * a for name, a in state.items()}
    model.load_state_dict(state)
    np.testing.assert_array_equal(model.output.weight.data, state["output.weight"])
    model.load_state_dict({"output.weight": np.ones((5, 3))})  # as version 0.1 saved it
    assert (model.embedding.weight.data == 1).all()
    with pytest.raises(nn.StateError, match=r"output\.weight and embedding\.weight.*differ"):
        model.load_state_dict({**state, "output.weight": np.zeros((5, 3))})


def test_the_state_of_a_tied_model_of_pytorch():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Module()
    theirs.embedding = torch.nn.Embedding(5, 3)
    theirs.output = torch.nn.Linear(3, 5, bias=False)
    theirs.output.weight = theirs.embedding.weight
    model = Tied()
    model.load_state_dict(theirs.state_dict())
    assert list(model.state_dict()) == list(theirs.state_dict())
    np.testing.assert_array_equal(model.output.weight.data, theirs.output.weight.detach().numpy())
    theirs.load_state_dict({k: torch.tensor(v) for k, v in model.state_dict().items()})


def test_words_of_pytorch_for_gradients():
    layer = nn.Linear(2, 1)
    layer(np.ones((1, 2), np.float32)).sum().backward()
    for holder in (layer, nn.SGD(layer.parameters(), lr=0.1)):
        holder.zero_grad(set_to_none=True)
        assert layer.weight.grad is None
        with pytest.raises(ValueError, match="drops gradients"):
            holder.zero_grad(set_to_none=False)


def test_a_forward_of_an_instance_survives_a_summary(capsys):
    layer = nn.Linear(2, 1)
    layer.forward = lambda x: np.tanh(x)
    nn.summary(nn.Sequential(layer), (2,))
    assert layer(np.zeros(2)).tolist() == [0, 0]


def test_dtype_and_gradients():
    model = nn.mlp([3, 4, 2], rng=0)
    x = np.ones((1, 3), np.float32)
    model(x).sum().backward()
    assert all(p.dtype == np.float32 for p in model.parameters())
    model.to(np.float64)
    assert all(p.dtype == p.grad.dtype == np.float64 for p in model.parameters())
    assert model(x.astype(float)).dtype == np.float64
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    with pytest.raises(TypeError, match="int"):
        model.to(int)


def test_parameters_are_tensors_of_float32_that_copy_and_pickle():
    p = nn.Parameter(np.arange(3))
    assert p.dtype == np.float32
    assert p.requires_grad
    assert type(p * 2) is ag.Tensor
    for q in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(q) is nn.Parameter
        np.testing.assert_array_equal(q.data, p.data)
    model = copy.deepcopy(nn.mlp([3, 4, 2]))
    assert len(list(model.parameters())) == 4


def test_repr_shows_the_tree():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU())) == (
        "Sequential(\n  (0): Linear(2, 3)\n  (1): LeakyReLU(0.01)\n)"
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_from_pytorch(dtype):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Linear(7, 5), torch.nn.Sigmoid(), torch.nn.Linear(5, 4), torch.nn.GELU(),
        torch.nn.Linear(4, 3),
    ).to(torch.float64 if dtype == np.float64 else torch.float32)  # fmt: skip
    model = nn.Sequential(
        nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 3)
    )
    model.to(dtype)
    model.load_state_dict({k: v.numpy() for k, v in net.state_dict().items()})
    x, y = np.random.default_rng(0).normal(size=(6, 7)).astype(dtype), np.array([0, 1, 2, 0, 1, 2])
    nn.cross_entropy(model(x), y).backward()
    torch.nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y)).backward()
    for p, q in zip(model.parameters(), net.parameters(), strict=True):
        tolerance = 1e-10 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance, atol=tolerance)


def test_an_error_of_a_state_quotes_little_of_it():
    hostile = {f"{i}\x1b[2J" + "x" * 1000: np.zeros(1) for i in range(500)}
    with pytest.raises(nn.StateError, match=r"and 490 more") as error:
        nn.Linear(2, 1).load_state_dict(hostile)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1200


def test_what_would_not_be_found_is_refused():
    model = nn.Module()
    for value in ({nn.Linear(1, 1)}, collections.deque([nn.Linear(1, 1)]), {1: nn.ReLU()}.values()):
        with pytest.raises(TypeError, match="use a list, a tuple or a dict"):
            model.layers = value
    with pytest.raises(TypeError, match="make it in __init__"):
        type("Shared", (nn.Module,), {"weight": nn.Parameter([1.0])})
    layer = nn.Linear(1, 1)
    for call in (layer.forward, functools.partial(layer, x=1), functools.partial(layer.forward)):
        with pytest.raises(TypeError, match="give the module itself"):
            nn.Sequential(call)
    model.table = types.MappingProxyType({"a": nn.Linear(1, 1)})
    assert [n for n, _ in model.named_parameters()] == ["table.a.weight", "table.a.bias"]


def test_blocks_of_evaluation_that_are_not_nested_leave_nothing():
    def evaluated(model):
        with nn.evaluating(model):
            yield model.training

    a, b = nn.Dropout(), nn.Dropout()
    assert list(zip(evaluated(a), evaluated(b), strict=True)) == [(False, False)]
    assert a.training
    assert b.training


def test_a_read_only_buffer_is_a_mismatch_and_fractions_do_not_become_integers():
    layer = nn.BatchNorm1d(2)
    state = {**layer.state_dict(), "weight": np.full(2, 7.0)}
    with pytest.raises(nn.StateError, match="num_batches_tracked holds float64"):
        layer.load_state_dict({**state, "num_batches_tracked": np.array(1.5)})
    layer.running_mean.flags.writeable = False
    with pytest.raises(nn.StateError, match="running_mean is read-only"):
        layer.load_state_dict(state)
    assert (layer.weight.data == 1).all()


def nested():
    class Block(nn.Module):
        def __init__(self):
            self.stem = nn.Linear(2, 3, rng=0)
            self.blocks = [nn.Sequential(nn.Linear(3, 3, rng=1), nn.ReLU()), nn.Tanh()]
            self.by_name = {"head": nn.Linear(3, 1, rng=2)}

        def forward(self, x):
            return self.by_name["head"](self.blocks[0](self.stem(x)))

    return Block()


def test_children_are_found_where_they_are():
    model = nested()
    children = dict(model.named_children())
    assert list(children) == ["stem", "blocks.0", "blocks.1", "by_name.head"]
    assert [*model.children()] == [*children.values()]
    assert [*model.modules()] == [m for _, m in model.named_modules()]
    assert "(blocks.0): Sequential(\n    (0): Linear(3, 3)" in repr(model)
    seen = []
    assert model.apply(seen.append) is model
    assert seen[-1] is model
    assert {id(m) for m in seen} == {id(m) for m in model.modules()}
    assert seen.index(model.blocks[0][0]) < seen.index(model.blocks[0])


def test_freezing_and_thawing():
    model, x = nested(), np.ones((4, 2), np.float32)
    before = model.state_dict()
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    assert model.stem.requires_grad_(False) is model.stem
    for _ in range(2):
        optimizer.zero_grad()
        model(x).sum().backward()
        optimizer.step()
    assert all(
        (before[n] == a).all() == n.startswith("stem") for n, a in model.state_dict().items()
    )
    model.requires_grad_()
    model(x).sum().backward()
    assert model.stem.weight.grad is not None


def test_a_buffer_that_is_registered_is_part_of_the_state():
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    model.register_buffer("mean", np.zeros(2))
    assert list(model.state_dict()) == ["0.weight", "0.bias", "mean"]
    assert model.to(np.float32).mean.dtype == np.float32
    again = copy.deepcopy(model)
    again.load_state_dict({**model.state_dict(), "mean": np.ones(2)})
    assert again.mean.tolist() == [1, 1]
    assert model.mean.tolist() == [0, 0]
    for name in ("mean", "layers", "no name"):
        with pytest.raises(ValueError, match="cannot have a buffer"):
            model.register_buffer(name, np.zeros(2))
    with pytest.raises(TypeError, match="plain array"):
        model.register_buffer("other", ag.tensor([1.0]))


def test_hooks_see_and_replace():
    layer, seen = nn.Linear(2, 1, rng=0), []
    x = np.ones((3, 2), np.float32)
    plain = layer(x).numpy()
    assert layer._hooks is None
    assert "_hooks" not in vars(layer)
    double = layer.register_forward_pre_hook(lambda m, args: 2 * args[0])
    note = layer.register_forward_hook(lambda m, args, out: seen.append((m, args[0][0, 0], out)))
    minus = layer.register_forward_hook(lambda m, args, out: -out)
    out = layer(x)
    assert seen[0][:2] == (layer, 2.0)
    np.testing.assert_allclose(out.numpy(), -(2 * plain - layer.bias.numpy()), rtol=1e-6)
    np.testing.assert_array_equal(out.numpy(), -seen[0][2].numpy())
    out.sum().backward()
    assert layer.bias.grad.tolist() == [-3]
    twin = copy.deepcopy(layer)
    for remove in (double, note, minus, minus):
        remove()
    np.testing.assert_array_equal(layer(x).numpy(), plain)
    assert (twin(x).numpy() == out.numpy()).all()
    assert list(layer.state_dict()) == ["weight", "bias"]
    layer.register_forward_hook(nn.Linear(1, 1, rng=0))  # a function like others, and no member
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_hooks_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    calls = []
    for package, x in ((nn, np.ones((1, 2), np.float32)), (torch.nn, torch.ones(1, 2))):
        layer, seen = package.Linear(2, 1), []
        layer.register_forward_hook(lambda m, args, out, seen=seen: seen.append(("b", len(args))))
        layer.register_forward_pre_hook(lambda m, args, seen=seen: seen.append(("a", len(args))))
        layer.register_forward_hook(lambda m, args, out, seen=seen: seen.append(("c", out.shape)))
        layer(x)
        calls.append([(n, tuple(v) if n == "c" else v) for n, v in seen])
    assert calls[0] == calls[1] == [("a", 1), ("b", 1), ("c", (1, 1))]
