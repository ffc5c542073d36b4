"""Checkpoints: a training continues bit for bit, and a refused file changes nothing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from tests.nn.files.test_hostile_files import FUZZ, JSON
from tests.nn.training.example import parts, weights


def training():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Dropout(0.2, rng=1), nn.Linear(4, 2, rng=2))
    x = np.random.default_rng(3).random((12, 3)).astype(np.float32)
    data = nn.DataLoader((x, x[:, :2]), 4, shuffle=True, rng=4)
    return model, data, nn.Adam(model.parameters(), lr=0.01)


def everything(model, data, optimizer):
    return repr((
        {k: v.tolist() for k, v in model.state_dict().items()},
        {k: (v.tolist() if hasattr(v, "tolist") else v)
         for s in optimizer.state_dict()["state"].values() for k, v in s.items()},
        optimizer.param_groups[0]["lr"], data.rng.bit_generator.state,
        model[1].rng.bit_generator.state,
    ))  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "checkpoint.safetensors"
    model, data, optimizer = training()
    nn.fit(model, data, nn.mse_loss, optimizer, 2, callbacks=[nn.Checkpoint(path)], progress=False)
    return path


@FUZZ
@given(data=st.data())
def test_a_checkpoint_that_is_refused_changes_nothing(tmp_path, checkpoint, data):
    """Rename, reshape or drop arrays, and replace metadata."""
    arrays, metadata = nn.load(checkpoint), nn.load_metadata(checkpoint)
    original = dict(metadata)
    for _ in range(data.draw(st.integers(1, 3))):
        if data.draw(st.booleans()) and arrays:
            name = data.draw(st.sampled_from(sorted(arrays)))
            a = arrays.pop(name)
            what = data.draw(st.sampled_from(["drop", "rename", "reshape", "number", "other"]))
            if what == "rename":
                arrays[name.replace("0", data.draw(st.sampled_from(["9", "x", "-1", ""])))] = a
            elif what == "reshape":
                arrays[name] = np.zeros((*a.shape, 2), a.dtype)
            elif what == "number":
                arrays[name] = np.zeros(())
            elif what == "other":
                arrays[f"optimizer.{data.draw(st.text(max_size=4))}"] = a
        else:
            key = data.draw(st.sampled_from(["optimizer", "rng", "history", "callbacks"]))
            broken = data.draw(st.sampled_from(["text", "json", "inside"]))
            if broken == "text":
                metadata[key] = data.draw(st.text(max_size=9))
            elif broken == "json":
                metadata[key] = json.dumps(data.draw(JSON))
            else:
                value = json.loads(original[key])
                holder = value
                while isinstance(holder, (dict, list)) and holder:
                    at = data.draw(
                        st.sampled_from(
                            sorted(holder) if isinstance(holder, dict) else range(len(holder))
                        )
                    )
                    if not isinstance(holder[at], (dict, list)) or data.draw(st.booleans()):
                        holder[at] = data.draw(JSON)
                        break
                    holder = holder[at]
                metadata[key] = json.dumps(value)
    path = tmp_path / "mutated.safetensors"
    try:
        nn.save(path, arrays, metadata)
    except UnicodeEncodeError:
        return
    model, loader, optimizer = training()
    before = everything(model, loader, optimizer)
    try:
        nn.resume(path, model, optimizer, loader)
    except (nn.FileFormatError, nn.StateError):
        assert everything(model, loader, optimizer) == before


@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_resuming_equals_never_stopping(tmp_path, optimizer):
    straight, *rest = parts(3, 0.01, optimizer)
    whole = nn.fit(straight, *rest, 6, progress=False)
    model, loader, loss, steps = parts(3, 0.01, optimizer)
    path = tmp_path / "c.safetensors"
    nn.fit(model, loader, loss, steps, 3, callbacks=[nn.Checkpoint(path)], progress=False)
    model, loader, loss, steps = parts(99, 7.0, optimizer)
    history = nn.resume(path, model, steps, loader)
    assert len(history) == 3
    nn.fit(model, loader, loss, steps, 6, history=history, progress=False)
    np.testing.assert_array_equal(weights(model), weights(straight))
    assert history["loss"] == whole["loss"]


def test_resume_refuses_another_network(tmp_path):
    model, loader, loss, steps = parts()
    path = tmp_path / "c.npz"
    nn.fit(model, loader, loss, steps, 1, callbacks=[nn.Checkpoint(path)], progress=False)
    other = nn.mlp([4, 6, 2], rng=0)
    before = weights(other)
    with pytest.raises(nn.StateError, match=r"\(5, 4\)"):
        nn.resume(path, other, nn.SGD(other.parameters(), lr=1))
    assert (weights(other) == before).all()
    nn.save(path, model)
    with pytest.raises(nn.FileFormatError, match="not a checkpoint of this training"):
        nn.resume(path, model, steps)


def test_the_best_checkpoint_is_kept(tmp_path):
    model, loader, loss, steps = parts()

    def note(run):
        run.history.epochs[-1]["score"] = -abs(len(run.history) - 2)

    best = nn.Checkpoint(tmp_path / "best.safetensors", monitor="score")
    nn.fit(model, loader, loss, steps, 4, callbacks=[note, best], progress=False)
    assert len(nn.resume(best.path, model, steps)) == 2


def test_resume_wants_the_same_optimizer_and_callbacks(tmp_path):
    model, loader, loss, optimizer = parts()
    stop, path = nn.EarlyStopping("loss"), tmp_path / "c.npz"
    callbacks = [stop, nn.Checkpoint(path)]
    nn.fit(model, loader, loss, optimizer, 1, callbacks=callbacks, progress=False)
    with pytest.raises(nn.StateError, match="begun with SGD, not Adam"):
        nn.resume(path, model, nn.Adam(model.parameters(), lr=1.0))
    with pytest.raises(nn.StateError, match="callback 0 is a Checkpoint"):
        nn.resume(path, model, optimizer, loader, callbacks[::-1])
    other = nn.mlp([4, 5, 2], rng=0)
    with pytest.raises(ValueError, match="no parameter of this model"):
        nn.resume(path, other, optimizer)


def test_a_state_of_numpy_numbers_is_kept(tmp_path):
    class Counter:
        def __call__(self, run):
            self.count = np.int64(len(run.history))

        def state_dict(self):
            return {"count": self.count, "mean": np.float32(0.5), "values": np.ones(2)}

        def load_state_dict(self, saved):
            self.loaded = saved

    model, loader, loss, optimizer = parts()
    counter, path = Counter(), tmp_path / "c.npz"
    nn.fit(
        model, loader, loss, optimizer, 2, callbacks=[counter, nn.Checkpoint(path)], progress=False
    )
    nn.resume(path, model, optimizer, loader, [counter])
    assert counter.loaded["count"] == 2
    assert counter.loaded["values"].tolist() == [1, 1]
