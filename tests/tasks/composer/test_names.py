from hypothesis import given
from hypothesis import strategies as st

from tasks.composer.draw import Draw
from tasks.composer.names import DISTINCT, NAMES, assign_names


def test_the_list_has_two_hundred_different_names() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 200
    assert all(name.isascii() and name.isalpha() and name.istitle() for name in NAMES)


def test_no_name_is_a_pronoun_or_a_word_of_the_patterns() -> None:
    words = {
        "I",
        "He",
        "She",
        "They",
        "It",
        "Then",
        "Next",
        "Will",
        "May",
        "Gray",
        "Violet",
        "Rose",
        "Art",
        "Mark",
        "Frank",
    }
    assert not words & set(NAMES)


@given(st.integers(0, 10**9), st.integers(1, 60))
def test_all_names_differ_and_the_first_do_not_resemble_one_another(seed: int, count: int) -> None:
    ids = [f"char{number}" for number in range(1, count + 1)]
    names = assign_names(ids, Draw(seed))
    assert list(names) == ids
    assert len(set(names.values())) == count
    first = list(names.values())[:DISTINCT]
    assert len({name[:3] for name in first}) == len(first)
    assert len({name[-3:] for name in first}) == len(first)
    assert len({name[0] for name in first[:18]}) == len(first[:18])


def test_a_name_stays_when_others_come_later() -> None:
    few = assign_names(["char1", "char2"], Draw(3))
    many = assign_names(["char1", "char2", "char9"], Draw(3))
    assert few.items() <= many.items()


def test_a_cast_beyond_the_list_gets_pairs() -> None:
    names = assign_names([f"char{number}" for number in range(len(NAMES) + 40)], Draw(0))
    assert len(set(names.values())) == len(NAMES) + 40
    assert sum(" " in name for name in names.values()) == 40


def test_names_spread_over_the_list() -> None:
    drawn = {assign_names(["char1"], Draw(seed))["char1"] for seed in range(1500)}
    assert len(drawn) > 0.95 * len(NAMES)
