"""Tests of halves that have nobody in common."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from tasks.identity.holdout import split_people
from tasks.identity.pair_samples import LabelledFilm
from tests.tasks.identity.films import see


def film(*people: str) -> LabelledFilm:
    """One view of each."""
    return LabelledFilm([see(frame, name) for frame, name in enumerate(people)], people)


def names(films: list[LabelledFilm]) -> list[list[str]]:
    """Who is in each film; views and names must still belong together."""
    for one in films:
        assert [seen.det_id for seen in one.observations] == list(one.truth)
    return [[str(name) for name in one.truth] for one in films]


def test_films_take_turns() -> None:
    fit, test = split_people([film("a", "b"), film("c"), film("d"), film("e")])
    assert (names(fit), names(test)) == ([["a", "b"], ["d"]], [["c"], ["e"]])


def test_films_with_a_person_in_common_stay_together() -> None:
    fit, test = split_people([film("a", "b"), film("c"), film("d", "a")])
    assert (names(fit), names(test)) == ([["a", "b"], ["d", "a"]], [["c"]])


def test_people_of_one_film_take_turns() -> None:
    fit, test = split_people([film("b", "a", "c", "a"), film("c", "b", "b")])
    assert (names(fit), names(test)) == ([["a", "c", "a"], ["c"]], [["b"], ["b", "b"]])


def test_one_person_leaves_nobody_to_test() -> None:
    assert split_people([film("a", "a")])[1] == []
    assert split_people([]) == ([], [])


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True), max_size=6))
def test_nobody_is_in_both_and_nobody_is_lost(people: list[list[str]]) -> None:
    fit, test = (list(chain.from_iterable(names(half))) for half in split_people([film(*one) for one in people]))
    assert not set(fit) & set(test)
    assert sorted(fit + test) == sorted(chain.from_iterable(people))
