import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from schemas.geometry import Box
from tasks.models.suppression import pairwise_iou, suppress


def boxes_of(*edges: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(edges, np.float32).reshape(-1, 4)


def labels_of(*labels: int) -> NDArray[np.intp]:
    return np.array(labels, np.intp)


def test_iou_of_known_boxes() -> None:
    # two 10x10 squares shifted by 5: 50 shared of 150; one inside the other: 25 of 100; apart; empty
    boxes = boxes_of((0, 0, 10, 10), (5, 0, 15, 10), (0, 0, 5, 5), (20, 20, 30, 30), (3, 3, 3, 9))
    table = pairwise_iou(boxes)
    assert table[0, 1] == pytest.approx(1 / 3)
    assert table[0, 2] == pytest.approx(0.25)
    assert table[0, 3] == 0
    assert table[4, 4] == 0
    assert np.array_equal(table, table.T)


def test_the_better_of_two_overlapping_boxes_stays() -> None:
    boxes = boxes_of((0, 0, 10, 10), (1, 0, 11, 10), (50, 50, 60, 60))  # the first two overlap by 90 of 110
    scores = np.array([0.6, 0.9, 0.7], np.float32)
    assert suppress(boxes, scores, labels_of(0, 0, 0), 0.5, 10).tolist() == [1, 2]
    assert suppress(boxes, scores, labels_of(0, 0, 0), 0.9, 10).tolist() == [1, 2, 0]


def test_labels_do_not_suppress_each_other() -> None:
    boxes = boxes_of((0, 0, 10, 10), (0, 0, 10, 10))
    assert suppress(boxes, np.array([0.6, 0.9], np.float32), labels_of(0, 1), 0.5, 10).tolist() == [1, 0]


def test_a_suppressed_box_suppresses_nothing() -> None:
    # a chain: b overlaps a and c by a third each, a and c are apart; b goes, so c stays
    boxes = boxes_of((0, 0, 10, 10), (5, 0, 15, 10), (10, 0, 20, 10))
    assert suppress(boxes, np.array([0.9, 0.8, 0.7], np.float32), labels_of(0, 0, 0), 0.3, 10).tolist() == [0, 2]


def test_limit_and_nothing() -> None:
    boxes = boxes_of((0, 0, 1, 1), (5, 5, 6, 6), (9, 9, 10, 10))
    assert suppress(boxes, np.array([0.1, 0.3, 0.2], np.float32), labels_of(0, 0, 0), 0.5, 2).tolist() == [1, 2]
    assert suppress(boxes_of(), np.array([], np.float32), labels_of(), 0.5, 2).tolist() == []


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(arrays(np.int8, (n, 4)), arrays(np.uint8, n), st.permutations(range(n)))
    )
)
def test_no_two_kept_boxes_overlap_whatever_the_order(
    case: tuple[NDArray[np.int8], NDArray[np.uint8], list[int]],
) -> None:
    corners, raw_scores, order = case
    low = np.minimum(corners[:, :2], corners[:, 2:])
    boxes = np.hstack([low, np.maximum(corners[:, :2], corners[:, 2:])]).astype(np.float32)
    scores, labels = (raw_scores / 255).astype(np.float32), np.zeros(len(boxes), np.intp)
    kept = suppress(boxes, scores, labels, 0.4, 100)
    chosen = [Box(*map(float, boxes[k])) for k in kept]
    assert all(a.iou(b) <= 0.4 + 1e-6 for i, a in enumerate(chosen) for b in chosen[:i])
    # every box that went is covered by a kept one that is at least as good
    for k in set(range(len(boxes))) - set(kept.tolist()):
        box = Box(*map(float, boxes[k]))
        assert any(box.iou(Box(*map(float, boxes[j]))) > 0.4 - 1e-6 and scores[j] >= scores[k] for j in kept)
    again = suppress(boxes[order], scores[order], labels, 0.4, 100)
    assert [boxes[order][k].tolist() for k in again] == [boxes[k].tolist() for k in kept]
