"""Tests of identity on a graph, against identity with all pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import ReidentifyConfig
from tasks.identity import sparse
from tasks.identity.columns import Columns
from tasks.identity.identify import identify
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation
from tests.perf.identity_films import HARD, simulate_film
from tests.tasks.identity.films import TEST_CALIBRATION, basis, random_film, see

DENSE = ReidentifyConfig(dense_limit=10_000)
SPARSE = ReidentifyConfig(dense_limit=0)


def every_pair(columns: Columns, neighbours: int) -> np.ndarray:
    """All pairs that are not of one frame, in place of the nearest."""
    del neighbours
    pairs = [pair for pair in combinations(range(columns.size), 2) if columns.rank[pair[0]] != columns.rank[pair[1]]]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize("seed", range(12))
def test_on_all_pairs_the_graph_gives_what_the_matrix_gives(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse, "candidate_pairs", every_pair)
    seen = simulate_film(seed, HARD, 0.4).observations
    dense, graph = (identify(seen, config, TEST_CALIBRATION) for config in (DENSE, SPARSE))
    assert graph.entity == dense.entity
    assert graph.confidence == pytest.approx(dense.confidence, abs=1e-4)
    assert graph.repeat_of == dense.repeat_of


@pytest.mark.parametrize("block", [1, 7])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = simulate_film(3, HARD, 0.4).observations
    expected = identify(seen, SPARSE, TEST_CALIBRATION)
    for module, name in (
        ("sparse", "BLOCK"),
        ("reciprocal", "BLOCK"),
        ("graph", "EDGE_BLOCK"),
        ("groups", "FRAME_BLOCK"),
    ):
        monkeypatch.setattr(f"tasks.identity.{module}.{name}", block)
    assert identify(seen, SPARSE, TEST_CALIBRATION) == expected


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), faceless=st.floats(0, 1), threshold=st.floats(-20, 5))
def test_two_of_a_frame_are_never_one(seed: int, faceless: float, threshold: float) -> None:
    film = random_film(seed, scenes=3, frames=3, faceless=faceless)
    result = identify(film.observations, SPARSE.model_copy(update={"threshold": threshold}), TEST_CALIBRATION)
    kept = [
        (one.frame, entity)
        for one, entity, repeat in zip(film.observations, result.entity, result.repeat_of, strict=True)
        if repeat is None
    ]
    assert len(kept) == len(set(kept))
    assert all(0.0 <= one <= 1.0 for one in result.confidence)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_order_of_input_changes_nothing(seed: int, data: st.DataObject) -> None:
    film = random_film(seed, scenes=3, frames=3)
    order = data.draw(st.permutations(range(len(film.observations))))
    straight = identify(film.observations, SPARSE, TEST_CALIBRATION)
    shuffled = identify([film.observations[index] for index in order], SPARSE, TEST_CALIBRATION)
    assert [straight.entity[index] for index in order] == list(shuffled.entity)
    assert [straight.confidence[index] for index in order] == list(shuffled.confidence)


def test_a_long_film_is_solved() -> None:
    """Some 1,400 views of 40 people over 100 scenes, a third of them without a face."""
    film = random_film(0, people=40, scenes=20, frames=4, faceless=0.3)
    result = identify(film.observations, ReidentifyConfig(), TEST_CALIBRATION)
    assert len(film.observations) > 500
    assert bcubed(film.people, result.entity).f1 > 0.97


def small_boxes(count: int) -> list[Observation]:
    """One frame with many boxes that do not overlap, all with the same face."""
    places = [(5.0 * (index % 78), 5.0 * (index // 78)) for index in range(count)]
    return [see(0, f"d{index}", face=basis(0), box=(x, y, x + 4, y + 4)) for index, (x, y) in enumerate(places)]


@pytest.mark.parametrize(
    ("film", "entities"),
    [
        ([see(index, "a", face=basis(0), scene=str(index // 50)) for index in range(3000)], 1),
        (small_boxes(3000), 3000),
        ([see(index, "a", frame_hash=5) for index in range(3000)], 1),
        ([see(index, "a") for index in range(600)], 600),
    ],
    ids=["identical faces", "one frame", "one shot", "nothing known"],
)
def test_extremes_have_defined_results(film: list[Observation], entities: int) -> None:
    result = identify(film, SPARSE, TEST_CALIBRATION)
    kept = {entity for entity, repeat in zip(result.entity, result.repeat_of, strict=True) if repeat is None}
    assert len(kept) == entities
