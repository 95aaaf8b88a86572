"""Tests of candidate pairs and of sums over groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.identity import graph
from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.graph import build_edges, candidate_pairs
from tasks.identity.groups import face_evidence, share_frame, single_groups, view_evidence
from tasks.identity.observation import canonical_order
from tasks.identity.pairs import FACE, label_odds
from tests.tasks.identity.films import TEST_CALIBRATION, TEST_KIND, random_film

FACE_CURVE = (
    TEST_KIND.face.model_copy(update={"slope": 3.0, "offset": -0.5, "offset_rr": 0.7}) if TEST_KIND.face else None
)
KIND = TEST_KIND.model_copy(update={"face": FACE_CURVE})


def film_columns(seed: int, faceless: float = 0.3) -> Columns:
    """Columns of a random film."""
    seen = random_film(seed, faceless=faceless).observations
    return build_columns([seen[index] for index in canonical_order(seen)], *near_frames(seen, 4))


@pytest.mark.parametrize("full", [1, 400])
def test_candidates_are_pairs_of_different_frames_once_each(full: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "FULL_SCENE", full)
    columns = film_columns(0)
    pairs = candidate_pairs(columns, 3)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert (columns.rank[pairs[:, 0]] != columns.rank[pairs[:, 1]]).all()
    keys = pairs[:, 0] * columns.size + pairs[:, 1]
    assert (np.diff(keys) > 0).all()


def test_everybody_of_a_scene_is_compared_with_the_faceless() -> None:
    columns = film_columns(1, faceless=0.5)
    found = {tuple(pair) for pair in candidate_pairs(columns, 1).tolist()}
    for first in range(columns.size):
        for second in range(first + 1, columns.size):
            faceless = columns.face_weight[first] == 0 or columns.face_weight[second] == 0
            same = columns.scene[first] == columns.scene[second] and columns.rank[first] != columns.rank[second]
            assert (first, second) in found or not (faceless and same)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_faces_of_groups_follow_from_sums(seed: int) -> None:
    """Against the sum over pairs of members, one by one."""
    rng = np.random.default_rng(seed)
    columns = film_columns(seed)
    codes = rng.integers(0, 4, columns.size)
    groups = single_groups(columns, FACE_CURVE)
    heads = np.array([np.flatnonzero(codes == code)[0] if (codes == code).any() else -1 for code in range(4)])
    for code in range(4):
        for member in np.flatnonzero(codes == code)[1:]:
            groups.merge(heads[[code]], np.array([member]))
    alive = heads[heads >= 0]
    first, second = (index.ravel() for index in np.meshgrid(alive, alive))
    assert FACE_CURVE is not None
    total = face_evidence(groups, first, second, FACE_CURVE)
    expected = np.zeros(len(first))
    for place, (left, right) in enumerate(zip(codes[first], codes[second], strict=True)):
        for one in np.flatnonzero(codes == left):
            for other in np.flatnonzero(codes == right):
                weight = columns.face_weight[one] * columns.face_weight[other]
                cosine = float(columns.face[one].astype(float) @ columns.face[other].astype(float))
                expected[place] += weight * FACE_CURVE.line(np.array(cosine), np.sqrt(weight))
    assert total == pytest.approx(expected, abs=1e-3)
    views = np.arange(columns.size)
    by_view = view_evidence(columns, groups, views, np.full(columns.size, alive[0]), FACE_CURVE)
    members = np.bincount(codes, by_view, minlength=4)[codes[alive[0]]]
    assert members == pytest.approx(face_evidence(groups, alive[:1], alive[:1], FACE_CURVE)[0], abs=1e-3)


def test_groups_know_their_frames() -> None:
    columns = film_columns(2)
    groups = single_groups(columns, None)
    groups.merge(np.array([0]), np.array([columns.size - 1]))
    every = np.arange(columns.size - 1)
    shared = share_frame(groups.frames, groups.frames, np.zeros(len(every), dtype=np.int64), every)
    expected = (columns.rank[every] == columns.rank[0]) | (columns.rank[every] == columns.rank[-1])
    assert shared.tolist() == expected.tolist()
    part = groups.taken(np.array([0, 1]))
    assert part.count.tolist() == [2, 1]


def test_edges_hold_the_evidence_of_faces() -> None:
    columns = film_columns(3, faceless=0.0)
    pairs = candidate_pairs(columns, 2)
    edges = build_edges(columns, pairs, KIND, label_odds(("person",), TEST_CALIBRATION.labels))
    assert FACE_CURVE is not None
    singles = single_groups(columns, FACE_CURVE)
    assert edges.planes[FACE] == pytest.approx(face_evidence(singles, edges.first, edges.second, FACE_CURVE), abs=1e-3)
