"""A square cut of an image around a face, at a given number of pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from schemas.geometry import Box
from tasks.models.protocols import Image


@dataclass(frozen=True, slots=True, eq=False)
class Closeup:
    """``pixels`` (side, side, 3); a pixel of it is ``scale`` image pixels, its corner lies at ``left``, ``top`` of the image."""

    pixels: Image
    left: float
    top: float
    scale: float

    def to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points ``(n, 2)`` of the closeup in pixels of the image."""
        return points * self.scale + np.array([self.left, self.top])

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

    Enlarged bicubically, reduced with antialiasing.
    """
    extent = max(face.width, face.height, 1.0) * context
    left, top = face.centre[0] - extent / 2, face.centre[1] - extent / 2
    height, width = image.shape[:2]
    x1, y1 = max(0, int(np.floor(left)) - 2), max(0, int(np.floor(top)) - 2)
    x2, y2 = min(width, int(np.ceil(left + extent)) + 2), min(height, int(np.ceil(top + extent)) + 2)
    region = PillowImage.fromarray(np.ascontiguousarray(image[y1:y2, x1:x2]))
    scale = extent / side
    reduction = 1.0
    if scale > 1:  # the affine transform below samples points: reduce first, so that it does not skip pixels
        smaller = [max(1, round(length / scale)) for length in region.size]
        reduction = region.size[0] / smaller[0]
        region = region.resize((smaller[0], smaller[1]), PillowImage.Resampling.BILINEAR)
    step = scale / reduction
    matrix = (step, 0.0, (left - x1) / reduction, 0.0, step, (top - y1) / reduction)
    cut = region.transform((side, side), PillowImage.Transform.AFFINE, matrix, PillowImage.Resampling.BICUBIC)
    return Closeup(np.asarray(cut), left, top, scale)
