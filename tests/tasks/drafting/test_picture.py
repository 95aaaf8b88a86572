"""Frames as they are shown: bounded, to scale, marked, and which of them."""

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from schemas.geometry import Box
from tasks.drafting.picture import choose_frames, fewer_frames, fit_size, show_frame
from tests.tasks.drafting.stories import frame, picture


def test_a_frame_is_bounded_in_pixels_and_boxes_are_told_to_scale() -> None:
    shown = show_frame(frame(3, ["char1"], 1920, 1080), picture(size=(1920, 1080)), 480 * 270, False)
    assert shown.picture is not None
    with Image.open(io.BytesIO(shown.picture.data)) as image:
        assert (image.format, image.size) == ("JPEG", (480, 270))
    assert (shown.number, shown.width, shown.height) == (3, 480, 270)
    assert shown.shrink(Box(400, 200, 800, 1080)) == (100, 50, 200, 270)
    assert shown.grow((100, 50, 200, 270)) == Box(400, 200, 800, 1080)


def test_a_small_frame_is_not_blown_up() -> None:
    assert fit_size(320, 180, 10**6) == (320, 180)
    assert fit_size(10_000, 1, 64) == (800, 1)


def test_a_small_jpeg_goes_out_as_it_is_stored_but_for_its_metadata() -> None:
    stored = picture()
    shown = show_frame(frame(1, []), stored, 10**6, False)
    assert shown.picture is not None
    assert shown.picture.data == stored
    noted = io.BytesIO()
    with Image.open(io.BytesIO(stored)) as image:
        image.save(noted, "JPEG", quality="keep", comment=b"a note")
    again = show_frame(frame(1, []), noted.getvalue(), 10**6, False).picture
    assert again is not None
    assert b"a note" in noted.getvalue()
    assert b"a note" not in again.data


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_no_jpeg_goes_out_as_one(kind: str) -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(out, kind)
    shown = show_frame(frame(1, []), out.getvalue(), 10**6, False).picture
    assert shown is not None
    assert shown.media_type == "image/jpeg"
    with Image.open(io.BytesIO(shown.data)) as image:
        assert (image.format, image.size) == ("JPEG", (320, 180))


def test_a_jpeg_of_more_bytes_than_pixels_is_coded_anew() -> None:
    out = io.BytesIO()
    Image.effect_noise((320, 180), 120).convert("RGB").save(out, "JPEG", quality=100, subsampling=0)
    assert len(out.getvalue()) > 320 * 180
    shown = show_frame(frame(1, []), out.getvalue(), 10**6, False).picture
    assert shown is not None
    assert len(shown.data) < 320 * 180


def test_a_frame_that_is_not_shown_still_has_its_size() -> None:
    shown = show_frame(frame(1, []), None, 10**6, True)
    assert (shown.width, shown.height, shown.picture) == (320, 180, None)


def test_marks_are_drawn_on_the_boxes_and_nowhere_else() -> None:
    plain, marked = (
        show_frame(frame(1, ["char1"]), picture((90, 90, 90)), 10**6, marks).picture for marks in (False, True)
    )
    assert plain is not None
    assert marked is not None
    with Image.open(io.BytesIO(plain.data)) as before, Image.open(io.BytesIO(marked.data)) as after:
        one, other = before.convert("RGB"), after.convert("RGB")
    edge, far = (35, 20), (250, 90)
    assert abs(other.getpixel(edge)[0] - one.getpixel(edge)[0]) > 40  # type: ignore[index]
    assert other.getpixel(far) == one.getpixel(far)


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [
        (5, 9, (1, 2, 3, 4, 5)),
        (9, 3, (1, 5, 9)),
        (22, 4, (1, 8, 15, 22)),
        (5, 1, (1, 5)),
        (1, 1, (1,)),
        (2, 1, (1, 2)),
        (7, 0, ()),
    ],
)
def test_frames_are_chosen_evenly(count: int, most: int, chosen: tuple[int, ...]) -> None:
    assert choose_frames(count, most) == chosen


@given(st.integers(2, 60), st.integers(2, 60))
def test_the_ends_are_always_shown_and_gaps_differ_by_one_at_most(count: int, most: int) -> None:
    chosen = choose_frames(count, most)
    assert len(chosen) == min(count, most)
    assert (chosen[0], chosen[-1]) == (1, count)
    gaps = {b - a for a, b in pairwise(chosen)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


def test_fewer_and_fewer_until_the_ends_are_left() -> None:
    shown = choose_frames(22, 22)
    counts = []
    while True:
        counts.append(len(shown))
        less = fewer_frames(22, shown)
        if less is None:
            break
        shown = less
    assert counts == [22, 14, 9, 6, 4, 2]
    assert fewer_frames(5, ()) is None
