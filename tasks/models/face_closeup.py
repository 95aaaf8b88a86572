"""A square cut of an image around a face, at a given number of pixels."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.geometry import Box
from tasks.models.letterbox import REDUCING_GAP
from tasks.models.protocols import Image

_MARGIN = 2  # source pixels around the cut that interpolation may read


@dataclass(frozen=True, slots=True, eq=False)
class Closeup:
    """``pixels`` (side, side, 3); a pixel of it is ``scale`` image pixels, its corner lies at ``left``, ``top`` of the image."""

    pixels: Image
    left: float
    top: float
    scale: float

    def to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points ``(n, 2)`` of the closeup in pixels of the image."""
        moved: NDArray[np.float64] = points * self.scale + np.array([self.left, self.top])
        return moved

    def to_closeup(self, box: Box) -> Box:
        """A box of the image in pixels of the closeup."""
        return Box(
            (box.x1 - self.left) / self.scale,
            (box.y1 - self.top) / self.scale,
            (box.x2 - self.left) / self.scale,
            (box.y2 - self.top) / self.scale,
        )


def cut_closeup(image: Image, face: Box, context: float, side: int) -> Closeup:
    """The square around ``face`` of ``context`` times its longer side, as ``side`` pixels; black outside the image.

    Bilinear, with antialiasing where it is reduced.
    """
    extent = max(face.width, face.height, 1.0) * context
    scale = extent / side
    left, top = face.centre[0] - extent / 2, face.centre[1] - extent / 2
    height, width = image.shape[:2]
    pixels = np.zeros((side, side, 3), np.uint8)
    # whole pixels of the closeup that lie inside the image, and the same rectangle in the image
    columns = _inside(left, scale, width, side)
    rows = _inside(top, scale, height, side)
    if columns.start < columns.stop and rows.start < rows.stop:
        x1, x2 = (left + k * scale for k in (columns.start, columns.stop))
        y1, y2 = (top + k * scale for k in (rows.start, rows.stop))
        cut_x, cut_y = max(0, int(x1) - _MARGIN), max(0, int(y1) - _MARGIN)
        region = PillowImage.fromarray(
            np.ascontiguousarray(image[cut_y : math.ceil(y2) + _MARGIN, cut_x : math.ceil(x2) + _MARGIN])
        )
        resized = region.resize(
            (columns.stop - columns.start, rows.stop - rows.start),
            PillowImage.Resampling.BILINEAR,
            box=(x1 - cut_x, y1 - cut_y, min(x2 - cut_x, region.width), min(y2 - cut_y, region.height)),
            reducing_gap=REDUCING_GAP,
        )
        pixels[rows, columns] = np.asarray(resized)
    return Closeup(pixels, left, top, scale)


def _inside(start: float, scale: float, length: int, side: int) -> slice:
    """Pixels of a closeup that lie wholly inside an image of ``length`` pixels, along one axis."""
    first = max(0, math.ceil(-start / scale))
    return slice(first, max(first, min(side, math.floor((length - start) / scale))))
