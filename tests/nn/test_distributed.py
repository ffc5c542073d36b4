"""Data-parallel training equals one machine on the joined batches, also when a worker dies."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

import autograd_core as ag
import nn

distributed = pytest.importorskip("distributed", reason="Dask's distributed is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's own threads and sockets

RNG = np.random.default_rng(0)
SIZES = (12, 7, 5)
PARTS = [(RNG.normal(size=(n, 6)), RNG.integers(0, 3, n)) for n in SIZES]


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def parts(optimizer=nn.Adam, dtype=np.float64, layers=()):
    model = nn.Sequential(nn.Linear(6, 8, rng=0), nn.Tanh(), *layers, nn.Linear(8, 3, rng=1))
    model = model.to(dtype)
    return model, optimizer(model.parameters(), lr=0.05)


def joined(batch_size):
    """Return the batches of one machine: the same rows of all shards, one after the other."""
    steps = -(-max(SIZES) // batch_size)
    cut = lambda a, i: a[i * batch_size : (i + 1) * batch_size]
    return [
        tuple(np.concatenate([cut(part[j], i) for part in PARTS]) for j in (0, 1))
        for i in range(steps)
    ]


def far(a, b):
    return max(
        float(abs(p.numpy() - q.numpy()).max())
        for p, q in zip(a.parameters(), b.parameters(), strict=True)
    )


@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_it_is_the_training_of_one_machine(client, optimizer, batch_size):
    model, moves = parts(optimizer)
    options = {"max_norm": 1.0, "schedule": nn.schedules.cosine(0.05, 20), "progress": False}
    history = nn.distributed.fit(
        model, PARTS, nn.cross_entropy, moves, 5, client=client, batch_size=batch_size,
        validation=PARTS[0], **options,
    )  # fmt: skip
    alone, moves = parts(optimizer)
    wanted = nn.fit(
        alone, joined(batch_size or 12), nn.cross_entropy, moves, 5, validation=PARTS[0], **options
    )
    assert far(model, alone) < 1e-12
    for name in ("loss", "steps", "validation_loss"):
        assert np.allclose(history[name], wanted[name], rtol=1e-12)


def test_shards_of_every_kind(client):
    array, bag = pytest.importorskip("dask.array"), pytest.importorskip("dask.bag")
    x, y = (np.concatenate([p[i] for p in PARTS]) for i in (0, 1))
    kinds = [
        PARTS,
        client.map(lambda i: PARTS[i], range(3), pure=False),
        tuple(array.from_array(a, chunks=(SIZES, *a.shape[1:])) for a in (x, y)),
        bag.from_delayed([bag_part(p) for p in PARTS]),
    ]
    found = []
    for shards in kinds:
        model, moves = parts()
        nn.distributed.fit(
            model, shards, "cross_entropy", moves, 3, client=client, batch_size=4, shuffle=True,
            rng=3, progress=False,
        )  # fmt: skip
        found.append(model)
    assert all(far(found[0], other) == 0 for other in found[1:])


def bag_part(part):
    import dask

    return dask.delayed(list)(list(zip(*part, strict=True)))


def test_a_worker_that_is_killed_costs_its_task_alone(client):
    killed = []

    def kill(state):
        if len(state.history) == 3:
            pid = next(iter(client.run(os.getpid).values()))
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    model, moves = parts()
    options = {"client": client, "batch_size": 4, "progress": False}
    history = nn.distributed.fit(
        model, PARTS, nn.cross_entropy, moves, 8, callbacks=[kill], **options
    )
    undisturbed, moves = parts()
    nn.fit(undisturbed, joined(4), nn.cross_entropy, moves, 8, progress=False)
    assert killed
    assert len(history) == 8
    assert far(model, undisturbed) < 1e-12


def test_local_steps_average_weights(client):
    model, moves = parts(nn.SGD)
    options = {"client": client, "batch_size": 2, "local_steps": 3, "progress": False}
    history = nn.distributed.fit(model, PARTS, nn.cross_entropy, moves, 2, **options)
    shards = [parts(nn.SGD) for _ in PARTS]
    center, _ = parts(nn.SGD)
    for _ in range(2):
        for start in (0, 6):
            counts = []
            for (own, own_moves), (x, y) in zip(shards, PARTS, strict=True):
                own.load_state_dict(center.state_dict())
                rows = [slice(s, s + 2) for s in range(start, start + 6, 2)]
                batches = [(x[r], y[r]) for r in rows if len(y[r])]
                nn.fit(
                    own, batches, nn.cross_entropy, own_moves, 1, progress=False
                ) if batches else None
                counts.append(sum(len(y[r]) for r in rows))
            center.load_state_dict({
                k: sum(n * own.state_dict()[k] for n, (own, _) in zip(counts, shards, strict=True))
                / sum(counts)
                for k in center.state_dict()
            })  # fmt: skip
    assert far(model, center) < 1e-12
    assert history["steps"] == [2, 4]


def test_a_checkpoint_resumes(client, tmp_path):
    path, options = (
        tmp_path / "c.safetensors",
        {"client": client, "batch_size": 4, "progress": False},
    )
    model, moves = parts()
    keep = [nn.Checkpoint(path)]
    nn.distributed.fit(model, PARTS, nn.cross_entropy, moves, 2, callbacks=keep, **options)
    again, others = parts()
    history = nn.resume(path, again, others)
    nn.distributed.fit(again, PARTS, nn.cross_entropy, others, 4, history=history, **options)
    whole, moves = parts()
    nn.distributed.fit(whole, PARTS, nn.cross_entropy, moves, 4, **options)
    assert far(again, whole) == 0


def test_dropout_draws_for_each_shard(client):
    model, moves = parts(layers=[nn.Dropout(0.5, rng=0)])
    same = [(np.ones((50, 6)), np.zeros(50, int))] * 2
    data = nn.distributed.Shards(same, client, None, 1, False, None)
    step = data.training_step(model, nn.cross_entropy, moves, None)
    (places, _) = next(iter(data))
    found = step._on_each(nn.distributed._slopes, places, step.parts, model.state_dict(), 0)
    assert found[0][0] != found[1][0]


def weighted(z, y):
    return nn.cross_entropy(z, y, weight=np.array([1.0, 5.0, 0.1]))


@pytest.mark.parametrize(("change", "words"), [
    ({"loss": weighted}, "no mean over examples"),
    ({"loss": lambda z, y: nn.cross_entropy(z, y, reduction="sum")}, "no mean over examples"),
    ({"layers": [nn.BatchNorm1d(8)]}, "2 is a BatchNorm1d in training.*GroupNorm"),
    ({"shards": PARTS[0]}, "shards is a list"),
    ({"shards": [(np.ones((3, 6)), np.ones(4, int))]}, "3 inputs and 4 targets"),
    ({"batch_size": 0}, "batch_size is a whole number"),
    ({"max_norm": 1.0, "local_steps": 2}, "max_norm"),
])  # fmt: skip
def test_what_would_be_another_training_is_refused(client, change, words):
    options = {"shards": PARTS, "loss": nn.cross_entropy, "layers": (), **change}
    model, moves = parts(layers=options.pop("layers"))
    shards, loss = options.pop("shards"), options.pop("loss")
    with pytest.raises((ValueError, TypeError), match=words):
        nn.distributed.fit(model, shards, loss, moves, 1, client=client, progress=False, **options)


def test_what_is_not_finite_is_found(client):
    x, y = PARTS[1]
    x = x.copy()
    x[3, 2] = np.nan
    model, moves = parts()
    with pytest.raises(nn.NonFiniteLossError, match=r"inputs of this batch .*\[15, 2\] is nan"):
        nn.distributed.fit(
            model, [PARTS[0], (x, y)], nn.cross_entropy, moves, 1, client=client, progress=False
        )
    assert isinstance(model[0].weight, ag.Tensor)
