"""Frames to measure on: those of the sample film at any size, with grain, as JPEG."""

import io

import numpy as np
from PIL import Image

from tasks.runtime.resources import DATA

QUALITY = 90
GRAIN = 3.0
"""Deviation of the noise that is laid over a frame: enlarged ones would else be smoother, and quicker to decode, than any
camera's."""


def make_frames(count: int, width: int, height: int) -> list[bytes]:
    """``count`` frames of ``width`` x ``height`` pixels, the same on each call; films and scenes take turns."""
    paths = sorted((DATA / "sample_film" / "frames").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    frames = []
    for k in range(count):
        with Image.open(paths[(k * 7) % len(paths)]) as picture:  # 7 shares no factor with their number
            whole = picture.convert("RGB")
        pixels = np.asarray(
            whole.resize((width, height), Image.Resampling.BICUBIC, _part(*whole.size, width, height)), np.float32
        )
        noisy = np.clip(pixels + rng.normal(0, GRAIN, (height, width, 1)), 0, 255).astype(np.uint8)
        content = io.BytesIO()
        Image.fromarray(noisy).save(content, "JPEG", quality=QUALITY)
        frames.append(content.getvalue())
    return frames


def _part(width: int, height: int, wanted_width: int, wanted_height: int) -> tuple[float, float, float, float]:
    """The largest part of an image that has the wanted proportions, towards the top, where faces are."""
    scale = min(width / wanted_width, height / wanted_height)
    left, top = (width - wanted_width * scale) / 2, (height - wanted_height * scale) / 5
    return left, top, left + wanted_width * scale, top + wanted_height * scale
