"""Scores of groupings against values worked out by hand."""

import pytest

from tasks.identity.metrics import adjusted_rand, bcubed, entity_count_error, pairwise, same_frame_violations

TRUTH = ["a", "a", "a", "b", "b", "c"]
FOUND = [1, 1, 2, 2, 2, 3]


def test_bcubed_by_hand() -> None:
    """Precisions: 1, 1, 1/3, 2/3, 2/3, 1; recalls: 2/3, 2/3, 1/3, 1, 1, 1."""
    scores = bcubed(TRUTH, FOUND)
    assert scores.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert scores.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / (scores.precision + scores.recall))


def test_pairwise_by_hand() -> None:
    """Together: 1 + 3 pairs, of them right: 1 + 1; belonging: 3 + 1."""
    scores = pairwise(TRUTH, FOUND)
    assert (scores.precision, scores.recall) == (2 / 4, 2 / 4)


def test_adjusted_rand_by_hand() -> None:
    """Index 2, expected 4 * 4 / 15, highest 4."""
    assert adjusted_rand(TRUTH, FOUND) == pytest.approx((2 - 16 / 15) / (4 - 16 / 15))


def test_the_same_grouping_scores_one_under_any_names() -> None:
    renamed = [{"a": 9, "b": 4, "c": 7}[name] for name in TRUTH]
    assert bcubed(TRUTH, renamed).f1 == pairwise(TRUTH, renamed).f1 == adjusted_rand(TRUTH, renamed) == 1.0


def test_counts() -> None:
    assert entity_count_error(TRUTH, FOUND) == 0
    assert entity_count_error(TRUTH, [1] * 6) == -2
    assert same_frame_violations([1, 1, 1, 2, 2, 2], [1, 1, 2, 2, 2, 2]) == 3
    assert same_frame_violations([1, 1], [1, 1], [None, 0]) == 0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 true labels but 1 predicted"):
        bcubed(["a", "b"], [1])
