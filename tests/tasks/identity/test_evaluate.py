"""Tests of evaluation against labels and without them."""

from dataclasses import replace

import pytest

from schemas.config import ReidentifyConfig
from schemas.geometry import Box
from tasks.identity.evaluate import (
    LabelledViews,
    evaluate,
    identify_film,
    identify_shards,
    join_identities,
    label_views,
    sweep,
)
from tasks.identity.identify import Identities
from tasks.identity.labels import LabelledPerson
from tasks.identity.metrics import bcubed
from tests.tasks.identity.films import TEST_CALIBRATION, Film, random_film, see

CONFIG = ReidentifyConfig()
LEFT, RIGHT = Box(0, 0, 100, 200), Box(200, 0, 300, 200)


def sure(*entity: int) -> Identities:
    """Identities that are sure of themselves."""
    return Identities(entity, (1.0,) * len(entity), (None,) * len(entity))


def labelled(*names: str | None) -> tuple[LabelledPerson, ...]:
    """Bodies on the left and on the right."""
    places = zip(names, (LEFT, RIGHT), strict=False)
    return tuple(LabelledPerson(name, "body", box) for name, box in places if name is not None)


def labelled_views(film: Film) -> LabelledViews:
    """A made film of which everybody is known."""
    names = tuple(str(person) for person in film.people)
    return LabelledViews(film.observations, [None] * len(names), names, {})


SEEN = [
    see(0, "a", box=(0, 0, 100, 200)),
    see(0, "b", box=(200, 0, 300, 200)),
    see(1, "a", box=(0, 0, 100, 200)),
    see(1, "cup", box=(0, 0, 100, 200), kind="obj", label="cup"),
    see(2, "a", box=(0, 0, 100, 200)),
]
LABELS = {"f0": labelled("ann", "bob"), "f1": labelled("ann", "bob")}


def test_labels_find_their_detections() -> None:
    views = label_views(SEEN, [None] * 5, ["x/f0.jpg", "x/f1.jpg", "x/f2.jpg"], LABELS)
    assert views.truth == ("ann", "bob", "ann", None, None)
    assert (views.labelled, views.found) == (4, 3)


def test_scores_of_a_split_person() -> None:
    """Ann is two entities: B-cubed recall (1/2 + 1 + 1/2) / 3; bob was missed in the second frame."""
    views = label_views(SEEN, [None] * 5, ["f0", "f1", "f2"], LABELS)
    scores = evaluate(views, sure(0, 1, 2, 3, 0))
    assert (scores.labelled, scores.found, scores.people, scores.entities) == (4, 3, 2, 3)
    assert (scores.entity_error, scores.violations) == (1, 0)
    assert (scores.bcubed.precision, scores.bcubed.recall) == pytest.approx((1.0, 2 / 3))
    assert scores.pairwise.f1 == 0.0
    # Two of the identities match, one hit each: 2 * 2 / (4 labelled + 3 found boxes).
    assert scores.tracks.idf1 == pytest.approx(4 / 7)


def test_two_of_a_frame_are_counted() -> None:
    views = label_views(SEEN, [None] * 5, ["f0", "f1", "f2"], LABELS)
    scores = evaluate(views, sure(0, 0, 0, 3, 0))
    assert scores.violations == 1
    assert scores.entity_error == -1


def test_faces_are_tracked_where_faces_are_labelled() -> None:
    face = Box(40, 10, 60, 35)
    labels = {"f0": (LabelledPerson("ann", "face", face),), "f1": (LabelledPerson("ann", "face", face),)}
    views = label_views(SEEN, [face, None, face, None, None], ["f0", "f1", "f2"], labels)
    assert evaluate(views, sure(0, 1, 0, 3, 0)).tracks.idf1 == 1.0
    assert evaluate(views, sure(0, 1, 2, 3, 0)).tracks.idf1 == pytest.approx(0.5)


def test_shards_keep_their_entities_apart() -> None:
    first = Identities((0, 1, 0), (1.0, 0.5, 1.0), (None, None, 0))
    second = Identities((0, 0), (0.9, 0.8), (None, 0))
    joined = join_identities([first, second])
    assert joined == Identities((0, 1, 0, 2, 2), (1.0, 0.5, 1.0, 0.9, 0.8), (None, None, 0, None, 3))
    assert join_identities([]) == Identities((), (), ())


def test_the_sweep_goes_from_together_to_apart() -> None:
    film = random_film(1, scenes=3, frames=3)
    steps = sweep(labelled_views(film), [film.observations], CONFIG, TEST_CALIBRATION)
    entities = [step.entities for step in steps]
    assert entities == sorted(entities)
    assert entities[0] < entities[-1]
    assert [step.threshold for step in steps] == sorted(step.threshold for step in steps)
    at_zero = next(step for step in steps if step.threshold == 0.0)
    assert at_zero.bcubed.f1 == max(step.bcubed.f1 for step in steps)


def test_a_film_in_shards_has_one_gallery() -> None:
    """Each shard for itself, everybody is somebody new in it; over the film nobody is, and repeats follow what they repeat."""
    film = random_film(4, scenes=4, frames=3, faceless=0.0)
    shards = [[one for one in film.observations if one.scene == f"s{scene}"] for scene in range(4)]
    again = replace(shards[0][0], det_id="again", score=0.1)
    shards[0] = [*shards[0], again]
    people = [
        name
        for scene in range(4)
        for one, name in zip(film.observations, film.people, strict=True)
        if one.scene == f"s{scene}"
    ]
    people.insert(len(shards[0]) - 1, people[0])
    found = identify_film(shards, CONFIG, TEST_CALIBRATION)
    assert bcubed(people, found.entity).f1 == 1.0
    assert found.repeat_of[len(shards[0]) - 1] == 0
    assert bcubed(people, identify_shards(shards, CONFIG, TEST_CALIBRATION).entity).f1 < 0.8
    assert identify_film(shards[:1], CONFIG, TEST_CALIBRATION) == identify_shards(shards[:1], CONFIG, TEST_CALIBRATION)


def test_shards_are_grouped_each_on_its_own() -> None:
    film = random_film(3, scenes=2, frames=3).observations
    joined = identify_shards([film, film], CONFIG, TEST_CALIBRATION)
    half = len(film)
    assert set(joined.entity[:half]).isdisjoint(joined.entity[half:])
