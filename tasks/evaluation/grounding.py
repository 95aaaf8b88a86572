"""Boxes against the reference: frame by frame, kind by kind, matched as well as can be.

A box counts once, only against boxes of its own frame and kind. Of all one-to-one matchings of the pairs whose IoU reaches the
threshold, one with the most pairs is taken, and of those the one with the largest sum of IoU. An answer that is missing or
cannot be read finds nothing: it has recall 0, and where there was something to find precision 0 too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.reading import EMPTY, KINDS, FrameTable, ReadSample
from tasks.identity.overlap import pair_iou

THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
"""IoU from which a box is a hit; the first is the one of every figure but the mean over all of them."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Boxes that hit, that were told, and that are in the reference."""

    hits: int
    told: int
    truth: int

    def __add__(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(self.hits + other.hits, self.told + other.told, self.truth + other.truth)

    @property
    def precision(self) -> float:
        """Share of what was told that hits; 0 when nothing was told."""
        return self.hits / self.told if self.told else 0.0

    @property
    def recall(self) -> float:
        """Share of the reference that was hit; 0 when there is none."""
        return self.hits / self.truth if self.truth else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, ``2 hits / (told + truth)``."""
        return 2 * self.hits / (self.told + self.truth) if self.told + self.truth else 0.0


NOTHING = Counts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Match:
    """A box of the answer on one of the reference: the frame, counted from 1, and both ids."""

    frame: int
    truth: str
    told: str


@dataclass(frozen=True, slots=True)
class StoryBoxes:
    """One story: counts of each kind at each of ``THRESHOLDS``, and the matches of each kind at the first."""

    counts: Mapping[str, Sequence[Counts]]
    matches: Mapping[str, Sequence[Match]]


def match_optimally(overlap: NDArray[np.float64], threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a matching with the most pairs of at least ``threshold``, and among those the largest IoU.

    Args:
        overlap: IoU of every pair, shape ``(n, m)``.
        threshold: smallest IoU of a pair.
    """
    allowed = overlap >= threshold
    if (allowed.sum(axis=0) <= 1).all() and (allowed.sum(axis=1) <= 1).all():
        rows, columns = np.nonzero(allowed)
        return rows, columns
    from scipy.optimize import linear_sum_assignment

    # A pair more is worth more than all IoU that it could cost: the sum of IoU over the shorter side stays below 1.
    worth = np.where(allowed, 1 + overlap / (min(overlap.shape) + 1), 0.0)
    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = allowed[rows, columns]
    return rows[kept], columns[kept]


def _match_frame(truth: FrameTable, told: FrameTable) -> tuple[list[int], list[tuple[str, str]]]:
    if not truth.ids or not told.ids:
        return [0] * len(THRESHOLDS), []
    overlap = pair_iou(truth.boxes[:, None], told.boxes[None])
    rows, columns = np.nonzero(overlap >= THRESHOLDS[0])
    if len(set(rows.tolist())) == len(rows) == len(set(columns.tolist())):
        # No box has a choice at the lowest threshold, so none has at a higher one.
        reached = overlap[rows, columns].tolist()
        hits = [sum(one >= threshold for one in reached) for threshold in THRESHOLDS]
    else:
        rows, columns = match_optimally(overlap, THRESHOLDS[0])
        hits = [len(rows)]
        for threshold in THRESHOLDS[1:]:
            hits.append(len(match_optimally(overlap, threshold)[0]) if hits[-1] else 0)
    return hits, [
        (truth.ids[row], told.ids[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]


def score_story(sample: ReadSample) -> StoryBoxes:
    """Match the boxes of one story."""
    counts: dict[str, Sequence[Counts]] = {}
    matches: dict[str, Sequence[Match]] = {}
    for kind in KINDS:
        truth = sample.truth.tables[kind]
        told = sample.told.tables[kind] if sample.told is not None else [EMPTY] * len(truth)
        hits = [0] * len(THRESHOLDS)
        found: list[Match] = []
        # The last table holds rows of images that do not exist: they are told, and hit nothing.
        for number, (left, right) in enumerate(zip(truth[:-1], told[:-1], strict=True), start=1):
            here, pairs = _match_frame(left, right)
            hits = [a + b for a, b in zip(hits, here, strict=True)]
            found += [Match(number, a, b) for a, b in pairs]
        sizes = sum(len(table.ids) for table in told), sum(len(table.ids) for table in truth)
        counts[kind] = [Counts(hit, *sizes) for hit in hits]
        matches[kind] = found
    return StoryBoxes(counts, matches)
