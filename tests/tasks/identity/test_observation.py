"""Tests of how observations are cleaned and ordered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.identity.observation import canonical_order, stack_embeddings, visible_boxes
from tests.tasks.identity.films import basis, see

SIDES = st.floats(-1e9, 1e9) | st.sampled_from([float("nan"), float("inf"), float("-inf")])


@given(st.lists(st.tuples(SIDES, SIDES, SIDES, SIDES), min_size=1, max_size=8))
def test_visible_boxes_lie_in_their_frames(sides: list[tuple[float, float, float, float]]) -> None:
    boxes = visible_boxes([see(0, f"d{index}", box=box) for index, box in enumerate(sides)])
    assert np.isfinite(boxes).all()
    assert (boxes >= 0).all()
    assert (boxes[:, [0, 2]] <= 400).all()
    assert (boxes[:, [1, 3]] <= 300).all()
    assert (boxes[:, 2:] >= boxes[:, :2]).all()


def test_visible_box_is_the_clamped_box() -> None:
    box = Box(-20.0, 50.0, 90.5, 1000.0)
    assert visible_boxes([see(0, "a", box=(-20.0, 50.0, 90.5, 1000.0))])[0].tolist() == [0.0, 50.0, 90.5, 300.0]
    clamped = box.clamp(400, 300)
    assert (clamped.x1, clamped.y1, clamped.x2, clamped.y2) == (0.0, 50.0, 90.5, 300.0)


def test_order_is_frame_then_size_then_place() -> None:
    seen = [
        see(1, "a", box=(0, 0, 10, 10)),
        see(0, "small", box=(0, 0, 10, 10)),
        see(0, "right", box=(50, 0, 70, 20)),
        see(0, "left", box=(10, 0, 30, 20)),
    ]
    assert canonical_order(seen) == [3, 2, 1, 0]


def test_nothing_has_an_order() -> None:
    assert canonical_order([]) == []


def test_rows_are_unit_or_zero() -> None:
    tiny = np.full(4, 1e-30, dtype=np.float32)
    huge = np.full(4, 3e38, dtype=np.float32)
    matrix, usable = stack_embeddings([basis(1, 4), None, tiny, huge, np.array([1, np.nan, 0, 0], dtype=np.float32)])
    assert usable.tolist() == [True, False, True, True, False]
    assert np.linalg.norm(matrix, axis=1) == pytest.approx([1, 0, 1, 1, 0], abs=1e-6)
    assert matrix[0].tolist() == [0, 1, 0, 0]


def test_no_embedding_at_all_has_no_dimension() -> None:
    matrix, usable = stack_embeddings([None, None])
    assert matrix.shape == (2, 0)
    assert not usable.any()


def test_lengths_may_not_differ() -> None:
    with pytest.raises(ValueError, match=r"lengths \[4, 8\]"):
        stack_embeddings([basis(0, 4), basis(0, 8)])
