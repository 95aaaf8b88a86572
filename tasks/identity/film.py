"""What a film tells about its own embeddings before anyone is known: how alike different people look in it.

Two detections of one frame are different for sure. Where they are more alike than they were where the curves were fitted
(one light, one uniform, blurred faces, another embedder's habits), everything in the film is, and the curves move along.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.identity.calibration import KindCalibration
from tasks.identity.columns import Columns

Array = NDArray[np.float64]

TRUST = 20.0
"""Pairs at which the film's own mean counts as much as the calibration's."""

FURTHEST = 0.25
"""Most that a curve is moved, in cosine."""


def mean_within_frames(rank: NDArray[np.int64], vectors: NDArray[np.float32], weight: Array) -> tuple[float, float]:
    """Mean cosine of pairs of one frame, weighted by the product of their weights, and the sum of those products.

    From sums over frames alone, ``2 sum_{i<j} w_i w_j c_ij = |sum w_i v_i|**2 - sum w_i**2``, so the cost is that of
    reading the vectors once.

    Args:
        rank: frame of each vector, ascending, shape ``(n,)``.
        vectors: rows of length 1, or 0 where the weight is 0, shape ``(n, d)``.
        weight: shape ``(n,)``.
    """
    if not len(rank) or not vectors.shape[1]:
        return 0.0, 0.0
    starts = np.flatnonzero(np.diff(rank, prepend=rank[0] - 1))
    summed = np.add.reduceat(vectors * weight[:, None], starts, axis=0)
    own = float((weight**2 * (np.linalg.norm(vectors, axis=1) > 0)).sum())
    pairs = float((np.add.reduceat(weight, starts) ** 2).sum() - (weight**2).sum()) / 2
    alike = (float((summed**2).sum()) - own) / 2
    return (alike / pairs, pairs) if pairs > 1e-9 else (0.0, 0.0)


def shift(mean: float, pairs: float, reference: float | None) -> float:
    """How far a curve moves: the difference of means, the less the fewer pairs, as a multiple of 2**-10."""
    if reference is None or pairs <= 0:
        return 0.0
    moved = (mean - reference) * pairs / (pairs + TRUST)
    return round(min(max(moved, -FURTHEST), FURTHEST) * 1024) / 1024


def fit_to_film(columns: Columns, kind: KindCalibration) -> KindCalibration:
    """The curves moved to what different entities look like in this film.

    Args:
        columns: observations of one kind of one film.
        kind: calibration of the kind.
    """
    changes: dict[str, object] = {}
    if kind.face is not None:
        by = shift(*mean_within_frames(columns.rank, columns.face, columns.face_weight), kind.face.reference)
        changes["face"] = kind.face.moved(by)
    seen = columns.has_appearance.astype(np.float64)
    by = shift(*mean_within_frames(columns.rank, columns.appearance, seen), kind.appearance_scene.reference)
    changes["appearance_scene"] = kind.appearance_scene.moved(by)
    changes["appearance_across"] = kind.appearance_across.moved(by)
    return kind.model_copy(update=changes)
