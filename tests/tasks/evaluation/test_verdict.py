"""Reading what a judge says: what counts, what is missing, what two orders say together."""

from typing import Any

import pytest

from tasks.evaluation.verdict import DIMENSIONS, RATING_SCHEMA, read_pair, read_rating, settle

STORY = "[Image 1] Ines opened the gate. A red  balloon rose.\n\n[Image 2] The balloon was gone."


def verdict(**changed: Any) -> dict[str, Any]:
    listed = [{"image": 1, "words": "a red balloon"}]
    return {"hallucinations": listed, "description_accuracy": 4, "creativity": 2, "reason": "Plain."} | changed


def test_words_of_the_story_count_once_an_image_and_others_not_at_all() -> None:
    listed = [
        {"image": 1, "words": "A red balloon rose."},
        {"image": 1, "words": '"a red balloon rose"'},
        {"image": 2, "words": "The balloon"},
        {"image": 1, "words": "a blue dragon"},
        {"image": 1, "words": " "},
    ]
    found = read_rating(verdict(hallucinations=listed), STORY)
    assert found is not None
    assert (found.hallucinations, found.unquoted) == (2, 2)
    assert found.quoted == ("A red balloon rose.", "The balloon")
    assert (found.description_accuracy, found.creativity) == (4, 2)


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "5 out of 5",
        [],
        {},
        verdict(description_accuracy=0),
        verdict(description_accuracy=6),
        verdict(creativity=True),
        verdict(creativity=4.5),
        verdict(creativity="5"),
        verdict(hallucinations=3),
        verdict(hallucinations=["a balloon"]),
        verdict(hallucinations=[{"image": "one", "words": "a red balloon"}]),
        verdict(hallucinations=[{"image": 1, "words": "gate"}] * 61),
    ],
)
def test_nonsense_is_no_rating(nonsense: Any) -> None:
    assert read_rating(nonsense, STORY) is None


def test_the_schema_asks_for_what_is_read() -> None:
    assert set(RATING_SCHEMA["required"]) == set(verdict())


def pair(answer: str) -> dict[str, str]:
    return {**dict.fromkeys(DIMENSIONS, answer), "reason": ""}


def test_a_preference_holds_only_in_both_orders() -> None:
    assert settle((read_pair(pair("A"), swapped=False), read_pair(pair("B"), swapped=True))) == dict.fromkeys(
        DIMENSIONS, "first"
    )
    assert settle((read_pair(pair("B"), swapped=False), read_pair(pair("A"), swapped=True))) == dict.fromkeys(
        DIMENSIONS, "second"
    )
    always_a = (read_pair(pair("A"), swapped=False), read_pair(pair("A"), swapped=True))
    assert settle(always_a) == dict.fromkeys(DIMENSIONS, "tie"), "a judge that goes by place has no preference"
    assert settle((read_pair(pair("A"), swapped=False), None)) is None
    assert read_pair(pair("C"), swapped=False) is None
    assert read_pair("A", swapped=False) is None
