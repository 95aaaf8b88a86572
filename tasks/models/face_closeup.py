"""A square cut of an image around a face, at a given number of pixels."""

from dataclasses import dataclass

from schemas.geometry import Box
from tasks.models.protocols import Image
from tasks.models.resampling import Part, Planes, resample


@dataclass(frozen=True, slots=True, eq=False)
class Closeup:
    """Its corner lies at ``left``, ``top`` of the image, and a pixel of it is ``scale`` image pixels."""

    left: int
    top: int
    scale: float

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """A point of the closeup in pixels of the image."""
        return x * self.scale + self.left, y * self.scale + self.top

    def to_closeup(self, box: Box) -> Box:
        """A box of the image in pixels of the closeup."""
        return Box(
            (box.x1 - self.left) / self.scale,
            (box.y1 - self.top) / self.scale,
            (box.x2 - self.left) / self.scale,
            (box.y2 - self.top) / self.scale,
        )


def cut_closeup(image: Image, face: Box, context: float, out: Planes) -> Closeup:
    """Write the square around ``face`` of ``context`` times its longer side into ``out`` ``(3, side, side)``.

    Blue, green, red from 0 to 255, black outside the image. The square is a whole number of image pixels, so that closeups
    of all faces of a size are made with the same weights.
    """
    extent = max(1, round(max(face.width, face.height) * context))
    left, top = (round(middle - extent / 2) for middle in face.centre)
    resample(image, out, part=Part(top, left, extent, extent), bgr=True)
    return Closeup(left, top, extent / out.shape[1])
