"""Run-length codes: worked by hand, and against pycocotools where it is installed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.models.rle import decode_mask, encode_mask, encode_region, mask_area, mask_at, read_lengths

MASKS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda size: arrays(bool, size))


def test_by_hand() -> None:
    """Columns 0 0 1 / 1 1 0: runs 2, 3, 1; the characters are 48 and the number."""
    mask = np.array([[0, 1], [0, 1], [1, 0]], bool)
    assert list(read_lengths(encode_mask(mask))) == [2, 3, 1]
    assert encode_mask(mask) == b"231"
    assert mask_area(b"231") == 3


def test_fourth_length_is_a_difference_and_long_ones_take_several_characters() -> None:
    """Runs 1, 2, 3, 1 (written 1 - 2 = -1, in five bits 11111, no more: 48 + 31), 29 (29 - 3 = 26 = 11010 with its sign bit
    set, so more follows: 48 + 26 + 32; then 0)."""
    mask = np.zeros((36, 1), bool)
    mask[1:3] = mask[6:7] = True
    assert list(read_lengths(encode_mask(mask))) == [1, 2, 3, 1, 29]
    assert encode_mask(mask) == bytes([49, 50, 51, 48 + 31, 48 + 26 + 32, 48])


@pytest.mark.parametrize("value", [False, True])
def test_one_value_only(value: bool) -> None:
    mask = np.full((3, 4), value)
    assert list(read_lengths(encode_mask(mask))) == ([0, 12] if value else [12])
    assert (decode_mask(encode_mask(mask), 3, 4) == mask).all()


@given(MASKS)
def test_what_was_encoded_comes_back(mask: np.ndarray) -> None:
    code = encode_mask(mask)
    assert (decode_mask(code, *mask.shape) == mask).all()
    assert mask_area(code) == mask.sum()


@given(MASKS)
@settings(max_examples=200)
def test_code_is_that_of_coco(mask: np.ndarray) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    assert encode_mask(mask) == coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]


@given(MASKS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_a_region_is_the_mask_with_nothing_around_it(
    region: np.ndarray, left: int, top: int, right: int, below: int
) -> None:
    rows, columns = region.shape
    whole = np.zeros((top + rows + below, left + columns + right), bool)
    whole[top : top + rows, left : left + columns] = region
    assert encode_region(region, left, top, *whole.shape) == encode_mask(whole)


def test_a_region_beyond_the_mask() -> None:
    with pytest.raises(ValueError, match="a region of 3x2 at 2,0 does not lie in 4x4"):
        encode_region(np.ones((2, 3), bool), 2, 0, 4, 4)


@pytest.mark.parametrize("code", [b"", b"\x00", b"o", b"231P", "é".encode()])
def test_not_a_code(code: bytes) -> None:
    with pytest.raises(ValueError, match="run-length code"):
        decode_mask(code, 3, 2)


def test_a_code_of_another_size() -> None:
    with pytest.raises(ValueError, match="not of a mask of 2x4"):
        decode_mask(b"231", 4, 2)


def test_a_mask_of_a_large_frame() -> None:
    rows, columns = np.mgrid[:1080, :1920]
    mask = ((rows - 500) / 300) ** 2 + ((columns - 900) / 150) ** 2 < 1
    assert (decode_mask(encode_mask(mask), 1080, 1920) == mask).all()


@given(MASKS)
@settings(max_examples=200)
def test_single_pixels_are_those_of_the_mask(mask: np.ndarray) -> None:
    rows, columns = np.nonzero(np.ones_like(mask))
    assert (mask_at(encode_mask(mask), columns, rows, *mask.shape) == mask.ravel()).all()


def test_single_pixels_of_a_mask_of_another_size() -> None:
    with pytest.raises(ValueError, match="not of a mask of 2x4"):
        mask_at(b"231", np.array([0]), np.array([0]), 4, 2)
