import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.pronouns import PRONOUNS, find_pronouns, find_quotations, is_inside, may_hold_pronoun


def words(text: str) -> list[str]:
    return [use.word for use in find_pronouns(text)]


def test_every_pronoun_of_the_documentation_is_found() -> None:
    documented = (
        "I me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers"
        " herself they them their theirs themselves themself"
    )
    text = ", ".join(documented.split())
    assert words(text) == documented.lower().split()
    assert sorted(PRONOUNS) == sorted(documented.lower().split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He ran. SHE ran. They'd run.", ["he", "she", "they"]),
        ("he's, I'm, we\u2019ll, you\u2019ve", ["he", "i", "we", "you"]),
        ("the thesis of Sheila, usher, Iris, theme, hero, human", []),
        ("it was its own, itself, one who knew someone", []),
        ("the US and us", ["us"]),
        ("i.e. i", []),
        ("Chapter I and World War I; I said", ["i"]),
        ("the mine, a coal mine, that mine; it is mine", ["mine"]),
        ("a she-wolf, do-it-yourself, he-man, mid-he", []),
        ("a\u00e9he \u00e9she", []),
        ("\u4ed6he", []),
        ("", []),
    ],
)
def test_what_is_a_pronoun(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert may_hold_pronoun(text) or not expected


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("her coat", "possessive"),
        ("her old coat", "possessive"),
        ("saw her.", "object"),
        ("saw her", "object"),
        ("saw her and left", "object"),
        ("told her to go", "object"),
        ("her, too", "object"),
    ],
)
def test_role_of_her(text: str, role: str) -> None:
    assert [use.role for use in find_pronouns(text)] == [role]


def test_places_are_those_of_the_whole_text() -> None:
    text = "Ines saw him. She ran."
    assert [(text[use.start : use.end], use.person) for use in find_pronouns(text, 5, 17)] == [("him", 3), ("She", 3)]


@given(st.text())
def test_the_quick_look_misses_nothing(text: str) -> None:
    assert may_hold_pronoun(text) or not find_pronouns(text)


@given(st.lists(st.sampled_from(['"', "\u201c", "\u201d", "\n", "you", " "])).map("".join))
def test_quotations_against_a_slow_reading(text: str) -> None:
    quotations = find_quotations(text)
    inside = False
    for offset, letter in enumerate(text):
        if letter == "\n" or letter == "\u201d":
            inside = False
        elif letter == '"':
            inside = not inside
        elif letter == "\u201c":
            inside = True
        if letter not in '"\u201c\u201d\n':
            assert is_inside(offset, quotations) == inside


def test_offsets_of_quotations() -> None:
    text = 'a "b" c \u201cd\u201d e "f\ng'
    assert [text[start:end] for start, end in find_quotations(text)] == ["b", "d", "f"]
