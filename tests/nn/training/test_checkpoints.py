"""Checkpoints that lie: what is refused has changed nothing."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from tests.nn.files.test_hostile_files import FUZZ, JSON


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
    """Arrays renamed, reshaped or left out, and metadata replaced."""
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
