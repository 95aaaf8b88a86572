"""Mending: what was meant comes out, nothing else changes, and doing it twice is doing it once."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.chain_of_thought import render_chain_of_thought
from schemas.repair import Repaired, repair
from schemas.story import parse_story, render_story, strip_tags
from schemas.text import ChainOfThought, Story
from tests.schemas.documented_rules import make_pair, read_blocks
from tests.schemas.fuzzing import make_texts
from tests.schemas.test_chain_of_thought import TEXT, WRITTEN
from tests.schemas.values import chains_of_thought, stories

PAIR = make_pair(read_blocks())
COT, STORY, SIZES = PAIR.chain_of_thought, PAIR.story, PAIR.sizes


def mend(cot: str = COT, story: str = STORY) -> Repaired:
    return repair(cot, story, frame_sizes=SIZES)


def mend_story(right: str, wrong: str) -> str:
    assert right in STORY
    mended = mend(story=STORY.replace(right, wrong, 1))
    assert mended.faults == ()
    assert mended.chain_of_thought == COT
    return mended.story


def test_what_is_sound_stays_as_it_is() -> None:
    assert mend() == Repaired(COT, STORY, (), (), parse_story(STORY))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("Ines</gdo>", "Ines"),
        ("the old wall</gdl>", "the old wall</gdo>"),
        ("\n</gdi>", ""),
        ("<gdi image1>", "<GDI Image 1>"),
        ("char1 char3", "char1, char3"),
        ("char1 char3", 'id="char1 char3"'),
        ("char1 char3", "char1 char3 char9"),
        ("char1 char3", "char1 char3 bob"),
        ("Ines</gdo>", "Ines</gdo></gda>"),
        ("Ines", "<i>Ines</i>"),
        (" and", "<b> and</b>"),
        ("<gdi image1>", "```\n<gdi image1>"),
        ("nine.\n</gdi>", "nine.\n</gdi>\n```"),
        ("<gdi image1>", "</think><gdi image1>"),
        ("<gdi image2>", "</gdi>\n<gdi image2>"),
        ("<gdl bg2>the old wall</gdl>", "<gdo bg2>the old wall</gdo>"),
        ("<gdo char1>Ines</gdo>", "<gdo char1><gdo char1>Ines</gdo></gdo>"),
    ],
)
def test_stories_come_out_as_they_were_meant(right: str, wrong: str) -> None:
    mended = mend_story(right, wrong)
    assert mended.split() == STORY.split()


def test_blocks_are_put_in_order() -> None:
    first, second = STORY.split("\n\n")
    mended = mend(story=f"{second}\n{first}\n")
    assert (mended.story, [fix.code for fix in mended.fixes]) == (STORY + "\n", ["block-order"])


def test_crossed_and_nested_tags_are_split() -> None:
    crossed = mend_story("turned</gda> <gdo obj1>the key", "turned <gdo obj1>the</gda> key")
    assert crossed == STORY
    nested = mend_story("the key</gdo>", "the key of <gdo char1>Ines</gdo></gdo>")
    assert "<gdo obj1>the key of</gdo> <gdo char1>Ines</gdo> and" in nested


def test_unknown_id_is_unwrapped_and_its_words_stay() -> None:
    assert " until the tower struck" in mend_story("<gdl lm1>", "<gdl lm7>")
    assert "<gdo char1>They</gdo>" in mend_story("<gdo char1 char3>", "<gdo char1 char7>")


def test_id_of_another_frame_is_unwrapped_but_not_around_a_pronoun() -> None:
    assert "and waited beside the old wall." in mend_story("<gdl bg2>", "<gdl lm1>")
    kept = STORY.replace("<gdo char1>Ines</gdo>", "<gdo char3>He</gdo>").replace("turned</gda>", "turned")
    mended = mend(story=kept)
    assert "<gdo char3>He</gdo>" in mended.story
    assert [fault.code for fault in mended.faults] == ["id-elsewhere"]
    assert [fix.code for fix in mended.fixes] == ["tag-unclosed"]


def test_nothing_is_guessed() -> None:
    for wrong in ("and she waited", "and <gda obj1>fell</gda>"):
        mended = mend(story=STORY.replace("and waited", wrong))
        assert wrong in mended.story
        assert mended.fixes == ()
        assert len(mended.faults) == 1


@pytest.mark.parametrize(
    ("cell", "box"),
    [
        ("[140, 120, 160, 138]", "140,120,160,138"),
        ("139.6,120.2,160.4,138", "140,120,160,138"),
        ("160,120,140,138", "140,120,160,138"),
        ("140,138,160,120", "140,120,160,138"),
        ("-1,120,160,138", "0,120,160,138"),
        ("140,120,427,241", "140,120,426,240"),
        ("0.25,0.5,0.5,0.75", "106,120,213,180"),  # 426 x 240: 106.5 and 213, ties to even
        ("140,120,429,138", "140,120,429,138"),
        ("140,120,140,138", "140,120,140,138"),
        ("0.5,0.5,0.25,0.75", "0.5,0.5,0.25,0.75"),
        ("none", "none"),
    ],
)
def test_boxes_are_mended_or_left(cell: str, box: str) -> None:
    mended = mend(COT.replace("140,120,160,138", cell))
    assert mended.chain_of_thought == COT.replace("140,120,160,138", box)
    assert bool(mended.fixes) == (cell != box)
    assert bool(mended.faults) == (cell == box)


@pytest.mark.parametrize(("right", "written", "codes"), WRITTEN)
def test_tables_are_written_as_they_must_be(right: str, written: str, codes: list[str]) -> None:
    mended = repair(TEXT.replace(right, written, 1), None)
    left = {fault.code for fault in mended.faults} & set(codes)
    titled = "Garden" in written or "At the gate" in written
    assert left == ({"heading-form"} if titled else {"stray-text"} if "stray-text" in codes else set())
    assert {fix.code for fix in mended.fixes} == set(codes) - left


def test_tables_and_images_are_put_in_order() -> None:
    first, second, narrative = (part.strip() for part in re.split(r"(?=^## )", COT, flags=re.MULTILINE)[1:])
    parts = re.split(r"\n\n(?=### )", first)
    mixed = "\n\n".join([parts[0], parts[2], parts[3], parts[1]])
    mended = mend("\n\n\n".join(["", narrative, second, mixed]).lstrip())
    assert mended.chain_of_thought == COT
    assert {fix.code for fix in mended.fixes} == {"section-order", "image-order"}
    assert mended.faults == ()


def test_swapped_columns_swap_back_with_their_rows() -> None:
    swapped = COT.replace("| Mood | Time |", "| Time | Mood |").replace("| Tense | Dusk |", "| Dusk | Tense |")
    swapped = swapped.replace("| Calm | Night |", "| Night | Calm |")
    assert mend(swapped).chain_of_thought == COT


def test_only_faults_of_the_level_are_mended() -> None:
    cot = COT.replace("## Image 1", "# Image 1").replace("| bg2 |", "| bg02 |")
    compatible = repair(cot, STORY, frame_sizes=SIZES, level="compatible")
    assert compatible.chain_of_thought == COT.replace("## Image 1", "# Image 1")
    assert [fix.code for fix in compatible.fixes] == ["id-form"]


def test_a_text_alone_is_mended_alone() -> None:
    story = STORY.replace("Ines</gdo>", "Ines").replace("char3", "char99")
    mended = repair(None, story, frame_sizes=SIZES)
    assert mended.story == STORY.replace("char3", "char99")
    assert [fix.code for fix in mended.fixes] == ["tag-unclosed"]
    assert mended.chain_of_thought == ""


@given(chains_of_thought, stories)
@settings(max_examples=40, deadline=None)
def test_mending_anything_valid_in_form_is_stable(cot: ChainOfThought, story: Story) -> None:
    once = repair(render_chain_of_thought(cot), render_story(story))
    twice = repair(once.chain_of_thought, once.story)
    assert (twice.chain_of_thought, twice.story, twice.fixes) == (once.chain_of_thought, once.story, ())
    assert twice.faults == once.faults


def _drop(_: re.Match[str]) -> str:
    return ""


SPOILERS: list[tuple[str, Callable[[re.Match[str]], str]]] = [
    (r"</gd[oal]>", _drop),
    (r"<gd[oal] [^>]*>", _drop),
    (r"</gd[oal]>", lambda _: "</gdo>"),
    (r"<gd([oal]) ", lambda found: f"<GD{found[1]} "),
    (r" (?=\w+\d>)", lambda _: ", "),
    (r"</gdi>", _drop),
    (r" (and|beside|until|struck) ", lambda found: f" <em>{found[1]}</em> "),
    (r"<gd[oal] ([^>]*)>", lambda found: f"<gdo char1>{found[0]}"),
]


@given(st.lists(st.tuples(st.sampled_from(SPOILERS), st.integers(0, 9)), max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_words_of_a_story_never_change(
    spoilers: list[tuple[tuple[str, Callable[[re.Match[str]], str]], int]],
) -> None:
    story = STORY
    for (pattern, replacement), place in spoilers:
        found = list(re.finditer(pattern, story))
        if found:
            match = found[place % len(found)]
            story = story[: match.start()] + replacement(match) + story[match.end() :]
    mended = mend(story=story)
    assert strip_tags(mended.story).split() == strip_tags(STORY).split()
    again = mend(story=mended.story)
    assert (again.story, again.fixes) == (mended.story, ())


def test_mending_anything_at_all_is_stable() -> None:
    for cot, story in make_texts(300, seed=3):
        once = repair(cot, story, frame_sizes=[(426, 240)] * 3)
        twice = repair(once.chain_of_thought, once.story, frame_sizes=[(426, 240)] * 3)
        assert twice == Repaired(once.chain_of_thought, once.story, (), once.faults, once.told)
