"""Tests of the fusion of evidence, against values worked out by hand."""

import numpy as np
import pytest

from tasks.identity.columns import Columns, build_columns, near_frames
from tasks.identity.observation import Observation
from tasks.identity.pairs import (
    ACROSS,
    ACROSS_PAIRS,
    CONTINUITY,
    FACE,
    FEW_ALIKE,
    PLANES,
    SCENE,
    SCENE_PAIRS,
    WORDS,
    Mass,
    fuse,
    label_odds,
    mass_of,
    pair_planes,
    quantise,
    tag_agreement,
    tagged_apart,
)
from tests.tasks.identity.films import TEST_CALIBRATION, TEST_KIND, basis, see, unit

NO_FACE = TEST_KIND.model_copy(update={"face": None})


def columns(seen: list[Observation]) -> Columns:
    """Columns of observations in canonical order."""
    return build_columns(seen, *near_frames(seen, 4))


def planes_of(first: Observation, second: Observation) -> tuple[np.ndarray, bool]:
    """Evidence of one pair."""
    pair = columns([first, second])
    face, look = (one @ one.T for one in (pair.face.astype(float), pair.appearance.astype(float)))
    labels = label_odds(pair.label_names, TEST_CALIBRATION.labels)
    planes, together = pair_planes(
        pair, np.array([0]), np.array([1]), face[[0], [1]], look[[0], [1]], TEST_KIND, labels
    )
    return planes[:, 0], bool(together[0])


def masses(count: float, weight: float, square: float) -> Mass:
    """Mass of one group."""
    return mass_of(np.array([count]), np.array([weight]), np.array([square]))


def test_labels_same_confused_and_different() -> None:
    odds = label_odds(("car", "cat", "truck"), TEST_CALIBRATION.labels)
    assert odds.tolist() == [[1.5, -6.0, -1.0], [-6.0, 1.5, -6.0], [-1.0, -6.0, 1.5]]
    assert label_odds(("person",), TEST_CALIBRATION.labels).tolist() == [[0.0]]


def test_planes_of_a_pair() -> None:
    """Face: weights 1/2 and 1, reliability sqrt(1/2), cosine 0.8; crops of two scenes: 4 (0.9 - 0.65) = 1."""
    planes, together = planes_of(
        see(0, "a", face=unit([1, 0]), quality=0.5, appearance=unit([1, 0]), frame_hash=0),
        see(1, "a", scene="s2", face=unit([0.8, 0.6]), appearance=unit([0.9, 0.19**0.5]), frame_hash=0),
    )
    assert not together
    assert planes[FACE] == pytest.approx(0.5 * 0.5**0.5 * (20 * 0.8 - 8), abs=1e-5)
    assert planes[ACROSS] == pytest.approx(np.exp(1.0), abs=1e-5)
    assert planes[[SCENE, SCENE_PAIRS, ACROSS_PAIRS, CONTINUITY, WORDS]].tolist() == [0, 0, 1, 0, 0]


def test_planes_within_a_shot() -> None:
    """Boxes of 100 x 200 moved by 20: overlap 80 / 120; crops 10 (0.8 - 0.6) = 2; labels confused."""
    planes, together = planes_of(
        see(0, "a", kind="obj", label="car", appearance=unit([1, 0]), frame_hash=0),
        see(1, "a", kind="obj", label="truck", box=(20, 0, 120, 200), appearance=unit([0.8, 0.6]), frame_hash=1),
    )
    assert together
    assert planes[CONTINUITY] == pytest.approx(6 * (2 / 3 - 0.4), abs=1e-5)
    assert planes[SCENE] == pytest.approx(np.exp(2.0), abs=1e-5)
    assert planes[WORDS] == -1.0
    assert planes[FACE] == 0


def test_tags_tell_of_two_scenes_whether_they_are_one_place() -> None:
    """Agreement sqrt(0.64 * 0.25) + sqrt(0.16 * 0.16) = 0.56, so 4 (0.56 - 0.25); next to nothing in common: -1 at least."""
    kind = TEST_CALIBRATION.kinds["bg"]
    views = [
        see(0, "a", kind="bg", label="wall", tags=(("street", 0.64), ("car", 0.16))),
        see(1, "a", kind="bg", label="wall", tags=(("car", 0.16), ("street", 0.25))),
        see(2, "a", kind="bg", label="wall", scene="s2", tags=(("car", 0.16), ("street", 0.25))),
        see(3, "a", kind="bg", label="wall", scene="s2", tags=(("sea", 0.9),)),
        see(4, "a", kind="bg", label="wall", scene="s3"),
    ]
    every = columns(views)
    first, second = np.zeros(4, dtype=np.int64), np.arange(1, 5)
    assert tag_agreement(every, first, second) == pytest.approx([0.56, 0.56, 0.0, 0.0])
    assert tagged_apart(every, first, second).tolist() == [False, True, True, False]
    nothing = np.zeros(4)
    for curves, expected in ((kind, [0, 4 * 0.31, -1, 0]), (kind.model_copy(update={"tags": None}), [0, 0, 0, 0])):
        planes, _ = pair_planes(every, first, second, nothing, nothing, curves, np.zeros((1, 1)))
        assert planes[WORDS] == pytest.approx(expected, abs=1e-5)


def test_more_agreement_than_all_is_all() -> None:
    """Scores of tags need not add up to 1."""
    pair = columns([see(frame, "a", scene=str(frame), tags=(("sea", 0.9), ("beach", 0.8))) for frame in range(2)])
    assert tag_agreement(pair, np.array([0]), np.array([1])).tolist() == [1.0]


def test_sums_are_exact_in_any_order() -> None:
    rng = np.random.default_rng(0)
    values = quantise(rng.normal(0, 3, 100_000))
    assert values.sum() == values[::-1].sum() == rng.permutation(values).sum()


def test_fused_odds_of_single_views() -> None:
    planes, together = planes_of(
        see(0, "a", face=unit([1, 0]), appearance=unit([1, 0])),
        see(2, "a", face=unit([0.7, 0.51**0.5]), appearance=unit([0.7, 0.51**0.5])),
    )
    single = masses(1, 1, 1)
    odds, order = fuse(planes[:, None], np.array([together]), single, single, TEST_KIND)
    # prior 0, faces 20 * 0.7 - 8 = 6, crops 10 * (0.7 - 0.6) = 1
    assert odds == pytest.approx([7.0], abs=1e-4)
    assert order == pytest.approx([7.0], abs=1e-4)


def test_bounds_hold_the_odds_but_not_the_order() -> None:
    planes, together = planes_of(see(0, "a", face=basis(0)), see(9, "a", face=basis(0)))
    single = masses(1, 1, 1)
    odds, order = fuse(planes[:, None], np.array([together]), single, single, TEST_KIND)
    assert odds == pytest.approx([8.0])
    assert order == pytest.approx([12.0])


def test_more_views_tell_more_but_not_without_limit() -> None:
    """Faces of mean log-odds 2 between groups of n: 2 / (0.3 + 0.7 / n)."""
    for views in (1, 2, 4, 1000):
        planes = np.zeros((PLANES, 1))
        planes[FACE] = 2.0 * views * views
        group = masses(views, views, views)
        odds, order = fuse(planes, np.array([True]), group, group, TEST_KIND)
        assert odds == pytest.approx([2 / (0.3 + 0.7 / views)])
        assert order == pytest.approx([2.0])


def test_many_poor_faces_count_as_few() -> None:
    """One face of weight 1 and three of 1/8 are 1.375**2 / (1 + 3/64) = 1.806 faces."""
    mass = masses(4, 1.375, 1 + 3 / 64)
    assert mass.lone_face == pytest.approx([1 / 1.8059701])


def test_one_view_in_the_same_clothes_tells_more_than_several_in_others() -> None:
    planes = np.zeros((PLANES, 1))
    ratios = np.exp([1.0, -1.0, -1.0, -1.0])
    planes[SCENE], planes[SCENE_PAIRS] = ratios.sum(), 4
    odds, order = fuse(planes, np.array([True]), masses(2, 0, 0), masses(2, 0, 0), NO_FACE)
    expected = np.log(ratios.mean())
    assert expected > -1 / 2
    assert order == pytest.approx([expected])
    assert odds == pytest.approx([expected / (0.3 + 0.7 / 2)])


def test_across_scenes_the_sum_is_divided_by_less_than_the_number() -> None:
    planes = np.zeros((PLANES, 1))
    planes[ACROSS], planes[ACROSS_PAIRS] = 9.0, 9
    odds, _ = fuse(planes, np.array([False]), masses(3, 0, 0), masses(3, 0, 0), NO_FACE)
    assert odds == pytest.approx([-1.0 + np.log(9 / 9**FEW_ALIKE)])


def test_a_shared_scene_outweighs_other_scenes() -> None:
    planes = np.zeros((PLANES, 1))
    planes[SCENE], planes[SCENE_PAIRS], planes[ACROSS], planes[ACROSS_PAIRS] = np.exp(2.0), 1, 1e-3, 1
    odds, _ = fuse(planes, np.array([True]), masses(1, 0, 0), masses(2, 0, 0), NO_FACE)
    assert odds == pytest.approx([2.0 / (0.3 + 0.7 * 0.75)])


def test_no_evidence_leaves_the_prior() -> None:
    planes = np.zeros((PLANES, 2))
    odds, order = fuse(planes, np.array([True, False]), masses(1, 0, 0), masses(1, 1, 1), TEST_KIND)
    assert odds.tolist() == order.tolist() == [0.0, -1.0]


def test_continuity_adds_up_to_its_bounds() -> None:
    planes = np.zeros((PLANES, 2))
    planes[CONTINUITY] = [50.0, -50.0]
    odds, _ = fuse(planes, np.array([True, True]), masses(1, 0, 0), masses(1, 0, 0), NO_FACE)
    assert odds.tolist() == [3.0, -2.5]
