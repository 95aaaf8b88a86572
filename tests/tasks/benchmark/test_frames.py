"""Frames to measure on."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.benchmark.frames import make_frames


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (1920, 1080), (33, 32)])
def test_frames_of_any_size_the_same_each_time(size: tuple[int, int]) -> None:
    frames = make_frames(3, *size)
    assert frames == make_frames(3, *size)
    assert len(set(frames)) == 3
    for content in frames:
        with Image.open(io.BytesIO(content)) as picture:
            assert (picture.format, picture.size, picture.mode) == ("JPEG", size, "RGB")


def test_grain_makes_enlarged_frames_as_large_as_those_of_a_camera() -> None:
    """1080p at quality 90 takes some 300 kB to 1 MB; what was only enlarged would take a third of this."""
    (content,) = make_frames(1, 1920, 1080)
    assert 300_000 < len(content) < 1_000_000
    with Image.open(io.BytesIO(content)) as picture:
        smooth = io.BytesIO()
        picture.resize((350, 197), Image.Resampling.BOX).resize(picture.size).save(smooth, "JPEG", quality=90)
    assert len(smooth.getvalue()) < len(content) / 2


def test_nothing_is_stretched() -> None:
    """A part of the source with the wanted proportions is taken: a square frame from a square source is the whole of it."""
    (content,) = make_frames(1, 350, 350)
    from tasks.runtime.resources import DATA

    source = sorted((DATA / "sample_film" / "frames").rglob("*.jpg"))[0]
    with Image.open(source) as whole, Image.open(io.BytesIO(content)) as frame:
        gap = np.asarray(whole.convert("RGB"), float) - np.asarray(frame, float)
    assert abs(gap.mean()) < 1
    assert gap.std() < 6
