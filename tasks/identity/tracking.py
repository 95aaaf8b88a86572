"""Identity as trackers are scored: IDF1 (Ristani et al., 2016) and the association accuracy of HOTA (Luiten et al., 2021).

Both follow the definitions of TrackEval 1.3, against which the tests hold them.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.overlap import pair_iou

Array = NDArray[np.float64]

MATCH_IOU = 0.5
"""Overlap from which IDF1 takes a box for found."""

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""Overlaps over which association accuracy is averaged."""

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class FrameBoxes:
    """Who is where in one frame: identities and their boxes ``x1,y1,x2,y2``, shape ``(n, 4)``; nobody twice."""

    ids: Sequence[Hashable]
    boxes: Array


@dataclass(frozen=True, slots=True)
class TrackScores:
    """Scores from 0 to 1.

    ``idf1`` is the F1 of boxes under the best one-to-one assignment of whole identities; ``ass_a`` and ``det_a`` are
    association and detection accuracy, means over ``ALPHAS``.
    """

    idf1: float
    ass_a: float
    det_a: float


@dataclass(frozen=True, slots=True)
class _Frame:
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    overlap: Array


def track_scores(truth: Sequence[FrameBoxes], predicted: Sequence[FrameBoxes]) -> TrackScores:
    """Score predicted identities frame by frame.

    Args:
        truth: labelled boxes of each frame.
        predicted: found boxes of the same frames.

    Raises:
        ValueError: the two are of different lengths.
    """
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} labelled frames but {len(predicted)} predicted ones")
    known = {name: code for code, name in enumerate(dict.fromkeys(name for frame in truth for name in frame.ids))}
    found = {name: code for code, name in enumerate(dict.fromkeys(name for frame in predicted for name in frame.ids))}
    frames = [
        _Frame(
            np.array([known[name] for name in labelled.ids], dtype=np.int64),
            np.array([found[name] for name in guessed.ids], dtype=np.int64),
            pair_iou(labelled.boxes.reshape(-1, 1, 4), guessed.boxes.reshape(1, -1, 4)),
        )
        for labelled, guessed in zip(truth, predicted, strict=True)
    ]
    known_counts, found_counts = np.zeros(len(known), dtype=np.int64), np.zeros(len(found), dtype=np.int64)
    for frame in frames:
        known_counts[frame.truth] += 1
        found_counts[frame.predicted] += 1
    ass_a, det_a = _hota(frames, known_counts, found_counts)
    return TrackScores(_idf1(frames, known_counts, found_counts), ass_a, det_a)


def _idf1(frames: Sequence[_Frame], known: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    from scipy.optimize import linear_sum_assignment

    matches = np.zeros((len(known), len(found)))
    for frame in frames:
        rows, columns = np.nonzero(frame.overlap >= MATCH_IOU)
        np.add.at(matches, (frame.truth[rows], frame.predicted[columns]), 1)
    # Leaving identities unassigned costs nothing here: an assignment without matches adds none.
    rows, columns = linear_sum_assignment(matches, maximize=True)
    hits = float(matches[rows, columns].sum())
    boxes = int(known.sum() + found.sum())
    return 2 * hits / boxes if boxes else 1.0


def _hota(frames: Sequence[_Frame], known: NDArray[np.int64], found: NDArray[np.int64]) -> tuple[float, float]:
    from scipy.optimize import linear_sum_assignment

    if not known.sum() and not found.sum():
        return 1.0, 1.0
    potential = np.zeros((len(known), len(found)))
    for frame in frames:
        total = frame.overlap.sum(axis=0)[None] + frame.overlap.sum(axis=1)[:, None] - frame.overlap
        share = np.divide(frame.overlap, total, out=np.zeros_like(frame.overlap), where=total > _EPS)
        potential[frame.truth[:, None], frame.predicted[None]] += share
    alignment = potential / np.maximum(known[:, None] + found[None] - potential, _EPS)
    matches = np.zeros((len(ALPHAS), len(known), len(found)))
    thresholds = np.array(ALPHAS)[:, None] - _EPS
    for frame in frames:
        scores = alignment[frame.truth[:, None], frame.predicted[None]] * frame.overlap
        rows, columns = linear_sum_assignment(-scores)
        # Nobody stands twice in a frame, so that no cell is added to twice at once.
        matches[:, frame.truth[rows], frame.predicted[columns]] += frame.overlap[rows, columns] >= thresholds
    hits = matches.sum(axis=(1, 2))
    association = matches / np.maximum(known[:, None] + found[None] - matches, 1)
    ass_a = (matches * association).sum(axis=(1, 2)) / np.maximum(hits, 1)
    det_a = hits / np.maximum(known.sum() + found.sum() - hits, 1)
    return float(ass_a.mean()), float(det_a.mean())
