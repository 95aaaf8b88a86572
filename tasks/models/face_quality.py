"""How far a face can be trusted to tell who it is."""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.models.face_alignment import align_face
from tasks.models.protocols import Image, RawFace

FULL_EYE_DISTANCE = 24.0
"""Pixels between the eyes from which size no longer matters."""

FULL_SHARPNESS = 60.0
"""Variance of the Laplacian of an aligned face from which sharpness no longer matters."""

FLOOR_SCORE = 0.6
"""Detection score at which its part is 0; at 0.95 it is 1."""

FLOOR = 0.05
"""Least value of a part in the mean."""


def eye_distance(face: RawFace) -> float:
    """Distance of the eyes in pixels."""
    (x1, y1), (x2, y2) = face.landmarks[:2]
    return math.hypot(x2 - x1, y2 - y1)


def size_quality(face: RawFace) -> float:
    """0 to 1: distance of the eyes over :data:`FULL_EYE_DISTANCE`, square root (half the size costs 0.3)."""
    return math.sqrt(min(1.0, eye_distance(face) / FULL_EYE_DISTANCE))


def laplacian_variance(grey: NDArray[np.float32]) -> float:
    """Variance of the four-neighbour Laplacian inside ``grey`` (h, w): the usual measure of focus."""
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())


def sharpness_quality(aligned: Image) -> float:
    """0 to 1 for an aligned face: Laplacian variance over :data:`FULL_SHARPNESS`, square root.

    An enlarged small face has no fine detail, so this also falls with size.
    """
    grey = aligned.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return math.sqrt(min(1.0, laplacian_variance(grey) / FULL_SHARPNESS))


def pose_quality(face: RawFace) -> float:
    """0 to 1: 1 for a frontal face, 0 where the nose stands over an eye or beyond.

    The nose is projected onto the line between the eyes and onto that between the mouth corners; its distance from the
    middle, in halves of the line, is the asymmetry; the larger one counts.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = (np.array(point) for point in face.landmarks)
    asymmetry = max(_off_middle(right_eye, left_eye, nose), _off_middle(right_mouth, left_mouth, nose))
    return max(0.0, 1.0 - asymmetry)


def _off_middle(start: NDArray[np.float64], end: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    line = end - start
    length = float(line @ line)
    return abs(2 * float((point - start) @ line) / length - 1) if length > 0 else 1.0


def score_quality(face: RawFace) -> float:
    """0 to 1: detection score between :data:`FLOOR_SCORE` and 0.95."""
    return min(1.0, max(0.0, (face.score - FLOOR_SCORE) / (0.95 - FLOOR_SCORE)))


def face_quality(face: RawFace, image: Image) -> float:
    """0 to 1: the geometric mean of size, sharpness, pose and detection score, each kept above :data:`FLOOR`.

    A product, since one bad side spoils an embedding; a floor, since none of them is certain.
    """
    parts = (
        size_quality(face),
        sharpness_quality(align_face(image, face)),
        pose_quality(face),
        score_quality(face),
    )
    return math.prod(max(part, FLOOR) for part in parts) ** (1 / len(parts))
