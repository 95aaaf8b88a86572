"""Faults of the published way of scoring: each answer here is perfect to it, and worth nothing to strict mode."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model_output import join_output
from schemas.story import strip_tags
from schemas.text import PixelBox, Tag
from tasks.evaluation.legacy import score_legacy
from tasks.evaluation.measures import measure
from tasks.evaluation.sample import Sample
from tasks.evaluation.tally import tally_story
from tasks.score import score_as_published
from tests.tasks.evaluation.stories import SIZE, reference, sample, told

LEFT, RIGHT, MIDDLE = (0, 0, 100, 200), (300, 0, 400, 200), (150, 50, 250, 150)


def strict(*samples: Sample) -> dict[str, float | None]:
    return {name: one.value for name, one in measure([tally_story(one) for one in samples]).items()}


def published(*samples: Sample) -> dict[str, float]:
    return dict(score_as_published(list(samples)).measures)


def lowest(scores: dict[str, float], *names: str) -> float:
    return min(scores[name] for name in names or scores)


def test_right_boxes_in_the_wrong_frames() -> None:
    truth = reference([{"char1": LEFT}, {"char1": RIGHT}])
    moved = sample(truth, [{"char1": RIGHT}, {"char1": LEFT}])
    assert lowest(published(moved), "Precision", "Recall", "F1", "mAP") == pytest.approx(1.0)
    found = strict(moved)
    assert {found[f"boxes.char.{name}"] for name in ("precision", "recall", "f1", "micro_f1", "mean_f1")} == {0.0}
    assert found["identity.char.idf1"] == 0.0


@pytest.mark.parametrize("output", ["", "<think>\n</think>\n", "I cannot help with that."])
def test_an_empty_answer_has_full_precision_by_the_old_way(output: str) -> None:
    empty = Sample(reference([{"char1": LEFT}, {"char1": RIGHT}]), output)
    old = score_legacy([empty]).grounding
    assert (old["Precision"], old["Char. Precision"], old["Obj. F1"]) == (1.0, 1.0, 1.0)
    found = strict(empty)
    names = [
        name for name in found if name.startswith(("boxes.char", "boxes.all", "tags.gdo", "tags.all", "format.re"))
    ]
    assert {found[name] for name in names} == {0.0}
    assert found["identity.char.idf1"] == 0.0


def tagged(first: str, second: str) -> str:
    return told([[Tag("gdo", (first,), "Ines"), " met ", Tag("gdo", (second,), "Rui"), "."]] * 3)


def test_ids_swapped_in_the_story() -> None:
    frames = [{"char1": LEFT, "char2": RIGHT}] * 3
    truth = reference(frames, tagged("char1", "char1").replace("Rui", "she"))
    swapped = sample(truth, frames, tagged("char2", "char2").replace("Rui", "she"))
    assert lowest(published(swapped)) == pytest.approx(1.0)
    assert strict(swapped)["tags.all.f1"] == 0.0


def test_ids_swapped_from_frame_to_frame() -> None:
    truth = reference([{"char1": LEFT, "char2": RIGHT}] * 4)
    frames = [{f"char{2 * n + 1}": LEFT, f"char{2 * n + 2}": RIGHT} for n in range(4)]
    anew = sample(truth, frames)
    assert lowest(published(anew), "F1", "mAP") == pytest.approx(1.0)
    found = strict(anew)
    # Every id lives for one frame: nothing is held over any two.
    assert found["identity.char.bcubed_recall"] == pytest.approx(1 / 4)
    assert found["identity.char.idf1"] == pytest.approx(1 / 4)
    assert found["lasting.char.5_frames"] == 0.0


def test_other_numbers_for_the_same_people_cost_nothing() -> None:
    frames = [{"char1": LEFT, "char2": RIGHT}] * 3
    truth = reference(frames, tagged("char1", "char2"))
    renamed = sample(truth, [{"char9": LEFT, "char7": RIGHT}] * 3, tagged("char9", "char7"))
    found = strict(renamed)
    assert (found["tags.all.f1"], found["identity.char.idf1"], found["boxes.all.f1"]) == (1.0, 1.0, 1.0)


def test_tags_removed() -> None:
    frames = [{"char1": LEFT, "char2": RIGHT}] * 3
    truth = reference(frames, tagged("char1", "char2"))
    blocks = truth.story.split("\n\n")
    bare = "\n\n".join(block.split("\n")[0] + "\n" + strip_tags(block) + "\n</gdi>" for block in blocks)
    plain = Sample(truth, join_output(truth.chain_of_thought, bare))
    assert lowest(published(plain)) == pytest.approx(1.0)
    found = strict(plain)
    assert {found[f"tags.all.{name}"] for name in ("precision", "recall", "f1")} == {0.0}


def shuffled_rows(text: str, seed: int) -> str:
    """The same tables with the rows of each section in another order."""
    draw = random.Random(seed)
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and lines[end].startswith(("| char", "| obj", "| lm", "| bg")):
            end += 1
        lines[at:end] = draw.sample(lines[at:end], end - at)
        at = max(end, at + 1)
    return "\n".join(lines)


def test_average_precision_depends_on_the_order_of_rows_the_old_way() -> None:
    truth = reference([{"char1": LEFT}])
    first = sample(truth, [{"char1": LEFT, "char2": RIGHT}])
    last = sample(truth, [{"char2": RIGHT, "char1": LEFT}])
    assert published(first)["mAP"] > published(last)["mAP"]
    assert strict(first) == strict(last)


BOXES = st.sampled_from([LEFT, RIGHT, MIDDLE, (0, 0, 110, 200), (290, 0, 400, 180), (0, 0, *SIZE)])
FRAMES = st.lists(
    st.dictionaries(st.sampled_from(["char1", "char2", "char3", "obj1", "obj2", "lm1", "bg1"]), BOXES, max_size=5),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(FRAMES, FRAMES, st.integers(0, 99))
def test_shuffling_rows_changes_nothing(
    truth: list[dict[str, PixelBox]], answer: list[dict[str, PixelBox]], seed: int
) -> None:
    frames = (answer * len(truth))[: len(truth)]
    right = reference(truth)
    plain = sample(right, frames)
    assert plain.output is not None
    other = Sample(right, shuffled_rows(plain.output, seed))
    before, after = tally_story(plain).sums, tally_story(other).sums
    assert after == pytest.approx(before)
