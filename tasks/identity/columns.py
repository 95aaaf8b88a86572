"""Observations of one kind as arrays, in canonical order, cleaned of everything that is not a number."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.identity.observation import Observation, stack_embeddings, visible_boxes

WEIGHT_STEP = 64
"""Face weights are multiples of 1/64; see ``tasks.identity.pairs`` for why sums have to be exact."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Arrays of ``n`` observations.

    Attributes:
        rank: frame as a position among the frames that have any observation, shape ``(n,)``.
        scene: code of the scene, shape ``(n,)``.
        label: code of the detector's label, an index into ``label_names``, shape ``(n,)``.
        label_names: the labels, sorted.
        score: detector's score, 0 to 1, shape ``(n,)``.
        boxes: visible boxes ``x1,y1,x2,y2`` in pixels, shape ``(n, 4)``.
        face: face embeddings, zero rows where there is no face, shape ``(n, d)``.
        face_weight: 0 where there is no face, else its quality as a multiple of 1/64 and at least 1/64, shape ``(n,)``.
        appearance: crop embeddings, zero rows where missing, shape ``(n, e)``.
        has_appearance: shape ``(n,)``.
        tag: codes of the tags of the frame, -1 where it has fewer than others, shape ``(n, t)``.
        tag_weight: square roots of their scores, 0 where there is none, shape ``(n, t)``.
        near_next: for each frame rank, whether the frame of the next rank is nearly identical and of the same scene.
    """

    rank: NDArray[np.int64]
    scene: NDArray[np.int64]
    label: NDArray[np.int64]
    label_names: tuple[str, ...]
    score: NDArray[np.float64]
    boxes: NDArray[np.float64]
    face: NDArray[np.float32]
    face_weight: NDArray[np.float64]
    appearance: NDArray[np.float32]
    has_appearance: NDArray[np.bool_]
    tag: NDArray[np.int64]
    tag_weight: NDArray[np.float64]
    near_next: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """Number of observations."""
        return len(self.rank)

    def take(self, rows: NDArray[np.int64]) -> "Columns":
        """The observations of some rows, in that order."""
        return Columns(
            self.rank[rows],
            self.scene[rows],
            self.label[rows],
            self.label_names,
            self.score[rows],
            self.boxes[rows],
            self.face[rows],
            self.face_weight[rows],
            self.appearance[rows],
            self.has_appearance[rows],
            self.tag[rows],
            self.tag_weight[rows],
            self.near_next,
        )


def _unit(value: float) -> float:
    """``value`` held to 0..1; 0 when it is not finite."""
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def near_frames(observations: Sequence[Observation], shot_bits: int) -> tuple[dict[int, int], NDArray[np.bool_]]:
    """Rank the frames and find neighbours that show nearly the same picture.

    Args:
        observations: all observations, of every kind, in any order.
        shot_bits: most bits of the 64-bit hash in which two frames of one shot differ.

    Returns:
        The rank of each frame number, and for each rank whether the next rank continues its shot.
    """
    frames: dict[int, tuple[str, int | None]] = {}
    for observation in observations:
        known = frames.get(observation.frame)
        if known is None or known[1] is None:
            frames[observation.frame] = (observation.scene, observation.frame_hash)
    order = sorted(frames)
    near = np.zeros(len(order), dtype=np.bool_)
    for position, (this, following) in enumerate(itertools.pairwise(order)):
        (scene, left), (next_scene, right) = frames[this], frames[following]
        if scene == next_scene and left is not None and right is not None:
            near[position] = ((left ^ right) & (2**64 - 1)).bit_count() <= shot_bits
    return {frame: rank for rank, frame in enumerate(order)}, near


def tag_columns(observations: Sequence[Observation]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Codes and weights of the tags of each observation's frame, see ``Columns``."""
    codes = {tag: code for code, tag in enumerate(sorted({tag for one in observations for tag, _ in one.tags}))}
    most = max((len(one.tags) for one in observations), default=0)
    tag = np.full((len(observations), most), -1, dtype=np.int64)
    weight = np.zeros((len(observations), most))
    for row, one in enumerate(observations):
        for column, (name, score) in enumerate(one.tags):
            tag[row, column] = codes[name]
            weight[row, column] = math.sqrt(_unit(score))
    return tag, weight


def build_columns(observations: Sequence[Observation], ranks: dict[int, int], near_next: NDArray[np.bool_]) -> Columns:
    """Turn observations of one kind, already in canonical order, into arrays.

    Args:
        observations: in canonical order.
        ranks: rank of each frame, from ``near_frames``.
        near_next: from ``near_frames``.

    Raises:
        ValueError: embeddings of different lengths are mixed.
    """
    scene_codes = {name: code for code, name in enumerate(sorted({one.scene for one in observations}))}
    label_names = tuple(sorted({one.label for one in observations}))
    label_codes = {name: code for code, name in enumerate(label_names)}
    face, has_face = stack_embeddings([one.face for one in observations])
    appearance, has_appearance = stack_embeddings([one.appearance for one in observations])
    quality = np.array([_unit(one.face_quality) for one in observations], dtype=np.float64)
    tag, tag_weight = tag_columns(observations)
    weight = np.maximum(np.round(quality * WEIGHT_STEP), 1.0) / WEIGHT_STEP
    return Columns(
        rank=np.array([ranks[one.frame] for one in observations], dtype=np.int64),
        scene=np.array([scene_codes[one.scene] for one in observations], dtype=np.int64),
        label=np.array([label_codes[one.label] for one in observations], dtype=np.int64),
        label_names=label_names,
        score=np.array([_unit(one.score) for one in observations], dtype=np.float64),
        boxes=visible_boxes(observations),
        face=face,
        face_weight=np.where(has_face, weight, 0.0),
        appearance=appearance,
        has_appearance=has_appearance,
        tag=tag,
        tag_weight=tag_weight,
        near_next=near_next,
    )
