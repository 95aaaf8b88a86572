"""Boxes of a region without instances (sky, wall, floor): its connected components, largest first.

Deterministic, and milliseconds for a frame: a component is a component, whatever the seed.
"""

from dataclasses import dataclass

import numpy as np

from schemas.geometry import Box
from tasks.models.rle import Mask

MAX_SIDE = 512
"""Longer side in pixels up to which components are looked for; larger masks are thinned to every n-th pixel before."""


@dataclass(frozen=True, slots=True)
class Component:
    """A connected part of a region: its box, and its pixels within the box."""

    box: Box
    pixels: Mask


def stuff_components(mask: Mask, min_share: float = 0.01, limit: int = 3) -> list[Component]:
    """The largest connected parts (8 neighbours) of ``mask`` (height, width).

    Args:
        mask: the region.
        min_share: least share of the frame's pixels that a part must cover.
        limit: most parts, largest first; equal ones by place, top left first.

    Edges are exact to a thinned pixel: one pixel up to :data:`MAX_SIDE`, four for a frame 1920 wide.
    """
    from scipy.ndimage import find_objects, label

    height, width = mask.shape
    step = -(-max(height, width) // MAX_SIDE)
    thin = np.ascontiguousarray(mask[::step, ::step])
    parts, count = label(thin, structure=np.ones((3, 3), bool))
    if not count:
        return []
    areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    spans = find_objects(parts)
    order = sorted(range(count), key=lambda k: (-areas[k], spans[k][0].start, spans[k][1].start))
    found = []
    for k in order[:limit]:
        if areas[k] < min_share * thin.size:
            break
        rows, columns = spans[k]
        top, left = rows.start * step, columns.start * step
        bottom, right = min(rows.stop * step, height), min(columns.stop * step, width)
        part = parts[rows, columns] == k + 1
        grown = part.repeat(step, axis=0).repeat(step, axis=1)[: bottom - top, : right - left]
        pixels = grown & mask[top:bottom, left:right]
        found.append(Component(Box(float(left), float(top), float(right), float(bottom)), pixels))
    return found
