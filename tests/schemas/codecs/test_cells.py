import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.chain_of_thought import render_images
from schemas.codecs.cells import (
    is_normalised,
    nearest_word,
    read_box_numbers,
    read_id,
    read_images,
    read_word,
    round_box,
)
from schemas.text import NARRATIVE_PHASES, SETTING_ELEMENTS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("char1", "char1"),
        ("Char 01", "char1"),
        ("#obj_3", "obj3"),
        ("Landmark 2", "lm2"),
        ("background-7", "bg7"),
        ("`Object12`", "obj12"),
        ("chair1", None),
        ("char0", None),
        ("char", None),
        ("1", None),
        ("char1 char2", None),
        ("char1234567890", None),
    ],
)
def test_ids(text: str, expected: str | None) -> None:
    assert read_id(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,2,3,4", (1, 2, 3, 4)),
        ("[1, 2; 3 4]", (1, 2, 3, 4)),
        ("(1.5,2),(3,4px)", (1.5, 2, 3, 4)),
        ("x1:1,y1:2,x2:3,y2:4", (1, 2, 3, 4)),
        ("-1,+2,3,4", (-1, 2, 3, 4)),
        ("1,2,3", None),
        ("1,2,3,4,5", None),
        ("1e3,2,3,4", None),
        ("nan,1,2,3", None),
        ("\u0661,2,3,4", None),
        ("1" * 5000 + ",2,3,4", None),
        ("", None),
    ],
)
def test_boxes(text: str, expected: tuple[float, ...] | None) -> None:
    assert read_box_numbers(text) == expected


def test_shares_need_a_point() -> None:
    assert is_normalised("0.1,0,1,1", (0.1, 0, 1, 1))
    assert not is_normalised("0,0,1,1", (0, 0, 1, 1))
    assert not is_normalised("0.5,0,1,2", (0.5, 0, 1, 2))


def test_rounding_keeps_an_extent() -> None:
    assert round_box((1.2, 3.4, 1.4, 9.9)) == (1, 3, 2, 10)
    assert round_box((5, 5, 5, 4)) == (5, 5, 5, 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1, 2", ((1, 2), True)),
        ("2-4", ((2, 3, 4), True)),
        ("Images 1 through 3", ((1, 2, 3), True)),
        ("[1..3]", ((1, 2, 3), True)),
        ("#1 & #2", ((1, 2), True)),
        ("3-1", ((), False)),
        ("0", ((), False)),
        ("all", ((), False)),
        ("1, then later", ((1,), False)),
        ("", ((), False)),
    ],
)
def test_image_lists(text: str, expected: tuple[tuple[int, ...], bool]) -> None:
    assert read_images(text) == expected


@given(st.lists(st.integers(1, 9999), min_size=1, max_size=20))
def test_image_lists_are_read_as_written(numbers: list[int]) -> None:
    assert read_images(render_images(numbers)) == (tuple(numbers), True)


def test_words() -> None:
    assert read_word("TIME-period", SETTING_ELEMENTS) == "Time Period"
    assert read_word("TurningPoint", NARRATIVE_PHASES) == "Turning Point"
    assert read_word("Lightning", SETTING_ELEMENTS) is None
    assert nearest_word("Lightning", SETTING_ELEMENTS) == "Lighting"
    assert nearest_word("Intro", NARRATIVE_PHASES) == "Introduction"
    assert nearest_word("", NARRATIVE_PHASES) == "Introduction"
