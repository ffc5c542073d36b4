"""The built-in layout: positions, straight paths, and nothing on top of anything else."""

import itertools

import pytest
from hypothesis import given, settings

from autograd_core.drawing.layout import routes
from autograd_core.drawing.layout.layout_result import LayoutResult
from autograd_core.drawing.scene import Arrow, Box, Cluster, Scene, cluster_paths
from autograd_core.drawing.write.svg import box_sizes
from tests.autograd_core.drawing import scenes

DIRECTIONS = ("TB", "LR", "BT", "RL")
EVERY = (scenes.residual, scenes.ops, scenes.rnn)


def overlap(a, b, slack=0.5):
    return (
        a[0] < b[0] + b[2] - slack
        and b[0] < a[0] + a[2] - slack
        and a[1] < b[1] + b[3] - slack
        and b[1] < a[1] + a[3] - slack
    )


def points(way, steps=24):
    """Points along a way."""
    here = None
    for name, ps in way:
        if name == "C":
            a, b, c = ps
            for k in range(1, steps + 1):
                t = k / steps
                u = 1 - t
                yield tuple(
                    u**3 * here[i] + 3 * u * u * t * a[i] + 3 * u * t * t * b[i] + t**3 * c[i]
                    for i in (0, 1)
                )
        elif name == "L":
            for k in range(1, steps + 1):
                yield tuple(here[i] + (ps[0][i] - here[i]) * k / steps for i in (0, 1))
        else:
            yield ps[0]
        here = ps[-1]


def hits(way, place, slack=1.0):
    x, y, w, h = place
    return any(
        x + slack < px < x + w - slack and y + slack < py < y + h - slack for px, py in points(way)
    )


def ways(d):
    found = routes.route(d.layers) | routes.route_beside(d.layers)
    return {n: [(k, tuple(map(d.point, ps))) for k, ps in r.path] for n, r in found.items()}


def arranged(scene, direction="TB"):
    return LayoutResult(scene, direction, box_sizes(scene))


def check(scene, direction):
    d = arranged(scene, direction)
    places = {b.id: d.corners(i) for i, b in enumerate(scene.boxes)}
    for (a, p), (b, q) in itertools.combinations(places.items(), 2):
        assert not overlap(p, q), (a, b)
    around = cluster_paths(scene)
    for c in d.layers.clusters:
        for b in scene.boxes:
            inside = c in around[b.cluster]
            assert overlap(places[b.id], d.around(c)) == inside, (c, b.id)
    for c, e in itertools.combinations(d.layers.clusters, 2):
        if c not in around[e] and e not in around[c]:
            assert not overlap(d.around(c), d.around(e)), (c, e)
    for n, way in ways(d).items():
        a = scene.arrows[n]
        for b in scene.boxes:
            if b.id not in (a.source, a.target):
                assert not hits(way, places[b.id]), (a, b.id)
    for n, route in d.placement().routes.items():
        if scene.arrows[n].label:
            x, y = route.label
            assert not any(overlap((x - 2, y - 2, 4, 4), p) for p in places.values())
    return d, places


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("make", EVERY)
def test_nothing_is_on_top_of_anything(make, direction):
    check(make(), direction)


@settings(max_examples=60, deadline=None)
@given(scene=scenes.random_scenes())
def test_random_boxes_and_clusters_do_not_overlap(scene):
    d = arranged(scene)
    places = [d.corners(i) for i in range(len(scene.boxes))]
    for p, q in itertools.combinations(places, 2):
        assert not overlap(p, q)
    around = cluster_paths(scene)
    for c in d.layers.clusters:
        for i, b in enumerate(scene.boxes):
            assert overlap(places[i], d.around(c)) == (c in around.get(b.cluster, ()))


def test_the_critical_path_is_straight_and_the_skip_runs_outside():
    scene = scenes.residual()
    d, places = check(scene, "TB")
    middles = {
        round(places[i][0] + places[i][2] / 2, 3)
        for i in ("x", "conv1", "bn1", "relu", "conv2", "add", "fc", "loss")
    }
    assert len(middles) == 1
    skip = ways(d)[[a.target for a in scene.arrows].index("add", 5)]
    assert [a.source for a in scene.arrows][[a.target for a in scene.arrows].index("add", 5)] == "x"
    edge = max(x + w for i, (x, _, w, _) in places.items() if i not in ("y", "x", "add"))
    assert max(p[0] for p in points(skip)) > edge


def test_parameters_are_left_of_their_operation_and_targets_right():
    _, places = check(scenes.ops(), "TB")
    (x, y, w, h), (mx, my, _, mh) = places["fc1.W"], places["fc1.matmul"]
    assert x + w < mx
    assert y + h / 2 == pytest.approx(my + mh / 2)
    _, places = check(scenes.residual(), "TB")
    assert places["y"][0] > places["loss"][0] + places["loss"][2]


def test_ranks_follow_the_direction():
    for direction, axis, sign in (("TB", 1, 1), ("BT", 1, -1), ("LR", 0, 1), ("RL", 0, -1)):
        _, places = check(scenes.residual(), direction)
        assert sign * (places["loss"][axis] - places["x"][axis]) > 100


def test_cards_of_a_picture_are_of_one_width():
    _, places = check(scenes.residual(), "TB")
    assert len({places[i][2] for i in ("conv1", "bn1", "conv2", "fc")}) == 1


def test_nested_clusters_hold_one_another():
    clusters = [Cluster("a", "a"), Cluster("b", "b", parent="a"), Cluster("c", "c", parent="b")]
    boxes = [Box(f"n{i}", "product", "op", cluster=c) for i, c in enumerate("abcba")]
    d, _ = check(Scene("", "", boxes, scenes.chain([b.id for b in boxes]), clusters), "TB")
    (ax, ay, aw, ah), (bx, by, bw, bh) = d.around("a"), d.around("b")
    assert ax < bx
    assert ay < by
    assert ax + aw > bx + bw
    assert ay + ah > by + bh


def test_cycles_of_clusters_and_arrows_terminate():
    clusters = [Cluster("a", "a", parent="b"), Cluster("b", "b", parent="a")]
    boxes = [Box(i, "product", i, cluster="a") for i in "xyz"]
    arrows = [Arrow("x", "y"), Arrow("y", "z"), Arrow("z", "x"), Arrow("x", "nobody")]
    assert len(arranged(Scene("", "", boxes, arrows, clusters)).layers.at) == 3


def test_a_long_chain_needs_no_recursion():
    d = arranged(scenes.long(10_000, 7))
    assert len({round(x, 3) for x, _ in d.layers.at.values()}) == 1


def test_arrows_beyond_the_budget_run_outside():
    scene = scenes.long(4000)
    scene.arrows += [Arrow(f"op{i}", f"op{3999 - i}") for i in range(20)]
    d = arranged(scene)
    assert d.layers.outside
    found = routes.route_outside(d.layers)
    assert min(max(p[0] for p in points(r.path)) for r in found.values()) > 40
