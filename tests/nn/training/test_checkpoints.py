"""Checkpoints: a training continues bit for bit, and a refused file changes nothing."""

import functools
import itertools
import json
import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from nn.training import checkpoints
from tests.nn.files.test_hostile_files import FUZZ, JSON
from tests.nn.training.example import X, Y, parts, weights


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
    except ValueError:  # half of a surrogate pair
        return
    model, loader, optimizer = training()
    before = everything(model, loader, optimizer)
    try:
        nn.resume(path, model, optimizer, loader)
    except (nn.FileFormatError, nn.StateError):
        assert everything(model, loader, optimizer) == before


def change(path, arrays=None, **texts):
    """Rewrite a checkpoint with other arrays (None drops one) and other strings."""
    found = {**nn.load(path), **(arrays or {})}
    metadata = {**nn.load_metadata(path), **texts}
    nn.save(
        path,
        {k: v for k, v in found.items() if v is not None},
        {k: v for k, v in metadata.items() if v is not None},
    )


OPTIMIZERS = {
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "SGD": lambda p: nn.SGD(p, lr=0.01, momentum=0.9),
    "RMSprop": lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "Adagrad": lambda p: nn.Adagrad(p, lr=0.01),
    "LBFGS": lambda p: nn.LBFGS(p, lr=1.0, max_iter=3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_array_and_number_of_an_optimizer_is_missed(tmp_path, name):
    """Leave out each part of an optimizer's state: refused at once, not at the next step."""

    def make():
        model = nn.mlp([4, 5, 2], rng=0)
        return model, OPTIMIZERS[name](model.parameters()), nn.DataLoader((X, Y), len(X), rng=0)

    path = tmp_path / "c.npz"
    model, optimizer, data = make()
    nn.fit(model, data, nn.mse_loss, optimizer, 2, callbacks=[nn.Checkpoint(path)], progress=False)
    arrays, texts = nn.load(path), nn.load_metadata(path)
    saved = json.loads(texts["optimizer"])
    cases = [({key: None}, saved) for key in arrays if key.startswith("optimizer.")]
    for number, values in saved["numbers"].items():
        for key in values:
            if key not in ("t", "scale") or name == "LBFGS":
                rest = {k: v for k, v in values.items() if k != key}
                cases.append(({}, {**saved, "numbers": {**saved["numbers"], number: rest}}))
    assert cases
    for dropped, text in cases:
        if name == "LBFGS" and "steps" not in text["numbers"]["0"]:
            continue  # a memory without steps is a new one
        nn.save(path, arrays, texts)
        change(path, dropped, optimizer=json.dumps(text))
        model, optimizer, data = make()
        before = weights(model), repr(optimizer.state_dict())
        with pytest.raises(nn.StateError):
            nn.resume(path, model, optimizer, data)
        assert (weights(model) == before[0]).all()
        assert repr(optimizer.state_dict()) == before[1]


def test_hostile_states_of_callbacks_change_nothing(tmp_path):
    """Best weights of another network, and a best value that is no number."""
    path = tmp_path / "c.npz"

    def make():
        model, loader, optimizer = training()
        return model, optimizer, loader, [nn.EarlyStopping("loss"), nn.Checkpoint(path)]

    model, optimizer, loader, callbacks = make()
    nn.fit(model, loader, nn.mse_loss, optimizer, 2, callbacks=callbacks, progress=False)
    arrays, texts = nn.load(path), nn.load_metadata(path)
    weight = "callback.0.weights.0.weight"
    for name, state, words in [
        (weight, {}, "of another network: '0.weight' has shape"),
        (None, {"best": "low"}, "'best' of callback 0 is 'low', not a number"),
        (None, {"best_epoch": [1]}, "'best_epoch' of callback 0"),
    ]:
        saved = json.loads(texts["callbacks"])
        saved["0"]["state"].update(state)
        nn.save(path, {**arrays, **({name: np.zeros((2, 2))} if name else {})}, texts)
        change(path, callbacks=json.dumps(saved))
        model, optimizer, loader, callbacks = make()
        before = everything(model, loader, optimizer), callbacks[0].state_dict()
        with pytest.raises(nn.StateError, match=words):
            nn.resume(path, model, optimizer, loader, callbacks)
        assert (everything(model, loader, optimizer), callbacks[0].state_dict()) == before


BRACKETS = "[" * 100_000
HOSTILE = {
    "brackets in the history": {"history": BRACKETS},
    "brackets in the optimizer": {"optimizer": BRACKETS},
    "brackets in the callbacks": {"callbacks": BRACKETS},
    "brackets in the generators": {"rng": BRACKETS},
    "no history": {"history": None},
    "a history of strings": {"history": '["epoch"]'},
    "a history without losses": {"history": '[{"epoch": 1}]'},
    "endless steps": {"history": '[{"epoch": 1, "loss": 1, "steps": Infinity}]'},
    "steps below zero": {"history": '[{"epoch": 1, "loss": 1, "steps": -1}]'},
    "epochs out of order": {"history": '[{"epoch": 2, "loss": 1}]'},
    "no generator": {"rng": "{}"},
    "a generator of another kind": {"rng": '{"data.rng": {"bit_generator": "MT19937"}}'},
    "other data": {"data": '[[[12, 3], "float32", 1], [[12, 2], "float32", 1]]'},
    "data of another form": {"data": '{"a": 1}'},
    "callbacks of another form": {"callbacks": "[]"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_checkpoints_change_nothing(tmp_path, checkpoint, case):
    path = tmp_path / "c.safetensors"
    nn.save(path, nn.load(checkpoint), nn.load_metadata(checkpoint))
    change(path, **HOSTILE[case])
    model, loader, optimizer = training()
    callbacks = [nn.Checkpoint(path)]
    before = everything(model, loader, optimizer)
    with pytest.raises((nn.FileFormatError, nn.StateError)) as caught:
        nn.resume(path, model, optimizer, loader, callbacks)
    assert len(str(caught.value)) < 500
    assert everything(model, loader, optimizer) == before


@pytest.mark.parametrize("error", [RecursionError, OSError, KeyboardInterrupt])
def test_an_error_within_loading_changes_nothing(tmp_path, error):
    """Let the last callback fail, when everything before it has been loaded."""

    class Broken:
        def __call__(self, run):
            pass

        def state_dict(self):
            return {}

        def load_state_dict(self, saved):
            if self.armed:
                self.armed = False
                raise error("broken")

    path = tmp_path / "c.safetensors"
    model, loader, optimizer = training()
    callbacks = [nn.EarlyStopping("loss"), Broken(), nn.Checkpoint(path)]
    nn.fit(model, loader, nn.mse_loss, optimizer, 2, callbacks=callbacks, progress=False)
    model, loader, optimizer = training()
    callbacks = [nn.EarlyStopping("loss"), Broken(), nn.Checkpoint(path)]
    callbacks[1].armed = True
    before = everything(model, loader, optimizer)
    expected = nn.StateError if issubclass(error, Exception) else error
    with pytest.raises(expected, match="broken"):
        nn.resume(path, model, optimizer, loader, callbacks)
    assert everything(model, loader, optimizer) == before
    assert callbacks[0].best is None
    assert len(nn.resume(path, model, optimizer, loader, callbacks)) == 2


def test_an_interrupt_within_loading_changes_nothing(tmp_path, checkpoint, monkeypatch):
    """Press Ctrl-C between the first generator and the second, the last of what is loaded."""
    model, loader, optimizer = training()
    next(iter(loader))
    before = everything(model, loader, optimizer)
    real, calls = checkpoints.random_states.set_state, []

    def interrupted(source, state):
        calls.append(source)
        if calls == [loader.rng, model[1].rng]:
            raise KeyboardInterrupt
        real(source, state)

    monkeypatch.setattr(checkpoints.random_states, "set_state", interrupted)
    monkeypatch.setattr(checkpoints.random_states, "check_state", lambda *args: None)
    with pytest.raises(KeyboardInterrupt):
        nn.resume(checkpoint, model, optimizer, loader)
    assert everything(model, loader, optimizer) == before


def test_arrays_too_large_for_the_model_are_not_read(tmp_path, checkpoint):
    """Hold shapes against the model first: a sparse file of 8 GB is refused at once."""
    arrays = nn.load(checkpoint)
    texts = nn.load_metadata(checkpoint)
    shape = [1 << 16, 1 << 15]
    header = {
        "__metadata__": texts,
        "model.0.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, 1 << 33]},
    }
    text = json.dumps(header).encode()
    path = tmp_path / "c.safetensors"
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + (1 << 33))
    model, loader, optimizer = training()
    tracemalloc.start()
    try:
        with pytest.raises(nn.StateError, match=r"expected shape \(4, 3\)"):
            nn.resume(path, model, optimizer, loader)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert arrays["model.0.weight"].shape == (4, 3)


def test_other_data_of_equal_shape_are_noticed(tmp_path):
    model, loader, loss, optimizer = parts()
    path = tmp_path / "c.safetensors"
    nn.fit(model, loader, loss, optimizer, 1, callbacks=[nn.Checkpoint(path)], progress=False)
    other = nn.DataLoader((X + 0, Y), 10, shuffle=True)
    nn.resume(path, model, optimizer, other)
    other.arrays[0][-1, -1] += 1
    with pytest.raises(nn.StateError, match=r"array 0 has shape.*leave out data="):
        nn.resume(path, model, optimizer, other)
    with pytest.raises(nn.StateError, match="data of 2 arrays, not 1"):
        nn.resume(path, model, optimizer, nn.DataLoader(X, 10))
    assert len(nn.resume(path, model, optimizer)) == 1


def test_a_best_value_counts_once_it_is_written(tmp_path, monkeypatch):
    """Fail to write the best epoch: a later, worse one that can be written is kept."""
    save = checkpoints.save

    def note(run):
        run.history.epochs[-1]["score"] = {1: 1.0, 2: 5.0, 3: 3.0}[len(run.history)]

    def full_in_epoch_2(path, arrays, metadata):
        if metadata["history"].count('"epoch"') == 2:
            raise OSError(28, "No space left on device")
        save(path, arrays, metadata)

    model, loader, loss, optimizer = parts()
    best = nn.Checkpoint(tmp_path / "best.safetensors", monitor="score")
    monkeypatch.setattr(checkpoints, "save", full_in_epoch_2)
    with pytest.warns(RuntimeWarning, match="could not write"):
        nn.fit(model, loader, loss, optimizer, 3, callbacks=[note, best], progress=False)
    assert best.best == 3
    assert len(nn.resume(best.path, model, optimizer)) == 3


def test_the_names_of_a_checkpoint_are_reserved(tmp_path):
    with pytest.raises(ValueError, match="of its own called history"):
        nn.Checkpoint(tmp_path / "c.npz", note={"history": "[]"})


class Noisy(nn.Module):
    """Add noise from generators that are held in every way."""

    def __init__(self, seed):
        rngs = np.random.default_rng(seed).spawn(4)
        self.inner = nn.Linear(4, 2, rng=seed)
        self.held = [{"deep": (rngs[0],)}, functools.partial(self.draw, rngs[1])]
        self.legacy = np.random.RandomState(seed)
        self.closure = (lambda rng: lambda n: rng.normal(size=n))(rngs[2])
        self.own = rngs[3]

    @staticmethod
    def draw(rng, n):
        return rng.normal(size=n)

    def forward(self, x):
        noise = self.held[0]["deep"][0].normal(size=2) + self.held[1](2) + self.own.normal(size=2)
        noise = noise + self.legacy.normal(size=2) + self.closure(2)
        return self.inner(x) + noise.astype(np.float32)


class Wrapped:
    """Batches of a loader with noise of a generator that only this wrapper holds."""

    def __init__(self, loader, rng):
        self.parts, self.source = {"loader": loader}, [rng]

    def __iter__(self):
        for x, y in self.parts["loader"]:
            yield x + self.source[0].normal(size=x.shape).astype(np.float32), y


class Jitter:
    """A callback that moves the learning rate at random."""

    def __init__(self, seed):
        self.source = {"rng": np.random.Generator(np.random.MT19937(seed))}

    def __call__(self, run):
        run.optimizer.param_groups[0]["lr"] = float(self.source["rng"].uniform(0.01, 0.1))


def test_generators_are_found_wherever_they_are(tmp_path):
    path = tmp_path / "c.safetensors"

    def make(seed):
        model = Noisy(seed)
        loader = nn.DataLoader((X, Y), 10, shuffle=True, rng=seed)
        data = Wrapped(loader, np.random.default_rng(seed + 1))
        callbacks = [Jitter(seed), nn.Checkpoint(path)]
        return (model, data, nn.mse_loss, nn.SGD(model.parameters(), lr=0.1)), callbacks

    whole, callbacks = make(1)
    history = nn.fit(*whole, 4, callbacks=callbacks, progress=False)
    half, callbacks = make(1)
    nn.fit(*half, 2, callbacks=callbacks, progress=False)
    other, callbacks = make(7)
    resumed = nn.resume(path, other[0], other[3], other[1], callbacks)
    nn.fit(*other, 4, callbacks=callbacks, history=resumed, progress=False)
    assert resumed["loss"] == history["loss"]
    np.testing.assert_array_equal(weights(other[0]), weights(whole[0]))


def test_what_cannot_be_kept_is_said_once(tmp_path):
    class Rolling:
        def __init__(self):
            self.source, self.count = random.Random(0), itertools.count()

        def __iter__(self):
            yield X[: 10 + int(self.source.random())], Y[:10]

    model, _, loss, optimizer = parts()
    path = tmp_path / "c.npz"
    with pytest.warns(RuntimeWarning, match=r"data.source is a Random; data.count is a count") as w:
        nn.fit(
            model, Rolling(), loss, optimizer, 3, callbacks=[nn.Checkpoint(path)], progress=False
        )
    assert len(w) == 1
    assert len(nn.resume(path, model, optimizer)) == 3


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
    with pytest.raises(nn.StateError, match="begun with 'SGD', not Adam"):
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


def test_a_state_of_callbacks_that_is_not_restored_is_told(tmp_path):
    model, loader, loss, optimizer = parts()
    path = tmp_path / "c.npz"
    callbacks = [nn.EarlyStopping("loss"), nn.Checkpoint(path)]
    nn.fit(model, loader, loss, optimizer, 2, callbacks=callbacks, progress=False)
    with pytest.warns(
        UserWarning, match=r"the state of EarlyStopping is not restored.* callbacks\)"
    ):
        nn.resume(path, model, optimizer, loader)
    assert len(nn.resume(path, model, optimizer, loader, callbacks)) == 2
    nn.fit(model, loader, loss, optimizer, 1, callbacks=[nn.Checkpoint(path)], progress=False)
    assert len(nn.resume(path, model, optimizer, loader)) == 1  # of a checkpoint alone


def test_resume_in_another_order_is_told(tmp_path):
    model, loader, _, optimizer = parts()
    with pytest.raises(
        TypeError, match=r"a model and an optimizer, in this order, got a .* DataLoader"
    ):
        nn.resume(tmp_path / "c.npz", model, loader, optimizer)
    with pytest.raises(KeyError, match=r"the rows are in history\.epochs"):
        nn.History([{"loss": 1.0}])[-1]
    with pytest.raises(FileNotFoundError, match="No such file"):
        nn.load(tmp_path / "nothing")
