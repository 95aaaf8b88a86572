"""Non-maximum suppression: of boxes that show one thing, the best stays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def pairwise_iou(boxes: Floats) -> Floats:
    """Intersection over union of every two of ``boxes`` ``(n, 4)`` as ``x1, y1, x2, y2``; 0 between empty boxes."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    area = size[:, 0] * size[:, 1]
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = np.maximum(high - low, 0)
    shared = overlap[..., 0] * overlap[..., 1]
    union = area[:, None] + area[None, :] - shared
    ratio: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ratio


def suppress(boxes: Floats, scores: Floats, labels: NDArray[np.intp], iou: float, limit: int) -> NDArray[np.intp]:
    """Indices of the boxes that stay, best score first, at most ``limit``.

    A box goes when a better one of its label overlaps it by more than ``iou``. Equal scores are ordered by label, then by
    the box itself, so the result does not depend on the order of the input.
    """
    if len(scores) == 0:
        return np.zeros(0, np.intp)
    order = np.lexsort((boxes[:, 3], boxes[:, 2], boxes[:, 1], boxes[:, 0], labels, -scores))
    boxes, labels = boxes[order], labels[order]
    rivals = (pairwise_iou(boxes) > iou) & (labels[:, None] == labels[None, :])
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for index in range(len(order)):
        if alive[index]:
            kept.append(index)
            if len(kept) == limit:
                break
            alive &= ~rivals[index]
    return order[kept]
