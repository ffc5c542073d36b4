"""What ran is drawn, recorded or not, and drawing changes nothing."""

import functools

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.engine.diagnostics import tape
from autograd_core.engine.graph import RECORD, mode

rng = np.random.default_rng(0)


def image(*shape):
    return rng.random(shape, np.float32)


def pairs(picture):
    """Return arrows as (source, target), those without a gradient with a third member."""
    return {(a.source, a.target, *(("-",) * (not a.gradient))) for a in picture.graph.arrows}


def titles(picture):
    return [b.title for b in picture.graph.boxes]


def frozen(model):
    for p in model.parameters():
        p.requires_grad = False
    return model


def test_what_comes_before_the_first_parameter():
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 10, rng=0))
    picture = ag.draw(model, image(2, 3, 4, 4))
    x, flatten = picture.graph.boxes[:2]
    assert (x.title, x.note, flatten.title) == ("x", "input 2×3×4×4", "flatten")
    assert pairs(picture) >= {
        ("x", "0.reshape", "-"),
        ("0.reshape", "1.linear", "-"),
        ("1.weight", "1.linear"),
        ("1.linear", "output"),
    }


@pytest.mark.parametrize(
    ("before", "drawn"),
    [
        (lambda x: (x - x.mean()) / x.std(), ["mean", "−", "std", "÷"]),
        (lambda x: x[:, 1:-1].T.T, ["[:, 1:-1]", "transpose", "transpose"]),
        (lambda x: np.where(x > 0.5, x, 0.0), ["> 0.5", "where"]),
        (lambda x: np.concatenate(np.split(x, 2, axis=1)), ["split", "concatenate"]),
        (lambda x: np.einsum("ij,kj->ik", x, x), ["einsum"]),
        (lambda x: np.add(x, 1, out=np.zeros_like(x)), ["+ 1"]),
        (lambda x: np.clip(a=x, a_min=0, a_max=0.5), ["clip"]),
        (lambda x: np.median(x, axis=1, keepdims=True), ["median"]),
        (lambda x: np.add.accumulate(x, axis=1), ["add.accumulate"]),
        (lambda x: x.argsort(axis=1).astype(np.float32), ["argsort", "astype"]),
    ],
)
def test_preparation_of_every_kind(before, drawn):
    x = image(4, 6)
    width = before(x).shape[1]
    model = nn.Linear(width, 2, rng=0)
    picture = ag.draw(lambda x: model(before(x)), x)
    assert titles(picture)[0] == "x"
    assert [b.title for b in picture.graph.boxes if b.form == "pill"] == [*drawn, "linear"]
    assert all(not a.gradient for a in picture.graph.arrows if a.source == "x")


def test_views_of_a_variable_are_drawn():
    picture = ag.draw(lambda x: np.sum(x.reshape(-1)[1:] * 2.0), np.ones((2, 3)))
    assert titles(picture) == ["x", "reshape", "[1:]", "× 2", "sum", "output"]


def test_writes_into_the_input_are_drawn_in_their_order():
    class Net(nn.Module):
        def __init__(self):
            self.fc, self.centre = nn.Linear(4, 2, rng=0), np.full(4, 0.5, np.float32)

        def forward(self, x):
            x = ag.tensor(x)
            x[x < 0.2] = 0
            x -= self.centre
            return self.fc(x)

    picture = ag.draw(Net(), image(3, 4))
    assert pairs(picture) >= {
        ("x", "less", "-"), ("less", "setitem", "-"), ("x", "setitem", "-"), ("setitem", "sub", "-"),
        ("centre", "sub", "-"), ("sub", "fc.linear", "-"),
    }  # fmt: skip


def test_frozen_layers_are_drawn_and_counted():
    model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.ReLU(), nn.Linear(8, 2, rng=0))
    frozen(model[0])
    scene = ag.draw(model, image(3, 4), level="modules").graph
    assert [b.note for b in scene.boxes if b.form == "card"] == ["40 params, frozen", "18 params"]
    assert scene.subtitle.startswith("58 parameters, 40 frozen  ·  batch 3")
    assert [a.gradient for a in scene.arrows] == [False, False, False, True]
    flow = ag.draw(model, image(3, 4), level="modules", color="grad").graph
    assert [(a.gradient, a.reverse) for a in flow.arrows] == [(False, False)] * 3 + [(True, True)]
    for color in ("time", "memory", "flops", "value"):
        for level in ("modules", "compact", "ops", "full"):
            assert ag.draw(model, image(3, 4), level=level, color=color).graph.boxes


def test_a_wholly_frozen_model_is_drawn():
    model = frozen(nn.mlp([4, 8, 2], rng=0))
    picture = ag.draw(model, image(3, 4))
    assert titles(picture) == [
        *("x", "weight", "bias", "linear", "sigmoid", "weight", "bias", "linear", "sigmoid"),
        "output",
    ]
    assert not any(a.gradient for a in picture.graph.arrows)
    assert picture.graph.subtitle.startswith("58 parameters, frozen")
    assert (
        "no parameter gets a gradient" in ag.draw(model, image(3, 4), color="grad").graph.subtitle
    )
    assert "held for backward" in ag.draw(model, image(3, 4), color="memory").graph.subtitle


def test_what_leaves_the_graph_comes_back_by_a_dashed_arrow():
    first, second = nn.Linear(4, 3, rng=0), nn.Linear(3, 2, rng=0)

    def no_grad(x):
        with ag.no_grad():
            h = first(x)
        return second(h)

    ways = [
        no_grad,
        lambda x: second(first(x).detach()),
        lambda x: second(first(x).numpy()),
        lambda x: second(ag.tensor(first(x).data)),
        lambda x: second(np.asarray(first(x).detach())),
    ]
    for way in ways:
        picture = ag.draw(way, image(2, 4), level="modules")
        assert pairs(picture) == {
            ("x", "first", "-"), ("first", "second", "-"), ("second", "output")
        }  # fmt: skip


class Pair(nn.Module):
    def __init__(self):
        self.left, self.right = nn.Linear(4, 3, rng=0), nn.Linear(2, 3, rng=1)

    def forward(self, batch, scale=1.0):
        (a, b), mask = batch["views"], batch["mask"]
        return self.left(a) * mask[:, None] + self.right(b) * scale


def test_inputs_in_containers_and_by_keyword():
    batch = {"views": [image(2, 4), image(2, 2)], "mask": np.array([True, False])}
    inputs = lambda p: [(b.title, b.note) for b in p.graph.boxes if b.note.startswith("input")]
    expected = [("views[0]", "input 2×4"), ("mask", "input 2"), ("views[1]", "input 2×2")]
    assert inputs(ag.draw(Pair(), batch)) == expected
    pair, scale = Pair(), image(3)
    for way in (lambda: pair(batch, scale=scale), functools.partial(pair, batch, scale=scale)):
        assert inputs(ag.draw(way)) == [*expected, ("scale", "input 3")]


def test_the_inputs_of_a_module_inside_a_function():
    model, images = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, rng=0)), image(2, 3, 4)
    picture = ag.draw(lambda: model(images))
    assert pairs(picture) >= {("images", "0.reshape", "-"), ("0.reshape", "1.linear", "-")}
    assert "batch 2" in picture.graph.subtitle


def test_arrays_are_variables_of_a_function_without_parameters_and_data_of_another():
    seen = []

    def of_arrays(x):
        seen.append(x.requires_grad)
        return np.sum(x * x)

    model = frozen(nn.Linear(4, 1, rng=0))

    def of_a_model(x):
        seen.append(x.requires_grad)
        return model(x)

    def builds_a_model(x):
        seen.append(x.requires_grad)
        return nn.Linear(4, 1, rng=0)(x)

    for f in (of_arrays, of_a_model, builds_a_model):
        ag.draw(f, image(2, 4))
    assert seen == [True, False, False]


def test_drawing_runs_the_model_as_a_call_does():
    def model():
        return nn.Sequential(
            nn.BatchNorm1d(6), nn.Dropout(0.5, rng=3), nn.Linear(6, 4, rng=0), nn.Dropout(0.5, rng=4)
        )  # fmt: skip

    called, drawn, x, seen = model(), model(), image(8, 6), []
    drawn[2].weight.register_hook(seen.append)
    copy = x.copy()
    expected = called(x)
    for color in ("kind", "grad", "time", "value"):
        ag.draw(drawn, x, color=color)
        called.eval() if color == "kind" else None
        drawn.eval()
    assert np.array_equal(x, copy)
    assert np.array_equal(drawn[0].running_mean, called[0].running_mean)
    assert drawn[0].num_batches_tracked == 1
    for i in (1, 3):
        assert drawn[i].rng.random() == called[i].rng.random()
    assert seen == []
    assert all(p.grad is None and p.requires_grad for p in drawn.parameters())
    assert type(drawn(x)) is type(expected)


def test_a_drawn_loss_has_the_value_and_dtype_of_a_plain_one():
    model, x, y = nn.Linear(4, 2, rng=0), image(3, 4), rng.random((3, 2))
    loss = nn.mse_loss(model(x), y)
    scene = ag.draw(lambda x, y: nn.mse_loss(model(x), y), x, y).graph
    assert (scene.boxes[-1].dtype, scene.boxes[-1].note) == ("float32", f"{loss.item():.4g}")
    scene = ag.draw(lambda x, y: nn.mse_loss(model(x), y), x, y, level="modules").graph
    assert scene.boxes[-1].title == "mean squared error"
    assert [b.title for b in scene.boxes if b.form == "pill"] == ["astype"]


def test_a_failing_function_leaves_nothing_behind():
    model = nn.Linear(4, 2, rng=0)

    def fails(x):
        model(x)
        raise ZeroDivisionError

    for color in ("kind", "time"):
        with pytest.raises(ZeroDivisionError):
            ag.draw(fails, image(2, 4), color=color)
        assert (mode.get(), tape.get()) == (RECORD, None)
    assert model.weight.grad is None
    assert isinstance(model(image(2, 4)), ag.Tensor)
    assert type(nn.Flatten()(image(2, 2, 2))) is np.ndarray  # inputs are wrapped no more


def test_time_of_a_checkpoint_is_measured_after_the_run():
    model = nn.mlp([4, 3, 2], rng=0)
    block = ag.checkpoint(model)
    scene = ag.draw(lambda x: np.sum(block(x)), image(2, 4), color="time").graph
    assert "forward + backward" in scene.subtitle


def test_a_checkpoint_reads_what_it_was_called_with():
    model = nn.mlp([4, 3, 2], rng=0)
    block, head = ag.checkpoint(model), nn.Linear(2, 1, rng=0)
    scene = ag.draw(lambda x: head(block(x / 2)), image(2, 4), level="modules").graph
    step = next(b for b in scene.boxes if b.title.startswith("checkpoint"))
    into = {a.source: (a.label, a.gradient) for a in scene.arrows if a.target == step.id}
    assert into["divide"] == ("", False)
    assert not any("①" in label for label, _ in into.values())
    assert "MAC" not in scene.subtitle  # those inside are not known


def test_a_write_says_where():
    def written(x):
        x = x * 2
        x[1:] = x[:-1] * 3
        return np.sum(x)

    titles = [b.title for b in ag.draw(written, np.ones(3)).graph.boxes]
    assert titles == ["x", "× 2", "[:-1]", "× 3", "write [1:]", "sum", "output"]
