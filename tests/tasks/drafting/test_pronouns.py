"""Pronouns that are sure are tagged; all others are left alone."""

import pytest

from schemas.story import parse_story, render_story
from schemas.text import ChainOfThought, CharacterRow, ImageAnalysis
from tasks.drafting.pronouns import tag_pronouns

BOX = (1, 2, 30, 40)


def tables(*people: str) -> ChainOfThought:
    rows = tuple(CharacterRow(one, one, "d", "e", "a", "n", BOX) for one in people)
    return ChainOfThought((ImageAnalysis(1, rows, (), ()),), ())


ONE = "<gdo char1>Ines</gdo>"


@pytest.mark.parametrize(
    ("text", "people", "expected"),
    [
        (f"{ONE} saw that she was late.", ["char1"], f"{ONE} saw that <gdo char1>she</gdo> was late."),
        (
            f"{ONE} lost her hat and herself.",
            ["char1"],
            f"{ONE} lost <gdo char1>her</gdo> hat and <gdo char1>herself</gdo>.",
        ),
        (
            f"{ONE} <gda char1>raised her hand</gda>.",
            ["char1"],
            f"{ONE} <gda char1>raised</gda> <gdo char1>her</gdo> hand.",
        ),
        (f"{ONE} <gda char1>her hand raised</gda>.", ["char1"], None),
        (f"She met {ONE}.", ["char1"], None),
        (f"{ONE} saw that she was late.", ["char1", "char2"], None),
        (f"{ONE} saw them.", ["char1"], None),
        (f'{ONE} said, "I know you."', ["char1"], None),
        ("<gdo char2>Marko</gdo> saw that he was late.", ["char1"], None),
        ("Rain fell on her.", [], None),
    ],
)
def test_a_pronoun_is_tagged_when_it_can_mean_one_person_only(
    text: str, people: list[str], expected: str | None
) -> None:
    story = parse_story(f"<gdi image1>\n{text}\n</gdi>").value
    changed, count = tag_pronouns(story, tables(*people))
    body = render_story(changed).removeprefix("<gdi image1>\n").removesuffix("\n</gdi>").strip()
    assert body == (expected or text)
    assert bool(count) == (expected is not None)
