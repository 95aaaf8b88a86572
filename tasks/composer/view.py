"""What one view of an entity shows: side of the frame, shot scale, head. Each answer is a word or ``None`` for "cannot tell".

Left and right are always the frame's, as a viewer sees it. The thresholds are ratios of the frame's or the face's own size, so
they hold for any resolution.
"""

import math
from typing import Literal

from schemas.evidence import EntityView, FaceView, FrameView
from schemas.geometry import Box

Side = Literal["far left", "left", "centre", "right", "far right"]
Facing = Literal["front", "left", "right"]
Shot = Literal["close", "shoulders", "waist", "knees", "full", "small", "part"]

EDGE = 0.015
"""A box that ends within this share of the frame's side is cut off by it."""
FRONT = 0.15
"""How far, in eye distances, the nose of a face that looks ahead lies from the middle between the eyes."""
TURNED = 0.21
"""The same for a face that certainly looks aside; between the two nothing is said."""
MIN_FACE = 20.0
"""Height of a face in pixels below which five landmarks do not tell where it points."""
TILT = 9.0
"""Degrees by which a head must lean to be called tilted."""


def side(box: Box, frame: FrameView) -> Side:
    """Where the middle of ``box`` lies across the frame."""
    across = box.centre[0] / frame.width
    if across < 0.18:
        return "far left"
    if across < 0.41:
        return "left"
    if across <= 0.59:
        return "centre"
    return "right" if across <= 0.82 else "far right"


def cut_below(box: Box, frame: FrameView) -> bool:
    """Whether the lower edge of the frame cuts the box off."""
    return box.y2 >= frame.height * (1 - EDGE)


def cut_aside(box: Box, frame: FrameView) -> bool:
    """Whether the left or right edge of the frame cuts the box off."""
    return box.x1 <= frame.width * EDGE or box.x2 >= frame.width * (1 - EDGE)


def shot(view: EntityView, frame: FrameView) -> Shot:
    """How much of a person is seen, and how large.

    With a face, from the height of the box in faces (a standing adult is 7 to 8 heads tall, and a detected face is about
    three quarters of a head); without one, from the shape of the box and the edge that cuts it.
    """
    box = view.box
    tall = box.height / frame.height
    if view.face is not None and view.face.box.height > 0:
        face = view.face.box.height
        heads = box.height / face
        if face >= 0.4 * frame.height or heads < 2.0:
            return "close" if face >= 0.25 * frame.height else "part"
        if cut_below(box, frame):
            return "shoulders" if heads < 3.6 else "waist" if heads < 5.8 else "knees" if heads < 8.0 else "full"
        return "small" if tall < 0.45 else "full" if heads > 7.0 else "part"
    if cut_below(box, frame) or cut_aside(box, frame) or box.width <= 0:
        return "part"
    if tall < 0.45:
        return "small"
    return "full" if box.height / box.width >= 2.2 else "part"


def facing(face: FaceView | None) -> Facing | None:
    """Which way a head points, from where the nose lies between the eyes; ``None`` without landmarks that can tell."""
    if face is None or len(face.landmarks) < 3 or face.box.height < MIN_FACE:
        return None
    (rx, ry), (lx, ly), (nx, ny) = face.landmarks[:3]
    ex, ey = lx - rx, ly - ry
    length = ex * ex + ey * ey
    if length < (0.1 * face.box.width) ** 2 or ex <= 0:
        return None
    along = ((nx - rx) * ex + (ny - ry) * ey) / length - 0.5
    if abs(along) <= FRONT:
        return "front"
    if abs(along) < TURNED:
        return None
    return "left" if along < 0 else "right"


def tilt(face: FaceView | None) -> Literal["left", "right"] | None:
    """The side to which the top of a head leans, from the line of the eyes and the line from eyes to mouth."""
    if face is None or len(face.landmarks) < 5 or face.box.height < MIN_FACE:
        return None
    (rx, ry), (lx, ly), _, (mrx, mry), (mlx, mly) = face.landmarks[:5]
    if lx <= rx:
        return None
    eyes = math.degrees(math.atan2(ly - ry, lx - rx))
    down = math.degrees(math.atan2((mrx + mlx - rx - lx) / 2, max((mry + mly - ry - ly) / 2, 1e-6)))
    lean = (eyes - down) / 2
    if eyes * down > 0 and min(abs(eyes), abs(down)) > 6:
        return None
    if abs(lean) < TILT:
        return None
    return "right" if lean > 0 else "left"


def scale_ratio(now: EntityView, now_frame: FrameView, before: EntityView, before_frame: FrameView) -> float:
    """How much larger an entity is seen than before: by its face where both views have one, else by its box.

    A box that an edge cuts off tells less, so its ratio is halved in the logarithm.
    """
    if now.face is not None and before.face is not None and before.face.box.height > 0 and now.face.box.height > 0:
        return (now.face.box.height / now_frame.height) / (before.face.box.height / before_frame.height)
    if now.box.area <= 0 or before.box.area <= 0:
        return 1.0
    ratio = math.sqrt(now.box.area / (now_frame.width * now_frame.height))
    ratio /= math.sqrt(before.box.area / (before_frame.width * before_frame.height))
    cut = any(
        cut_below(view.box, frame) or cut_aside(view.box, frame)
        for view, frame in ((now, now_frame), (before, before_frame))
    )
    return math.sqrt(ratio) if cut else ratio


def gap(one: Box, other: Box, frame: FrameView) -> float:
    """Empty width between two boxes as a share of the frame's width; negative when they overlap across."""
    return (max(one.x1, other.x1) - min(one.x2, other.x2)) / frame.width
