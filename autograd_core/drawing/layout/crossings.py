"""The order within each rank: barycentres, swept up and down while crossings fall."""

from __future__ import annotations

from bisect import bisect_right, insort

from autograd_core.drawing.layout.ranks import Item, Layers

_SWEEPS, _WORK = 8, 24_000  # at most so many, and so many items moved by all of them


def order(made: Layers) -> None:
    """Sort each rank so that few arrows cross and clusters stay together."""
    ranks = made.ranks
    for rank in ranks:
        rank.sort(key=lambda i: (i.late, i.box < 0, i.index))
    centres: dict[str, float] = {}

    def arrange(rank: list[Item]) -> None:
        if made.clusters:
            inf = float("inf")

            def key(i: Item) -> tuple[tuple[float, int, str], ...]:
                own = (i.key if not i.border else inf * i.border, i.index, "")
                return (*((centres.get(c, 0.0), 0, c) for c in i.path), own)

            rank.sort(key=key)
        else:
            rank.sort(key=lambda i: i.key)
        for k, i in enumerate(rank):
            i.place = k

    def settle() -> None:
        total: dict[str, list[float]] = {}
        for rank in ranks:
            for i in rank:
                for c in i.path:
                    entry = total.setdefault(c, [0.0, 0.0])
                    entry[0] += i.place
                    entry[1] += 1
        centres.update({c: s / n for c, (s, n) in total.items()})

    for rank in ranks:
        for k, i in enumerate(rank):
            i.key, i.place = float(k), k
    settle()
    for rank in ranks:
        arrange(rank)
    best, kept = crossings(made), [rank[:] for rank in ranks]
    many = sum(map(len, ranks))
    for sweep in range(max(2, min(_SWEEPS, _WORK // max(many, 1)))):
        if best == 0 and (sweep > 0 or not made.clusters):
            break
        down = sweep % 2 == 0
        for rank in ranks if down else reversed(ranks):
            for i in rank:
                near = i.before if down else i.after
                i.key = sum(j.place for j in near) / len(near) if near else float(i.place)
            arrange(rank)
        settle()
        now = crossings(made)
        if now < best:
            best, kept = now, [rank[:] for rank in ranks]
    made.ranks[:] = kept
    for rank in ranks:
        for k, i in enumerate(rank):
            i.place = k


def crossings(made: Layers) -> int:
    """How many pairs of arrows cross between neighbouring ranks."""
    total = 0
    for rank in made.ranks:
        seen: list[int] = []
        for i in sorted(rank, key=lambda i: i.place):
            ends = [j.place for j in i.after]
            total += sum(len(seen) - bisect_right(seen, e) for e in ends)
            for e in ends:
                insort(seen, e)
    return total
