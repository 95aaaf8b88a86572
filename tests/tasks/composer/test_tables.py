from schemas.draft_config import DraftConfig
from schemas.evidence import EntityView, FrameView, Light, StoryEvidence
from schemas.geometry import Box
from schemas.text import SETTING_ELEMENTS, ChainOfThought, CharacterRow
from tasks.composer.compose import compose
from tests.tasks.composer.films import make_face, make_frame, make_person, make_thing


def tables(*frames: FrameView) -> ChainOfThought:
    return compose(StoryEvidence("k", "film", frames), DraftConfig())[0]


def row(chain: ChainOfThought, number: int, entity_id: str) -> CharacterRow:
    return next(row for row in chain.images[number - 1].characters if row.entity_id == entity_id)


def test_a_person_is_described_by_what_is_seen() -> None:
    # a face of 40 pixels in a box of 200 cut off below: five faces high
    face = make_face(Box(100, 80, 130, 120), -0.4, 0)
    view = EntityView("char1", "char", "person", "d", Box(60.4, 70, 170, 270), 0.9, 0.9, (("dark blue", 0.7),), face)
    chain = tables(make_frame(1, "s", view))
    one = row(chain, 1, "char1")
    assert one.description == "Person in dark blue, seen from the waist up, left of centre, face turned to the left"
    assert one.emotions == "Not stated; the face is turned to the left"
    assert one.box == (60, 70, 170, 270)
    assert one.actions.startswith("Appears for the first time")


def test_what_is_not_seen_is_said_to_be_not_seen() -> None:
    chain = tables(make_frame(1, "s", make_person("char1", 0.5, yaw=None, colour=None)))
    one = row(chain, 1, "char1")
    assert one.description == "Person, partly in view, in the middle, face not seen"
    assert one.emotions == "Not shown; no face in view"


def test_actions_come_from_the_frame_before() -> None:
    chain = tables(
        make_frame(1, "s", make_person("char1", 0.3, face_height=0.2)),
        make_frame(2, "s", make_person("char1", 0.3, face_height=0.24, yaw=0.4)),
        make_frame(3, "t"),
        make_frame(4, "u", make_person("char1", 0.7)),
    )
    assert row(chain, 2, "char1").actions == "Turns to the right, comes nearer"
    assert row(chain, 4, "char1").actions.startswith("Comes back, last seen in image 2")
    assert row(chain, 1, "char1").narrative_function == "Central figure, in 3 of 4 images"


def test_the_name_is_the_same_in_every_image() -> None:
    people = [make_person("char1", 0.3), make_person("char2", 0.7)]
    chain = tables(*(make_frame(number, "s", *people) for number in range(1, 6)))
    assert len({(one.entity_id, one.name) for image in chain.images for one in image.characters}) == 2


def test_things_say_what_they_are_for_and_who_is_near() -> None:
    person = make_person("char1", 0.5, face_height=0.1)
    near = make_thing("obj2", "chair", Box(230, 150, 300, 250))
    far = make_thing("obj10", "tv", Box(400, 10, 470, 60), score=0.5)
    wall = make_thing("bg1", "stone wall", Box(0, 0, 480, 270))
    chain = tables(make_frame(1, "s", far, near, wall, person))
    name = row(chain, 1, "char1").name
    chair, screen, stones = chain.images[0].objects
    assert (chair.entity_id, chair.function) == ("obj2", "Seat")
    assert chair.interaction == f"Within reach of {name}, as far as the boxes tell"
    assert screen.description.startswith("Possibly a screen")
    assert screen.interaction == "None seen"
    assert (stones.entity_id, stones.box) == ("bg1", (0, 0, 480, 270))


def test_setting_has_a_location_and_lighting_and_no_time_of_day() -> None:
    tagged = make_frame(1, "s", make_person("char1", 0.5), light=Light(0.1, 0.3, 0.05, 0.1), tags=(("library", 0.62),))
    plain = make_frame(2, "t", make_person("char1", 0.5))
    chain = tables(tagged, plain)
    location, lighting = chain.images[0].settings
    assert location.description == "Possibly a library (a classifier's guess, score 0.62)"
    assert lighting.description == "Very dark, hard contrast, warm in tone, little colour (mean luma 0.10)"
    assert lighting.mood == "Low-key and warm"
    assert chain.images[1].settings[0].description == "Not identified; scene 2 of the story, image 2"
    for image in chain.images:
        assert {setting.element for setting in image.settings} <= set(SETTING_ELEMENTS)
        assert {setting.time for setting in image.settings} == {"Unspecified"}


def test_phases_name_what_changes_and_who_comes() -> None:
    a, b = make_person("char1", 0.3), make_person("char2", 0.7)
    chain = tables(*(make_frame(n, "s" if n < 6 else "t", a if n < 6 else b) for n in range(1, 9)))
    names = [row(chain, 1, "char1").name, row(chain, 8, "char2").name]
    turning = chain.narrative[3]
    assert turning.phase == "Turning Point"
    assert turning.images[0] == 6
    assert turning.description == f"Here the company changes; in view: {names[1]}"
    assert turning.key_events == f"{names[1]} appears in image 6"
    assert chain.narrative[0].description == f"Shows {names[0]} first"
