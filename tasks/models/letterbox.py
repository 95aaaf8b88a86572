"""Fitting an image of any size into the input of a fully convolutional network.

The image keeps its proportions, lies in the top left corner, and the rest is filled up to a multiple of the network's
largest stride: a wide frame costs what its area costs, not what a square costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.geometry import Box
from tasks.models.protocols import Image
from tasks.models.resampling import Planes, resample


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image is placed: it takes ``width`` x ``height`` pixels of an input of ``input_width`` x ``input_height``."""

    image_width: int
    image_height: int
    width: int
    height: int
    input_width: int
    input_height: int

    @property
    def factor_x(self) -> float:
        """Image pixels in one input pixel, across."""
        return self.image_width / self.width

    @property
    def factor_y(self) -> float:
        """Image pixels in one input pixel, down."""
        return self.image_height / self.height

    def to_image(self, x1: float, y1: float, x2: float, y2: float) -> Box:
        """A box of the input in pixels of the image, cut at its edges."""
        box = Box(x1 * self.factor_x, y1 * self.factor_y, x2 * self.factor_x, y2 * self.factor_y)
        return box.clamp(self.image_width, self.image_height)


def fit_inside(image: Image, long_side: int, short_side: int, multiple: int) -> Fit:
    """The largest placement of ``image`` within ``long_side`` x ``short_side`` pixels, either way up.

    The input is padded to a multiple of ``multiple`` pixels in each direction.
    """
    height, width = image.shape[:2]
    scale = min(long_side / max(width, height), short_side / min(width, height))
    fitted = [max(1, round(side * scale)) for side in (width, height)]
    padded = [-(-side // multiple) * multiple for side in fitted]
    return Fit(width, height, fitted[0], fitted[1], padded[0], padded[1])


def bgr_input(
    image: Image,
    fit: Fit,
    out: Planes,
    scale: Sequence[float] = (1.0, 1.0, 1.0),
    shift: Sequence[float] = (0.0, 0.0, 0.0),
) -> None:
    """Write ``image`` into ``out`` ``(3, input_height, input_width)``: blue, green, red, ``value * scale + shift``.

    Values are from 0 to 255, ``scale`` and ``shift`` in the order of the planes; zero outside the image.
    """
    out[:, fit.height :] = 0
    out[:, : fit.height, fit.width :] = 0
    resample(image, out[:, : fit.height, : fit.width], bgr=True, scale=scale, shift=shift)
