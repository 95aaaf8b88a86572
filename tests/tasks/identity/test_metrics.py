"""Tests of clustering metrics, against examples from the literature and sums over pairs one by one."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.identity.metrics import (
    adjusted_rand,
    bcubed,
    contingency,
    entity_count_error,
    pairwise,
    same_frame_violations,
)

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25)


def test_bcubed_worked_out_by_hand() -> None:
    """Five of ``a`` and two of ``b``; one ``a`` strays into the group of the ``b``.

    Precision (4 * 1 + 1/3 + 2 * 2/3) / 7, recall (4 * 4/5 + 1/5 + 2 * 1) / 7.
    """
    found = bcubed("aaaaabb", [0, 0, 0, 0, 1, 1, 1])
    assert found.precision == pytest.approx((4 + 1 / 3 + 4 / 3) / 7)
    assert found.recall == pytest.approx((16 / 5 + 1 / 5 + 2) / 7)
    assert found.f1 == pytest.approx(2 * found.precision * found.recall / (found.precision + found.recall))


@given(LABELS)
def test_bcubed_is_the_mean_over_observations(pairs: list[tuple[int, int]]) -> None:
    precision = recall = 0.0
    for truth, guess in pairs:
        group = [other for other, label in pairs if label == guess]
        own = [label for other, label in pairs if other == truth]
        precision += group.count(truth) / len(group) / len(pairs)
        recall += own.count(guess) / len(own) / len(pairs)
    found = bcubed([truth for truth, _ in pairs], [guess for _, guess in pairs])
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)


@given(LABELS)
def test_pairwise_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    both = together = belong = 0
    for (truth, guess), (other, label) in combinations(pairs, 2):
        both += truth == other and guess == label
        together += guess == label
        belong += truth == other
    found = pairwise([truth for truth, _ in pairs], [guess for _, guess in pairs])
    assert found.precision == pytest.approx(both / together if together else 1.0)
    assert found.recall == pytest.approx(both / belong if belong else 1.0)


def test_adjusted_rand_of_the_textbook_example() -> None:
    """Hubert and Arabie's index for the confusion table 1 1 0 / 1 2 1 / 0 0 4, worked out in Yeung and Ruzzo (2001): 0.313."""
    truth = [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    guess = [0, 1, 0, 1, 1, 2, 2, 2, 2, 2]
    assert adjusted_rand(truth, guess) == pytest.approx(0.313, abs=5e-4)


@given(LABELS)
def test_the_truth_scores_1_under_any_names(pairs: list[tuple[int, int]]) -> None:
    truth = [label for label, _ in pairs]
    renamed = [f"name {label}" for label in truth]
    assert bcubed(truth, renamed).f1 == pytest.approx(1.0)
    assert pairwise(truth, renamed).f1 == pytest.approx(1.0)
    assert adjusted_rand(truth, renamed) == pytest.approx(1.0)
    assert entity_count_error(truth, renamed) == 0


def test_chance_scores_0_in_the_adjusted_index() -> None:
    assert adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)
    assert adjusted_rand([0, 0, 0, 0], [0, 1, 2, 3]) == pytest.approx(0.0)


def test_nothing_and_one() -> None:
    for metric in (bcubed, pairwise):
        assert metric([], []).f1 == 1.0
        assert metric(["a"], [0]).f1 == 1.0
    assert adjusted_rand([], []) == adjusted_rand(["a"], [0]) == 1.0


def test_all_apart_and_all_together() -> None:
    apart = bcubed("aab", [0, 1, 2])
    assert (apart.precision, apart.recall) == pytest.approx((1.0, 2 / 3))
    together = bcubed("aab", [0, 0, 0])
    assert (together.precision, together.recall) == pytest.approx((5 / 9, 1.0))
    assert pairwise("ab", [0, 0]).f1 == 0.0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 true labels but 1"):
        contingency("ab", [0])


def test_entities_are_counted() -> None:
    assert entity_count_error("aabb", [0, 1, 2, 3]) == 2
    assert entity_count_error("aabb", [0, 0, 0, 0]) == -1


def test_violations_leave_repeats_out() -> None:
    assert same_frame_violations([0, 0, 0, 1], [7, 7, 7, 7]) == 2
    assert same_frame_violations([0, 0, 0, 1], [7, 7, 7, 7], [None, 0, None, None]) == 1
    assert same_frame_violations([0, 0, 1], [7, 8, 7]) == 0
