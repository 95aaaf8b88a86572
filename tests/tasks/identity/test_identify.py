"""Tests of ``identify``: constraints that always hold, evidence that has to win, and input that is not as it should be."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import ReidentifyConfig
from schemas.errors import ConfigError
from schemas.evidence import EntityKind
from tasks.identity.calibration import load_calibration
from tasks.identity.identify import Identities, identify
from tasks.identity.observation import Observation
from tests.tasks.identity.films import TEST_CALIBRATION, basis, random_film, see, unit

CONFIG = ReidentifyConfig()


def run(observations: list[Observation], config: ReidentifyConfig = CONFIG) -> Identities:
    """Identify with the calibration of the tests."""
    return identify(observations, config, TEST_CALIBRATION)


def test_nothing_gives_nothing() -> None:
    assert run([]) == Identities((), (), ())


def test_one_detection_is_one_entity_and_sure() -> None:
    assert run([see(0, "a", face=basis(0))]) == Identities((0,), (1.0,), (None,))


def test_the_same_face_in_two_scenes_is_one_person() -> None:
    result = run(
        [see(0, "a", face=basis(0)), see(1, "a", scene="s2", face=basis(0)), see(1, "b", scene="s2", face=basis(1))]
    )
    assert result.entity == (0, 0, 1)


def test_confidence_is_the_posterior_worked_out_by_hand() -> None:
    """Across scenes: prior -1, face min(8, 20 (1 - 0.4)) = 8 at full quality: 7 against 0 for someone new."""
    result = run([see(0, "a", face=basis(0)), see(1, "a", scene="s2", face=basis(0))])
    assert result.confidence == pytest.approx([1 / (1 + np.exp(-7.0))] * 2, abs=1e-12)


def test_a_poor_face_counts_less() -> None:
    """Quality 1/4 on both sides, reliability 1/4: 20 / 4 - 8 / 4 = 3, less 1 of the prior."""
    pair = [see(0, "a", face=basis(0), quality=0.25), see(1, "a", scene="s2", face=basis(0), quality=0.25)]
    result = run(pair)
    assert result.entity == (0, 0)
    assert result.confidence == pytest.approx([1 / (1 + np.exp(-2.0))] * 2, abs=1e-12)


def test_the_same_face_twice_in_a_frame_stays_two() -> None:
    far = (300.0, 0.0, 390.0, 200.0)
    assert run([see(0, "a", face=basis(0)), see(0, "b", face=basis(0), box=far)]).entity == (0, 1)


def test_best_link_first_not_first_found() -> None:
    """``b`` and ``c`` share a frame and both resemble ``a``; the more alike gets it although the other comes first."""
    far = (300.0, 0.0, 390.0, 150.0)
    less, more = unit([0.6, 0.8, 0.0]), unit([0.8, 0.0, 0.6])
    result = run([see(0, "a", face=unit([1, 0, 0])), see(1, "b", face=less), see(1, "c", face=more, box=far)])
    assert result.entity == (0, 1, 0)


def test_a_repeated_box_is_the_same_entity() -> None:
    twice = [
        see(0, "a", kind="obj", label="car", box=(0, 0, 100, 100), score=0.6),
        see(0, "b", kind="obj", label="truck", box=(2, 0, 100, 100), score=0.8),
    ]
    result = run(twice)
    assert result.entity == (0, 0)
    assert result.repeat_of == (1, None)


def test_overlapping_people_with_different_faces_are_two() -> None:
    pair = [see(0, "a", face=basis(0)), see(0, "b", box=(2, 0, 100, 200), face=basis(1))]
    assert run(pair).entity == (0, 1)


def test_a_continuous_shot_links_what_stays_in_place() -> None:
    """Without any embedding, only the nearly identical frames link; a hash that differs in more bits does not."""
    still = [see(0, "a", frame_hash=0), see(1, "a", frame_hash=0b111), see(2, "a", frame_hash=2**40 - 1)]
    assert run(still).entity == (0, 0, 1)


def test_a_shot_does_not_link_across_scenes() -> None:
    assert run([see(0, "a", frame_hash=0), see(1, "a", scene="s2", frame_hash=0)]).entity == (0, 1)


def test_a_shot_does_not_link_faces_that_disagree() -> None:
    pair = [see(0, "a", frame_hash=0, face=basis(0)), see(1, "a", frame_hash=0, face=basis(1))]
    assert run(pair).entity == (0, 1)


def test_a_label_flip_does_not_split() -> None:
    flip = [
        see(frame, "a", kind="obj", label=label, appearance=basis(0))
        for frame, label in enumerate(("car", "truck", "car", "car"))
    ]
    assert run(flip).entity == (0, 0, 0, 0)


def test_labels_never_confused_stay_apart() -> None:
    pair = [
        see(0, "a", kind="obj", label="car", appearance=basis(0)),
        see(1, "a", kind="obj", label="cat", appearance=basis(0)),
    ]
    assert run(pair).entity == (0, 1)


def test_a_faceless_view_joins_by_its_clothes_within_the_scene() -> None:
    views = [
        see(0, "a", face=basis(0), appearance=basis(3)),
        see(0, "b", face=basis(1), appearance=basis(4), box=(200, 0, 290, 200)),
        see(1, "a", appearance=unit(basis(4) + 0.3 * basis(5))),
    ]
    assert run(views).entity == (0, 1, 1)


def test_a_faceless_view_between_two_people_stays_apart_and_says_so() -> None:
    middle = unit(np.asarray(basis(3) + basis(4)))
    views = [
        see(0, "a", face=basis(0), appearance=basis(3)),
        see(0, "b", face=basis(1), appearance=basis(4), box=(200, 0, 290, 200)),
        see(1, "a", appearance=middle),
    ]
    result = run(views)
    assert len(set(result.entity)) == 3
    # Log-odds 10 (sqrt(1/2) - 0.6) with each of the two, against 0 for someone new, which was chosen.
    link = 10 * (0.5**0.5 - 0.6)
    assert result.confidence[2] == pytest.approx(1 / (1 + 2 * np.exp(link)), abs=1e-4)


def test_elimination_resolves_a_faceless_view() -> None:
    """The same view is certain when the rival is seen elsewhere in the frame."""
    middle = unit(np.asarray(basis(3) + basis(4)))
    views = [
        see(0, "a", face=basis(0), appearance=basis(3)),
        see(0, "b", face=basis(1), appearance=basis(4), box=(200, 0, 290, 200)),
        see(1, "a", appearance=middle),
        see(1, "b", face=basis(1), appearance=basis(4), box=(200, 0, 290, 200)),
    ]
    assert run(views).entity == (0, 1, 0, 1)


def test_tags_tie_background_over_scenes_and_keep_it_apart() -> None:
    """Crops of two scenes with cosine 0.75 tell 0.4, the prior is -1: only the same tags (4 (0.8 - 0.25)) make it one place."""
    look, other = unit([1, 0]), unit([0.75, 0.4375**0.5])

    def walls(tag: str, kind: EntityKind) -> Identities:
        first = see(0, "w", kind=kind, label="wall", appearance=look, tags=(("kitchen", 0.8),))
        return run([first, see(1, "w", scene="s2", kind=kind, label="wall", appearance=other, tags=((tag, 0.8),))])

    assert walls("kitchen", "bg").entity == (0, 0)
    assert walls("garden", "bg").entity == (0, 1)
    assert walls("kitchen", "obj").entity == (0, 1)


def test_kinds_never_mix() -> None:
    views = [see(0, "a", appearance=basis(0)), see(1, "a", kind="obj", label="person", appearance=basis(0))]
    assert run(views).entity == (0, 1)


@pytest.mark.parametrize("bad", [np.full(16, np.nan), np.full(16, np.inf), np.zeros(16)])
def test_an_embedding_that_is_no_direction_counts_as_missing(bad: np.ndarray) -> None:
    vector = np.asarray(bad, dtype=np.float32)
    film = [see(0, "a", face=basis(0)), see(1, "a", face=vector, appearance=vector), see(2, "a", face=basis(0))]
    clean = [dataclasses.replace(one, face=None, appearance=None) if one.frame == 1 else one for one in film]
    assert run(film) == run(clean)
    assert run(film).entity == (0, 1, 0)


def test_numbers_that_are_none_elsewhere() -> None:
    nan = float("nan")
    film = [
        see(0, "a", box=(nan, 0, 10, 10), quality=nan, score=nan, face=basis(0)),
        see(1, "a", box=(-50, -50, 4000, 9000), face=basis(0), quality=7.0),
        see(1, "b", box=(10, 10, 5, 5), face=basis(1)),
    ]
    result = run(film)
    assert result.entity[1] != result.entity[2]
    assert all(0.0 <= one <= 1.0 for one in result.confidence)


def test_boxes_outside_the_frame_are_no_places() -> None:
    """Frames of 400 x 300: what lies outside repeats nothing and links nothing in a shot, however alike the boxes are."""
    outside = (500.0, 10.0, 600.0, 200.0)
    film = [see(0, "a", box=outside), see(0, "b", box=outside), see(1, "a", box=outside)]
    film = [dataclasses.replace(one, frame_hash=0) for one in film]
    assert run(film).entity == (0, 1, 2)
    # Partly outside, only what is inside counts: 100 of these 150 pixels, and all of the others.
    partly = [see(0, "a", box=(300, 0, 450, 200), frame_hash=0), see(1, "a", box=(300, 0, 400, 200), frame_hash=0)]
    assert run(partly).entity == (0, 0)


def test_ten_thousand_detections_in_one_frame_stay_apart() -> None:
    """All with one face and one look; only the boxes that repeat another one are the same."""
    places = [(4.0 * (index % 100), 3.0 * (index // 100)) for index in range(9_990)]
    places += places[:10]
    film = [
        see(0, f"d{index}", face=basis(0), appearance=basis(1), box=(x, y, x + 3, y + 2))
        for index, (x, y) in enumerate(places)
    ]
    result = run(film)
    assert len(set(result.entity)) == 9_990
    assert sum(repeat is not None for repeat in result.repeat_of) == 10
    assert result.entity[:10] == result.entity[-10:]


def test_identical_embeddings_make_one_entity_for_each_place_in_a_frame() -> None:
    """Three frames with two detections each, all alike: two entities, since two of a frame are never one."""
    film = [
        see(frame, f"d{side}", face=basis(0), appearance=basis(0), box=(200.0 * side, 0, 200.0 * side + 90, 200))
        for frame in range(3)
        for side in range(2)
    ]
    result = run(film)
    assert sorted(set(result.entity)) == [0, 1]
    for frame in range(3):
        assert result.entity[2 * frame] != result.entity[2 * frame + 1]


def test_mixed_models_are_refused() -> None:
    with pytest.raises(ValueError, match="different models"):
        run([see(0, "a", face=basis(0, 8)), see(1, "a", face=basis(0, 16))])


def test_a_name_used_twice_in_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' occurs twice in frame 0"):
        run([see(0, "a"), see(0, "a", box=(200, 0, 300, 200))])


def test_a_kind_without_curves_is_refused() -> None:
    people_only = TEST_CALIBRATION.model_copy(update={"kinds": {"char": TEST_CALIBRATION.kinds["char"]}})
    with pytest.raises(ConfigError, match="no curves for 'obj'"):
        identify([see(0, "a", kind="obj")], CONFIG, people_only)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), data=st.data())
def test_order_of_input_changes_nothing(seed: int, data: st.DataObject) -> None:
    film = random_film(seed, scenes=3, frames=3)
    order = data.draw(st.permutations(range(len(film.observations))))
    straight = run(film.observations)
    shuffled = run([film.observations[index] for index in order])
    assert [straight.entity[index] for index in order] == list(shuffled.entity)
    assert [straight.confidence[index] for index in order] == list(shuffled.confidence)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), people=st.integers(1, 8), faceless=st.floats(0, 1), threshold=st.floats(-20, 5))
def test_two_of_a_frame_are_never_one(seed: int, people: int, faceless: float, threshold: float) -> None:
    """Even at a threshold at which everything would like to merge."""
    film = random_film(seed, people=people, scenes=3, frames=3, faceless=faceless)
    result = run(film.observations, ReidentifyConfig(threshold=threshold))
    kept = [
        (one.frame, entity)
        for one, entity, repeat in zip(film.observations, result.entity, result.repeat_of, strict=True)
        if repeat is None
    ]
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("seed", range(5))
def test_clean_films_are_solved(seed: int) -> None:
    film = random_film(seed, faceless=0.0)
    result = run(film.observations)
    assert len(set(zip(film.people, result.entity, strict=True))) == len(set(film.people)) == len(set(result.entity))


def test_hash_seed_and_threads_change_nothing() -> None:
    """With all pairs, on the graph with every pair compared, and with inverted lists."""
    program = (
        "from schemas.config import ReidentifyConfig; from tasks.identity import neighbours;"
        "from tasks.identity.identify import identify;"
        "from tests.tasks.identity.films import TEST_CALIBRATION, random_film;"
        "seen = random_film(3, people=12, scenes=10).observations;"
        "print(identify(seen, ReidentifyConfig(), TEST_CALIBRATION));"
        "print(identify(seen, ReidentifyConfig(dense_limit=0), TEST_CALIBRATION));"
        "neighbours.FLAT_LIMIT = 10;"
        "print(identify(seen, ReidentifyConfig(dense_limit=0), TEST_CALIBRATION))"
    )
    root = Path(__file__).parents[3]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": str(root),
                "OMP_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": threads,
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, threads in (("0", "1"), ("1", "2"), ("4242", "4"))
    }
    assert len(outputs) == 1


def test_the_shipped_calibration_covers_every_kind() -> None:
    calibration = load_calibration(CONFIG.calibration)
    result = identify(
        [
            see(0, "a", face=basis(0), appearance=basis(1)),
            see(0, "b", kind="obj", label="car", appearance=basis(1)),
            see(0, "c", kind="bg", label="sky", appearance=basis(1)),
            see(0, "d", kind="lm", label="tower", appearance=basis(1)),
        ],
        CONFIG,
        calibration,
    )
    assert sorted(result.entity) == [0, 1, 2, 3]


def test_an_unknown_calibration_names_the_known() -> None:
    with pytest.raises(ConfigError, match="embedded-v2"):
        load_calibration("nowhere")
