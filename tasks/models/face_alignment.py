"""Faces brought into one pose: the five landmarks are moved onto fixed places by rotation, scaling and shift."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from tasks.models.protocols import Image, RawFace

SIZE = 112
"""Side of an aligned face in pixels."""

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)
"""Where the landmarks of :class:`~tasks.models.protocols.RawFace` lie in an aligned face (InsightFace, ``arcface_dst``)."""

_MARGIN = 2  # source pixels around the face that interpolation may read


def similarity_transform(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2x3 matrix that moves points ``source`` (n, 2) onto ``target`` with least squares, without reflection.

    In the plane the solution of Umeyama (1991) is one complex number: with centred points as complex numbers the best
    rotation and scale is ``sum(conj(s) t) / sum(|s|^2)``. Points that all coincide give scale 0.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s = (source - source_mean) @ np.array([1, 1j])
    t = (target - target_mean) @ np.array([1, 1j])
    spread = float(np.sum(np.abs(s) ** 2))
    turn = complex(np.sum(np.conj(s) * t) / spread) if spread > 0 else 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.hstack([linear, (target_mean - linear @ source_mean)[:, None]])


def align_face(image: Image, face: RawFace) -> Image:
    """The face as ``(112, 112, 3)``; grey where it reaches beyond the image or has no extent.

    A face larger than 112 pixels is first reduced with antialiasing, then turned and sampled bilinearly.
    """
    forward = similarity_transform(np.array(face.landmarks, np.float64), TEMPLATE)
    scale = math.hypot(forward[0, 0], forward[1, 0])
    if not math.isfinite(scale) or scale < SIZE * 1e-6:
        return np.full((SIZE, SIZE, 3), 127, np.uint8)
    linear = np.linalg.inv(forward[:, :2])
    offset = -linear @ forward[:, 2]
    corners = np.array([[0, 0], [SIZE, 0], [0, SIZE], [SIZE, SIZE]]) @ linear.T + offset
    height, width = image.shape[:2]
    left, top = (int(v) for v in np.clip(np.floor(corners.min(axis=0)) - _MARGIN, 0, [width - 1, height - 1]))
    right, bottom = (
        int(v) for v in np.clip(np.ceil(corners.max(axis=0)) + _MARGIN, [left + 1, top + 1], [width, height])
    )
    region = PillowImage.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    reduction = np.ones(2)
    if scale < 1:  # a source pixel is smaller than an aligned one
        small = [max(1, round(side * scale)) for side in region.size]
        reduction = np.array(region.size) / small
        region = region.resize((small[0], small[1]), PillowImage.Resampling.BILINEAR)
    inverse = np.hstack([linear, (offset - [left, top])[:, None]]) / reduction[:, None]
    aligned = region.transform(
        (SIZE, SIZE),
        PillowImage.Transform.AFFINE,
        tuple(float(v) for v in inverse.ravel()),
        PillowImage.Resampling.BILINEAR,
        fillcolor=(127, 127, 127),
    )
    return np.asarray(aligned)
