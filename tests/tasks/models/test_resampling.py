from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.models import compiled
from tasks.models.protocols import Image
from tasks.models.resampling import Part, Planes, resample, weights_of

Way = Callable[..., Planes]


def noise(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pillow(image: Image, height: int, width: int) -> Planes:
    """Pillow's own filters in 32-bit floats, channel by channel, axis by axis."""
    rows, columns = image.shape[:2]
    bilinear, box = PIL.Image.Resampling.BILINEAR, PIL.Image.Resampling.BOX
    channels = [PIL.Image.fromarray(image[..., c].astype(np.float32)) for c in range(3)]
    channels = [channel.resize((columns, height), box if rows % height == 0 else bilinear) for channel in channels]
    return np.stack(
        [np.asarray(c.resize((width, height), box if columns % width == 0 else bilinear)) for c in channels]
    )


def resampled(image: Image, height: int, width: int, *, bgr: bool = False, part: Part | None = None) -> Planes:
    out = np.full((3, height, width), np.nan, np.float32)
    resample(image, out, bgr=bgr, part=part)
    return out


def with_pillow(image: Image, height: int, width: int, *, bgr: bool = False, part: Part | None = None) -> Planes:
    """What is done where nothing was compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "pixels", None)
        return resampled(image, height, width, bgr=bgr, part=part)


WAYS = [resampled, with_pillow]
SIDES = st.integers(1, 90)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 9))
@example(1, 1, 90, 90, 0)
@example(89, 40, 45, 90, 0)  # fewer rows, more columns
@example(90, 89, 1, 1, 0)
@example(90, 7, 30, 7, 0)  # one axis stays
@example(64, 64, 64, 64, 0)
@example(60, 90, 20, 45, 0)  # whole multiples
@example(60, 90, 20, 44, 0)  # one of them
def test_as_pillow_does_in_floats(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    image = noise(height, width, seed)
    wanted = pillow(image, rows, columns)
    assert np.abs(resampled(image, rows, columns) - wanted).max() < 1e-3
    assert np.abs(with_pillow(image, rows, columns) - wanted).max() < 1e-3


@given(SIDES, SIDES, SIDES, SIDES, st.integers(-120, 120), st.integers(-120, 120), SIDES, SIDES)
@example(20, 30, 10, 10, 0, 0, 20, 30)  # all of it
@example(20, 30, 40, 60, -10, -15, 40, 60)  # of one size, with a black frame
@example(20, 30, 10, 10, 5, 5, 10, 10)  # inside, of one size
@example(20, 30, 10, 10, 20, 30, 10, 10)  # just beside it
@example(20, 30, 7, 7, -90, 3, 90, 9)  # just above it
def test_a_part_is_black_beyond_the_image(
    height: int, width: int, rows: int, columns: int, top: int, left: int, part_rows: int, part_columns: int
) -> None:
    image = noise(height, width)
    black = np.zeros((500, 500, 3), np.uint8)
    black[200 : 200 + height, 200 : 200 + width] = image
    cut = black[200 + top : 200 + top + part_rows, 200 + left : 200 + left + part_columns]
    wanted = pillow(np.ascontiguousarray(cut), rows, columns)
    for way in WAYS:
        assert np.abs(way(image, rows, columns, part=Part(top, left, part_rows, part_columns)) - wanted).max() < 1e-3


@given(st.integers(1, 3000), st.integers(1, 3000))
@example(1, 3000)
@example(3000, 1)
@example(1920, 224)
def test_the_weights_of_a_pixel_are_of_neighbours_and_sum_to_one(length: int, wanted: int) -> None:
    first, weights = weights_of(length, wanted)
    assert first.shape == weights.shape[:1] == (wanted,)
    assert first.min() >= 0
    assert first.max() + weights.shape[1] <= length
    assert (weights >= 0).all()
    assert np.abs(weights.sum(axis=1) - 1).max() < 1e-6
    assert (weights > 0).any(axis=0).all()  # none is looked at in vain


@pytest.mark.parametrize(("height", "width"), [(270, 480), (1080, 1920), (500, 200), (300, 3000), (360, 640)])
@pytest.mark.parametrize(("rows", "columns"), [(224, 224), (360, 640)])
def test_sizes_of_frames(height: int, width: int, rows: int, columns: int) -> None:
    image = noise(height, width)
    assert np.abs(resampled(image, rows, columns) - pillow(image, rows, columns)).max() < 1e-3


@pytest.mark.parametrize("way", WAYS)
def test_two_pixels_become_four_by_hand(way: Way) -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 100, 200, 40
    # centres at 1/4, 3/4, 5/4 and 7/4 of a pixel, those of the image at 1/2 and 3/2
    rgb, bgr = way(image, 1, 4), way(image, 1, 4, bgr=True)
    assert rgb[:, 0].T.tolist() == [[0, 0, 0], [25, 50, 10], [75, 150, 30], [100, 200, 40]]
    assert bgr[:, 0].T.tolist() == [[0, 0, 0], [10, 50, 25], [30, 150, 75], [40, 200, 100]]


@pytest.mark.parametrize("way", WAYS)
def test_four_pixels_become_two_by_hand(way: Way) -> None:
    image = np.zeros((1, 4, 3), np.uint8)
    image[0, :, 0] = 0, 80, 160, 240
    assert way(image, 1, 2)[0, 0].tolist() == [40, 200]


@pytest.mark.parametrize("way", WAYS)
def test_three_pixels_become_two_by_hand(way: Way) -> None:
    image = np.zeros((1, 3, 3), np.uint8)
    image[0, :, 0] = 0, 80, 160
    # triangles of 3/2 pixels either side of 3/4 and of 9/4; centres at 1/2, 3/2, 5/2: shares 5/6, 1/2, none, to sum to 1
    red = way(image, 1, 2)[0, 0]
    assert red.tolist() == pytest.approx([(3 * 80) / 8, (3 * 80 + 5 * 160) / 8])


@pytest.mark.parametrize("way", [False, True])
@pytest.mark.parametrize("size", [(40, 60), (13, 20), (81, 100)])
def test_scaled_and_shifted_channel_by_channel(
    way: bool, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = noise(40, 60)
    plain = resampled(image, *size)
    if way:
        monkeypatch.setattr(compiled, "pixels", None)
    out = np.full((3, *size), np.nan, np.float32)
    resample(image, out, scale=(0.5, 2, 0), shift=(-1, 0, 7))
    assert np.abs(out - np.stack([plain[0] / 2 - 1, plain[1] * 2, plain[2] * 0 + 7])).max() < 1e-3
    resample(image, out, bgr=True, scale=(0.5, 2, 0), shift=(-1, 0, 7))  # now of blue, green, red
    assert np.abs(out - np.stack([plain[2] / 2 - 1, plain[1] * 2, plain[0] * 0 + 7])).max() < 1e-3


def test_an_image_several_times_too_large_is_shifted_nowhere() -> None:
    ramp = np.repeat(np.arange(0, 230, dtype=np.uint8)[None, :, None], 230, axis=0).repeat(3, axis=2)
    red, _, _ = resampled(ramp, 100, 100)
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


def test_threads_do_not_disturb_each_other() -> None:
    images = [noise(90 + k, 70 + k, k) for k in range(40)]
    wanted = [resampled(image, 64, 48) for image in images]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = list(pool.map(lambda image: resampled(image, 64, 48), images))
            assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))
