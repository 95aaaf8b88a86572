"""The pictures of frames: what kind a stored image is, its size, and thumbnails, without trusting a byte of it."""

import io
import warnings
from dataclasses import dataclass

from PIL import Image

from schemas.errors import SampleError

MAX_PIXELS = 80_000_000
WIDTHS = (96, 160, 320, 480, 640, 960)
"""Widths of thumbnails; another is rounded up to one of these, so that nobody can fill the cache with sizes."""
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Picture:
    """Encoded bytes of an image with their media type."""

    content: bytes
    media_type: str


def inspect_image(content: bytes) -> tuple[str, tuple[int, int]] | None:
    """Media type and size in pixels from the header of an image; ``None`` when it is none that a page can show."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES)) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                return MEDIA_TYPES[image.format or ""], image.size
    except (OSError, ValueError, SyntaxError, KeyError, Image.DecompressionBombError):
        return None


def shown_width(asked: int) -> int:
    """The width that a thumbnail gets."""
    return next((width for width in WIDTHS if width >= asked), WIDTHS[-1])


def stored_picture(content: bytes) -> Picture:
    """The bytes as they are.

    Raises:
        SampleError: they are no image that a page can show.
    """
    found = inspect_image(content)
    if found is None:
        raise SampleError(
            "this frame is no readable image: 'storyreasoning check' names what is wrong with the dataset"
        )
    return Picture(content, found[0])


def thumbnail(content: bytes, width: int) -> Picture:
    """A JPEG of at most this width; an image that is no wider stays as it is.

    Raises:
        SampleError: it is no image that can be read.
    """
    stored = stored_picture(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(MEDIA_TYPES)) as image:
                if image.width <= width:
                    return stored
                height = max(1, round(image.height * width / image.width))
                image.draft("RGB", (width, height))
                small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SampleError("this frame is damaged: its header can be read and its pixels cannot") from error
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return Picture(buffer.getvalue(), "image/jpeg")
