"""The order of boxes in a scene: each after all that it reads."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from autograd_core.drawing.scene import Arrow, Box


def in_order(boxes: list[Box], arrows: list[Arrow]) -> list[Box]:
    """Boxes after all that they read, sources just before their first user.

    Where arrows make a cycle (of two pictures in one), what is on it comes last, as it was given.
    """
    waiting = {b.id: 0 for b in boxes}
    users: dict[str, list[str]] = {b.id: [] for b in boxes}
    for a in arrows:
        if not a.loop:
            waiting[a.target] += 1
            users[a.source].append(a.target)
    by_id = {b.id: b for b in boxes}
    place = {b.id: n for n, b in enumerate(boxes)}
    first_use = {b.id: min((place[t] for t in users[b.id]), default=place[b.id]) for b in boxes}
    ready = [(first_use[i], place[i], i) for i, n in waiting.items() if n == 0]
    heapify(ready)
    done: list[Box] = []
    while ready:
        _, _, name = heappop(ready)
        done.append(by_id[name])
        for t in users[name]:
            waiting[t] -= 1
            if waiting[t] == 0:
                heappush(ready, (place[t], place[t], t))
    seen = {b.id for b in done}
    return done + [b for b in boxes if b.id not in seen]
