"""Order and nesting of boxes and clusters."""

from autograd_core.drawing.scene import Box, Cluster, Scene, cluster_paths, outline


def nested():
    clusters = [Cluster("in", "in", parent="out"), Cluster("out", "out"), Cluster("empty", "empty")]
    boxes = [Box("a", "view", "a"), Box("b", "view", "b", cluster="in"), Box("c", "view", "c", cluster="out"),
             Box("d", "view", "d", cluster="nowhere")]  # fmt: skip
    return Scene("", "", boxes, [], clusters)


def written(scene, boxes):
    return [
        ("/" if closes else "") + f"{thing.id}{depth}"
        for thing, depth, closes in outline(scene, boxes)
    ]


def test_boxes_are_inside_their_clusters():
    scene = nested()
    assert written(scene, scene.boxes) == ["a1", "d1", "out1", "c2", "in2", "b3", "/in2", "/out1"]


def test_clusters_without_boxes_are_left_out():
    scene = nested()
    assert written(scene, scene.boxes[2:3]) == ["out1", "c2", "/out1"]
    assert written(scene, []) == []


def test_clusters_around_one_another_end():
    scene = Scene("", "", [Box("a", "view", "a", cluster="x")], [],
                  [Cluster("x", "x", parent="y"), Cluster("y", "y", parent="x")])  # fmt: skip
    assert written(scene, scene.boxes).count("a" + str(len(cluster_paths(scene)["x"]) + 1)) == 1
