"""Corrections worked out by hand: splits, merges, names, and what each stage's key depends on."""

import numpy as np
import pytest

from schemas.config import BuildConfig
from schemas.geometry import Box
from schemas.review_config import NameReview, ReviewConfig, StoryReview
from tasks.composer.names import give_names
from tasks.identity.identify import Identities
from tasks.identity.observation import Observation
from tasks.reviews import correct_identities, find_names, ground_settings, identity_settings, name_settings
from tasks.runtime.progress import Event, listening
from tasks.runtime.stage import ShardRef

FRAMES = ["f1", "f2", "f3", "f4"]


def view(frame: int, det_id: str, kind: str = "char") -> Observation:
    return Observation(
        frame=frame,
        scene="1",
        det_id=det_id,
        kind=kind,  # type: ignore[arg-type]
        label="person",
        score=0.9,
        box=Box(0, 0, 10, 10),
        frame_width=100,
        frame_height=100,
        face=None,
        face_quality=0.0,
        appearance=np.zeros(2, dtype=np.float32),
        frame_hash=0,
    )


# Two people: a in f1, f2, f3 and b in f1, f4; d2x repeats d2.
VIEWS = [
    view(0, "d1"),
    view(0, "d2"),
    view(0, "d2x"),
    view(1, "d3"),
    view(2, "d4"),
    view(3, "d5"),
    view(3, "d6", "obj"),
]
FOUND = Identities((0, 1, 1, 0, 0, 1, 2), (0.6,) * 7, (None, None, 1, None, None, None, None))


def correct(
    story: StoryReview, own: range = range(7), found: Identities = FOUND
) -> tuple[tuple[int, ...], tuple[float, ...], list[str]]:
    events: list[Event] = []
    with listening(events.append):
        done = correct_identities(found, VIEWS, [(story, own)], FRAMES)
    assert done.repeat_of == found.repeat_of
    return done.entity, done.confidence, [event.text for event in events]


def test_a_split_makes_an_entity_of_its_own() -> None:
    entity, confidence, told = correct(StoryReview(splits=((("f2", "d3"), ("f3", "d4")),)))
    assert entity == (0, 1, 1, 3, 3, 1, 2)
    assert confidence == (0.6, 0.6, 0.6, 1.0, 1.0, 0.6, 0.6)
    assert told == []


def test_a_repeat_goes_with_the_view_it_repeats() -> None:
    assert correct(StoryReview(splits=((("f1", "d2"),),)))[0] == (0, 3, 3, 0, 0, 1, 2)


@pytest.mark.parametrize(
    "sightings",
    [
        (("f1", "d1"), ("f2", "d3"), ("f3", "d4")),  # the whole entity
        (("f1", "d1"), ("f4", "d5")),  # views of two
        (("f1", "nowhere"),),
    ],
)
def test_a_split_that_is_none_is_left_out(sightings: tuple[tuple[str, str], ...]) -> None:
    entity, confidence, told = correct(StoryReview(splits=(sightings,)))
    assert (entity, confidence) == (FOUND.entity, FOUND.confidence)
    assert "a split asked for in review cannot be done" in told[0]


def test_a_merge_of_two_that_never_stand_side_by_side() -> None:
    apart = Identities((0, 1, 1, 0, 0, 3, 2), FOUND.confidence, FOUND.repeat_of)
    entity, confidence, _ = correct(StoryReview(merges=((("f1", "d1"), ("f4", "d5")),)), found=apart)
    assert entity == (0, 1, 1, 0, 0, 0, 2)
    assert confidence == (1.0, 0.6, 0.6, 1.0, 1.0, 1.0, 0.6)


@pytest.mark.parametrize(
    "pair",
    [
        (("f1", "d1"), ("f1", "d2")),  # side by side in f1
        (("f1", "d1"), ("f3", "d4")),  # one already
        (("f1", "d1"), ("f4", "d6")),  # a person and a thing
        (("f1", "d1"), ("f9", "d9")),
    ],
)
def test_a_merge_that_cannot_be_is_left_out(pair: tuple[tuple[str, str], tuple[str, str]]) -> None:
    entity, confidence, told = correct(StoryReview(merges=(pair,)))
    assert (entity, confidence) == (FOUND.entity, FOUND.confidence)
    assert "a merge asked for in review cannot be done" in told[0]


def test_where_a_merge_cannot_hold_in_the_whole_film_it_holds_in_its_story() -> None:
    # The story is f3 and f4 alone, in which a and b are apart; in f1, of another story, they stand side by side.
    entity, confidence, told = correct(StoryReview(merges=((("f3", "d4"), ("f4", "d5")),)), own=range(4, 7))
    assert entity == (0, 1, 1, 0, 0, 0, 2)
    assert confidence == (0.6, 0.6, 0.6, 0.6, 1.0, 1.0, 0.6)
    assert told == []


def test_a_view_moves_from_one_to_another() -> None:
    story = StoryReview(splits=((("f3", "d4"),),), merges=((("f4", "d5"), ("f3", "d4")),))
    assert correct(story)[0] == (0, 1, 1, 0, 1, 1, 2)


def test_a_name_goes_to_who_has_most_of_its_sightings() -> None:
    seen = {("f1", "d1"): "char1", ("f2", "d3"): "char2", ("f3", "d4"): "char2"}
    said = StoryReview(names=(NameReview(name="Ada", sightings=(("f1", "d1"), ("f2", "d3"), ("f3", "d4"))),))
    assert find_names(said, seen) == {"char2": "Ada"}
    assert find_names(StoryReview(names=(NameReview(name="Ada", sightings=(("f9", "d9"),)),)), seen) == {}
    assert find_names(None, seen) == {}


def test_who_had_a_given_name_by_chance_gets_the_one_it_made_free() -> None:
    assert give_names({"char1": "Kim", "char2": "Lou", "char3": "Max"}, {"char1": "Max"}) == {
        "char1": "Max",
        "char2": "Lou",
        "char3": "Kim",
    }
    assert give_names({"char1": "Kim"}, {}) == {"char1": "Kim"}


def test_each_stage_depends_on_its_own_corrections_in_its_own_shard() -> None:
    plain = BuildConfig()
    sighting = ("f1", "d1")
    bad = StoryReview(bad=True, note="dull")
    named = StoryReview(names=(NameReview(name="Ada", sightings=(sighting,)),))
    merged = StoryReview(merges=((sighting, ("f2", "d2")),))
    settings = {"identity": identity_settings, "names": name_settings, "ground": ground_settings}
    for review, touched in [(bad, "ground"), (named, "names"), (merged, "identity"), (StoryReview(), "nothing")]:
        said = plain.model_copy(update={"review": ReviewConfig(shards={"here": {"key": review}})})
        for name, of in settings.items():
            here, there = ShardRef("here", "film", 5), ShardRef("there", "film", 5)
            assert (of(said, here) != of(plain, here)) == (name == touched), f"{name}, {review}"
            assert of(said, there) == of(plain, there)
    assert "review" not in plain.model_dump(mode="json"), "records of builds without reviews stay as they are"
