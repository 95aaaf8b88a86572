"""Frames as a model sees them: bounded in pixels, JPEG, with numbered boxes where asked for.

A stored JPEG that is small enough goes out as it is, without metadata: coding it anew would cost time and quality.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.chat import Picture
from schemas.evidence import FrameView
from schemas.geometry import Box
from tasks.drafting.jpeg import without_metadata

QUALITY = 85
_BYTES_A_PIXEL = 1.0
"""Of a JPEG that is sent as it is, at most: what is larger was stored at a quality that no model sees."""
_COLOURS = ((230, 60, 60), (50, 130, 240), (40, 170, 80), (240, 160, 20), (160, 80, 220), (20, 180, 190))


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """A frame as it is shown: its number, the size in pixels in which boxes are told, and the picture, None for none.

    ``scale`` is how many pixels of the frame one shown pixel is, in each direction.
    """

    number: int
    width: int
    height: int
    scale: tuple[float, float]
    picture: Picture | None

    def shrink(self, box: Box) -> tuple[int, int, int, int]:
        """A box of the frame in shown pixels."""
        across, down = self.scale
        return Box(box.x1 / across, box.y1 / down, box.x2 / across, box.y2 / down).rounded(self.width, self.height)

    def grow(self, box: Sequence[float]) -> Box:
        """A box in shown pixels as one of the frame."""
        across, down = self.scale
        return Box(box[0] * across, box[1] * down, box[2] * across, box[3] * down)


def fit_size(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """The largest size of the same shape within ``max_pixels``, at least one pixel in each direction."""
    share = min(1.0, (max_pixels / (width * height)) ** 0.5)
    return max(1, int(width * share)), max(1, int(height * share))


def show_frame(frame: FrameView, image: bytes | None, max_pixels: int, marks: bool) -> ShownFrame:
    """A frame ready to be sent.

    Args:
        frame: what was found in it.
        image: its stored bytes; None where it is told of and not shown.
        max_pixels: bound of the picture's width times height.
        marks: draw the boxes with their ids.
    """
    width, height = fit_size(frame.width, frame.height, max_pixels)
    shown = ShownFrame(frame.number, width, height, (frame.width / width, frame.height / height), None)
    if image is None:
        return shown
    picture = None if marks else _as_stored(frame, image, shown)
    return ShownFrame(shown.number, width, height, shown.scale, picture or _draw(frame, image, shown, marks))


def _as_stored(frame: FrameView, image: bytes, shown: ShownFrame) -> Picture | None:
    """The stored picture, where it may go out as it is."""
    if (shown.width, shown.height) != (frame.width, frame.height):
        return None
    bare = without_metadata(image)
    return Picture(bare) if bare is not None and len(bare) <= _BYTES_A_PIXEL * shown.width * shown.height else None


def _draw(frame: FrameView, image: bytes, shown: ShownFrame, marks: bool) -> Picture:
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(image)) as opened:
        # A JPEG is decoded at the next larger eighth of its size: most of the work of a large frame is saved.
        opened.draft("RGB", (shown.width, shown.height))
        picture = opened.convert("RGB").resize((shown.width, shown.height), Image.Resampling.LANCZOS)
    if marks:
        draw = ImageDraw.Draw(picture)
        for index, view in enumerate(frame.entities):
            colour = _COLOURS[index % len(_COLOURS)]
            x1, y1, x2, y2 = shown.shrink(view.box)
            draw.rectangle((x1, y1, x2 - 1, y2 - 1), outline=colour, width=max(1, shown.width // 300))
            label = draw.textbbox((x1 + 2, y1 + 1), view.entity_id)
            draw.rectangle((label[0] - 2, label[1] - 1, label[2] + 2, label[3] + 1), fill=colour)
            draw.text((x1 + 2, y1 + 1), view.entity_id, fill=(255, 255, 255))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return Picture(out.getvalue())


def choose_frames(count: int, most: int) -> tuple[int, ...]:
    """Which of ``count`` frames are shown when at most ``most`` can be: first and last, the others evenly between them.

    Of two or more frames both ends are always among them, whatever ``most`` says, unless it is 0: then none is.
    """
    if most <= 0 or count <= 0:
        return ()
    if count <= max(most, 2):
        return tuple(range(1, count + 1))
    most = max(most, 2)
    return tuple(1 + (2 * i * (count - 1) + most - 1) // (2 * (most - 1)) for i in range(most))


def fewer_frames(count: int, shown: Sequence[int]) -> tuple[int, ...] | None:
    """The next smaller choice, two thirds as many; None when only first and last are left."""
    return choose_frames(count, max(2, len(shown) * 2 // 3)) if len(shown) > 2 else None
