"""Encoded frames in place of a shard of ``FRAMES``, so that what reads frames for a stage reads these."""

import io
from collections.abc import Iterator, Sequence
from typing import cast

from PIL import Image as PillowImage

from tasks.benchmark.vision_models import Role
from tasks.models.protocols import Image
from tasks.models.registry import frame_decoder
from tasks.runtime.images import decode_rgb, frame_images
from tasks.runtime.stage import Row
from tasks.runtime.store import ShardReader


class EncodedFrames:
    """Rows of ``FRAMES`` as far as they are asked for; the frames are called ``frame0``, ``frame1`` and so on."""

    def __init__(self, contents: Sequence[bytes]) -> None:
        """``contents`` are images of one size."""
        self._contents = contents
        with PillowImage.open(io.BytesIO(contents[0])) as image:
            self._size = image.size
        self.names = [f"frame{k}" for k in range(len(contents))]

    def select(self, _: Sequence[str]) -> Iterator[Row]:
        """The rows, in order."""
        width, height = self._size
        for name, content in zip(self.names, self._contents, strict=True):
            yield {"frame_id": name, "width": width, "height": height, "image": content}


def read_frames(frames: EncodedFrames, role: Role, decode: str) -> Iterator[tuple[str, Image]]:
    """Id and pixels, decoded ahead as a stage has it done whose model has this role; ``decode`` is its setting."""
    return frame_images(
        cast(ShardReader, frames),
        set(frames.names),
        on_gpu=role.device.on_gpu,
        decode_batch=frame_decoder(decode, role.options),
    )


def take(contents: Sequence[bytes], count: int) -> list[bytes]:
    """So many of the frames, from the beginning again when they end."""
    return [contents[k % len(contents)] for k in range(count)]


def decode_some(contents: Sequence[bytes], count: int) -> list[Image]:
    """Pixels of so many frames."""
    known = [decode_rgb(content) for content in contents[:count]]
    return [known[k % len(known)] for k in range(count)]
