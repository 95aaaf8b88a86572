"""Images encoded anew, for whoever asks for it; by default they stay the bytes that came."""

import io
from dataclasses import replace

import pyarrow as pa
from PIL import Image

from schemas.config import ExportConfig
from tasks.exporting.stories import ExportedStory
from tasks.runtime.images import ahead

FORMATS = {"jpeg": "JPEG", "webp": "WEBP"}


def encode_images(images: pa.Array, name: str, quality: int) -> pa.Array:
    """Every image of a binary array in the format ``jpeg`` or ``webp``, its size in pixels as before."""

    def encode(content: bytes) -> bytes:
        buffer = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            image.save(buffer, FORMATS[name], quality=quality)
        return buffer.getvalue()

    return pa.array(ahead(encode, images.to_pylist(), workers=2), pa.binary())


def reencode(story: ExportedStory, params: ExportConfig) -> ExportedStory:
    """A story whose frames are in the format that is asked for."""
    images = encode_images(story.images, params.image_format, params.image_quality)
    return replace(story, images=images, frames=[{**frame, "format": params.image_format} for frame in story.frames])
