"""Krippendorff's alpha of ratings, held against values worked out from its definition."""

from itertools import permutations

import pytest

from schemas.errors import ConfigError
from tasks.evaluation.agreement import RatedStory, agree, agree_between


def rated(rater: str, story: str, accuracy: float, creativity: float = 1, hallucinations: float = 0) -> RatedStory:
    values = {"description_accuracy": accuracy, "creativity": creativity, "hallucinations": hallucinations}
    return RatedStory(rater, story, values)


def interval_alpha(units: list[list[float]]) -> float:
    """One less the observed over the expected squared distance, pair by pair."""
    every = [value for unit in units for value in unit]
    observed = sum((a - b) ** 2 / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2)) / len(every)
    expected = sum((a - b) ** 2 for a, b in permutations(every, 2)) / (len(every) * (len(every) - 1))
    return 1 - observed / expected


def test_perfect_and_systematic_disagreement() -> None:
    same = [rated(rater, str(n), n + 1) for rater in "ab" for n in range(4)]
    assert agree(same)["description_accuracy"].alpha == pytest.approx(1.0)
    opposite = [rated("a", str(n), n + 1) for n in range(4)] + [rated("b", str(n), 4 - n) for n in range(4)]
    found = agree(opposite)["description_accuracy"]
    assert found.alpha is not None
    assert found.alpha < 0
    assert (found.raters, found.stories) == (2, 4)


def test_nothing_to_tell_where_all_say_the_same_or_nobody_shares_a_story() -> None:
    same = [rated(rater, str(n), 3) for rater in "ab" for n in range(4)]
    assert agree(same)["description_accuracy"].alpha is None
    assert agree([rated("a", "1", 3), rated("b", "2", 4)])["description_accuracy"].stories == 0
    assert agree([])["creativity"].alpha is None


def test_a_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"storyreasoning\[evaluate\]"):
        agree([rated("a", "1", 3), rated("b", "1", 4)])


def test_a_judge_and_people_are_two_raters_by_their_means() -> None:
    judge = [rated("m #1", "1", 5), rated("m #2", "1", 4), rated("m #1", "2", 2), rated("m #1", "3", 3)]
    people = [rated("p", "1", 4), rated("p", "2", 1), rated("q", "2", 3), rated("p", "9", 5)]
    found = agree_between(judge, people)["description_accuracy"]
    assert found.stories == 2
    assert found.alpha == pytest.approx(interval_alpha([[4.5, 4.0], [2.0, 2.0]]))
