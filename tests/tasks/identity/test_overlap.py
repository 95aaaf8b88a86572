"""Tests of what boxes alone tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.geometry import Box
from tasks.identity import overlap
from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.observation import Observation, canonical_order
from tasks.identity.overlap import find_repeats, find_shot_links, pair_iou
from tests.tasks.identity.films import TEST_KIND, basis, see, unit

BOXES = st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(0, 50), st.floats(0, 50)).map(
    lambda box: (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3]))
)


def columns(seen: list[Observation], bits: int = 4) -> Columns:
    """Columns of observations that are in canonical order already."""
    assert canonical_order(seen) == list(range(len(seen)))
    return build_columns(seen, *near_frames(seen, bits))


@given(BOXES, BOXES)
def test_iou_is_that_of_boxes(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> None:
    assert pair_iou(np.array(first), np.array(second)) == pytest.approx(Box(*first).iou(Box(*second)))


def test_a_repeat_points_to_the_best_score() -> None:
    seen = [
        see(0, "a", box=(0, 0, 100, 100), score=0.5),
        see(0, "b", box=(0, 0, 98, 100), score=0.9),
        see(0, "c", box=(0, 0, 96, 100), score=0.7),
        see(0, "d", box=(200, 0, 280, 100), score=0.1),
    ]
    assert find_repeats(columns(seen), 0.9, TEST_KIND, 3.0).tolist() == [1, 1, 1, 3]


def test_repeats_do_not_chain() -> None:
    """``a`` overlaps ``b`` and ``b`` overlaps ``c``, but ``c`` does not overlap the kept ``a``."""
    seen = [
        see(0, "a", box=(0, 0, 100, 100), score=0.9),
        see(0, "b", box=(20, 0, 120, 100), score=0.8),
        see(0, "c", box=(40, 0, 140, 100), score=0.7),
    ]
    assert find_repeats(columns(seen), 0.6, TEST_KIND, 3.0).tolist() == [0, 0, 2]


def test_what_looks_different_is_no_repeat() -> None:
    seen = [see(0, "a", appearance=basis(0)), see(0, "b", appearance=basis(1), box=(1, 0, 100, 200))]
    assert find_repeats(columns(seen), 0.75, TEST_KIND, 3.0).tolist() == [0, 1]
    assert find_repeats(columns(seen), 0.75, TEST_KIND, 3.1).tolist() == [0, 0]


def test_nothing_may_speak_against_a_repeat() -> None:
    """Crops at the centre of their curve (0.6) tell nothing; a little less alike, and they are two."""
    for cosine, expected in ((0.61, [0, 0]), (0.59, [0, 1])):
        other = unit([cosine, (1 - cosine**2) ** 0.5])
        seen = [see(0, "a", appearance=unit([1, 0])), see(0, "b", appearance=other, box=(1, 0, 100, 200))]
        assert find_repeats(columns(seen), 0.75, TEST_KIND).tolist() == expected
    assert find_repeats(columns([see(0, "a"), see(0, "b")]), 0.75, TEST_KIND).tolist() == [0, 0]


def test_other_frames_are_no_repeats() -> None:
    seen = [see(0, "a"), see(1, "a"), see(2, "a")]
    assert find_repeats(columns(seen), 0.75, TEST_KIND, 3.0).tolist() == [0, 1, 2]


@given(st.lists(BOXES, max_size=30), st.sampled_from([1, 4, 1000]))
def test_crowds_give_the_same_repeats(boxes: list[tuple[float, float, float, float]], crowd: int) -> None:
    seen = [see(index % 2, f"d{index:02}", box=box, score=1 / (index + 1)) for index, box in enumerate(boxes)]
    seen = [seen[index] for index in canonical_order(seen)]
    expected = find_repeats(columns(seen), 0.5, TEST_KIND, 3.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "CROWD", crowd)
        assert find_repeats(columns(seen), 0.5, TEST_KIND, 3.0).tolist() == expected.tolist()


def test_links_are_mutual_best_overlaps() -> None:
    """``c`` overlaps ``a`` enough, but ``a`` overlaps ``b`` more."""
    seen = [
        see(0, "a", box=(0, 0, 100, 200), frame_hash=1),
        see(1, "c", box=(15, 0, 115, 200), frame_hash=1),
        see(1, "b", box=(0, 0, 95, 200), frame_hash=1),
    ]
    assert find_shot_links(columns(seen), 0.6, TEST_KIND, 3.0).tolist() == [[0, 2]]


def test_links_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    seen = []
    for frame in range(3):
        for index in range(20):
            left, top = rng.uniform(0, 60, 2)
            box = (float(left), float(top), float(left) + 40, float(top) + 40)
            seen.append(see(frame, f"d{index}", box=box, frame_hash=0))
    seen = [seen[index] for index in canonical_order(seen)]
    expected = find_shot_links(columns(seen), 0.5, TEST_KIND, 3.0)
    assert len(expected) > 10
    monkeypatch.setattr(overlap, "BLOCK", 1)
    assert find_shot_links(columns(seen), 0.5, TEST_KIND, 3.0).tolist() == expected.tolist()
