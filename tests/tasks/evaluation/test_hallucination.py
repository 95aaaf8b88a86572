"""What an answer made up, counted by hand."""

from dataclasses import replace

import pytest

from schemas.story import strip_tags
from schemas.text import Tag
from tasks.evaluation.grounding import score_story
from tasks.evaluation.hallucination import StoryHallucinations, count_hallucinations, find_things
from tasks.evaluation.measures import measure
from tasks.evaluation.reading import read_sample
from tasks.evaluation.sample import Sample
from tasks.evaluation.tally import tally_story
from tasks.evaluation.words import split_words
from tests.tasks.evaluation.stories import exact, reference, sample, told

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)
FRAMES = [{"char1": LEFT, "obj1": RIGHT}] * 2
TRUTH = reference(FRAMES, told([[Tag("gdo", ("char1",), "Ines"), " walked her dog."], ["She sat on a bench."]]))


def count(given: Sample) -> StoryHallucinations:
    read = read_sample(given)
    story = given.output.split("</think>")[1] if given.output else ""
    words = split_words(strip_tags(story)), split_words(strip_tags(given.reference.story))
    return count_hallucinations(read, score_story(read), *words)


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("A man with two dogs", ["person", "dog"]),
        ("the traffic light and the light", ["traffic light"]),
        ("Children, women, knives and buses", ["person", "person", "knife", "bus"]),
        ("a tennis ball", ["sports ball"]),
        ("hot dog, teddy bear", ["hot dog", "teddy bear"]),
        ("nothing to see here", []),
    ],
)
def test_things_are_known_by_their_names(text: str, things: list[str]) -> None:
    assert [thing for thing, _ in find_things(split_words(text))] == things


def test_what_the_reference_tells_is_not_made_up() -> None:
    assert count(exact(TRUTH)) == StoryHallucinations(2, 0, 1, 0, ())


def test_made_up_things_are_counted_by_the_word() -> None:
    story = told([["A horse and a cat met a dog."], ["The cat left in a bus."]])
    found = count(sample(TRUTH, FRAMES, story))
    assert (found.things, found.invented, found.named) == (5, 4, ("horse", "cat", "cat", "bus"))


def test_what_a_detector_found_is_not_made_up() -> None:
    seen = replace(TRUTH, labels=("horse", "bus"))
    story = told([["A horse and a cat."], ["A bus."]])
    assert count(sample(seen, FRAMES, story)).named == ("cat",)


def test_what_stands_in_the_tables_is_not_made_up() -> None:
    tables = replace(TRUTH, chain_of_thought=TRUTH.chain_of_thought.replace("A thing", "A bicycle"))
    assert count(sample(tables, FRAMES, told([["Her bike."], ["A bus."]]))).named == ("bus",)


def test_words_that_mean_something_else_are_not_held_against_an_answer() -> None:
    assert count(sample(TRUTH, FRAMES, told([["The orange remote past."], ["She could not bear it."]]))).things == 0


def test_a_mention_without_a_matching_box_is_unfounded() -> None:
    frames = [{"char1": LEFT, "obj1": LEFT}, {"char1": RIGHT, "obj1": RIGHT}]
    story = told(
        [
            [
                Tag("gdo", ("char1",), "Ines"),
                " and ",
                Tag("gdo", ("obj1",), "it"),
                Tag("gdo", ("char1", "obj1"), "both"),
            ],
            [Tag("gdo", ("char1",), "She"), Tag("gda", ("char1",), "went")],
        ]
    )
    found = count(sample(TRUTH, frames, story))
    # char1 holds in the first frame only, obj1 in the second only; actions are not counted.
    assert (found.mentions, found.unfounded) == (4, 2)


def test_rates_by_hand() -> None:
    story = told([["A horse met a dog here now."], ["It was fine and well."]])
    found = {name: one.value for name, one in measure([tally_story(sample(TRUTH, FRAMES, story))]).items()}
    by_hand = {"chair_i": 1 / 2, "chair_s": 1.0, "per_story": 1.0, "per_100_words": 100 / 12}
    assert {name: found[f"hallucination.{name}"] for name in by_hand} == pytest.approx(by_hand)
    assert found["hallucination.unfounded"] is None, "no mention"
