"""Boxes: areas worked out by hand, and what must hold of any box."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box

COORDINATE = st.floats(min_value=-1e4, max_value=1e4, allow_nan=False)
SIDE = st.integers(min_value=1, max_value=5000)
BOXES = st.builds(Box, COORDINATE, COORDINATE, COORDINATE, COORDINATE)
"""Any four numbers: detectors do hand out boxes whose sides are swapped or that have no area."""

SMALL = st.integers(min_value=-3, max_value=12)
PIXEL_BOXES = st.builds(Box, SMALL, SMALL, SMALL, SMALL)


def pixels(box: Box) -> set[tuple[int, int]]:
    """The unit squares that a box with whole coordinates covers: an independent way to its area."""
    return {(x, y) for x in range(int(box.x1), int(box.x2)) for y in range(int(box.y1), int(box.y2))}


def test_measures_by_hand() -> None:
    box = Box(10, 20, 40, 100)
    assert (box.width, box.height, box.area, box.centre) == (30, 80, 2400, (25, 60))


def test_a_box_with_swapped_sides_is_empty_and_not_negative() -> None:
    box = Box(10, 10, 5, 2)
    assert (box.width, box.height, box.area) == (0, 0, 0)
    assert box.iou(Box(0, 0, 20, 20)) == 0
    assert box.iou(box) == 0


def test_iou_by_hand() -> None:
    # Two 10x10 boxes that share 5x10: 50 / (100 + 100 - 50).
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    # They touch at an edge: edges are exclusive, nothing is shared.
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 20, 10)) == 0
    # One inside the other: 25 / 100.
    assert Box(0, 0, 10, 10).iou(Box(5, 5, 10, 10)) == pytest.approx(0.25)


@given(PIXEL_BOXES, PIXEL_BOXES)
def test_areas_agree_with_counting_pixels(a: Box, b: Box) -> None:
    shared, union = len(pixels(a) & pixels(b)), len(pixels(a) | pixels(b))
    assert a.area == len(pixels(a))
    assert a.intersection(b) == shared
    assert a.iou(b) == pytest.approx(shared / union if union else 0.0)


@given(BOXES, BOXES)
def test_iou_is_symmetric_and_between_0_and_1(a: Box, b: Box) -> None:
    assert a.iou(b) == b.iou(a)
    assert 0.0 <= a.iou(b) <= 1.0
    assert a.intersection(b) <= min(a.area, b.area)


@given(BOXES)
def test_iou_with_itself_is_1_unless_empty(box: Box) -> None:
    assert box.iou(box) == (1.0 if box.area > 0 else 0.0)


@given(BOXES, SIDE, SIDE)
def test_clamp_stays_in_the_frame_and_is_done_once(box: Box, width: int, height: int) -> None:
    inside = box.clamp(width, height)
    assert 0 <= inside.x1 <= width
    assert 0 <= inside.x2 <= width
    assert 0 <= inside.y1 <= height
    assert 0 <= inside.y2 <= height
    assert inside.clamp(width, height) == inside
    assert inside.area == pytest.approx(box.intersection(Box(0, 0, width, height)))


@given(BOXES, SIDE, SIDE)
def test_rounded_is_always_inside_with_a_pixel(box: Box, width: int, height: int) -> None:
    x1, y1, x2, y2 = box.rounded(width, height)
    assert all(type(value) is int for value in (x1, y1, x2, y2))
    assert 0 <= x1 < x2 <= width
    assert 0 <= y1 < y2 <= height


@given(BOXES, SIDE, SIDE)
def test_rounded_moves_a_sound_box_by_half_a_pixel_at_most(box: Box, width: int, height: int) -> None:
    inside = box.clamp(width, height)
    if inside.width >= 1 and inside.height >= 1:
        moved = zip((inside.x1, inside.y1, inside.x2, inside.y2), inside.rounded(width, height), strict=True)
        # A side of exactly 1.0 px between halves may round to nothing and is then given its pixel back.
        assert all(abs(a - b) <= 1.0 for a, b in moved)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50), st.integers(1, 50))
def test_rounded_leaves_whole_boxes_as_they_are(x: int, y: int, width: int, height: int) -> None:
    assert Box(x, y, x + width, y + height).rounded(100, 100) == (x, y, x + width, y + height)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 5)])
def test_rounded_refuses_a_frame_without_pixels(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1x1"):
        Box(0, 0, 1, 1).rounded(*size)


def test_a_box_that_is_not_a_number_is_refused_and_not_written() -> None:
    with pytest.raises(ValueError, match="NaN"):
        Box(math.nan, 0, 1, 1).rounded(10, 10)


def test_boxes_are_values() -> None:
    assert Box(0, 0, 1, 1) == Box(0.0, 0.0, 1.0, 1.0)
    assert len({Box(0, 0, 1, 1), Box(0.0, 0.0, 1.0, 1.0)}) == 1
    assert sorted([Box(1, 0, 2, 2), Box(0, 5, 1, 6), Box(0, 1, 9, 9)]) == [
        Box(0, 1, 9, 9),
        Box(0, 5, 1, 6),
        Box(1, 0, 2, 2),
    ]
