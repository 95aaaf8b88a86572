import pytest

from schemas.evidence import EntityView, FrameView, Light, StoryEvidence
from schemas.geometry import Box
from tasks.composer.chronicle import Chronicle, read_evidence
from tasks.composer.scenery import composition_facts, light_band, light_facts, near, place_facts, thing_facts
from tests.tasks.composer.films import make_frame, make_person, make_thing


def read(*frames: FrameView) -> Chronicle:
    return read_evidence(StoryEvidence("k", "film", frames))


@pytest.mark.parametrize(
    ("luma", "band"), [(0.1, "dark"), (0.3, "low"), (0.5, "middling"), (0.7, "bright"), (0.9, "white")]
)
def test_bands_of_light(luma: float, band: str) -> None:
    assert light_band(Light(luma, 0.2, 0.2, 0.0)) == band


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        (Light(0.45, 0.2, 0.2, 0.0), {"light_middling", "same_light"}),
        (Light(0.55, 0.2, 0.2, 0.0), {"light_middling", "brighter"}),
        (Light(0.30, 0.2, 0.2, 0.0), {"light_low", "darker"}),
        (Light(0.45, 0.2, 0.2, 0.1), {"light_middling", "warm", "warmer"}),
        (Light(0.45, 0.2, 0.2, -0.1), {"light_middling", "cold", "colder"}),
        (Light(0.45, 0.35, 0.6, 0.0), {"light_middling", "contrast_hard", "vivid", "same_light"}),
        (Light(0.45, 0.05, 0.05, 0.0), {"light_middling", "contrast_flat", "grey", "same_light"}),
    ],
)
def test_light_and_its_changes(now: Light, kinds: set[str]) -> None:
    person = make_person("char1", 0.5)
    frames = make_frame(1, "s", person), make_frame(2, "s", person, light=now)
    assert {fact.kind for fact in light_facts(read(*frames), 1)} == kinds


def thing(entity_id: str, x1: float, x2: float) -> EntityView:
    return make_thing(entity_id, "chair", Box(x1, 150, x2, 200))


def test_what_is_near_somebody() -> None:
    person = make_person("char1", 0.5, face_height=0.1)  # box from 210 to 270
    moment = read(make_frame(1, "s", person, thing("obj1", 272, 300), thing("obj2", 400, 440))).moments[0]
    assert near(moment, "obj1") == "char1"
    assert near(moment, "obj2") is None


def test_things_are_near_moved_or_alone() -> None:
    person = make_person("char1", 0.5, face_height=0.1)
    frames = (
        make_frame(1, "s", person, thing("obj1", 272, 300), thing("obj2", 400, 440)),
        make_frame(2, "s", person, thing("obj1", 272, 300), thing("obj2", 340, 380)),
        make_frame(3, "t", thing("obj1", 10, 60)),
        make_frame(4, "u"),
    )
    chronicle = read(*frames)
    first = {(fact.kind, fact.who, fact.other) for fact in thing_facts(chronicle, 0)}
    assert ("thing_by", ("char1",), ("obj1",)) in first
    assert ("thing", (), ("obj2",)) in first
    moved = {fact.kind: fact for fact in thing_facts(chronicle, 1)}["thing_moved"]
    assert (moved.other, moved.words) == (("obj2",), (("way", "left"),))
    assert {fact.kind for fact in thing_facts(chronicle, 2)} == {"thing_only"}
    assert {fact.kind for fact in thing_facts(chronicle, 3)} == {"bare"}


def test_background_is_never_within_reach() -> None:
    person = make_person("char1", 0.5, face_height=0.1)
    wall = make_thing("bg1", "wall", Box(0, 0, 480, 270))
    assert "thing_by" not in {fact.kind for fact in thing_facts(read(make_frame(1, "s", person, wall)), 0)}


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ((("library", 0.5),), "place"),
        ((("desk", 0.5),), "feature"),
        ((("wig", 0.5), ("library", 0.4)), "place"),
        ((("tennis racket", 0.9), ("library", 0.4)), "feature"),
        ((("tennis racket", 0.5),), None),
        ((("library", 0.29),), None),
        ((), None),
    ],
)
def test_places_and_their_parts_are_told_before_other_guesses(
    tags: tuple[tuple[str, float], ...], kind: str | None
) -> None:
    facts = list(place_facts(read(make_frame(1, "s", tags=tags)), 0, 0.3))
    assert [fact.kind for fact in facts] == ([kind] if kind else [])


def test_what_was_detected_is_not_guessed() -> None:
    desk = make_thing("obj1", "desk", Box(0, 100, 200, 270))
    frame = make_frame(1, "s", desk, tags=(("desk", 0.9), ("library", 0.4)))
    assert [fact.kind for fact in place_facts(read(frame), 0, 0.3)] == ["place"]


def test_empty_sides() -> None:
    def told(across: float) -> list[tuple[str, str]]:
        person = make_person("char1", across, face_height=0.1)
        facts = composition_facts(read(make_frame(1, "s", person)), 0, 0.3)
        return [word for fact in facts if fact.kind == "empty_side" for word in fact.words]

    assert told(0.8) == [("way", "left"), ("other", "right")]
    assert told(0.2) == [("way", "right"), ("other", "left")]
    assert told(0.5) == []


def test_nothing_else_is_claimed_only_where_nothing_else_was_found_or_guessed() -> None:
    def bare(*things: EntityView, tags: tuple[tuple[str, float], ...] = ()) -> bool:
        frame = make_frame(1, "s", make_person("char1", 0.5), *things, tags=tags)
        return "only_people" in {fact.kind for fact in composition_facts(read(frame), 0, 0.3)}

    assert bare()
    assert not bare(thing("obj1", 0, 50))
    assert not bare(tags=(("library", 0.5),))
