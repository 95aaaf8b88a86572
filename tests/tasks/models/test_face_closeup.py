import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.models.face_closeup import cut_closeup

# a picture whose red tells x and whose green tells y, so that every pixel says where it was
WIDTH, HEIGHT = 240, 160
MAP = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
MAP[..., 0] = np.arange(WIDTH)
MAP[..., 1] = np.arange(HEIGHT)[:, None]
MAP[..., 2] = 255


@given(
    st.floats(0, 200),
    st.floats(0, 120),
    st.floats(8, 90),
    st.floats(8, 90),
    st.floats(1.2, 3),
    st.sampled_from([64, 288]),
)
def test_every_pixel_comes_from_where_the_closeup_says(
    x: float, y: float, width: float, height: float, context: float, side: int
) -> None:
    closeup = cut_closeup(MAP, Box(x, y, x + width, y + height), context, side)
    assert closeup.pixels.shape == (side, side, 3)
    rows, columns = np.mgrid[0:side, 0:side]
    centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    wanted = closeup.to_image(centres).reshape(side, side, 2)  # in the image a pixel of value v is centred at v + .5
    edge = max(2.0, 2 * closeup.scale)  # there, interpolation has nothing to lean on
    deep = (wanted > edge).all(axis=2) & (wanted < np.array([WIDTH, HEIGHT]) - edge).all(axis=2)
    got = closeup.pixels[..., :2].astype(float) + 0.5
    # half a level of rounding, and half a pixel of the closeup, to which resampling is exact
    assert np.abs(got - wanted)[deep].max(initial=0) <= 0.6 + 0.5 * max(1.0, closeup.scale)
    outside = (wanted < -closeup.scale).any(axis=2) | (wanted > np.array([WIDTH, HEIGHT]) + closeup.scale).any(axis=2)
    assert (closeup.pixels[outside] == 0).all()


def test_the_face_fills_its_share_of_the_closeup() -> None:
    closeup = cut_closeup(MAP, Box(100, 50, 120, 90), 2.0, 160)
    assert closeup.scale == pytest.approx(0.5)
    assert closeup.to_closeup(Box(100, 50, 120, 90)) == Box(60, 40, 100, 120)


def test_a_closeup_beside_the_image_is_black() -> None:
    assert (cut_closeup(MAP, Box(-300, -300, -280, -280), 2.0, 64).pixels == 0).all()
