"""The order within each rank: barycentre sweeps, up and down, while the crossings decrease."""

import itertools
from bisect import bisect_right, insort

from autograd_core.drawing.layout.ranks import Item, Layers

_SWEEPS, _WORK = 8, 24_000  # maximum number of sweeps, and of items moved by all of them


def order_ranks(layers: Layers) -> None:
    """Sort each rank in place so that few arrows cross and clusters stay together."""
    ranks = layers.ranks
    for rank in ranks:
        rank.sort(key=lambda i: (i.late, i.box < 0, i.index))
    centres: dict[str, float] = {}

    def key(i: Item) -> tuple[tuple[float, int, str], ...]:
        own = (float("inf") * i.border if i.border else i.key, i.index, "")
        return (*((centres.get(c, 0.0), 0, c) for c in i.path), own)

    def arrange(rank: list[Item]) -> None:
        rank.sort(key=key)
        for k, i in enumerate(rank):
            i.place = k

    def update_centres() -> None:
        places: dict[str, list[int]] = {}
        for i in itertools.chain.from_iterable(ranks):
            for c in i.path:
                places.setdefault(c, []).append(i.place)
        centres.update({c: sum(p) / len(p) for c, p in places.items()})

    for rank in ranks:
        for k, i in enumerate(rank):
            i.key, i.place = float(k), k
    update_centres()
    for rank in ranks:
        arrange(rank)
    best, kept = count_crossings(layers), [rank[:] for rank in ranks]
    many = sum(map(len, ranks))
    for sweep in range(max(2, min(_SWEEPS, _WORK // max(many, 1)))):
        if best == 0 and (sweep > 0 or not layers.clusters):
            break
        down = sweep % 2 == 0
        for rank in ranks if down else reversed(ranks):
            for i in rank:
                near = i.before if down else i.after
                i.key = sum(j.place for j in near) / len(near) if near else float(i.place)
            arrange(rank)
        update_centres()
        now = count_crossings(layers)
        if now < best:
            best, kept = now, [rank[:] for rank in ranks]
    layers.ranks[:] = kept
    for rank in ranks:
        for k, i in enumerate(rank):
            i.place = k


def count_crossings(layers: Layers) -> int:
    """Return how many pairs of arrows cross between neighbouring ranks."""
    total = 0
    for rank in layers.ranks:
        seen: list[int] = []
        for i in sorted(rank, key=lambda i: i.place):
            ends = [j.place for j in i.after]
            total += sum(len(seen) - bisect_right(seen, e) for e in ends)
            for e in ends:
                insort(seen, e)
    return total
