"""What boxes alone tell: which detections repeat one another, and which are one entity in a continuous shot."""

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns

Pairs = NDArray[np.int64]
"""Pairs of observations, shape ``(p, 2)``."""

BLOCK = 1 << 22
"""Most entries of an overlap matrix held at once."""

CROWD = 64
"""Boxes of a frame from which repeats are looked for one by one, without comparing all pairs first."""


def pair_iou(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes, shape ``(..., 4)``, that broadcast against each other; 0 where both are empty."""
    width = np.minimum(left[..., 2], right[..., 2]) - np.maximum(left[..., 0], right[..., 0])
    height = np.minimum(left[..., 3], right[..., 3]) - np.maximum(left[..., 1], right[..., 1])
    shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    area = (left[..., 2] - left[..., 0]) * (left[..., 3] - left[..., 1])
    other = (right[..., 2] - right[..., 0]) * (right[..., 3] - right[..., 1])
    union = area + other - shared
    return np.asarray(shared / np.where(union > 0, union, 1.0), dtype=np.float64)


def disagree(
    columns: Columns, first: NDArray[np.int64], second: NDArray[np.int64], kind: KindCalibration, veto: float
) -> NDArray[np.bool_]:
    """For each pair, whether faces and crops together speak against one entity, and by at least ``veto`` log-odds."""
    odds = np.zeros(len(first))
    if kind.face is not None:
        weight = columns.face_weight[first] * columns.face_weight[second]
        cosine = np.einsum("ij,ij->i", columns.face[first], columns.face[second], dtype=np.float64)
        odds += np.where(weight > 0, kind.face.line(cosine, np.sqrt(weight)), 0.0)
    both = columns.has_appearance[first] & columns.has_appearance[second]
    cosine = np.einsum("ij,ij->i", columns.appearance[first], columns.appearance[second], dtype=np.float64)
    odds += np.where(both, kind.appearance_scene.log_odds(cosine), 0.0)
    return np.asarray((odds < 0) & (odds <= -veto), dtype=np.bool_)


def find_repeats(columns: Columns, iou: float, kind: KindCalibration, veto: float = 0.0) -> NDArray[np.int64]:
    """Find detections that are another detection of the same frame once more.

    Best score first, as non-maximum suppression does it: a detection repeats the best kept one that it overlaps. Two boxes
    that show the same pixels look alike (crops of real frames at overlaps of 0.75 to 0.85 have cosines above 0.74), so
    unlike in a shot, where things move, nothing at all may speak against it.

    Args:
        columns: observations in canonical order.
        iou: overlap from which two boxes of a frame are one detection.
        kind: what faces and crops tell.
        veto: log-odds of faces and crops against one entity at which two boxes stay two.

    Returns:
        For each observation the one it repeats, or itself, shape ``(n,)``.
    """
    repeat_of = np.arange(columns.size)
    for start, stop in _frames_to_check(columns, iou):
        order = start + np.argsort(-columns.score[start:stop], kind="stable")
        while order.size:
            best, rest = order[0], order[1:]
            close = rest[pair_iou(columns.boxes[best], columns.boxes[rest]) >= iou]
            close = close[~disagree(columns, np.full(len(close), best), close, kind, veto)]
            repeat_of[close] = best
            order = rest[~np.isin(rest, close)]
    return repeat_of


def _frames_to_check(columns: Columns, iou: float) -> list[tuple[int, int]]:
    """Spans of observations whose frame has a pair of boxes that overlap by ``iou``, or too many boxes to look at all."""
    if not columns.size:
        return []
    starts = np.flatnonzero(np.diff(columns.rank, prepend=-1))
    stops = np.append(starts[1:], columns.size)
    check = stops - starts > CROWD
    frame_of = np.repeat(np.arange(len(starts)), stops - starts)
    for offset in range(1, min(CROWD, columns.size)):
        first = np.flatnonzero((frame_of[offset:] == frame_of[:-offset]) & ~check[frame_of[offset:]])
        if not first.size:  # frames ascend: none has more than `offset` observations
            break
        close = pair_iou(columns.boxes[first], columns.boxes[first + offset]) >= iou
        check[frame_of[first[close]]] = True
    return list(zip(starts[check].tolist(), stops[check].tolist(), strict=True))


def find_shot_links(columns: Columns, iou: float, kind: KindCalibration, veto: float) -> Pairs:
    """Find pairs that must be one entity because a continuous shot shows them in the same place.

    Two observations of consecutive, nearly identical frames are linked when each is the other's best overlap, the overlap
    is at least ``iou`` and what they show does not disagree.

    Args:
        columns: observations in canonical order, repeats left out.
        iou: least overlap of a link.
        kind: what faces and crops tell.
        veto: log-odds of faces and crops against one entity at which two boxes are not linked.

    Returns:
        Pairs of indices, shape ``(p, 2)``; an observation has at most one link in each direction of time.
    """
    starts = np.searchsorted(columns.rank, np.arange(len(columns.near_next) + 1))
    links: list[Pairs] = []
    for this in np.flatnonzero(columns.near_next).tolist():
        here, there = np.arange(starts[this], starts[this + 1]), np.arange(starts[this + 1], starts[this + 2])
        if not here.size or not there.size:
            continue
        best_there, overlap, best_here = _mutual_best(columns.boxes[here], columns.boxes[there])
        good = (overlap >= iou) & (best_here[best_there] == np.arange(len(here)))
        links.append(np.stack([here[good], there[best_there[good]]], axis=1))
    if not links:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = np.concatenate(links)
    return pairs[~disagree(columns, pairs[:, 0], pairs[:, 1], kind, veto)]


def _mutual_best(
    here: NDArray[np.float64], there: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Best partner and overlap of each box here, and best partner of each box there; in blocks of rows, for memory."""
    step = max(1, BLOCK // len(there))
    partner = np.zeros(len(here), dtype=np.int64)
    overlap = np.zeros(len(here))
    best_there = np.full(len(there), -1.0)
    partner_there = np.zeros(len(there), dtype=np.int64)
    for start in range(0, len(here), step):
        block = pair_iou(here[start : start + step, None], there[None])
        partner[start : start + step] = block.argmax(axis=1)
        overlap[start : start + step] = block.max(axis=1)
        rows = block.argmax(axis=0)
        best = block[rows, np.arange(len(there))]
        better = best > best_there
        best_there[better] = best[better]
        partner_there[better] = rows[better] + start
    return partner, overlap, partner_there
