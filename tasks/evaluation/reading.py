"""What an answer says, read once for all measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.chain_of_thought import ParsedChainOfThought, parse_chain_of_thought
from schemas.model_output import split_output
from schemas.story import ParsedStory, parse_story
from schemas.text import ENTITY_PREFIXES, CharacterRow, ObjectRow, PixelBox
from schemas.validation import validate
from tasks.evaluation.sample import Reference, Sample

KINDS = ENTITY_PREFIXES


@dataclass(frozen=True, slots=True)
class FrameTable:
    """Entities of one kind in one frame's tables: their ids, sorted, and boxes ``x1,y1,x2,y2`` of shape ``(n, 4)``."""

    ids: tuple[str, ...]
    boxes: NDArray[np.float64]


EMPTY = FrameTable((), np.zeros((0, 4)))


@dataclass(frozen=True, slots=True)
class Told:
    """A chain of thought and a story with the boxes of each kind and frame; ``tables[kind][i]`` is frame ``i + 1``."""

    cot: ParsedChainOfThought
    story: ParsedStory
    tables: Mapping[str, Sequence[FrameTable]]


@dataclass(frozen=True, slots=True)
class ReadSample:
    """A sample ready to be scored.

    ``told`` is None where there is no answer or nothing of one can be read: no table row with a box and no block.
    ``well_formed`` says, for each level of the validator, whether the answer has no fault at it.
    """

    reference: Reference
    truth: Told
    told: Told | None
    well_formed: Mapping[str, bool]


def read_told(chain_of_thought: str, story: str, frames: int) -> Told:
    """Parse both texts; rows of images beyond ``frames`` count in a table of their own at the end, so that none is lost."""
    cot = parse_chain_of_thought(chain_of_thought)
    rows: dict[str, list[list[tuple[str, PixelBox]]]] = {kind: [[] for _ in range(frames + 1)] for kind in KINDS}
    for image in cot.value.images:
        place = image.number - 1 if 1 <= image.number <= frames else frames
        entities: Sequence[CharacterRow | ObjectRow] = (*image.characters, *image.objects)
        for row in entities:
            kind = row.entity_id.rstrip("0123456789")
            if kind in rows:
                rows[kind][place].append((row.entity_id, row.box))
    tables = {kind: [_table(entries) for entries in places] for kind, places in rows.items()}
    return Told(cot, parse_story(story), tables)


def _table(entries: Sequence[tuple[str, PixelBox]]) -> FrameTable:
    if not entries:
        return EMPTY
    # Where boxes are alike one of several matchings is as good as another: it must not hang on the order of the rows.
    entries = sorted(entries, key=lambda entry: (len(entry[0]), entry))
    return FrameTable(tuple(name for name, _ in entries), np.array([box for _, box in entries], dtype=np.float64))


def read_sample(sample: Sample) -> ReadSample:
    """Read the reference and the answer of a sample."""
    reference = sample.reference
    count = len(reference.frames)
    truth = read_told(reference.chain_of_thought, reference.story, count)
    if sample.output is None:
        return ReadSample(reference, truth, None, {"compatible": False, "strict": False})
    told = read_told(*split_output(sample.output), count)
    readable = bool(told.story.blocks) or any(table.ids for places in told.tables.values() for table in places)
    if not readable:
        return ReadSample(reference, truth, None, {"compatible": False, "strict": False})
    well_formed = {
        level: not validate(told.cot, told.story, frame_count=count, frame_sizes=reference.frames, level=level)
        for level in ("compatible", "strict")
    }
    return ReadSample(reference, truth, told, well_formed)
