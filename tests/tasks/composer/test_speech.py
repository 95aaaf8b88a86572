import pytest

from schemas.evidence import FrameView, StoryEvidence
from schemas.geometry import Box
from schemas.text import Tag
from tasks.composer.chronicle import read_evidence
from tasks.composer.draw import Draw
from tasks.composer.speech import Discourse, Part, Speaker, join_parts, plain, tidy
from tests.tasks.composer.films import make_frame, make_person, make_thing

NAMES = {f"char{k}": name for k, name in enumerate(("Ada", "Bo", "Cy", "Di", "Eli", "Fox"), start=1)}
TWO = make_frame(1, "s", make_person("char1", 0.2), make_person("char2", 0.8))


def speaker(frame: FrameView = TWO, dress: dict[str, str] | None = None, group_ids: int = 8) -> Speaker:
    moment = read_evidence(StoryEvidence("k", "film", (frame,))).moments[0]
    return Speaker(moment, NAMES, dress or {}, group_ids)


def say(
    pattern: str, talk: Discourse | None = None, who: Speaker | None = None, **slots: tuple[str, ...] | str
) -> list[Part]:
    talk = talk if talk is not None else Discourse()
    talk.next_sentence()
    return (who or speaker()).say(pattern, slots, talk, Draw("test"), first=True)


def spoken(
    pattern: str, talk: Discourse | None = None, who: Speaker | None = None, **slots: tuple[str, ...] | str
) -> str:
    return plain(say(pattern, talk, who, **slots))


def test_names_and_actions_are_tagged_with_their_ids() -> None:
    assert say("{a} [came closer]", a=("char1",)) == [
        Tag("gdo", ("char1",), "Ada"),
        " ",
        Tag("gda", ("char1",), "came closer"),
    ]
    assert say("{b} [b: left]; {a}", a=("char1",), b=("char2",)) == [
        Tag("gdo", ("char2",), "Bo"),
        " ",
        Tag("gda", ("char2",), "left"),
        "; ",
        Tag("gdo", ("char1",), "Ada"),
    ]


def test_a_list_tags_each_name_by_itself() -> None:
    assert say("{a} [turned]", a=("char1", "char2")) == [
        Tag("gdo", ("char1",), "Ada"),
        " and ",
        Tag("gdo", ("char2",), "Bo"),
        " ",
        Tag("gda", ("char1", "char2"), "turned"),
    ]


def test_verbs_agree() -> None:
    assert spoken("{a} {a:was} there", a=("char1",)) == "Ada was there"
    assert spoken("{a} {a:was} there", a=("char1", "char2")) == "Ada and Bo were there"
    assert spoken("on the left {a:was} {a}", a=("char1",)) == "on the left was Ada"
    talk = Discourse(named={"char1"}, focus=("char1",))
    assert spoken("{a} {a:was} there", talk, a=("char1",)) in ("they were there", "Ada was there")


def test_pronouns_stand_for_the_last_subject_only() -> None:
    talk = Discourse()
    say("{a} [moved]", talk, a=("char1",))
    texts = set()
    for key in range(40):
        after = talk.copy()
        after.next_sentence()
        texts.add(plain(speaker().say("{a} [stopped]", {"a": ("char1",)}, after, Draw(key), first=True)))
    assert texts == {"they stopped", "Ada stopped"}
    say("{a} [passed] {b:o}", talk, a=("char1",), b=("char2",))
    for key in range(40):
        after = talk.copy()
        after.next_sentence()
        assert plain(speaker().say("{a} [stopped]", {"a": ("char1",)}, after, Draw(key), first=True)) == "Ada stopped"


def test_a_sentence_about_nobody_does_not_clear_what_came_before() -> None:
    talk = Discourse()
    say("{a} [passed] {b:o}", talk, a=("char1",), b=("char2",))
    say("the light was low", talk)
    assert spoken("{a} [stopped]", talk, a=("char1",)) == "Ada stopped"


def test_possessives() -> None:
    assert spoken("{a:poss} face", a=("char1",)) == "Ada's face"
    assert spoken("{a:poss} faces", a=("char1", "char2")) == "Ada and Bo's faces"
    assert spoken("{a} [turned] {a:their} head{a:s}", a=("char1",)) == "Ada turned their head"
    assert spoken("{a} [turned] {a:their} head{a:s}", a=("char1", "char2")) == "Ada and Bo turned their heads"
    assert spoken("the left was {a:own}", a=("char1",)) == "the left was Ada's"


def test_a_pronoun_that_could_be_read_otherwise_becomes_a_name() -> None:
    assert spoken("nothing about {a:them} moved", a=("char1",)) == "nothing about Ada moved"


def test_once_named_the_whole_company_is_told_as_a_group() -> None:
    talk = Discourse(named={"char1", "char2"})
    tags = [part for part in say("there {a:was} {a}", talk, a=("char1", "char2")) if isinstance(part, Tag)]
    assert [tag.ids for tag in tags] == [("char1", "char2")]
    assert tags[0].text in ("the two", "the two of them", "both of them", "the pair")


def test_no_both_beside_a_negation() -> None:
    for key in range(60):
        talk = Discourse(named={"char1", "char2"})
        text = plain(speaker().say("{a} did not turn", {"a": ("char1", "char2")}, talk, Draw(key), first=True))
        assert not text.startswith(("both", "the pair", "all"))


def test_neither_and_none() -> None:
    assert spoken("{a:none} moved", a=("char1", "char2")) == "neither Ada nor Bo moved"
    assert (
        spoken("{a:none} moved", Discourse(named={"char1", "char2"}), a=("char1", "char2")) == "neither of them moved"
    )
    three = speaker(make_frame(1, "s", *(make_person(f"char{k}", k / 4) for k in (1, 2, 3))))
    assert spoken("{a:none} moved", None, three, a=("char1", "char2", "char3")) == "none of the three moved"


def test_clothes_come_with_the_first_mention() -> None:
    one = speaker(dress={"char1": "grey and red"})
    talk = Discourse()
    assert spoken("{a} [came]", talk, one, a=("char1",)) == "Ada, in grey and red, came"
    assert "char1" in talk.dressed
    assert "grey" not in spoken("{a} [left]", talk, one, a=("char1",))
    both = speaker(dress={"char1": "grey and red", "char2": "blue"})
    assert spoken("{a} [came]", None, both, a=("char1", "char2")) == "Ada in grey and Bo in blue came"
    alike = speaker(dress={"char1": "grey", "char2": "grey"})
    assert spoken("{a} [came]", None, alike, a=("char1", "char2")) == "Ada and Bo, both in grey, came"
    assert spoken("{a} [came]", None, one, a=("char1", "char2")) == "Ada and Bo came"


def test_a_crowd_is_told_as_a_number_with_the_largest_ids() -> None:
    people = [make_person(f"char{k}", k / 11, face_height=0.03 + 0.005 * k) for k in range(1, 11)]
    crowd = speaker(make_frame(1, "s", *people), group_ids=3)
    ids = tuple(f"char{k}" for k in range(1, 11))
    (tag,) = [part for part in say("there were {a:people}", None, crowd, a=ids) if isinstance(part, Tag)]
    assert tag.text == "ten people"
    assert tag.ids == ("char8", "char9", "char10")
    assert spoken("{a} [turned]", None, crowd, a=ids[:6]) == "six of the ten turned"


def test_things_are_new_then_known_and_unsure_ones_are_guesses() -> None:
    frame = make_frame(
        1, "s", make_thing("obj1", "umbrella", Box(0, 0, 50, 50)), make_thing("obj2", "cup", Box(60, 0, 90, 50), 0.5)
    )
    one, talk = speaker(frame), Discourse()
    assert spoken("{b}", talk, one, b=("obj1",)) == "an umbrella"
    assert spoken("{b}", talk, one, b=("obj1",)) == "the umbrella"
    assert spoken("{b}", talk, one, b=("obj2",)) == "what looked like a cup"


def test_several_things_of_a_kind() -> None:
    chairs = [make_thing(f"obj{k}", "chair", Box(50 * k, 0, 50 * k + 40, 50)) for k in (1, 2)]
    wall = make_thing("bg1", "stone wall", Box(0, 0, 480, 270))
    one, talk = speaker(make_frame(1, "s", *chairs, wall)), Discourse()
    parts = say("{b:list}", talk, one, b=("obj1", "obj2", "bg1"))
    assert parts == [Tag("gdo", ("obj1", "obj2"), "two chairs"), " and ", Tag("gdl", ("bg1",), "the stone wall")]
    assert spoken("{b:list}", talk, one, b=("obj1", "obj2")) == "the chairs"
    assert spoken("{b}", talk, one, b=("obj1",)) == "one of the chairs"


def test_unfilled_slots_are_an_error() -> None:
    with pytest.raises(ValueError, match="not filled"):
        say("{b} [b: left]", a=("char1",))


def test_words_may_stand_in_an_action() -> None:
    assert say("{a} [went {way}]", a=("char1",), way="left")[-1] == Tag("gda", ("char1",), "went left")


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["it was low", "."], "It was low."),
        ([Tag("gdo", ("char1",), "they"), " came. then", " left."], "They came. Then left."),
        (["Ada, in grey,", ". "], "Ada, in grey. "),
        (["a , b,, c"], "A, b, c"),
        (["", "x"], "X"),
    ],
)
def test_tidy(parts: list[Part], text: str) -> None:
    assert plain(tidy(parts)) == text


def test_joining() -> None:
    tag = Tag("gdo", ("char1",), "Ada")
    assert join_parts(["a", "", "b", tag, "", "c"]) == ("ab", tag, "c")
