"""Whether an entity keeps its id from frame to frame, whatever ids the answer chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.evaluation.grounding import Match, StoryBoxes
from tasks.evaluation.reading import EMPTY, FrameTable, ReadSample
from tasks.identity.metrics import Agreement, bcubed
from tasks.identity.tracking import FrameBoxes, track_scores


@dataclass(frozen=True, slots=True)
class StoryIdentity:
    """One story and kind of entity.

    ``idf1`` and ``ass_a`` (association accuracy) are None where neither side has boxes; they punish a box that was missed as
    well as one that was mixed up. ``bcubed`` looks only at the ids of the ``matched`` boxes.
    """

    idf1: float | None
    ass_a: float | None
    bcubed: Agreement
    matched: int


def _boxes(table: FrameTable) -> FrameBoxes:
    """Nobody stands twice in a frame: of several boxes of an id that furthest to the left counts."""
    first = {name: index for index, name in reversed(list(enumerate(table.ids)))}
    kept = sorted(first.values())
    return FrameBoxes([table.ids[index] for index in kept], table.boxes[kept].reshape(-1, 4))


def score_identity(sample: ReadSample, boxes: StoryBoxes, kind: str) -> StoryIdentity:
    """Identity in one story for one kind of entity."""
    truth = sample.truth.tables[kind]
    told = sample.told.tables[kind] if sample.told is not None else [EMPTY] * len(truth)
    matches = boxes.matches[kind]
    agreement = bcubed([match.truth for match in matches], [match.told for match in matches])
    if not any(table.ids for table in (*truth, *told)):
        return StoryIdentity(None, None, agreement, 0)
    scores = track_scores([_boxes(table) for table in truth], [_boxes(table) for table in told])
    return StoryIdentity(scores.idf1, scores.ass_a, agreement, len(matches))


def map_identities(matches: Sequence[Match]) -> Mapping[str, str]:
    """The one-to-one map from the answer's ids to the reference's under which the most matched boxes agree.

    Of several such maps the one is taken that the order of first appearance gives; ids without a match are not in it.
    """
    if not matches:
        return {}
    from scipy.optimize import linear_sum_assignment

    truth = {name: at for at, name in enumerate(dict.fromkeys(match.truth for match in matches))}
    told = {name: at for at, name in enumerate(dict.fromkeys(match.told for match in matches))}
    agreed = np.zeros((len(told), len(truth)), dtype=np.int64)
    for match in matches:
        agreed[told[match.told], truth[match.truth]] += 1
    names = list(truth)
    rows, columns = linear_sum_assignment(agreed, maximize=True)
    ours = list(told)
    return {ours[row]: names[column] for row, column in zip(rows, columns, strict=True) if agreed[row, column]}
