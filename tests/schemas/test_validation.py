"""Rules that hold the two texts against each other and the frames; ``test_rules.py`` has an example of each."""

import pytest

from schemas.faults import Fault
from schemas.validation import check_texts
from tests.schemas.documented_rules import make_pair, read_blocks

PAIR = make_pair(read_blocks())
COT, STORY, SIZES = PAIR.chain_of_thought, PAIR.story, PAIR.sizes


def find(cot: str | None = COT, story: str | None = STORY, **options: object) -> list[tuple[str, str]]:
    faults: tuple[Fault, ...] = check_texts(cot, story, **({"frame_sizes": SIZES} | options))  # type: ignore[arg-type]
    return [(fault.code, fault.message) for fault in faults]


def test_strict_has_every_fault_of_compatible() -> None:
    cot = COT.replace("| bg2 |", "| bg02 |").replace("### Objects", "## objects")
    story = STORY.replace("</gda>", "", 1) + " The end."
    compatible = set(check_texts(cot, story, frame_sizes=SIZES, level="compatible"))
    strict = set(check_texts(cot, story, frame_sizes=SIZES))
    assert compatible < strict
    assert {fault.level for fault in compatible} == {"compatible"}


def test_faults_stand_in_the_order_of_the_texts() -> None:
    faults = check_texts(COT.replace(",239 |", ",999 |"), STORY.replace("</gd", "<"), frame_sizes=SIZES)
    parts = [fault.part for fault in faults]
    assert parts == sorted(parts)
    for part in ("chain_of_thought", "story"):
        starts = [fault.span.start for fault in faults if fault.part == part]
        assert starts == sorted(starts) and len(starts) > 2


def test_number_of_frames_is_taken_from_what_is_known() -> None:
    assert find(frame_sizes=None) == []
    assert find(frame_sizes=None, frame_count=2) == []
    missing = [("image-missing", "missing: 3, 4"), ("block-missing", "missing: 3, 4")]
    assert find(frame_sizes=None, frame_count=4) == missing
    assert find(frame_sizes=[*SIZES, None, None]) == missing
    assert ("frame-count", "frame_count is 3, but there are 2 images") in find(frame_count=3)


def test_missing_images_are_one_fault_however_many() -> None:
    codes = [code for code, _ in find(COT.replace("## Image 2", "## Image 9999"), frame_sizes=None)]
    assert codes.count("image-missing") == 1
    codes = [code for code, _ in find(frame_sizes=None, frame_count=2_000_000_000)]
    assert codes == ["image-missing", "block-missing"]


@pytest.mark.parametrize(
    ("box", "codes"),
    [
        ("0,0,426,240", []),
        ("0,0,427,240", ["box-outside"]),
        ("-1,0,10,10", ["box-outside"]),
        ("10,10,10,20", ["box-empty"]),
        ("10,10,20,5", ["box-empty"]),
        ("500,0,400,10", ["box-empty", "box-outside"]),
    ],
)
def test_boxes(box: str, codes: list[str]) -> None:
    assert [code for code, _ in find(COT.replace("52,30,190,239", box))] == codes


def test_box_of_a_frame_of_unknown_size_is_only_held_against_zero() -> None:
    assert find(COT.replace("52,30,190,239", "0,0,9999,9999"), frame_sizes=[None, SIZES[1]]) == []
    assert find(COT.replace("52,30,190,239", "0,0,9999,9999"), frame_sizes=None) == []
    assert [code for code, _ in find(COT.replace("52,30", "-52,30", 1), frame_sizes=None)] == ["box-outside"]


def test_each_text_can_be_checked_alone() -> None:
    assert find(story=None) == []
    assert find(cot=None) == []
    assert find(cot=None, story=STORY.replace("char1", "char99")) == []
    assert [code for code, _ in find(cot=None, story=STORY.replace("</gdo>", "", 1))] == ["tag-unclosed"]
    assert [code for code, _ in find("", STORY)][:2] == ["image-missing", "section-missing"]


def test_frame_without_entities_needs_no_grounding() -> None:
    start, end = COT.index("### Characters"), COT.index("### Setting")
    bare = COT[:start] + COT[end:]
    told = "<gdi image1>\nIt rained.\n</gdi>" + STORY[STORY.index("\n\n<gdi image2>") :]
    assert find(bare, told) == []
    assert find(COT, told) == [("block-ungrounded", "no tag names an entity of image 1")]


@pytest.mark.parametrize(
    ("tag", "codes"),
    [
        ("<gdo char1>x</gdo>", []),
        ("<gdo obj1>x</gdo>", []),
        ("<gdo char1 obj1>x</gdo>", []),
        ("<gdl bg2>x</gdl>", []),
        ("<gdo bg2>x</gdo>", ["tag-kind"]),
        ("<gdo char1 bg2>x</gdo>", ["tag-kind"]),
        ("<gdl char1>x</gdl>", ["tag-kind"]),
        ("<gda obj1>x</gda>", ["tag-kind"]),
        ("<gda bg2>x</gda>", ["tag-kind"]),
    ],
)
def test_kinds_of_tags(tag: str, codes: list[str]) -> None:
    story = STORY.replace("<gdo obj1>the key</gdo>", tag)
    assert [code for code, _ in find(story=story)] == codes
    assert find(story=story, level="compatible") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("and he ran", ["he"]),
        ("and They ran", ["They"]),
        ("and <gdo char1>he</gdo> ran", []),
        ("and <gdo char1>his coat</gdo> fell", []),
        ("and <gda char1>raised his hand</gda>", ["his"]),
        ("and <gdl bg2>his wall</gdl>", ["his"]),
        ("and it fell, its hinge with it", []),
        ("and you could hear it", []),
        ('and said "you see me"', ["you", "me"]),
        ("and said \u201cyou <gdo char1>see</gdo> me", ["you", "me"]),
        ('and "no", as you know, "yes, you"', ["you"]),
    ],
)
def test_pronouns(text: str, words: list[str]) -> None:
    story = STORY.replace("and waited", text)
    assert find(story=story) == [("pronoun-untagged", f'"{word}" is in no gdo tag') for word in words]


def test_lone_marks_in_dialogue_end_with_their_line() -> None:
    story = STORY.replace("and waited", 'and said "no\nand you waited')
    assert find(story=story) == []


def test_rules_of_a_whole_chain_of_thought() -> None:
    twice = COT + COT[COT.index("## Narrative") :]
    assert [code for code, _ in find(twice)] == ["section-duplicate"]
    again = COT.replace("### Setting", "### Objects\n\n### Characters\n\n### Setting", 1)
    assert [code for code, _ in find(again)] == ["section-duplicate", "section-duplicate"]
    early = COT[COT.index("## Narrative") :] + "\n\n" + COT[: COT.index("## Narrative")]
    assert [code for code, _ in find(early)] == ["section-order"]
    without = COT[: COT.index("## Narrative")]
    assert find(without) == [("section-missing", "there is no Narrative Structure")]
    bare = COT[: COT.index("| Introduction")]
    assert find(bare) == [("phase-missing", "missing: Introduction, Development, Conflict, Turning Point, Conclusion")]
