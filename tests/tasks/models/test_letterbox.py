import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.models.letterbox import Fit, bgr_input, fit_inside
from tasks.models.protocols import Image


def blank(width: int, height: int, colour: tuple[int, int, int] = (0, 0, 0)) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (480, 270, (640, 360, 640, 384)),  # wide: the long side binds
        (350, 350, (416, 416, 416, 416)),  # square: the short side binds
        (1920, 800, (640, 267, 640, 288)),
        (270, 480, (360, 640, 384, 640)),  # upright
        (4000, 40, (640, 6, 640, 32)),
    ],
)
def test_fit_of_known_sizes(width: int, height: int, expected: tuple[int, int, int, int]) -> None:
    fit = fit_inside(blank(width, height), 640, 416, 32)
    assert (fit.width, fit.height, fit.input_width, fit.input_height) == expected


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_fit_stays_within_its_sides(width: int, height: int) -> None:
    fit = fit_inside(np.broadcast_to(np.uint8(0), (height, width, 3)), 640, 416, 32)
    assert 1 <= min(fit.width, fit.height) <= 416
    assert max(fit.width, fit.height) <= 640
    assert fit.input_width % 32 == fit.input_height % 32 == 0
    assert 0 <= fit.input_width - fit.width < 32
    assert 0 <= fit.input_height - fit.height < 32


def test_boxes_go_back_to_the_image_and_are_cut_there() -> None:
    fit = Fit(480, 270, 640, 360, 640, 384)
    assert fit.to_image(64, 36, 320, 180) == Box(48, 27, 240, 135)
    assert fit.to_image(-10, 300, 700, 384) == Box(0, 225, 480, 270)


def test_an_input_is_bgr_scaled_and_padded_with_zero() -> None:
    image = blank(64, 20, (10, 20, 30))
    values = np.full((3, 32, 64), np.nan, np.float32)  # memory that had something else in it
    bgr_input(image, fit_inside(image, 64, 64, 32), values, (1, 2, 3), (0.5, 0, -1))
    assert values[:, 5, 7].tolist() == [30 * 1 + 0.5, 20 * 2, 10 * 3 - 1]
    assert (values[:, 20:] == 0).all()


def test_an_image_is_enlarged_into_its_corner() -> None:
    image = blank(48, 70, (1, 2, 3))
    fit = fit_inside(image, 100, 100, 32)
    assert (fit.width, fit.height, fit.input_width, fit.input_height) == (69, 100, 96, 128)
    values = np.full((3, 128, 96), np.nan, np.float32)
    bgr_input(image, fit, values)
    assert values[:, :100, :69] == pytest.approx(np.array([3, 2, 1]).reshape(3, 1, 1) * np.ones((100, 69)))
    assert (values[:, 100:] == 0).all()
    assert (values[:, :, 69:] == 0).all()
