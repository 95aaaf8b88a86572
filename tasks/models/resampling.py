"""Images at another size, as the planes of 32-bit floats that a network takes.

Along an axis that is a whole number of times too long, the mean of that many pixels, as Pillow's box filter. Else bilinear with
antialiasing, as Pillow's: a triangle as wide as two pixels of the wanted size, or of the image where it is enlarged. Every
pixel is the weighted sum of a few neighbours, whose weights are made once for each pair of lengths. What is made is neither
rounded between the passes nor laid out anew; all of it is one call of compiled code (``pixels.c``), or, where that could not
be compiled, of Pillow's filters in floats for each plane.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from tasks.models import compiled
from tasks.models.protocols import Image

Planes = NDArray[np.float32]
"""Pixels ``(3, height, width)``, from 0 to 255 unless they were scaled."""

Axis = tuple[NDArray[np.int32], NDArray[np.float32]]
"""``first`` ``(wanted,)`` and ``weights`` ``(wanted, taps)``: from where on neighbours count for a pixel, and how much each."""

_AXES = 512  # pairs of lengths kept; each takes some kB, up to 130 of 4000 pixels to 224


class Part(NamedTuple):
    """A part of an image in pixels, which may reach beyond it; there it is black."""

    top: int
    left: int
    height: int
    width: int


@lru_cache(maxsize=_AXES)
def weights_of(length: int, wanted: int) -> Axis:
    """The weights that spread ``length`` pixels over ``wanted``: for each its share or its triangle, made to sum to 1.

    As in Pillow's ``Resample.c``: a pixel counts by where its centre lies.
    """
    times, rest = divmod(length, wanted)
    if not rest:
        return _frozen(np.arange(0, length, times, dtype=np.int32)), _frozen(
            np.full((wanted, times), 1 / times, np.float32)
        )
    scale = length / wanted
    reach = max(scale, 1.0)
    centres = ((np.arange(wanted) + 0.5) * scale)[:, None]

    def shares(first: NDArray[np.int32], taps: int) -> NDArray[np.float64]:
        return np.maximum(0.0, 1 - np.abs(first[:, None] + np.arange(taps) + 0.5 - centres) / reach)

    first = np.clip(centres[:, 0] - reach + 0.5, 0, length).astype(np.int32)
    counted = shares(first, int(np.ceil(2 * reach)) + 1) > 0
    first += counted.argmax(axis=1).astype(np.int32)
    taps = min(int(counted.sum(axis=1).max()), length)
    first = np.minimum(first, length - taps)
    weights = shares(first, taps)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return _frozen(first), _frozen(weights)


@lru_cache(maxsize=_AXES)
def paired_weights(length: int, wanted: int) -> Axis:
    """:func:`weights_of` as compiled code takes them across, where a register holds two neighbours.

    For each pair eight weights: three times that of the first, three times that of the second, and two of nothing.
    """
    first, weights = weights_of(length, wanted)
    taps = weights.shape[1]
    pairs = np.zeros((wanted, -(-taps // 2), 8), np.float32)
    pairs[:, :, :3] = weights[:, ::2, None]
    pairs[:, : taps // 2, 3:6] = weights[:, 1::2, None]
    return first, _frozen(pairs.reshape(wanted, -1))


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.setflags(write=False)
    return values


def resample(
    image: Image,
    out: Planes,
    *,
    part: Part | None = None,
    bgr: bool = False,
    scale: Sequence[float] = (1.0, 1.0, 1.0),
    shift: Sequence[float] = (0.0, 0.0, 0.0),
) -> None:
    """Write ``image`` ``(rows, columns, 3)``, or a ``part`` of it, into ``out``, at its size: ``value * scale + shift``.

    Planes, ``scale`` and ``shift`` are red, green, blue, or blue first where asked.
    """
    where = part or Part(0, 0, *image.shape[:2])
    order = -1 if bgr else 1
    planes, scales, shifts = out[::order], tuple(scale)[::order], tuple(shift)[::order]
    if compiled.pixels is None:
        _with_pillow(image, where, planes, scales, shifts)
        return
    axes = weights_of(where.height, out.shape[1]), paired_weights(where.width, out.shape[2])
    compiled.pixels.resample(_side_by_side(image), where, *axes, planes, scales, shifts)


def _side_by_side(image: Image) -> Image:
    """``image`` with the pixels of a row one behind the other; a part of such an image is that as it is."""
    return image if image.strides[1:] == (3, 1) else np.ascontiguousarray(image)


def _cut_out(image: Image, part: Part) -> Image:
    """A part of an image, black beyond it."""
    height, width = image.shape[:2]
    top, left = max(0, part.top), max(0, part.left)
    bottom, right = min(height, part.top + part.height), min(width, part.left + part.width)
    if (bottom - top, right - left) == (part.height, part.width):
        return image[top:bottom, left:right]
    black = np.zeros((part.height, part.width, 3), np.uint8)
    if top < bottom and left < right:
        inside = image[top:bottom, left:right]
        black[top - part.top : bottom - part.top, left - part.left : right - part.left] = inside
    return black


def _with_pillow(image: Image, part: Part, planes: Planes, scales: Sequence[float], shifts: Sequence[float]) -> None:
    pixels = _cut_out(image, part).astype(np.float32)
    height, width = planes.shape[1:]
    across, down = _filter(part.width, width), _filter(part.height, height)
    for plane, scale, shift, channel in zip(planes, scales, shifts, np.moveaxis(pixels, 2, 0), strict=True):
        picture = PillowImage.fromarray(np.ascontiguousarray(channel))
        picture = picture.resize((width, part.height), across).resize((width, height), down)
        np.multiply(np.asarray(picture), scale, out=plane)
        plane += shift


def _filter(length: int, wanted: int) -> PillowImage.Resampling:
    return PillowImage.Resampling.BILINEAR if length % wanted else PillowImage.Resampling.BOX
