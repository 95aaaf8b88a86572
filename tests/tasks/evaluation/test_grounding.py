"""Boxes scored by hand, and what the published metrics take for perfect."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluation.grounding import THRESHOLDS, Counts, match_optimally, score_story
from tasks.evaluation.reading import read_sample
from tasks.evaluation.sample import Sample
from tests.tasks.evaluation.stories import exact, reference, sample

LEFT, RIGHT, WIDE = (0, 0, 100, 200), (300, 0, 400, 200), (0, 0, 180, 200)


def counts(given: Sample, kind: str = "char") -> Counts:
    return score_story(read_sample(given)).counts[kind][0]


def test_an_exact_answer_is_perfect() -> None:
    truth = reference([{"char1": LEFT, "obj1": RIGHT}, {"char1": RIGHT, "bg1": WIDE, "lm1": LEFT}])
    story = score_story(read_sample(exact(truth)))
    for kind, boxes in (("char", 2), ("obj", 1), ("bg", 1), ("lm", 1)):
        assert story.counts[kind][0] == Counts(boxes, boxes, boxes)
        assert story.counts[kind][-1].hits == boxes, "at every threshold"


def test_right_boxes_in_wrong_frames_are_wrong() -> None:
    truth = reference([{"char1": LEFT}, {"char1": RIGHT}])
    assert counts(sample(truth, [{"char1": RIGHT}, {"char1": LEFT}])) == Counts(0, 2, 2)


@pytest.mark.parametrize("output", [None, "", "I cannot do that.", "<think>\n</think>\n"])
def test_no_answer_scores_nothing(output: str | None) -> None:
    truth = reference([{"char1": LEFT}])
    found = counts(Sample(truth, output))
    assert found == Counts(0, 0, 1)
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)


def test_kinds_do_not_meet() -> None:
    truth = reference([{"char1": LEFT}])
    given = sample(truth, [{"obj1": LEFT}])
    assert counts(given) == Counts(0, 0, 1)
    assert counts(given, "obj") == Counts(0, 1, 0)


def test_thresholds_worked_out_by_hand() -> None:
    # 100 of 180 columns overlap: IoU 0.5556, a hit at 0.5 and 0.55 of ten thresholds.
    truth = reference([{"char1": LEFT}])
    story = score_story(read_sample(sample(truth, [{"char1": WIDE}])))
    assert [count.hits for count in story.counts["char"]] == [1, 1] + [0] * (len(THRESHOLDS) - 2)


def test_rows_of_images_that_do_not_exist_are_told_and_hit_nothing() -> None:
    truth = reference([{"char1": LEFT}])
    assert counts(sample(truth, [{"char1": LEFT}, {"char1": LEFT}, {"char1": RIGHT}])) == Counts(1, 3, 1)


def test_an_id_twice_in_a_frame_hits_once() -> None:
    truth = reference([{"char1": LEFT}])
    given = sample(truth, [{"char1": LEFT, "char2": LEFT}])
    assert counts(given) == Counts(1, 2, 1)


def test_an_optimal_matching_finds_what_a_greedy_one_misses() -> None:
    # Greedy takes .9 and leaves the others without a partner.
    overlap = np.array([[0.9, 0.6], [0.7, 0.0]])
    rows, columns = match_optimally(overlap, 0.5)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(
            st.lists(st.integers(0, 20).map(lambda v: v / 20), min_size=n, max_size=n), min_size=1, max_size=4
        )
    )
)
def test_the_matching_is_the_best_of_all(rows: list[list[float]]) -> None:
    overlap = np.array(rows)
    left, right = match_optimally(overlap, 0.5)
    found = (len(left), float(overlap[left, right].sum()))
    n, m = overlap.shape
    best = (0, 0.0)
    for order in permutations(range(max(n, m)), n):
        kept = [(i, j) for i, j in enumerate(order) if j < m and overlap[i, j] >= 0.5]
        best = max(best, (len(kept), sum(float(overlap[pair]) for pair in kept)))
    assert found[0] == best[0]
    assert found[1] == pytest.approx(best[1])
    assert len(set(left.tolist())) == len(left)
    assert len(set(right.tolist())) == len(right)


def test_the_order_of_rows_changes_nothing() -> None:
    truth = reference([{"char1": LEFT, "char2": RIGHT, "obj1": WIDE}])
    one = sample(truth, [{"char1": LEFT, "char2": WIDE, "obj1": WIDE, "obj2": LEFT}])
    two = sample(truth, [{"obj2": LEFT, "char2": WIDE, "obj1": WIDE, "char1": LEFT}])
    assert score_story(read_sample(one)).counts == score_story(read_sample(two)).counts
