"""Corrections: each is applied or refused for a reason, and no correction can break what holds for identities."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.evidence import StoryEvidence
from schemas.geometry import Box
from tasks.drafting.corrections import Corrected, correct
from tasks.drafting.picture import ShownFrame
from tests.tasks.drafting.stories import BOXES, HEIGHT, SIMPLE, WIDTH, story


def shown(evidence: StoryEvidence, scale: float = 1.0) -> list[ShownFrame]:
    return [
        ShownFrame(f.number, round(f.width / scale), round(f.height / scale), (scale, scale), None)
        for f in evidence.frames
    ]


def apply(
    evidence: StoryEvidence = SIMPLE, same: Any = (), scale: float = 1.0, **images: Mapping[str, Any]
) -> Corrected:
    """What becomes of a story; ``image2={"not_there": [...]}``."""
    answer = {f"image{f.number}": images.get(f"image{f.number}", {}) for f in evidence.frames}
    return correct(evidence.frames, shown(evidence, scale), {**answer, "same_entity": list(same)})


def told(found: Corrected) -> dict[str, list[int]]:
    """The frames of each entity."""
    return {entity_id: sorted(entity.views) for entity_id, entity in found.entities.items()}


def missed(**changes: Any) -> dict[str, Any]:
    words = dict.fromkeys(
        ("description", "action_or_function", "emotion_or_interaction", "narrative_function"), "words"
    )
    return {
        "what": "thing",
        "name": "Lamp",
        "same_as": "new",
        "x1": 5,
        "y1": 60,
        "x2": 35,
        "y2": 90,
        **words,
        **changes,
    }


def outcome(found: Corrected) -> tuple[bool, str]:
    (one,) = found.corrections
    return one.applied, one.reason


def test_without_corrections_nothing_changes() -> None:
    found = apply()
    assert told(found) == {"char1": [1, 2], "obj1": [1, 3], "char2": [2, 3], "bg1": [2]}
    assert found.corrections == found.added == found.landmarks == ()


def test_what_is_not_there_is_gone_from_its_frame_only() -> None:
    found = apply(image1={"not_there": [{"entity": "obj1", "why": "a shadow"}]})
    assert told(found)["obj1"] == [3]
    assert outcome(found) == (True, "")
    assert found.corrections[0].label == "a shadow"


def test_what_is_gone_everywhere_is_gone_and_numbers_close_up() -> None:
    gone = {"not_there": [{"entity": "char1", "why": "a poster"}]}
    found = apply(image1=gone, image2=gone)
    assert told(found) == {"obj1": [1, 3], "char1": [2, 3], "bg1": [2]}
    assert found.entities["char1"].ids == ["char2"]
    assert [one.became for one in found.corrections] == ["", ""]


def test_the_last_person_stays() -> None:
    one = {"not_there": [{"entity": "char1", "why": "no"}]}
    found = apply(story("char1 obj1", "char1"), image1=one, image2=one)
    assert [one.applied for one in found.corrections] == [True, False]
    assert found.corrections[1].reason == "the story would be left without a person"
    assert told(found)["char1"] == [2]


def test_a_label_is_corrected_once_for_the_whole_story() -> None:
    found = apply(
        image1={"wrong_label": [{"entity": "obj1", "label": "Arm Chair"}]},
        image3={"wrong_label": [{"entity": "obj1", "label": "sofa"}]},
    )
    assert found.entities["obj1"].label == "arm chair"
    assert [(one.applied, one.reason) for one in found.corrections] == [
        (True, ""),
        (False, "it was called arm chair already"),
    ]


def test_two_that_are_never_in_one_frame_are_merged() -> None:
    found = apply(story("char1", "char2", "char3 obj1"), [{"entity": "char2", "same_as": "char1", "why": "same coat"}])
    assert told(found) == {"char1": [1, 2], "char2": [3], "obj1": [3]}
    assert found.entities["char1"].ids == ["char1", "char2"]
    assert found.entities["char1"].gallery_id == "g-char1"
    assert found.corrections[0].became == "char1"


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("char1", "char2", "both are in image 2"),
        ("char1", "char1", "they are one already"),
        ("char1", "obj1", "they are of different kinds"),
        ("obj1", "bg1", "they are of different kinds"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(one: str, other: str, reason: str) -> None:
    found = apply(SIMPLE, [{"entity": one, "same_as": other, "why": ""}])
    assert outcome(found) == (False, reason)
    assert told(found) == told(apply())


def test_a_chain_of_merges_that_would_put_two_of_a_frame_together_is_cut() -> None:
    evidence = story("char1", "char2", "char1 char3")
    same = [{"entity": "char2", "same_as": "char1", "why": ""}, {"entity": "char3", "same_as": "char2", "why": ""}]
    found = apply(evidence, same)
    assert [one.reason for one in found.corrections] == ["", "both are in image 3"]
    assert told(found) == {"char1": [1, 2, 3], "char2": [3]}


def test_a_missed_thing_is_added_with_its_box_in_pixels_of_the_frame() -> None:
    found = apply(image1={"missed": [missed(x1=40, y1=30, x2=60, y2=50)]}, scale=2.0)
    (added,) = found.added
    assert (added.frame, added.label, added.origin, added.box) == (1, "lamp", "drafter", Box(80, 60, 120, 100))
    assert told(found)["obj2"] == [1]
    assert found.entities["obj2"].gallery_id == ""
    assert found.corrections[0].became == "obj2"


def test_a_box_that_reaches_over_the_edge_is_clipped() -> None:
    found = apply(image1={"missed": [missed(x1=-20, y1=150, x2=40, y2=400)]})
    assert found.added[0].box == Box(0, 150, 40, HEIGHT)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"x1": WIDTH + 5, "x2": WIDTH + 50}, "its box has no area in the frame"),
        ({"x1": 50, "x2": 20}, "its box has no area in the frame"),
        ({"y2": 62}, "its box has no area in the frame"),
        ({"name": " \u202e\n"}, "it was given no name"),
        ({"same_as": "char2"}, "char2 is of another kind"),
        ({"same_as": "obj1"}, "obj1 is in this frame already"),
        ({"x1": 160, "y1": 100, "x2": 190, "y2": 130}, "it is obj1, which was found"),
        ({"what": "person", "x1": 10, "y1": 25, "x2": 60, "y2": 170}, "it is char1, which was found"),
    ],
)
def test_a_missed_thing_that_cannot_be_is_refused(change: dict[str, Any], reason: str) -> None:
    found = apply(image1={"missed": [missed(**change)]})
    assert outcome(found) == (False, reason)
    assert found.added == ()
    assert told(found) == told(apply())


def test_a_missed_view_joins_the_entity_that_it_is_of() -> None:
    found = apply(image3={"missed": [missed(what="person", name="Ines", same_as="char1")]})
    assert told(found)["char1"] == [1, 2, 3]
    assert found.added[0].label == "person"
    assert found.corrections[0].became == "char1"


def test_one_name_in_two_frames_is_one_new_thing_and_in_one_frame_is_not() -> None:
    twice = {"missed": [missed(), missed(x1=200, x2=230)]}
    found = apply(image1=twice, image2={"missed": [missed(name="lamp")]})
    assert told(found)["obj2"] == [1, 2]
    assert [one.applied for one in found.corrections] == [True, False, True]
    assert found.corrections[1].reason == "missed1 is in this frame already"


def test_a_landmark_has_the_box_of_what_it_is_and_its_name_makes_it_one() -> None:
    def place(name: str, where: str) -> dict[str, Any]:
        return {"landmarks": [{"name": name, "where": where, "description": "d", "narrative_function": "n"}]}

    found = apply(image1=place("Big Ben", "frame"), image2=place("big ben", "bg1"), image3=place(" ", "frame"))
    assert told(found)["lm1"] == [1, 2]
    assert [asdict(one) for one in found.landmarks] == [
        {"entity_id": "lm1", "name": "Big Ben", "frame": 1, "region": "frame"},
        {"entity_id": "lm1", "name": "big ben", "frame": 2, "region": "bg1"},
    ]
    assert [one.box for one in found.added] == [Box(0, 0, WIDTH, HEIGHT), BOXES["bg1"]]
    assert {one.origin for one in found.added} == {"landmark"}


def test_a_landmark_that_was_found_before_keeps_its_identity() -> None:
    evidence = story("char1", "char1 lm1")
    one = {"landmarks": [{"name": "Tower", "where": "frame", "description": "d", "narrative_function": "n"}]}
    found = apply(evidence, image1=one)
    assert told(found)["lm1"] == [1, 2]
    assert found.entities["lm1"].gallery_id == "g-lm1"


IDS = ["char1", "char2", "char3", "obj1", "obj2", "bg1"]


@st.composite
def stories_and_answers(draw: st.DrawFn) -> tuple[StoryEvidence, dict[str, Any], list[dict[str, str]]]:
    frames = draw(st.lists(st.lists(st.sampled_from(IDS), min_size=1, unique=True), min_size=1, max_size=5))
    frames[0] = [*{*frames[0], "char1"}]
    evidence = story(*map(" ".join, frames))
    images = {}
    for number, ids in enumerate(frames, start=1):
        own = st.sampled_from(ids)
        images[f"image{number}"] = {
            "not_there": draw(st.lists(st.builds(lambda i: {"entity": i, "why": "x"}, own), max_size=3)),
            "missed": draw(
                st.lists(
                    st.builds(
                        lambda what, name, same, x, y, w: missed(
                            what=what, name=name, same_as=same, x1=x, y1=y, x2=x + w, y2=y + w
                        ),
                        st.sampled_from(["person", "thing"]),
                        st.sampled_from(["Lamp", "Door", ""]),
                        st.sampled_from([*IDS, "new"]),
                        st.integers(-50, 350),
                        st.integers(-50, 200),
                        st.integers(-20, 120),
                    ),
                    max_size=3,
                )
            ),
        }
    used = sorted({one for ids in frames for one in ids})
    pair = st.builds(lambda a, b: {"entity": a, "same_as": b, "why": ""}, st.sampled_from(used), st.sampled_from(used))
    return evidence, images, draw(st.lists(pair, max_size=5))


@settings(deadline=None)
@given(stories_and_answers())
def test_whatever_is_corrected_identities_hold(
    drawn: tuple[StoryEvidence, dict[str, Any], list[dict[str, str]]],
) -> None:
    evidence, images, same = drawn
    found = apply(evidence, same, **images)
    counts: dict[str, int] = {}
    views = set()
    for entity_id, entity in found.entities.items():
        counts[entity.kind] = counts.get(entity.kind, 0) + 1
        assert entity_id == f"{entity.kind}{counts[entity.kind]}", "numbered from 1 without gaps"
        assert entity.views, "nothing without a view"
        for number, view in entity.views.items():
            assert (number, view.det_id) not in views, "a detection belongs to one entity"
            views.add((number, view.det_id))
            assert view.kind == entity.kind
            assert 0 <= view.box.x1 < view.box.x2 <= WIDTH
            assert 0 <= view.box.y1 < view.box.y2 <= HEIGHT
    assert counts.get("char", 0) >= 1
    asked = sum(len(image["not_there"]) + len(image["missed"]) for image in images.values()) + len(same)
    assert len(found.corrections) == asked, "every correction is on record"
    assert all(one.applied != bool(one.reason) for one in found.corrections)
    removed = sum(one.applied and one.kind == "not_there" for one in found.corrections)
    assert len(views) == sum(len(f.entities) for f in evidence.frames) - removed + len(found.added)
