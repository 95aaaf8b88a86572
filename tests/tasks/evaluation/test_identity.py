"""Ids over frames, scored by hand."""

import pytest

from tasks.evaluation.grounding import Match, score_story
from tasks.evaluation.identity import map_identities, score_identity
from tasks.evaluation.reading import read_sample
from tasks.evaluation.sample import Sample
from tests.tasks.evaluation.stories import exact, reference, sample

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)
TRUTH = reference([{"char1": LEFT, "char2": RIGHT}] * 4)


def score(given: Sample, kind: str = "char") -> tuple[float | None, float | None, float]:
    read = read_sample(given)
    scores = score_identity(read, score_story(read), kind)
    return scores.idf1, scores.ass_a, scores.bcubed.f1


def test_other_names_for_the_same_people_are_perfect() -> None:
    assert score(sample(TRUTH, [{"char7": LEFT, "char3": RIGHT}] * 4)) == pytest.approx((1, 1, 1))
    assert score(exact(TRUTH)) == pytest.approx((1, 1, 1))


def test_ids_swapped_half_way_are_not() -> None:
    given = sample(TRUTH, [{"char1": LEFT, "char2": RIGHT}] * 2 + [{"char1": RIGHT, "char2": LEFT}] * 2)
    # Each id is right in half of its boxes: IDF1 .5; B-cubed .5; each match shares 2 of 6 boxes: AssA 1/3.
    assert score(given) == pytest.approx((0.5, 1 / 3, 0.5))


def test_no_answer_scores_nothing() -> None:
    assert score(sample(TRUTH, None)) == (0.0, 0.0, 1.0), "no box was matched, so no id is wrong"


def test_a_story_without_the_kind_is_not_counted() -> None:
    assert score(exact(TRUTH), "lm")[:2] == (None, None)


def test_an_id_that_stands_twice_in_a_frame_counts_by_its_first_row() -> None:
    text = exact(TRUTH)
    assert text.output is not None
    doubled = text.output.replace("| char2 |", "| char1 |")
    assert score(Sample(TRUTH, doubled))[0] == pytest.approx(2 * 4 / (8 + 4))


def test_the_identity_map_worked_out_by_hand() -> None:
    matches = [
        Match(1, "char1", "char5"),
        Match(2, "char1", "char5"),
        Match(3, "char2", "char5"),
        Match(3, "char1", "char6"),
    ]
    assert map_identities(matches) == {"char5": "char1"}
    assert map_identities([*matches, Match(4, "char2", "char6")]) == {"char5": "char1", "char6": "char2"}
    assert map_identities([]) == {}
