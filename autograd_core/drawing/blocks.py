"""Block pictures: a scene of modules as the volumes, slabs and bars that textbooks draw."""

from collections.abc import Container
from dataclasses import replace

from autograd_core.drawing.scene import Box, Scene


def size_text(shape: tuple[int, ...]) -> str:
    """Return the size of a result: ``6 @ 28×28`` for maps, ``80×256`` or ``120`` for vectors.

    Examples
    --------
    >>> from autograd_core.drawing.blocks import size_text
    >>> size_text((6, 28, 28)), size_text((80, 256)), size_text((120,))
    ('6 @ 28×28', '80×256', '120')
    """
    if len(shape) < 3:
        return "×".join(map(str, shape))
    return f"{'×'.join(map(str, shape[:-2]))} @ {shape[-2]}×{shape[-1]}"


def to_blocks(scene: Scene, mixing: Container[str], batch: int | None) -> Scene:
    """Return a scene of modules as one of blocks.

    A block has the shape of one sample's result; its size is written where it is a new one. What
    changes no shape and mixes no channels is a slab. Parameters and targets are left out.

    Parameters
    ----------
    scene
        The scene at the level of modules.
    mixing
        Ids of the boxes that have matrix products or convolutions.
    batch
        Length of the first axis of every result, which is not drawn; None where there is none.
    """

    def one_sample(box: Box) -> tuple[int, ...]:
        return box.shape[1:] if batch is not None and box.shape[:1] == (batch,) else box.shape

    dropped = {
        b.id for b in scene.boxes
        if b.kind == "parameter" or (b.kind == "data" and ("role", "target") in b.facts)
    }  # fmt: skip
    arrows = [a for a in scene.arrows if not dropped & {a.source, a.target} and not a.loop]
    shapes = {b.id: one_sample(b) for b in scene.boxes}
    reads: dict[str, set[tuple[int, ...]]] = {}
    for a in arrows:
        reads.setdefault(a.target, set()).add(shapes[a.source])

    def block(box: Box) -> Box:
        shape, known = shapes[box.id], reads.get(box.id, set())
        if box.kind == "output" or not shape:
            return replace(box, shape=shape)
        name = box.type if box.title.isdigit() and box.type else box.title
        options = box.spec.split(", ")[0] if "→" in box.spec else box.spec  # without the sizes
        words = (name, "" if "→" in options else options, box.steps)
        return replace(
            box, form="slab" if shape in known and box.id not in mixing else "block", shape=shape,
            title=" ".join(filter(None, words)), note="" if shape in known else size_text(shape),
            type="", spec="",
        )  # fmt: skip

    boxes = [block(b) for b in scene.boxes if b.id not in dropped]
    return replace(scene, boxes=boxes, arrows=[replace(a, label="") for a in arrows])
