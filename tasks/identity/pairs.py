"""The evidence between two groups of observations, and its fusion into one log-odds.

Every quantity is a sum over the pairs of members, so the evidence of a merged group is the sum of the evidence of its parts
and average linkage needs no look back at the members. Each pair's part is rounded to a multiple of 2**-18: float64 then
adds millions of them without rounding, so that ties stay ties whatever the order of merging.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration, LabelEvidence
from tasks.identity.columns import Columns
from tasks.identity.overlap import pair_iou

Array = NDArray[np.float64]

STEPS = float(2**18)
FACE, SCENE, SCENE_PAIRS, ACROSS, ACROSS_PAIRS, CONTINUITY, WORDS, PLANES = range(8)
"""Planes of summed evidence: log-odds of faces times weights; likelihood ratios of crops of one scene and their number; the
same for crops of different scenes; log-odds of overlaps in a shot; log-odds of words, which are labels and tags."""

FEW_ALIKE = 0.8
"""Power of the number of pairs by which the likelihood ratios across scenes are divided: 1 is the mean, 0 the sum."""


@dataclass(frozen=True, slots=True)
class Mass:
    """What a group brings to any pair; arrays of one shape.

    Attributes:
        weight: summed weight of its faces.
        lone_look: one over the number of members.
        lone_face: one over the number of faces that really count, ``sum(w**2) / sum(w)**2``; 0 when there is none.
    """

    weight: Array
    lone_look: Array
    lone_face: Array


def mass_of(count: Array, weight: Array, square: Array) -> Mass:
    """Mass from the number of members, the summed weights of their faces, and the summed squares of these."""
    return Mass(weight, 1 / count, square / np.where(weight > 0, weight, 1.0) ** 2)


def quantise(values: Array) -> Array:
    """Values as whole multiples of 2**-18."""
    return np.round(values * STEPS) / STEPS


def label_odds(names: tuple[str, ...], labels: LabelEvidence) -> Array:
    """Log-odds for each pair of labels, shape ``(labels, labels)``; all zero when there is only one label."""
    if len(names) < 2:
        return np.zeros((len(names), len(names)))
    odds = np.full((len(names), len(names)), labels.different)
    groups = [frozenset(group) for group in labels.groups]
    for row, left in enumerate(names):
        for column, right in enumerate(names):
            if left == right:
                odds[row, column] = labels.same
            elif any(left in group and right in group for group in groups):
                odds[row, column] = labels.confused
    return odds


def tag_agreement(columns: Columns, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
    """How well the tags of two frames agree, 0 to 1: the sum of ``sqrt(p q)`` over the tags that both have.

    The coefficient of Bhattacharyya (1943), where scores add up to 1. For pairs of indices that broadcast.
    """
    agreement = np.zeros(np.broadcast_shapes(first.shape, second.shape))
    for left in range(columns.tag.shape[1]):
        for right in range(columns.tag.shape[1]):
            same = columns.tag[first, left] == columns.tag[second, right]
            agreement += same * (columns.tag_weight[first, left] * columns.tag_weight[second, right])
    return np.minimum(agreement, 1.0)


def tagged_apart(columns: Columns, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether tags may tell that two scenes are one place: both frames have some, and the scenes are two."""
    tagged = np.asarray(columns.tag_weight.any(axis=1), dtype=np.bool_)
    apart = columns.scene[first] != columns.scene[second]
    return np.asarray(tagged[first] & tagged[second] & apart, dtype=np.bool_)


def pair_planes(
    columns: Columns,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    face: Array,
    look: Array,
    kind: KindCalibration,
    labels: Array,
) -> tuple[Array, NDArray[np.bool_]]:
    """Evidence of pairs of single observations.

    Args:
        columns: the observations.
        first: indices, any shape that broadcasts with ``second``.
        second: indices.
        face: cosines of the face embeddings, of the broadcast shape.
        look: cosines of the crop embeddings, of the broadcast shape.
        kind: calibration of the kind.
        labels: from ``label_odds``.

    Returns:
        The planes, shape ``(PLANES, ...)``, and whether each pair lies in one scene.
    """
    together = columns.scene[first] == columns.scene[second]
    planes = np.zeros((PLANES, *together.shape))
    if kind.face is not None:
        weight = columns.face_weight[first] * columns.face_weight[second]
        planes[FACE] = quantise(weight * kind.face.line(face, np.sqrt(weight)))
    both = columns.has_appearance[first] & columns.has_appearance[second]
    for curve, total, pairs, where in (
        (kind.appearance_scene, SCENE, SCENE_PAIRS, both & together),
        (kind.appearance_across, ACROSS, ACROSS_PAIRS, both & ~together),
    ):
        planes[pairs] = where
        planes[total][where] = quantise(np.exp(curve.log_odds(look[where])))
    gap = columns.rank[second] - columns.rank[first]
    earlier = np.minimum(columns.rank[first], columns.rank[second])
    near = np.nonzero((np.abs(gap) == 1) & columns.near_next[earlier])
    left, right = (np.broadcast_to(index, together.shape)[near] for index in (first, second))
    overlap = pair_iou(columns.boxes[left], columns.boxes[right])
    planes[CONTINUITY][near] = quantise(kind.continuity.log_odds(overlap))
    if labels.any():
        planes[WORDS] = quantise(labels[columns.label[first], columns.label[second]])
    if kind.tags is not None and columns.tag.shape[1]:
        odds = quantise(kind.tags.log_odds(tag_agreement(columns, first, second)))
        planes[WORDS] += np.where(tagged_apart(columns, first, second), odds, 0.0)
    return planes, together


def fuse(
    planes: Array, together: NDArray[np.bool_], group: Mass, others: Mass, kind: KindCalibration
) -> tuple[Array, Array]:
    """Log-odds that one group and each of others are one entity.

    The sum of a prior (one scene or not) and of what each source says:

    - faces: the mean log-odds of pairs, weighted by the quality of both faces;
    - appearance, within the scenes that both share, else across scenes: the logarithm of the mean likelihood ratio, since
      one view in the same clothes tells more than several in others; across scenes the sum is divided by a little less
      than the number of pairs (``FEW_ALIKE``), since in a long film nobody wears the same all the time;
    - continuity: the sum, since it stands on few pairs, held to its bounds;
    - labels, and tags of frames of different scenes: the mean.

    Means of faces and of appearance within a scene are multiplied by ``1 / (s + (1 - s) / n)``, where n is the harmonic
    mean of the numbers of views and s the share of evidence that further views repeat: independent views add up, but
    never without limit (the design effect of cluster sampling, Kish, 1965).

    Args:
        planes: summed evidence, shape ``(PLANES, ...)``.
        together: whether the groups share a scene, shape ``(...)``.
        group: mass of the one group, or of several that broadcast against ``others``.
        others: mass of the others.
        kind: calibration of the kind.

    Returns:
        The log-odds, and the same without bounds and multiplication, as log-odds of one pair of members. Merging cannot
        raise the latter above what it was for the parts, which makes it the order in which to merge.
    """
    share, rest = kind.repetition, (1 - kind.repetition) / 2
    prior = np.where(together, float(kind.prior_scene), float(kind.prior_across))
    prior += planes[WORDS] * (group.lone_look * others.lone_look)
    total, single = prior, prior
    if kind.face is not None:
        weight = group.weight * others.weight
        mean = planes[FACE] / np.where(weight > 0, weight, 1.0)  # the plane is 0 where a group has no face
        single = single + mean
        np.minimum(np.maximum(mean, kind.face.lowest, out=mean), kind.face.highest, out=mean)
        total = total + mean / (share + rest * (group.lone_face + others.lone_face))
    scened = planes[SCENE_PAIRS] > 0
    ratio = np.where(scened, planes[SCENE], planes[ACROSS])
    ratio /= np.where(scened, planes[SCENE_PAIRS], np.maximum(planes[ACROSS_PAIRS], 1.0) ** FEW_ALIKE)
    evidence = np.log(np.where(ratio > 0, ratio, 1.0))  # a ratio is 0 only where no pair has crops
    continuity = np.minimum(np.maximum(planes[CONTINUITY], kind.continuity.lowest), kind.continuity.highest)
    gain = 1 / (share + rest * (group.lone_look + others.lone_look))
    return (
        total + (np.where(scened, evidence * gain, evidence) + continuity),
        single + (evidence + continuity),
    )
