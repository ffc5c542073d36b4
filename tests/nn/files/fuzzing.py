"""Mutate files of every kind that is read, and check how they are refused.

``python -m tests.nn.files.fuzzing 50000 [first]`` runs as many cases and prints what became of them;
``test_hostile_files.py`` runs a few.  A case is a number: run it again with that number as the first.
"""

import gzip
import io
import json
import random
import sys
import tempfile
import time
import tracemalloc
import warnings
import zipfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np

import nn
from nn.cli.chars import CharsConfig
from nn.cli.digits import DigitsConfig
from nn.cli.images import read_examples
from nn.cli.parser import ResultError, UsageError
from nn.data import mnist, text
from nn.files import npz

#: Limits that are lowered here, so that what breaks them fits a small file.
LIMITS = ((npz, "_FREE", 1 << 20), (text, "_MOST_BYTES", 1 << 20))
#: Bytes that reading may take beyond 1,100 times the file (deflate inflates 1,032 times).
FREE = 12 << 20

LONG = "9" * 4000
VALUES = [
    None, True, False, 0, 1, -1, 2, 3, 63, 65, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, 1 << 64,
    10**300, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "F32", "F64", "BF16", "BOOL", "I8",
    "\0", "\x1b[2J\n", "\ud800", "x" * 5000, "__metadata__", [], [0], [1 << 63, 0], [2] * 70,
    [0, 1 << 64], [10**4000] * 60, {}, {"a": 1}, {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
]  # fmt: skip
HEADERS = [
    "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", "'|O'", "'<U9'", "'<f8'", "(3,)",
    "(0, 18446744073709551616)", f"({LONG},)", "(" * 3000, "(1L, 2L)", "True", "exit(3)", "\\d", "1is 2",
    "[('a', '<f8')]", "'<M8[ns]'", "('f8', (99999,))", "-1", "3.0", "'\\N{DIGIT ONE}'", "#", "\0",
]  # fmt: skip


def build(seed, suffix):
    """Return a training whose parts all have a state; in .npz with another optimizer."""
    model = nn.Sequential(nn.Linear(3, 4, rng=seed), nn.Dropout(0.2, rng=seed), nn.BatchNorm1d(4))
    x = np.random.default_rng(3).random((12, 3)).astype(np.float32)
    data = nn.DataLoader((x, np.tile(x, 2)[:, :4]), 4, shuffle=True, rng=seed)
    if suffix == ".npz":
        optimizer = nn.LBFGS(model.parameters(), lr=0.5, max_iter=2)
    else:
        optimizer = nn.Adam(model.parameters(), lr=0.01)
    return model, optimizer, data, [nn.EarlyStopping("loss")]


def everything(model, optimizer, data, callbacks):
    return repr((
        {k: v.tolist() for k, v in model.state_dict().items()}, optimizer.state_dict(),
        data.rng.bit_generator.state, model[1].rng.bit_generator.state, callbacks[0].state_dict(),
    ))  # fmt: skip


def idx(a):
    return bytes([0, 0, 8, a.ndim]) + np.array(a.shape, ">u4").tobytes() + a.tobytes()


def originals(folder):
    """Return the bytes of a sound file of each kind, by name and suffix."""
    found = {}
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(5, dtype=np.int32), "c": np.array(True),
              "d": np.zeros((0, 3), np.float16), "e": np.asfortranarray(np.ones((2, 2), "f4"))}  # fmt: skip
    for suffix in (".safetensors", ".npz"):
        nn.save(folder / f"x{suffix}", arrays, {"note": "ä"})
        found[f"weights{suffix}"] = (folder / f"x{suffix}").read_bytes()
        model, optimizer, data, callbacks = build(0, suffix)
        save = nn.Checkpoint(folder / f"c{suffix}")
        nn.fit(model, data, nn.mse_loss, optimizer, 2, callbacks=[*callbacks, save], progress=False)
        found[f"checkpoint{suffix}"] = save.path.read_bytes()
        for config in (
            DigitsConfig(layers=(4, 3, 2)),
            CharsConfig(embed=2, hidden=2, characters="abc"),
        ):
            nn.save(folder / f"r{suffix}", config.network(0), config.metadata())
            found[f"{config.key}{suffix}"] = (folder / f"r{suffix}").read_bytes()
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.zeros(1000), b=np.arange(9))
    found["deflated.npz"] = packed.getvalue()
    np.save(folder / "i.npy", np.random.default_rng(0).random((5, 8, 8)))
    found["images.npy"] = (folder / "i.npy").read_bytes()
    images = idx(np.arange(48, dtype=np.uint8).reshape(3, 4, 4))
    letters = "für Übermut\r\n".encode() * 20
    for name, raw in (("images.idx", images), ("letters.txt", letters)):
        found |= {name: raw, f"{name}.gz": gzip.compress(raw)}
    return found


def resume(path):
    """Resume, which changes nothing if it fails; what was accepted trains for an epoch more."""
    model, optimizer, data, callbacks = parts = build(9, path.suffix)
    before = everything(*parts)
    try:
        history = nn.resume(path, *parts)
    except BaseException:
        assert everything(*parts) == before
        raise
    with suppress(nn.NonFiniteLossError), np.errstate(all="ignore"):
        nn.fit(
            model, data, nn.mse_loss, optimizer, len(history) + 1, callbacks=callbacks,
            history=history, progress=False,
        )  # fmt: skip


def load(path):
    nn.load_metadata(path)
    arrays = nn.load(path)
    assert all(a.dtype.kind in "biufc" for a in arrays.values())
    return arrays


WEIGHTS = (nn.FileFormatError,)
CHOICES = (*WEIGHTS, nn.StateError, UsageError, ResultError)
#: How a file is read, and how it may be refused.
READERS = {
    "weights": (load, WEIGHTS),
    "deflated": (load, WEIGHTS),
    "checkpoint": (resume, (*WEIGHTS, nn.StateError)),
    "recipe": (DigitsConfig.read_weights, CHOICES),
    "language": (CharsConfig.read_weights, CHOICES),
    "images.npy": (lambda path: read_examples(str(path), 64, 3), (nn.DataError,)),
    "images.idx": (mnist.read_idx, (nn.DataError,)),
    "letters.txt": (text.load_text, (nn.DataError,)),
}


def reader(name):
    return next(value for key, value in READERS.items() if name.startswith(key))


# -- mutations ----------------------------------------------------------------------------------


def mutated_bytes(rng, raw):
    """Change, cut out, insert, repeat or swap some bytes."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        # the beginning and the end of a file hold what describes it
        span = rng.choice((len(data), 64, 16))
        at = max(0, rng.choice((rng.randrange(span + 1), len(data) - rng.randrange(span + 1))))
        kind = rng.choice(("flip", "cut", "insert", "truncate", "number", "copy", "zeros"))
        if kind == "flip" and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == "cut":
            del data[at : at + rng.randint(1, 40)]
        elif kind == "insert":
            data[at:at] = rng.randbytes(rng.randint(1, 20))
        elif kind == "truncate":
            del data[at:]
        elif kind == "number":
            width = rng.choice((1, 2, 4, 8))
            value = rng.choice(
                (0, 1, 255, 256, len(data), (1 << 31) - 1, 1 << 31, (1 << 32) - 1, -1)
            )
            order = rng.choice(("little", "big"))
            data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)
        elif kind == "copy":
            data[at:at] = data[rng.randrange(len(data) + 1) :][:60]
        else:
            data += bytes(rng.choice((1, 100, 100_000)))
    return bytes(data)


def mutated_tree(rng, tree):
    """Replace, remove, add or rename one node of a tree of JSON, or of JSON inside a string."""
    if isinstance(tree, str) and tree[:1] in ("{", "["):
        if rng.random() < 0.1:
            return rng.choice(("[" * 100_000, "{" * 50_000, f"[{LONG}{LONG}]", tree[:-1], "NaN"))
        return json.dumps(mutated_tree(rng, json.loads(tree)))
    if not isinstance(tree, (dict, list)) or not tree or rng.random() < 0.15:
        return rng.choice(VALUES)
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    key, copy = rng.choice(keys), tree.copy()
    kind = rng.random()
    if kind < 0.8:
        copy[key] = mutated_tree(rng, tree[key])
    elif kind < 0.9:
        del copy[key]
    elif isinstance(tree, dict):
        copy[rng.choice(("", "a", "\0", "\ud800", "x" * 3000, "__metadata__"))] = copy.pop(key)
    else:
        copy.append(rng.choice(VALUES))
    return copy


def dumps(tree):
    """Write JSON; numbers of any length, and names that occur twice, are left to mutated_bytes."""
    return json.dumps(tree).encode()


def mutated_safetensors(rng, raw):
    size = int.from_bytes(raw[:8], "little")
    header, body = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    if "note" not in header["__metadata__"] and rng.random() < 0.7:  # a checkpoint, or choices
        header["__metadata__"] = mutated_tree(rng, header["__metadata__"])
    else:
        header = mutated_tree(rng, header)
    head = dumps(header)
    return len(head).to_bytes(8, "little") + head + body


def mutated_npy(rng, raw):
    """Change the words of the header of an array."""
    size = int.from_bytes(raw[8:10], "little")
    words = raw[10 : 10 + size].decode("latin-1")
    at = rng.choice(("'<f8'", "False", "(5, 8, 8)", "'descr'", "shape", "}", words))
    words = words.replace(at, rng.choice(HEADERS)) if at in words else rng.choice(HEADERS)
    head = words.encode("latin-1", "replace")[:60_000] + b"\n"
    version = rng.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0"))
    width = 2 if version == b"\1\0" else 4
    return b"\x93NUMPY" + version + len(head).to_bytes(width, "little") + head + raw[10 + size :]


def mutated_npz(rng, raw):
    """Write an archive again, with other entries and compression, and lies in its directory."""
    file, method = io.BytesIO(), rng.choice((0, 0, 8, 8, 12, 14))
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(file, "w", method) as new:
        names = old.namelist()
        chosen = rng.choice((rng.choice(names), names[-1]))  # the metadata are last
        for name in names:
            content = old.read(name)
            if name == chosen:
                if name.startswith("__metadata__") and content[:6] == b"\x93NUMPY":
                    skip = 10 + int.from_bytes(content[8:10], "little")
                    packed = np.frombuffer(
                        dumps(mutated_tree(rng, json.loads(content[skip:]))), "u1"
                    )
                    stream = io.BytesIO()
                    np.lib.format.write_array(stream, packed)
                    content = stream.getvalue()
                else:
                    content = rng.choice((mutated_npy, mutated_bytes))(rng, content)
                    name = rng.choice((name, name, name, "x.txt", "a/../b.npy", ".npy"))
                    content += bytes(rng.choice((0, 0, 0, 2_000_000)))
            new.writestr(name, content)
    data = bytearray(file.getvalue())
    if rng.random() < 0.4:  # sizes in the directory: compressed, and as they should become
        at = data.rfind(b"PK\1\2") + rng.choice((20, 24))
        value = rng.choice((0, 1, 1 << 20, (1 << 31) - 1, (1 << 32) - 2, (1 << 32) - 1))
        data[at : at + 4] = value.to_bytes(4, "little")
    return bytes(data)


def mutated(rng, name, raw):
    """Return a hostile file made of a sound one."""
    if name.endswith(".gz"):
        inner = gzip.decompress(raw)
        inner = rng.choice((mutated_bytes, lambda r, d: d + bytes(3_000_000)))(rng, inner)
        return rng.choice((gzip.compress(inner, 1), mutated_bytes(rng, raw)))
    by_suffix = {".safetensors": mutated_safetensors, ".npy": mutated_npy, ".npz": mutated_npz}
    if name.endswith(tuple(by_suffix)) and rng.random() < 0.75:
        return by_suffix[name[name.rindex(".") :]](rng, raw)
    return mutated_bytes(rng, raw)


def run(path, name, raw):
    """Read a file; return the name of the error, after checking it, or "loaded"."""
    read, errors = reader(name)
    path.write_bytes(raw)
    tracemalloc.reset_peak()
    start = tracemalloc.get_traced_memory()[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read(path)
        outcome = "loaded"
    except errors as error:
        words = str(error).replace(str(path), "")
        assert len(words) < 500, words
        assert words.isprintable(), repr(words)
        outcome = type(error).__name__
    peak = tracemalloc.get_traced_memory()[1] - start
    assert peak < FREE + 1100 * len(raw), f"{peak:,} bytes for a file of {len(raw):,}"
    return outcome


def main(count, first=0):
    """Run cases, and return how often each kind of file met each outcome."""
    found, slowest = Counter(), (0.0, 0)
    limits = [(module, name, getattr(module, name)) for module, name, _ in LIMITS]
    for module, name, value in LIMITS:
        setattr(module, name, value)
    tracemalloc.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            sound = originals(Path(folder))
            names = sorted(sound)
            for case in range(first, first + count):
                rng = random.Random(case)
                name = rng.choice(names)
                raw = mutated(rng, name, sound[name])
                began = time.perf_counter()
                try:
                    outcome = run(Path(folder) / f"case-{name}", name, raw)
                except BaseException as error:
                    error.add_note(f"this is case {case}, of {name}")
                    raise
                slowest = max(slowest, (time.perf_counter() - began, case))
                found[name, outcome] += 1
    finally:
        tracemalloc.stop()
        for module, name, value in limits:
            setattr(module, name, value)
    return found, slowest


if __name__ == "__main__":
    counts, slow = main(*map(int, sys.argv[1:]))
    for (kind, outcome), n in sorted(counts.items()):
        print(f"{kind:24} {outcome:16} {n:7,}")
    print(f"{sum(counts.values()):,} cases; the slowest, {slow[1]}, took {slow[0]:.2f} s")
