"""Faces brought into one pose: the five landmarks are moved onto fixed places by rotation, scaling and shift."""

import math
from collections.abc import Sequence

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

_TEMPLATE = TEMPLATE.tolist()
_MARGIN = 2  # source pixels around the face that interpolation may read


def similarity_transform(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2x3 matrix that moves points ``source`` (n, 2) onto ``target`` with least squares, without reflection.

    In the plane the solution of Umeyama (1991) is one complex number: with centred points as complex numbers the best
    rotation and scale is ``sum(conj(s) t) / sum(|s|^2)``. Points that all coincide give scale 0.
    """
    turn, shift = _similarity(source.tolist(), target.tolist())
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _similarity(source: Sequence[Sequence[float]], target: Sequence[Sequence[float]]) -> tuple[complex, complex]:
    """:func:`similarity_transform` as ``turn`` and ``shift`` of ``z turn + shift``: for five points arrays are dear."""
    sources, targets = ([complex(x, y) for x, y in points] for points in (source, target))
    middle, goal = sum(sources) / len(sources), sum(targets) / len(targets)
    centred = [z - middle for z in sources]
    spread = sum(z.real * z.real + z.imag * z.imag for z in centred)
    product = sum(z.conjugate() * (w - goal) for z, w in zip(centred, targets, strict=True))
    turn = product / spread if spread > 0 else 0j
    return turn, goal - turn * middle


def align_face(image: Image, face: RawFace) -> Image:
    """The face as ``(112, 112, 3)``; grey where it reaches beyond the image or has no extent.

    A face larger than 112 pixels is first reduced with antialiasing, then turned and sampled bilinearly.
    """
    turn, shift = _similarity(face.landmarks, _TEMPLATE)
    scale = abs(turn)
    if not math.isfinite(scale) or scale < SIZE * 1e-6:
        return np.full((SIZE, SIZE, 3), 127, np.uint8)
    corners = [(corner - shift) / turn for corner in (0, SIZE, SIZE * 1j, SIZE * (1 + 1j))]
    height, width = image.shape[:2]
    left, right = _reach([corner.real for corner in corners], width)
    top, bottom = _reach([corner.imag for corner in corners], height)
    region = PillowImage.fromarray(np.ascontiguousarray(image[top:bottom, left:right]))
    reduce_x = reduce_y = 1.0
    if scale < 1:  # a source pixel is smaller than an aligned one
        width, height = (max(1, round(side * scale)) for side in region.size)
        reduce_x, reduce_y = region.width / width, region.height / height
        region = region.resize((width, height), PillowImage.Resampling.BILINEAR)
    back, origin = 1 / turn, -shift / turn - complex(left, top)
    aligned = region.transform(
        (SIZE, SIZE),
        PillowImage.Transform.AFFINE,
        (
            back.real / reduce_x, -back.imag / reduce_x, origin.real / reduce_x,
            back.imag / reduce_y, back.real / reduce_y, origin.imag / reduce_y,
        ),
        PillowImage.Resampling.BILINEAR,
        fillcolor=(127, 127, 127),
    )  # fmt: skip
    return np.asarray(aligned)


def _reach(places: Sequence[float], length: int) -> tuple[int, int]:
    """The first pixel of an axis that interpolation between these places may read, and the one behind the last."""
    first = min(max(math.floor(min(places)) - _MARGIN, 0), length - 1)
    return first, min(max(math.ceil(max(places)) + _MARGIN, first + 1), length)
