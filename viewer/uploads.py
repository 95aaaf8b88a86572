"""Images that the page sends: told by their content, bounded before they are decoded, upright and in a form that models read."""

import base64
import binascii
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from schemas.errors import SampleError

MAX_IMAGES = 32
MAX_IMAGE_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
MAX_BODY_BYTES = 96_000_000
"""Bytes of a whole request; base64 takes four for three."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
_LONGEST_NAME = 80
_ORIENTATION = 0x0112
_QUALITY = 95


@dataclass(frozen=True, slots=True)
class Upload:
    """One image as it is sent on: ``width`` and ``height`` in pixels are those that boxes count in."""

    name: str
    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def suffix(self) -> str:
        """The usual ending of a file of its kind."""
        return _SUFFIXES[self.media_type]

    @property
    def data_uri(self) -> str:
        """The image as an address."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"


def read_uploads(value: object, *, least: int = 1) -> tuple[Upload, ...]:
    """The images of a request: a list of ``{"name": ..., "data": base64}``.

    Raises:
        SampleError: too few or too many, not base64, not an image, too large.
    """
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise SampleError("images must be a list of objects with name and data")
    if len(value) < least:
        raise SampleError("no image was given: drop some into the page first")
    if len(value) > MAX_IMAGES:
        raise SampleError(f"{len(value)} images were given and at most {MAX_IMAGES} go into one story: remove some")
    return tuple(_read_upload(number, one) for number, one in enumerate(value, start=1))


def _read_upload(number: int, value: Mapping[str, Any]) -> Upload:
    name = str(value.get("name") or "")[:_LONGEST_NAME]
    told = f"image {number} ({name})" if name else f"image {number}"
    data = value.get("data")
    if not isinstance(data, str):
        raise SampleError(f"{told} came without its bytes: add it again")
    if len(data) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise SampleError(f"{told} is larger than {MAX_IMAGE_BYTES // 1_000_000} MB: make it smaller")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SampleError(f"{told} is not valid base64: add it again") from error
    return read_image(content, name, told)


def read_image(content: bytes, name: str, told: str) -> Upload:
    """An image upright, as JPEG, PNG or WebP; the bytes stay where they are that already.

    Raises:
        SampleError: it is no image, or one that is too large or damaged; ``told`` names it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise SampleError(_too_large(told, image.size))
                upright = image.getexif().get(_ORIENTATION, 1) in (0, 1)
                plain = image.mode in ("RGB", "L") and getattr(image, "n_frames", 1) == 1
                image.load()
                if image.format in _MEDIA and upright and plain:
                    return Upload(name, content, _MEDIA[image.format], image.width, image.height)
                turned = ImageOps.exif_transpose(image)
                flat = _flatten(turned)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise SampleError(_too_large(told, None)) from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise SampleError(f"{told} is not an image that can be read: use JPEG, PNG or WebP files") from error
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", quality=_QUALITY)
    return Upload(name, buffer.getvalue(), "image/jpeg", flat.width, flat.height)


def _too_large(told: str, size: tuple[int, int] | None) -> str:
    shown = f" ({size[0]}x{size[1]})" if size else ""
    return f"{told} has more than {MAX_PIXELS // 1_000_000} million pixels{shown}: make it smaller"


def _flatten(image: Image.Image) -> Image.Image:
    """RGB, on white where it was transparent."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(ground, over).convert("RGB")
    return image.convert("RGB")


def upload_sizes(uploads: Sequence[Upload]) -> list[tuple[int, int]]:
    """Width and height of each."""
    return [(one.width, one.height) for one in uploads]
