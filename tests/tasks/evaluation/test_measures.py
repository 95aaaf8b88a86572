"""Measures of several stories by hand, their intervals, and what the published metrics take for perfect."""

import random

import numpy as np
import pytest

from schemas.model_output import join_output
from schemas.story import strip_tags
from schemas.text import Tag
from tasks.evaluation.measures import compare, draw_films, measure
from tasks.evaluation.sample import Sample
from tasks.evaluation.tally import StoryTally, tally_story
from tests.tasks.evaluation.stories import exact, reference, sample, told

LEFT, RIGHT, WIDE = (0, 0, 100, 200), (300, 0, 400, 200), (0, 0, 180, 200)
FRAMES = [{"char1": LEFT, "char2": RIGHT}] * 5
STORY = told([[Tag("gdo", ("char1",), "She"), " saw ", Tag("gdo", ("char2",), "him"), "."]] * 5)
TRUTH = reference(FRAMES, STORY)


def values(*samples: Sample) -> dict[str, float | None]:
    return {name: found.value for name, found in measure([tally_story(one) for one in samples]).items()}


GROUNDED = (
    "boxes.char.f1",
    "boxes.char.micro_f1",
    "boxes.char.mean_f1",
    "boxes.all.f1",
    "identity.char.idf1",
    "identity.char.ass_a",
    "identity.char.bcubed_f1",
    "tags.valid",
    "tags.gdo.f1",
    "tags.all.f1",
    "pronouns.any.grounded",
    "lasting.char.5_frames",
)


def test_the_reference_itself_is_perfect() -> None:
    found = values(exact(TRUTH))
    assert {name: found[name] for name in GROUNDED} == dict.fromkeys(GROUNDED, 1.0)
    assert found["language.rouge_l"] == 1.0
    assert found["language.bleu_4"] == pytest.approx(1.0)
    assert found["format.compatible"] == 1.0


def test_the_faults_that_the_published_metrics_take_for_perfect() -> None:
    assert TRUTH.chain_of_thought
    wrong_frames = reference([{"char1": LEFT}, {"char1": RIGHT}])
    assert values(sample(wrong_frames, [{"char1": RIGHT}, {"char1": LEFT}]))["boxes.all.f1"] == 0.0
    nothing = values(Sample(TRUTH, "Once upon a time."))
    assert (nothing["boxes.all.precision"], nothing["boxes.all.f1"], nothing["format.readable"]) == (0.0, 0.0, 0.0)
    story = STORY.replace("char1", "X").replace("char2", "char1").replace("X", "char2")
    swapped = told([[Tag("gdo", ("char1",), "Ines"), " left."]] * 5)
    one = reference(FRAMES, swapped)
    assert values(sample(one, FRAMES, swapped.replace("char1", "char2")))["tags.all.f1"] == 0.0
    assert values(sample(TRUTH, FRAMES, story))["boxes.all.f1"] == 1.0, "the boxes themselves are right"
    plain = join_output(TRUTH.chain_of_thought, strip_tags(STORY))
    assert values(Sample(TRUTH, plain))["tags.all.f1"] == 0.0


def test_ids_dealt_anew_in_every_frame_score_next_to_nothing() -> None:
    frames = [{f"char{2 * n + 1}": LEFT, f"char{2 * n + 2}": RIGHT} for n in range(5)]
    found = values(sample(TRUTH, frames))
    assert found["boxes.char.f1"] == 1.0
    assert found["identity.char.idf1"] == pytest.approx(0.2)
    assert found["lasting.char.5_frames"] == 0.0


def test_pooled_and_averaged_boxes_worked_out_by_hand() -> None:
    one = reference([{"char1": LEFT, "char2": RIGHT}], story_id="1")
    two = reference([{"char1": LEFT}], story_id="2")
    nobody = reference([{"obj1": LEFT}], story_id="3")
    found = values(sample(one, [{"char1": LEFT}]), sample(two, None), exact(nobody))
    # The third has no character on either side: the means are over two stories.
    by_hand = {"precision": 0.5, "recall": 0.25, "f1": (2 / 3) / 2, "micro_precision": 1.0, "micro_recall": 1 / 3}
    assert {name: found[f"boxes.char.{name}"] for name in by_hand} == pytest.approx(by_hand)
    assert found["format.answered"] == pytest.approx(2 / 3)


def test_the_mean_over_thresholds_worked_out_by_hand() -> None:
    truth = reference([{"char1": LEFT}])
    assert values(sample(truth, [{"char1": WIDE}]))["boxes.char.mean_f1"] == pytest.approx(0.2)


def test_pronouns_by_hand() -> None:
    story = told([[Tag("gdo", ("char1",), "She"), " saw him and I saw them."]] * 5)
    found = values(sample(TRUTH, FRAMES, story))
    assert found["pronouns.any.grounded"] == pytest.approx(1 / 4)
    assert (found["pronouns.she.grounded"], found["pronouns.i.grounded"]) == (1.0, 0.0)
    assert found["pronouns.person1.grounded"] == 0.0


def many(noise: int, films: int = 6) -> list[StoryTally]:
    """Stories of several films in which some boxes are moved away."""
    draw = random.Random(noise)
    tallies = []
    for number in range(films * 3):
        truth = reference(FRAMES, STORY, story_id=str(number), film=f"film {number % films}")
        frames = [
            {name: WIDE if draw.randrange(10) < noise else box for name, box in boxes.items()} for boxes in FRAMES
        ]
        tallies.append(tally_story(sample(truth, frames, STORY)))
    return tallies


def test_the_order_of_stories_changes_nothing() -> None:
    tallies = many(4)
    shuffled = random.Random(1).sample(tallies, len(tallies))
    assert measure(tallies) == measure(shuffled)


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    tallies = many(4)
    found = measure(tallies)["boxes.char.micro_recall"]
    films = sorted({tally.film for tally in tallies})
    weights = draw_films(len(films), 0)
    recalls = []
    for row in weights:
        chosen = [
            one for film, times in zip(films, row, strict=True) for one in tallies * int(times) if one.film == film
        ]
        hits = sum(one.sums["boxes.char.hits.0"] for one in chosen)
        recalls.append(hits / sum(one.sums["boxes.char.truth"] for one in chosen))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(recalls, [2.5, 97.5])))
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert found.low <= found.value <= found.high


def test_what_is_not_there_is_not_measured() -> None:
    found = values(exact(TRUTH))
    assert found["boxes.lm.f1"] is None
    assert found["pronouns.they.grounded"] is None
    missing = values(sample(TRUTH, None))
    assert (missing["boxes.char.micro_precision"], missing["tags.gdo.precision"]) == (0.0, 0.0), (
        "there was something to tell"
    )


def test_one_film_gives_no_interval() -> None:
    found = measure([tally_story(exact(TRUTH))])
    assert {(one.low, one.high) for one in found.values()} == {(None, None)}
    assert measure([]) == {}


def test_a_comparison_is_paired() -> None:
    better, worse = many(1), many(6)
    found = compare(worse, better)["boxes.char.micro_f1"]
    assert found.first is not None
    assert found.second is not None
    assert found.difference == pytest.approx(found.second - found.first)
    assert found.second > found.first
    assert found.p is not None
    assert found.p < 0.05
    same = compare(better, better)["boxes.char.micro_f1"]
    assert (same.difference, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_comparison_needs_common_stories() -> None:
    assert compare(many(1)[:4], many(1)[2:])["format.answered"].difference == 0
    with pytest.raises(ValueError, match="no story in common"):
        compare(many(1)[:2], many(1)[2:])
