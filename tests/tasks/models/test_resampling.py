from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.models.protocols import Image
from tasks.models.resampling import Planes, resample


def noise(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pillow(image: Image, height: int, width: int) -> Planes:
    """Pillow's own filter in 32-bit floats, channel by channel, after its own averaging of blocks of four and more."""
    rows, columns = image.shape[:2]
    down, across = max(1, rows // height), max(1, columns // width)
    channels = [PIL.Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    if down * across >= 4:
        channels = [channel.reduce((across, down)) for channel in channels]
    else:
        down = across = 1
    bilinear = PIL.Image.Resampling.BILINEAR
    box = (0, 0, columns / across, rows / down)
    return np.stack([np.asarray(channel.resize((width, height), bilinear, box)) for channel in channels])


def resampled(image: Image, height: int, width: int, *, bgr: bool = False) -> Planes:
    out = np.full((3, height, width), np.nan, np.float32)
    resample(image, out, bgr=bgr)
    return out


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(1, 90), st.integers(0, 9))
@example(1, 1, 90, 90, 0)
@example(90, 90, 46, 46, 0)  # just below the size from which blocks are averaged
@example(89, 40, 45, 90, 0)  # fewer rows, more columns
@example(90, 89, 1, 1, 0)  # one block, of more pixels than 16 bits hold the sum of
@example(89, 90, 22, 22, 0)  # the last row and the last column of blocks are parts
def test_as_pillow_does_in_floats(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    image = noise(height, width, seed)
    assert np.abs(resampled(image, rows, columns) - pillow(image, rows, columns)).max() < 1e-3


@pytest.mark.parametrize(("height", "width"), [(270, 480), (1080, 1920), (500, 200), (300, 3000), (360, 640)])
@pytest.mark.parametrize(("rows", "columns"), [(224, 224), (360, 640)])
def test_sizes_of_frames(height: int, width: int, rows: int, columns: int) -> None:
    image = noise(height, width)
    assert np.abs(resampled(image, rows, columns) - pillow(image, rows, columns)).max() < 1e-3


def test_two_pixels_become_four_by_hand() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 100, 200, 40
    # centres at 1/4, 3/4, 5/4 and 7/4 of a pixel, those of the image at 1/2 and 3/2
    rgb, bgr = resampled(image, 1, 4), resampled(image, 1, 4, bgr=True)
    assert rgb[:, 0].T.tolist() == [[0, 0, 0], [25, 50, 10], [75, 150, 30], [100, 200, 40]]
    assert bgr[:, 0].T.tolist() == [[0, 0, 0], [10, 50, 25], [30, 150, 75], [40, 200, 100]]


def test_blocks_that_do_not_divide_an_image_shift_nothing() -> None:
    ramp = np.repeat(np.arange(0, 230, dtype=np.uint8)[None, :, None], 230, axis=0).repeat(3, axis=2)
    red, _, _ = resampled(ramp, 100, 100)  # blocks of 2, then from 115 to 100
    centres = (np.arange(100) + 0.5) * 2.3 - 0.5
    assert np.abs(red - centres)[:, 2:-2].max() < 0.25


@pytest.mark.parametrize(("rows", "columns"), [(40, 60), (40, 64), (51, 60), (20, 90), (90, 20)])
def test_into_a_part_of_an_array(rows: int, columns: int) -> None:
    image = noise(40, 60)
    canvas = np.full((3, rows + 7, columns + 5), -1, np.float32)
    resample(image, canvas[:, :rows, :columns])
    assert np.array_equal(canvas[:, :rows, :columns], resampled(image, rows, columns))
    assert (canvas[:, rows:] == -1).all()
    assert (canvas[:, :, columns:] == -1).all()


@pytest.mark.parametrize(
    "view",
    [lambda a: a[5:45, 10:70], lambda a: a[:, ::-1], lambda a: a[::2, ::3], lambda a: a.transpose(1, 0, 2)],
    ids=["a part", "mirrored", "every other", "turned"],
)
@pytest.mark.parametrize("size", [(30, 33), (128, 128), (7, 5)])
def test_views_of_images(view: Callable[[Image], Image], size: tuple[int, int]) -> None:
    image = view(noise(60, 80))
    assert np.array_equal(resampled(image, *size), resampled(np.ascontiguousarray(image), *size))


def test_stripes_are_averaged_not_sampled() -> None:
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255  # one pixel white, one black: sampling points would give all or nothing
    for size in (100, 350):
        assert np.abs(resampled(stripes, size, size)[:, 5:-5, 5:-5] - 127.5).max() < (2 if size == 100 else 60)


def test_one_image_after_another_leaves_nothing_behind() -> None:
    large, small = noise(300, 400, 1), noise(20, 30, 2)
    first = resampled(small, 64, 64)
    resampled(large, 224, 224)
    assert np.array_equal(resampled(small, 64, 64), first)
