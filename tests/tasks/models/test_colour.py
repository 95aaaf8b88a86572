import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.models.colour import (
    MAX_SAMPLES_SIDE,
    PALETTE,
    clothing_region,
    colour_name,
    dominant_colours,
    measure_light,
    to_lab,
)
from tasks.models.protocols import Image


def patch(colour: tuple[int, int, int], height: int = 20, width: int = 20) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def test_lab_of_known_colours() -> None:
    # values of the sRGB primaries in CIELAB (D65) as published with the standard, to one decimal
    lab = to_lab(
        np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [119, 119, 119]], np.uint8)
    )
    expected = [[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2], [87.7, -86.2, 83.2], [32.3, 79.2, -107.9], [50.0, 0, 0]]
    assert lab == pytest.approx(np.array(expected), abs=0.1)


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((255, 0, 0), "red"),
        ((128, 0, 0), "dark red"),
        ((0, 128, 0), "green"),
        ((0, 0, 255), "blue"),
        ((0, 0, 128), "dark blue"),
        ((30, 35, 60), "dark blue"),
        ((255, 255, 0), "yellow"),
        ((255, 165, 0), "orange"),
        ((210, 180, 140), "beige"),
        ((139, 69, 19), "brown"),
        ((255, 192, 203), "pink"),
        ((135, 206, 235), "light blue"),
        ((0, 255, 255), "turquoise"),
        ((110, 50, 140), "purple"),
    ],
)
def test_names_that_people_would_give(colour: tuple[int, int, int], name: str) -> None:
    assert colour_name(*colour) == name


def test_a_palette_colour_has_its_own_name() -> None:
    assert [colour_name(*colour) for _, colour in PALETTE] == [name for name, _ in PALETTE]


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_has_the_name_of_the_nearest(colour: tuple[int, int, int]) -> None:
    """Found by going through the palette one by one."""
    labs = to_lab(np.array([colour, *(other for _, other in PALETTE)], np.uint8))
    gaps = [math.dist(labs[0], other) for other in labs[1:]]
    assert colour_name(*colour) in {
        name for (name, _), gap in zip(PALETTE, gaps, strict=True) if gap <= min(gaps) + 1e-9
    }


def test_stripes_keep_both_colours_with_their_shares() -> None:
    crop = patch((10, 10, 10), 40, 40)
    crop[:10] = 250
    assert dict(dominant_colours(crop, 3)) == pytest.approx({"black": 0.75, "white": 0.25})
    assert dict(dominant_colours(crop, 1)) == pytest.approx({"black": 0.75})


def test_shades_of_one_cloth_are_one_colour() -> None:
    crop = patch((30, 40, 95), 30, 30)
    crop[:12] = (36, 48, 105)
    crop[20:24] = (18, 22, 55)
    ((name, share),) = dominant_colours(crop, 3)
    assert name == "dark blue"
    assert share == pytest.approx(1)


def test_the_size_of_a_crop_hardly_matters() -> None:
    crop = patch((200, 30, 30), 300, 200)
    crop[:, :60] = (245, 245, 245)
    large, small = dict(dominant_colours(crop, 2)), dict(dominant_colours(crop[::10, ::10], 2))
    assert large["red"] == pytest.approx(small["red"], abs=0.03)
    assert dominant_colours(patch((200, 30, 30), 1, 1), 2) == (("red", 1.0),)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_shares_are_ordered_and_add_up_to_no_more_than_one(height: int, width: int, seed: int, k: int) -> None:
    crop = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    found = dominant_colours(crop, k)
    shares = [share for _, share in found]
    assert 1 <= len(found) <= k
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1 + 1e-9
    assert len({name for name, _ in found}) == len(found)
    if max(height, width) <= MAX_SAMPLES_SIDE:  # then where pixels lie does not matter
        assert [name for name, _ in found] == [name for name, _ in dominant_colours(crop[:, ::-1], k)]


def test_light_of_flat_frames() -> None:
    red = measure_light(patch((255, 0, 0)))
    assert (red.luma, red.contrast, red.saturation, red.warmth) == pytest.approx((0.299, 0, 1, 1), abs=1e-6)
    grey = measure_light(patch((51, 51, 51)))
    assert (grey.luma, grey.contrast, grey.saturation, grey.warmth) == pytest.approx((0.2, 0, 0, 0), abs=1e-6)
    assert measure_light(patch((0, 0, 0))).saturation == 0


def test_light_of_half_black_half_white() -> None:
    crop = patch((0, 0, 0), 10, 10)
    crop[:5] = 255
    light = measure_light(crop)
    assert (light.luma, light.contrast) == pytest.approx((0.5, 0.5))


def test_clothes_lie_under_the_chin() -> None:
    # face 20 wide and 30 high over the middle of the body: from half a face under it, two faces down
    region = clothing_region(Box(0, 0, 100, 300), Box(40, 10, 60, 40))
    assert (region.x1, region.y1, region.x2, region.y2) == pytest.approx((32, 55, 68, 115))


def test_clothes_of_one_who_leans_lie_behind_the_face() -> None:
    region = clothing_region(Box(0, 0, 200, 200), Box(160, 10, 180, 40))
    assert region.centre[0] == pytest.approx(135)


def test_without_a_face_or_room_under_it_a_standing_figure_is_assumed() -> None:
    standing = Box(25, 22, 75, 50)
    for face in (None, Box(20, 20, 80, 95)):
        region = clothing_region(Box(0, 0, 100, 100), face)
        assert (region.x1, region.y1, region.x2, region.y2) == pytest.approx(
            (standing.x1, standing.y1, standing.x2, standing.y2)
        )


@given(
    st.tuples(st.floats(0, 300), st.floats(0, 300), st.floats(2, 400), st.floats(2, 400)),
    st.none() | st.tuples(st.floats(0, 300), st.floats(0, 300), st.floats(1, 200), st.floats(1, 200)),
)
def test_the_region_is_a_part_of_the_person(
    body: tuple[float, float, float, float], head: tuple[float, float, float, float] | None
) -> None:
    box = Box(body[0], body[1], body[0] + body[2], body[1] + body[3])
    face = None if head is None else Box(head[0], head[1], head[0] + head[2], head[1] + head[3])
    region = clothing_region(box, face)
    assert region.area > 0
    assert box.x1 <= region.x1 < region.x2 <= box.x2
    assert box.y1 <= region.y1 < region.y2 <= box.y2
