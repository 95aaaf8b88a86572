"""Tests of evaluation against labels and without them."""

import numpy as np
import pytest

from schemas.config import ReidentifyConfig
from schemas.geometry import Box
from tasks.identity.evaluate import evaluate, identify_shards, join_identities, label_views, signals, sweep
from tasks.identity.identify import Identities
from tasks.identity.labels import LabelledPerson
from tests.tasks.identity.films import TEST_CALIBRATION, basis, random_film, see, unit

CONFIG = ReidentifyConfig()
LEFT, RIGHT = Box(0, 0, 100, 200), Box(200, 0, 300, 200)


def sure(*entity: int) -> Identities:
    """Identities that are sure of themselves."""
    return Identities(entity, (1.0,) * len(entity), (None,) * len(entity))


def labelled(*names: str | None) -> tuple[LabelledPerson, ...]:
    """Bodies on the left and on the right."""
    places = zip(names, (LEFT, RIGHT), strict=False)
    return tuple(LabelledPerson(name, "body", box) for name, box in places if name is not None)


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
    names = [str(person) for person in film.people]
    views = label_views(film.observations, [None] * len(names), [], {})
    views = type(views)(views.observations, views.faces, tuple(names), {})
    steps = sweep(views, [film.observations], CONFIG, TEST_CALIBRATION)
    entities = [step.entities for step in steps]
    assert entities == sorted(entities)
    assert entities[0] < entities[-1]
    assert [step.threshold for step in steps] == sorted(step.threshold for step in steps)
    at_zero = next(step for step in steps if step.threshold == 0.0)
    assert at_zero.bcubed.f1 == max(step.bcubed.f1 for step in steps)


def test_clear_films_are_stable_and_doubtful_ones_are_not() -> None:
    clear = random_film(2, faceless=0.0).observations
    told = signals([clear], CONFIG, TEST_CALIBRATION)
    assert told.stability == pytest.approx(1.0)
    assert told.views == len(clear)
    assert told.mean_confidence > 0.99
    assert told.doubtful == (0.0, 0.0, 0.0)
    rng = np.random.default_rng(0)
    vague = [
        see(frame, "a", scene=str(frame % 3), appearance=unit(basis(0) + 0.4 * rng.normal(size=16)))
        for frame in range(30)
    ]
    doubtful = signals([vague], CONFIG, TEST_CALIBRATION)
    assert doubtful.stability < 0.999
    assert doubtful.doubtful[2] > 0.3
    assert doubtful == signals([vague], CONFIG, TEST_CALIBRATION)


def test_shards_are_grouped_each_on_its_own() -> None:
    film = random_film(3, scenes=2, frames=3).observations
    joined = identify_shards([film, film], CONFIG, TEST_CALIBRATION)
    half = len(film)
    assert set(joined.entity[:half]).isdisjoint(joined.entity[half:])
    told = signals([film, film], CONFIG, TEST_CALIBRATION)
    assert told.entities == len(set(joined.entity))


def test_nobody_there_is_certain() -> None:
    told = signals([[see(0, "a", kind="obj", label="cup")]], CONFIG, TEST_CALIBRATION)
    assert (told.views, told.entities, told.stability) == (0, 0, 1.0)
