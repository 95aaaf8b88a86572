"""Mending a chain of thought and its story by rule: only what cannot change their meaning, and every change is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.chain_of_thought import ParsedChainOfThought, parse_chain_of_thought
from schemas.codecs.block_repair import mend_blocks, reorder_blocks
from schemas.codecs.edits import Change, Edit, Fix, apply_edits, describe, normalise_breaks
from schemas.codecs.table_repair import mend_tables, reorder_tables
from schemas.faults import Fault
from schemas.rules import Level
from schemas.story import ParsedStory, parse_story
from schemas.validation import Sizes, validate

__all__ = ["Fix", "Repaired", "repair"]

_MOST_PASSES = 12


@dataclass(frozen=True, slots=True)
class Repaired:
    """The two texts after repair, what was mended in the order in which it was, and what is still wrong.

    ``told`` is the story as it was last read, None where there was none.
    """

    chain_of_thought: str
    story: str
    fixes: tuple[Fix, ...]
    faults: tuple[Fault, ...]
    told: ParsedStory | None


def repair(
    chain_of_thought: str | ParsedChainOfThought | None,
    story: str | None,
    *,
    frame_count: int | None = None,
    frame_sizes: Sizes | None = None,
    level: Level = "strict",
) -> Repaired:
    """Mend what can be mended without changing the meaning: the words of the story and the entries of the tables stay.

    Tags are closed, corrected, split where they cross and unwrapped where their id is in no table; headings, header lines,
    ids, boxes and listed words are written as they must be; tables, images and blocks are put in order; a box is clamped
    when it stands over its frame by a rounding error. Repairing twice is the same as repairing once.

    Args:
        chain_of_thought: any text, read already or not; ``None`` for a story by itself.
        story: any text; ``None`` for a chain of thought by itself.
        frame_count: see :func:`schemas.validation.validate`.
        frame_sizes: as there; without it no box can be scaled or clamped.
        level: only faults at this level are mended.
    """
    fixes: list[Fix] = []
    faults: tuple[Fault, ...] = ()
    cot = parse_chain_of_thought(chain_of_thought) if isinstance(chain_of_thought, str) else chain_of_thought
    told = None if story is None else parse_story(story)
    for _ in range(_MOST_PASSES):
        faults = validate(cot, told, frame_count=frame_count, frame_sizes=frame_sizes, level=level)
        tables = _mend_chain_of_thought(cot, faults, frame_sizes)
        blocks = _mend_story(told, faults, cot)
        if not tables.edits and not blocks.edits:
            break
        if cot is not None and tables.edits:
            cot = parse_chain_of_thought(apply_edits(cot.text, tables.edits))
        if told is not None and blocks.edits:
            told = parse_story(apply_edits(told.text, blocks.edits))
        fixes += map(describe, (*tables.mended, *blocks.mended))
    return Repaired(cot.text if cot else "", told.text if told else "", tuple(fixes), faults, told)


# Odd line breaks come first, for they hide what the lines say; order comes last, for it moves whole pieces of text.


def _mend_chain_of_thought(cot: ParsedChainOfThought | None, faults: Sequence[Fault], sizes: Sizes | None) -> Change:
    if cot is None:
        return Change((), ())
    mine = [fault for fault in faults if fault.part == "chain_of_thought"]
    change = _mend_breaks(cot.text, mine)
    if not change.edits:
        change = mend_tables(cot, mine, sizes)
    return change if change.edits else reorder_tables(cot, mine)


def _mend_story(story: ParsedStory | None, faults: Sequence[Fault], cot: ParsedChainOfThought | None) -> Change:
    if story is None:
        return Change((), ())
    mine = [fault for fault in faults if fault.part == "story"]
    change = _mend_breaks(story.text, mine)
    if not change.edits:
        change = mend_blocks(story, mine, None if cot is None else cot.entity_rows())
    return change if change.edits else reorder_blocks(story, mine)


def _mend_breaks(text: str, faults: Sequence[Fault]) -> Change:
    wrong = [fault for fault in faults if fault.code == "line-break"]
    return Change((Edit(0, len(text), normalise_breaks(text)),), wrong) if wrong else Change((), ())
