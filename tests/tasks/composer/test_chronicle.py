import pytest

from schemas.errors import SampleError
from schemas.evidence import EntityView, FrameView, StoryEvidence
from schemas.geometry import Box
from tasks.composer.chronicle import clean_words, read_evidence, worn_colours
from tests.tasks.composer.films import make_frame, make_person, make_thing


def story(*frames: FrameView) -> StoryEvidence:
    return StoryEvidence("k", "film", frames)


def test_people_stand_from_left_to_right_whatever_the_order_given() -> None:
    left, right = make_person("char2", 0.2), make_person("char1", 0.8)
    one = read_evidence(story(make_frame(1, "s", right, left)))
    other = read_evidence(story(make_frame(1, "s", left, right)))
    assert one.moments[0].people == ("char2", "char1")
    assert one.seen == other.seen


def test_seen_before_met_and_lead() -> None:
    a, b = make_person("char1", 0.2), make_person("char2", 0.8)
    chronicle = read_evidence(
        story(make_frame(1, "s", a), make_frame(2, "s", a, b), make_frame(3, "t", b), make_frame(4, "t", b))
    )
    assert chronicle.seen == {"char1": (0, 1), "char2": (1, 2, 3)}
    assert chronicle.before("char2", 2) == (1,)
    assert chronicle.met("char1", "char2", 3) == (1,)
    assert chronicle.lead == "char2"
    assert [moment.cut for moment in chronicle.moments] == [True, False, True, False]
    assert chronicle.scene_span(1) == (0, 1)
    assert chronicle.scene_span(2) == (2, 3)


def test_a_link_is_sure_by_its_mean_confidence_and_not_by_one_faceless_view() -> None:
    def person(confidence: float, yaw: float | None = None) -> EntityView:
        known = make_person("char1", 0.5, yaw=yaw)
        return EntityView("char1", "char", "person", "d", known.box, 0.9, confidence, (), known.face)

    def sure(*views: EntityView) -> bool:
        frames = (make_frame(number, "s", view) for number, view in enumerate(views, start=1))
        return "char1" in read_evidence(story(*frames)).sure

    assert sure(person(0.9), person(0.4))
    assert not sure(person(0.6), person(0.4))
    assert not sure(person(1.0))
    assert sure(person(1.0, yaw=0.0))


def test_clothes_are_told_alike_throughout() -> None:
    def seen(number: int, *colours: tuple[str, float]) -> FrameView:
        view = EntityView("char1", "char", "person", "d", Box(100, 20, 160, 200), 0.9, 0.9, colours, None)
        return make_frame(number, "s", view)

    evidence = story(seen(1, ("black", 0.9)), seen(2, ("dark blue", 0.8)), seen(3, ("dark blue", 0.7), ("white", 0.3)))
    assert worn_colours(evidence) == {"char1": "dark blue and black"}
    shades = story(seen(1, ("dark grey", 0.6), ("grey", 0.4)))
    assert worn_colours(shades) == {"char1": "dark grey"}


def test_a_close_up_shows_no_clothes() -> None:
    face = make_person("char1", 0.5, face_height=0.6, heads=1.3, colour="pink")
    assert worn_colours(story(make_frame(1, "s", face))) == {}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("stone|wall", "stone wall"),
        ("a\n<b>", "a b"),
        ("  jack-o'-lantern ", "jack-o'-lantern"),
        ("<>", ""),
        ("café", "café"),
    ],
)
def test_clean_words(text: str, clean: str) -> None:
    assert clean_words(text) == clean


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        ((), "no frame"),
        ((make_frame(2, "s"),), "number 2, not 1"),
        ((make_frame(1, "s", size=(0, 10)),), "no pixel"),
        ((make_frame(1, "s", make_person("char1", 0.1), make_person("char1", 0.9)),), "char1 is there twice"),
        ((make_frame(1, "s", make_person("person7", 0.1)),), "person7"),
        ((make_frame(1, "s", make_person("obj1", 0.1)),), "obj1"),
        ((make_frame(1, "s", make_thing("obj0", "cup", Box(0, 0, 1, 1))),), "obj0"),
    ],
)
def test_evidence_that_contradicts_itself_is_an_error(frames: tuple[FrameView, ...], told: str) -> None:
    with pytest.raises(SampleError, match=told):
        read_evidence(story(*frames))
