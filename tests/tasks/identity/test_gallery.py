"""Tests of one gallery over the shards of a film."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.config import ReidentifyConfig
from tasks.identity.calibration import load_calibration
from tasks.identity.evaluate import identify_film, identify_shards
from tasks.identity.gallery import BEST_VIEWS, best_views, join_shards
from tasks.identity.identify import identify
from tasks.identity.metrics import bcubed
from tasks.identity.observation import Observation
from tests.perf.identity_films import MEDIUM, simulate_film
from tests.tasks.identity.films import TEST_CALIBRATION, basis, random_film, see

CONFIG = ReidentifyConfig()


def join(shards: list[list[Observation]], entities: list[list[int]]) -> list[int]:
    """With the calibration of the tests."""
    return join_shards(shards, entities, CONFIG, TEST_CALIBRATION)


def test_a_face_joins_shards() -> None:
    """Ann, Bob, then Bob, Cid, then Ann twice: 0 and 4 are Ann, 1 and 2 Bob."""
    shards = [
        [see(0, "a", face=basis(0)), see(1, "b", face=basis(1))],
        [see(0, "b", scene="s2", face=basis(1)), see(1, "c", scene="s2", face=basis(2))],
        [see(0, "a", scene="s3", face=basis(0)), see(1, "a", scene="s3", face=basis(0))],
    ]
    assert join(shards, [[0, 1], [2, 3], [4, 4]]) == [0, 1, 1, 3, 0]


def test_two_of_a_shard_stay_two_and_what_is_together_stays() -> None:
    """Both of the first shard look like the one of the second, who can only be one of them; what was joined is not parted."""
    shards = [
        [see(0, "a", face=basis(0)), see(1, "b", face=basis(0)), see(2, "c", face=basis(3))],
        [see(0, "a", scene="s2", face=basis(0)), see(1, "a", scene="s2", face=basis(5))],
    ]
    same = join(shards, [[0, 1, 0], [2, 2]])
    assert same[:2] == [0, 1]
    assert same[2] in (0, 1, 2)


def test_kinds_never_mix() -> None:
    shards = [[see(0, "a", appearance=basis(0))], [see(0, "a", kind="obj", label="person", appearance=basis(0))]]
    assert join(shards, [[0], [1]]) == [0, 1]


def test_nothing_gives_nothing() -> None:
    assert join([], []) == []
    assert join([[], []], [[], []]) == []


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_a_film_in_shards_is_put_together(seed: int) -> None:
    """Clean faces: the gallery of six shards is the people of the film, and does not depend on the order within a shard."""
    film = random_film(seed, people=6, scenes=6, frames=3, faceless=0.0)
    shards = [[one for one in film.observations if one.scene == f"s{scene}"] for scene in range(6)]
    people = [
        name
        for scene in range(6)
        for one, name in zip(film.observations, film.people, strict=True)
        if one.scene == f"s{scene}"
    ]
    entity = iter(identify_shards(shards, CONFIG, TEST_CALIBRATION).entity)
    entities = [[next(entity) for _ in shard] for shard in shards]
    same = join(shards, entities)
    assert all(same[number] <= number and same[same[number]] == same[number] for number in range(len(same)))
    assert bcubed(people, [same[number] for shard in entities for number in shard]).f1 == 1.0
    for numbers in entities:
        assert len({same[number] for number in numbers}) == len(set(numbers))
    backwards = join([shard[::-1] for shard in shards], [numbers[::-1] for numbers in entities])
    assert backwards == same


def test_a_long_simulated_film_in_shards_is_nearly_as_good_as_whole() -> None:
    """With look-alikes, faces missing and clothes that change, 500 frames of 15 people in ten shards."""
    film = simulate_film(2, MEDIUM, 0.3, people=(15, 15), frames=(500, 500), things=(1, 1))
    calibration = load_calibration("embedded-v2")
    shards = [
        [replace(one, frame=one.frame - start) for one in film.observations if start <= one.frame < start + 50]
        for start in range(0, 500, 50)
    ]
    people = [index for index, one in enumerate(film.observations) if one.kind == "char"]
    truth = [film.truth[index] for index in people]
    apart, joined, whole = (
        bcubed(truth, [found.entity[index] for index in people]).f1
        for found in (
            identify_shards(shards, CONFIG, calibration),
            identify_film(shards, CONFIG, calibration),
            identify(film.observations, CONFIG, calibration),
        )
    )
    assert apart < 0.4
    assert joined > whole - 0.04


def test_what_stands_for_nothing_is_left_out() -> None:
    shards = [[see(0, "a", face=basis(0)), see(0, "b", face=basis(9))], [see(0, "a", scene="s2", face=basis(0))]]
    assert join(shards, [[0, -1], [1]]) == [0, 0]


def test_the_best_views_stand_for_an_entity() -> None:
    seen = [see(frame, "a", score=0.5 + frame / 100) for frame in range(10)]
    seen[7] = see(7, "a", face=basis(0), quality=0.2)
    seen[2] = see(2, "a", face=basis(0), quality=0.9)
    chosen = best_views(seen, range(10))
    assert chosen[:3] == [2, 7, 9]
    assert len(chosen) == BEST_VIEWS
    assert best_views(seen, [4]) == [4]
