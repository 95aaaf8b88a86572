"""Tests of labels by hand and of finding whom they speak of."""

import json
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from schemas.geometry import Box
from tasks.identity.labels import LabelledPerson, match_people, parse_labels

FILM = Path(__file__).parents[3] / "../shared/data/office_film/labels.json"


def test_both_ways_of_writing_are_read() -> None:
    labels = parse_labels(
        json.dumps(
            [
                {"frame": "folder/a_1.jpg", "people": [{"person": "ann", "box": [1, 2, 30, 40]}]},
                {"frame": "a_2.png", "people_left_to_right": [{"person": "bob", "face_box": [5, 6, 7.5, 8]}]},
                {"frame": "a_3.png", "people": []},
            ]
        )
    )
    assert labels == {
        "a_1": (LabelledPerson("ann", "body", Box(1, 2, 30, 40)),),
        "a_2": (LabelledPerson("bob", "face", Box(5, 6, 7.5, 8)),),
        "a_3": (),
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("{}", "must be a JSON list"),
        ('[{"people": []}]', "entry 1 of the labels"),
        ('[{"frame": "a", "people": []}, {"frame": "b"}]', "entry 2 of the labels"),
        ('[{"frame": "a", "people": [{"person": "x", "box": [1, 2, 3]}]}]', "entry 1 of the labels"),
        ('[{"frame": "a", "people": [{"person": "x", "box": [5, 2, 3, 9]}]}]', "box 5,2,3,9 is empty"),
        ('[{"frame": "a", "people": [{"person": "x", "box": "here"}]}]', "entry 1 of the labels"),
        ('[{"frame": "a", "people": "nobody"}]', "entry 1 of the labels"),
        ('[{"frame": "a.jpg", "people": []}, {"frame": "a.png", "people": []}]', "'a' is labelled twice"),
    ],
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_labels(text)


BODY, OTHER = Box(0, 0, 100, 200), Box(60, 0, 160, 200)
FACE = Box(40, 10, 60, 35)


def test_a_face_goes_to_the_person_who_has_it() -> None:
    """The face lies in both bodies; the face that was found decides."""
    label = LabelledPerson("ann", "face", Box(41, 11, 61, 36))
    assert match_people([label], [OTHER, BODY], [None, FACE]) == [1]


def test_a_face_that_was_not_found_goes_to_the_body_around_it() -> None:
    label = LabelledPerson("ann", "face", FACE)
    assert match_people([label], [BODY], [None]) == [0]
    assert match_people([LabelledPerson("ann", "face", Box(40, 150, 60, 180))], [BODY], [None]) == [None]
    assert match_people([label], [Box(55, 0, 160, 200)], [None]) == [None]


def test_nobody_is_matched_twice_and_the_better_goes_first() -> None:
    labels = [LabelledPerson("ann", "body", Box(0, 0, 100, 100)), LabelledPerson("bob", "body", Box(0, 0, 100, 190))]
    assert match_people(labels, [BODY], [None]) == [None, 0]


def test_a_body_must_overlap() -> None:
    assert match_people([LabelledPerson("ann", "body", Box(200, 0, 300, 200))], [BODY], [None]) == [None]
    assert match_people([], [BODY], [None]) == []
    assert match_people([LabelledPerson("ann", "body", BODY)], [], []) == [None]


@pytest.mark.skipif(not FILM.exists(), reason="the labelled film is not here")
def test_the_labelled_film_is_read() -> None:
    labels = parse_labels(FILM.read_text())
    assert len(labels) == 36
    assert sum(map(len, labels.values())) == 78
    assert len({person.name for people in labels.values() for person in people}) == 10
