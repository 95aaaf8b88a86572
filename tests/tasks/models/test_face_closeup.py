import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.models.face_closeup import Closeup, cut_closeup
from tasks.models.resampling import Planes

# a picture whose red tells x and whose green tells y, so that every pixel says where it was
WIDTH, HEIGHT = 240, 160
MAP = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
MAP[..., 0] = np.arange(WIDTH)
MAP[..., 1] = np.arange(HEIGHT)[:, None]
MAP[..., 2] = 255


def cut(face: Box, context: float, side: int) -> tuple[Closeup, Planes]:
    planes = np.full((3, side, side), np.nan, np.float32)
    return cut_closeup(MAP, face, context, planes), planes


@given(
    st.floats(0, 200),
    st.floats(0, 120),
    st.floats(8, 90),
    st.floats(8, 90),
    st.floats(1.2, 3),
    st.sampled_from([64, 144]),
)
def test_every_pixel_comes_from_where_the_closeup_says(
    x: float, y: float, width: float, height: float, context: float, side: int
) -> None:
    closeup, planes = cut(Box(x, y, x + width, y + height), context, side)
    assert closeup.scale * side == pytest.approx(max(width, height) * context, abs=0.5)
    rows, columns = np.mgrid[0:side, 0:side]
    places = [
        closeup.to_image(x + 0.5, y + 0.5) for x, y in zip(columns.ravel().tolist(), rows.ravel().tolist(), strict=True)
    ]
    wanted = np.array(places).reshape(side, side, 2)  # in the image a pixel of value v is centred at v + .5
    edge = max(2.0, 2 * closeup.scale)  # there, and at the edges of the cut, interpolation has nothing to lean on
    deep = (wanted > edge).all(axis=2) & (wanted < np.array([WIDTH, HEIGHT]) - edge).all(axis=2)
    border = math.ceil(edge / closeup.scale)
    inside = np.zeros((side, side), bool)
    inside[border:-border, border:-border] = True
    deep &= inside
    blue, green, red = planes
    assert np.abs(blue[deep] - 255).max(initial=0) <= 0.01
    got = np.stack([red, green], axis=2) + 0.5
    assert np.abs(got - wanted)[deep].max(initial=0) <= 0.1 * max(1.0, closeup.scale)
    reach = 2 * closeup.scale if closeup.scale >= 2 else max(1.0, closeup.scale)  # a block may lie across the edge
    outside = (wanted < -reach).any(axis=2) | (wanted > np.array([WIDTH, HEIGHT]) + reach).any(axis=2)
    assert (planes[:, outside] == 0).all()


def test_the_face_fills_its_share_of_the_closeup() -> None:
    closeup, _ = cut(Box(100, 50, 120, 90), 2.0, 160)
    assert closeup.scale == pytest.approx(0.5)
    assert closeup.to_closeup(Box(100, 50, 120, 90)) == Box(60, 40, 100, 120)


def test_a_closeup_beside_the_image_is_black() -> None:
    assert (cut(Box(-300, -300, -280, -280), 2.0, 64)[1] == 0).all()


def test_a_cut_is_whole_pixels_around_the_middle_of_the_face() -> None:
    closeup, planes = cut(Box(100.2, 50.1, 120.6, 80.5), 2.0, 61)  # 60.8 pixels: 61 around (110.4, 65.3)
    assert (closeup.left, closeup.top, closeup.scale) == (80, 35, 1.0)
    assert planes.astype(np.uint8).transpose(1, 2, 0)[..., ::-1].tolist() == MAP[35:96, 80:141].tolist()
