"""The published code's numbers: against a plain rewriting of its description, and the faults that it is known for."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.model_output import join_output
from tasks.evaluation.legacy import (
    LegacyBox,
    match_boxes,
    plain_story,
    read_boxes,
    score_boxes,
    score_legacy,
    thinking_of,
)
from tasks.evaluation.sample import Sample
from tests.tasks.evaluation.stories import SIZE, exact, reference, sample, tables

LEFT, RIGHT = (0, 0, 100, 200), (300, 0, 400, 200)


def plain_iou(a: LegacyBox, b: LegacyBox) -> float:
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    shared = max(0, width) * max(0, height)
    union = a.width * a.height + b.width * b.height - shared
    return shared / union if union > 0 else float((a.x, a.y) == (b.x, b.y))


def plain_hits(reference: list[LegacyBox], candidate: list[LegacyBox]) -> set[int]:
    pairs = [
        (plain_iou(a, b), i, j)
        for (i, a), (j, b) in product(enumerate(reference), enumerate(candidate))
        if a.person == b.person and plain_iou(a, b) >= 0.5
    ]
    pairs.sort(key=lambda pair: pair[0], reverse=True)
    rows: set[int] = set()
    hits: set[int] = set()
    for _, i, j in pairs:
        if i not in rows and j not in hits:
            rows.add(i)
            hits.add(j)
    return hits


SHARES = st.integers(0, 8).map(lambda n: n / 8)
BOXES = st.lists(st.builds(LegacyBox, SHARES, SHARES, SHARES, SHARES, st.booleans()), max_size=7)


@given(BOXES, BOXES)
def test_the_greedy_matching_is_that_of_two_loops(reference: list[LegacyBox], candidate: list[LegacyBox]) -> None:
    assert match_boxes(reference, candidate) == plain_hits(reference, candidate)


def test_right_boxes_in_the_wrong_frames_are_perfect() -> None:
    truth = reference([{"char1": LEFT}, {"char1": RIGHT}])
    scores = score_legacy([sample(truth, [{"char1": RIGHT}, {"char1": LEFT}])]).grounding
    assert (scores["Precision"], scores["Recall"], scores["mAP"]) == pytest.approx((1.0, 1.0, 1.0))


def test_an_answer_without_boxes_has_precision_one() -> None:
    truth = reference([{"char1": LEFT}])
    scores = score_legacy([Sample(truth, "once upon a time")]).grounding
    assert (scores["Precision"], scores["Recall"], scores["F1"], scores["mAP"]) == (1.0, 0.0, 0.0, 0.0)
    assert scores["Obj. F1"] == 1.0, "nothing on either side"


def test_missing_answers_are_left_out() -> None:
    truth = reference([{"char1": LEFT}])
    scores = score_legacy([exact(truth), sample(truth, None)])
    assert (scores.stories, scores.missing) == (1, 1)
    assert scores.grounding["F1"] == 1.0


def test_average_precision_depends_on_the_order_of_rows() -> None:
    truth = [LegacyBox(0, 0, 0.5, 0.5, False)]
    wrong, right = LegacyBox(0.5, 0.5, 0.5, 0.5, False), LegacyBox(0, 0, 0.5, 0.5, False)
    assert score_boxes(truth, [right, wrong])["mAP"] == pytest.approx(1.0)
    assert score_boxes(truth, [wrong, right])["mAP"] == pytest.approx(0.5)


def test_average_precision_worked_out_by_hand() -> None:
    # Hits at ranks 1 and 3 of two true boxes: precision 1 up to recall .5 (six levels), 2/3 beyond (five).
    truth = [LegacyBox(0, 0, 0.2, 0.2, False), LegacyBox(0.5, 0.5, 0.2, 0.2, False)]
    candidate = [truth[0], LegacyBox(0.8, 0, 0.1, 0.1, False), truth[1]]
    assert score_boxes(truth, candidate)["mAP"] == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_a_described_person_among_objects_is_a_character() -> None:
    text = tables([{"obj1": LEFT}]).replace("A thing", "Person at the door")
    assert [box.person for box in read_boxes(text, [SIZE])] == [True]


def test_an_image_too_many_loses_every_box() -> None:
    text = tables([{"char1": LEFT}, {"char1": LEFT}])
    assert len(read_boxes(text, [SIZE, SIZE])) == 2
    assert read_boxes(text, [SIZE]) == []


def test_images_are_read_up_to_the_first_gap() -> None:
    text = tables([{"char1": LEFT}, {"char1": LEFT}, {"char1": LEFT}]).replace("## Image 2\n", "## Picture 2\n")
    assert len(read_boxes(text, [SIZE] * 3)) == 1


def test_a_section_without_rows_takes_in_what_follows_it() -> None:
    text = re.sub(r"(### Characters\n)(?:\|.*\n)+\n", r"\1", tables([{"obj1": LEFT}]))
    # The blank line is gone, so the heading and table of the objects count as rows of the characters, and again as objects.
    assert len(read_boxes(text, [SIZE])) >= 1


def test_a_last_row_without_a_line_break_is_lost() -> None:
    text = tables([{"char1": LEFT, "char2": RIGHT}])
    upto = text.index("300,0,400,200 |") + len("300,0,400,200 |")
    assert len(read_boxes(text[:upto], [SIZE])) == 1


def test_boxes_are_clipped_as_shares() -> None:
    text = tables([{"char1": (-40, 0, 800, 200)}])
    assert read_boxes(text, [SIZE]) == [LegacyBox(0.0, 0.0, 1.0, 1.0, True)]


@pytest.mark.parametrize("cell", ["1,2,3", "a,b,c,d", "1.5,2,3,4", "[1, 2, 3, 4]", ""])
def test_a_box_that_is_not_four_whole_numbers_is_left_out(cell: str) -> None:
    text = tables([{"char1": LEFT}]).replace("0,0,100,200", cell)
    assert read_boxes(text, [SIZE]) == []


def test_the_story_loses_the_character_after_its_thoughts() -> None:
    assert plain_story(join_output("t", "<gdi image1>\nA <gdo char1>b</gdo>.\n</gdi>")) == "A b."
    assert plain_story("<think>x</think><gdi image1>\nA</gdi>") == "gdi image1> A"
    assert plain_story("<think>never closed") == ""
    assert plain_story("no  thoughts\nat all") == "no thoughts at all"
    assert thinking_of("<think> a </think> b <think>c</think>") == "a"
    assert thinking_of("a </think> b") == ""
