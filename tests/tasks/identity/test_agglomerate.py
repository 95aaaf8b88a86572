"""Tests of constrained average linkage, against plain best-first merging written here."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.identity.agglomerate import NEVER, Linkage, agglomerate, join_leftovers, reciprocal_best
from tasks.identity.pairs import FACE, PLANES, SCENE, SCENE_PAIRS
from tests.tasks.identity.films import TEST_KIND


def faces_only(log_odds: np.ndarray, frames: np.ndarray) -> Linkage:
    """Single faces of full weight, every one of its own scene, with given pairwise log-odds."""
    count = len(log_odds)
    planes = np.zeros((PLANES, count, count))
    planes[FACE] = log_odds
    every = np.arange(count)
    planes[FACE, every, every] = 0
    ones = np.ones(count)
    together = np.zeros((count, count), dtype=np.bool_)
    return Linkage(
        planes, together, frames[:, None] == frames[None], ones.copy(), ones.copy(), ones.copy(), TEST_KIND, every
    )


def best_first(log_odds: np.ndarray, frames: np.ndarray, threshold: float) -> list[set[int]]:
    """Average linkage, best pair first, never two of a frame, on log-odds less the prior of 1."""
    groups = [{index} for index in range(len(log_odds))]
    while True:
        best = None
        for left in range(len(groups)):
            for right in range(left):
                if {frames[i] for i in groups[left]} & {frames[i] for i in groups[right]}:
                    continue
                mean = float(np.mean([log_odds[i, j] for i in groups[left] for j in groups[right]]))
                # with a growing share of evidence, a positive mean stays positive: the threshold is at 0
                shares = (1 / len(groups[left]) + 1 / len(groups[right])) / 2
                total = -1.0 + float(np.clip(mean, -8, 8)) / (0.3 + 0.7 * shares)
                if total > threshold and (best is None or mean > best[0]):
                    best = (mean, left, right)
        if best is None:
            return groups
        _, left, right = best
        groups[right] |= groups[left]
        del groups[left]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 14), st.floats(-2, 3))
def test_rounds_give_what_best_first_gives(seed: int, count: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(0, 4, (count, count))
    log_odds = log_odds + log_odds.T
    frames = rng.integers(0, count, count)
    group_of = np.arange(count)
    agglomerate(faces_only(log_odds, frames), group_of, threshold, margin=0.5)
    groups = {frozenset(np.flatnonzero(group_of == code).tolist()) for code in group_of}
    expected = {frozenset(group) for group in best_first(log_odds, frames, threshold)}
    assert groups == expected


def test_nothing_to_merge() -> None:
    group_of = np.arange(1)
    agglomerate(faces_only(np.zeros((1, 1)), np.zeros(1)), group_of, 0.0, 0.5)
    assert group_of.tolist() == [0]


def test_many_equals_find_partners_at_once() -> None:
    """All ties: halves pair up in every round instead of everybody waiting for the first."""
    rank = np.ones((64, 64))
    np.fill_diagonal(rank, NEVER)
    pairs = reciprocal_best(rank)
    assert pairs.tolist() == [[index, index + 1] for index in range(0, 64, 2)]


def test_a_tie_goes_to_the_partner_of_the_lowest_bit() -> None:
    rank = np.full((3, 3), 1.0)
    np.fill_diagonal(rank, NEVER)
    assert reciprocal_best(rank).tolist() == [[0, 1]]


def test_nobody_is_forced_to_have_a_partner() -> None:
    rank = np.full((4, 4), NEVER)
    assert reciprocal_best(rank).tolist() == []
    rank[1, 2] = rank[2, 1] = -5.0
    assert reciprocal_best(rank).tolist() == [[1, 2]]


def leftovers(ratios: dict[tuple[int, int], float], frames: list[int], least: float, lead: float) -> list[int]:
    """Groups of one scene without faces, of given log-odds, after joining leftovers."""
    count = len(frames)
    planes = np.zeros((PLANES, count, count))
    for (left, right), odds in ratios.items():
        planes[SCENE, left, right] = planes[SCENE, right, left] = np.exp(odds)
        planes[SCENE_PAIRS, left, right] = planes[SCENE_PAIRS, right, left] = 1
    ones, none = np.ones(count), np.zeros(count)
    place = np.array(frames)
    together = ~np.eye(count, dtype=np.bool_)
    linkage = Linkage(
        planes, together, place[:, None] == place[None], ones, none, none.copy(), TEST_KIND, np.arange(count)
    )
    group_of = np.arange(count)
    join_leftovers(linkage, group_of, least, lead)
    return group_of.tolist()


def test_the_only_one_left_joins_with_less() -> None:
    assert leftovers({(0, 1): -1.0}, [0, 1], least=-2.0, lead=1.0) == [0, 0]
    assert leftovers({(0, 1): -2.5}, [0, 1], least=-2.0, lead=1.0) == [0, 1]


def test_a_rival_keeps_a_leftover_apart() -> None:
    assert leftovers({(0, 2): -1.0, (1, 2): -1.5}, [0, 0, 1], least=-2.0, lead=1.0) == [0, 1, 2]
    assert leftovers({(0, 2): -1.0, (1, 2): -2.5}, [0, 0, 1], least=-2.0, lead=1.0) == [0, 1, 0]


def test_a_rival_seen_beside_it_is_none() -> None:
    """The rival is in the leftover's own frame."""
    assert leftovers({(0, 1): -1.0, (1, 2): -1.2}, [0, 1, 1], least=-2.0, lead=1.0) == [0, 0, 2]


def test_a_view_that_nobody_compared_stays_apart() -> None:
    assert leftovers({}, [0, 1], least=-100.0, lead=0.0) == [0, 1]


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_two_of_a_frame_stay_two_however_alike(margin: float) -> None:
    group_of = np.arange(4)
    agglomerate(faces_only(np.full((4, 4), 50.0), np.array([0, 0, 0, 1])), group_of, 0.0, margin)
    assert len(set(group_of.tolist())) == 3
