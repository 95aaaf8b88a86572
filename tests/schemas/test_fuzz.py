"""No text makes the readers fail, hang, or fill memory. ``tests/perf/codecs.py`` measures how long they take."""

import tracemalloc

import pytest

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.model_output import split_output
from schemas.repair import repair
from schemas.statistics import DatasetStatistics
from schemas.story import parse_story, strip_tags
from schemas.validation import validate
from tests.schemas.fuzzing import make_texts

SIZES = [(426, 240)] * 3


def read_everything(count: int, seed: int) -> None:
    statistics = DatasetStatistics()
    for place, (cot, story) in enumerate(make_texts(count, seed)):
        parsed, told = parse_chain_of_thought(cot), parse_story(story)
        for text, faults in ((cot, parsed.faults), (story, told.faults)):
            for fault in faults:
                assert 0 <= fault.span.start <= fault.span.end <= len(text)
                assert text[: fault.span.start].count("\n") + 1 == fault.line
        validate(parsed, told, frame_sizes=SIZES)
        statistics.add(parsed, told)
        split_output(cot + story)
        strip_tags(story)
        if place % 10 == 0:
            once = repair(cot, story, frame_sizes=SIZES)
            twice = repair(once.chain_of_thought, once.story, frame_sizes=SIZES)
            assert not twice.fixes
    statistics.summarise()


def test_a_thousand_texts() -> None:
    read_everything(500, seed=1)  # two texts each


@pytest.mark.slow
def test_a_hundred_thousand_texts() -> None:
    read_everything(50_000, seed=2)  # two texts each


HOSTILE = [
    "<" * 50_000,
    ">" * 50_000,
    "<a" * 25_000,
    "<" + "a" * 50_000,
    "<gdo " * 10_000,
    "<gdo char1>" * 5_000,
    "<gdo char1>a" * 5_000,
    "<gdo char1><gda char1>" * 3_000 + "</gdo>" * 3_000,
    "</gdo>" * 10_000,
    "<gdi image1>" + "<gdo char1>" * 4_000 + "a" + "</gdo>" * 4_000,
    "<gdi image1>" + "<gdo char1> " * 4_000 + "</gdo>" * 4_000,
    "<gdi image1>" * 5_000,
    "</gdi>" * 10_000,
    "<gdi image1><gdo char1>" * 3_000 + "</gdi>" * 6_000,
    "<gdo " + "char1 " * 10_000 + ">a</gdo>",
    "<gdo " + "char" * 10_000 + ">a</gdo>",
    "<gdi image1>" + "you " * 12_000 + "</gdi>",
    "<gdi image1>" + '"you" ' * 8_000 + "</gdi>",
    "| " * 25_000,
    "|" * 50_000,
    "\\|" * 25_000,
    "|\n" * 25_000,
    "|x|x|x|x|x|\n" * 4_000,
    "## Image 1\n" * 5_000,
    "## Narrative Structure\n" * 2_000,
    "### Setting\n" * 4_000,
    "## Image 1\n" + "### Setting\n" * 4_000,
    "#" * 50_000,
    "# " * 25_000,
    "*" * 50_000,
    "```\n" * 12_000,
    "\n" * 50_000,
    " " * 50_000,
    "\n " * 25_000,
    "\u2028" * 50_000,
    "0" * 50_000,
    "## Image 1\n### Characters\n" + "| char1 | a | b | c | d | e | " + "1" * 50_000 + " |",
    "## Image 1\n### Characters\n" + "| " + "char" * 12_000 + " | a | b | c | d | e | 1,2,3,4 |\n",
    "## Narrative Structure\n" + "| Conflict | a | b | " + "1-9999," * 7_000 + " |\n",
    "## Narrative Structure\n" + "| Conflict | a | b | " + "1 to " * 10_000 + " |\n",
    "## Image 1\n### Setting\n" + "| Location | a | b | c | d |\n\n" * 1_700,
    "<think>" * 7_000,
    "\n</think" * 6_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12] + str(len(text)))
def test_hostile_texts_are_read_in_no_time_and_little_memory(text: str) -> None:
    tracemalloc.start()
    try:
        parsed, told = parse_chain_of_thought(text), parse_story(text)
        validate(parsed, told, frame_sizes=SIZES)
        split_output(text)
        strip_tags(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A fault takes about 300 bytes, and a text has at most a few for each of its characters.
    assert peak < 2_000 * len(text)
