"""Tests of fitting curves to a film."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.identity.columns import build_columns, near_frames
from tasks.identity.film import FURTHEST, fit_to_film, mean_within_frames, shift
from tests.tasks.identity.films import TEST_KIND, see, unit


@given(st.integers(0, 1000))
def test_the_mean_is_that_over_all_pairs_of_each_frame(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = np.sort(rng.integers(0, 5, 12))
    vectors = np.stack([unit(rng.normal(size=6)) for _ in rank])
    weight = np.where(rng.random(12) < 0.2, 0.0, rng.integers(1, 65, 12) / 64)
    vectors[weight == 0] = 0.0
    total = pairs = 0.0
    for first in range(12):
        for second in range(first):
            if rank[first] == rank[second]:
                pairs += weight[first] * weight[second]
                total += weight[first] * weight[second] * float(vectors[first] @ vectors[second])
    mean, found = mean_within_frames(rank, vectors, weight)
    assert found == pytest.approx(pairs, abs=1e-9)
    assert mean == pytest.approx(total / pairs if pairs > 1e-9 else 0.0, abs=1e-5)


def test_nothing_moves_nothing() -> None:
    assert mean_within_frames(np.zeros(0, dtype=np.int64), np.zeros((0, 4), dtype=np.float32), np.zeros(0)) == (0, 0)
    assert shift(0.5, 0.0, 0.2) == 0.0
    assert shift(0.5, 100.0, None) == 0.0


def test_a_shift_grows_with_the_pairs_and_is_bounded() -> None:
    assert shift(0.3, 20.0, 0.1) == pytest.approx(0.1, abs=1e-3)
    assert shift(0.3, 180.0, 0.1) == pytest.approx(0.18, abs=1e-3)
    assert shift(1.0, 1e9, -1.0) == FURTHEST
    assert shift(-1.0, 1e9, 1.0) == -FURTHEST


def test_curves_follow_a_film_in_which_all_look_alike() -> None:
    """Forty frames of two people with crops of cosine 0.8; the reference is 0.5: 0.3 * 40 / 60 = 0.2."""
    seen = [
        see(
            frame,
            f"d{side}",
            appearance=unit([0.8, 0.6]) if side else unit([1, 0]),
            box=(200.0 * side, 0, 150.0 + 200 * side, 9),
        )
        for frame in range(40)
        for side in range(2)
    ]
    kind = TEST_KIND.model_copy(
        update={"appearance_scene": TEST_KIND.appearance_scene.model_copy(update={"reference": 0.5})}
    )
    moved = fit_to_film(build_columns(seen, *near_frames(seen, 4)), kind)
    assert moved.appearance_scene.centre == pytest.approx(0.8, abs=1e-3)
    assert moved.appearance_across.centre == pytest.approx(0.85, abs=1e-3)
    assert moved.face == kind.face
