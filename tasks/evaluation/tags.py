"""The tags of a story against the reference's: what is mentioned over which frame, ids translated first."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.story import ParsedStory
from tasks.evaluation.grounding import Counts, StoryBoxes
from tasks.evaluation.identity import map_identities
from tasks.evaluation.reading import KINDS, ReadSample

Mention = tuple[int, str, str]
"""Frame, kind of tag, entity."""


@dataclass(frozen=True, slots=True)
class StoryTags:
    """One story.

    ``mentions`` counts pairs of tag and entity, a group mention as one of each of its entities; ``valid`` are the answer's
    tags all of whose entities stand in the tables of their frame, of ``tags`` in all.
    """

    mentions: Mapping[str, Counts]
    valid: int
    tags: int


def count_mentions(story: ParsedStory) -> Counter[Mention]:
    """How often each entity is mentioned over each frame by each kind of tag."""
    found: Counter[Mention] = Counter()
    for block in story.blocks:
        for piece in block.pieces:
            if piece.tag is not None:
                found.update((block.number, piece.tag.kind, entity) for entity in piece.tag.ids)
    return found


def score_tags(sample: ReadSample, boxes: StoryBoxes) -> StoryTags:
    """Mentions of one story under the identity map of its matched boxes, and whether its tags hold in its own tables."""
    truth = count_mentions(sample.truth.story)
    if sample.told is None:
        told: Counter[Mention] = Counter()
        valid = tags = 0
    else:
        names = {ours: name for kind in KINDS for ours, name in map_identities(boxes.matches[kind]).items()}
        # An entity that stands for none of the reference's must not agree with one by its number alone.
        told = Counter()
        for (frame, kind, entity), count in count_mentions(sample.told.story).items():
            told[frame, kind, names.get(entity, f"unknown {entity}")] += count
        valid, tags = _count_valid(sample)
    kinds = sorted({kind for _, kind, _ in (*truth, *told)} | {"gdo", "gda", "gdl"})
    mentions = {
        kind: Counts(
            hits=sum(min(count, truth[mention]) for mention, count in told.items() if mention[1] == kind),
            told=sum(count for mention, count in told.items() if mention[1] == kind),
            truth=sum(count for mention, count in truth.items() if mention[1] == kind),
        )
        for kind in kinds
    }
    return StoryTags(mentions, valid, tags)


def _count_valid(sample: ReadSample) -> tuple[int, int]:
    if sample.told is None:
        return 0, 0
    rows = sample.told.cot.entity_rows()
    frames = len(sample.reference.frames)
    valid = tags = 0
    for block in sample.told.story.blocks:
        known = rows.get(block.number, {}) if 1 <= block.number <= frames else {}
        for piece in block.pieces:
            if piece.tag is not None:
                tags += 1
                valid += bool(piece.tag.ids) and all(entity in known for entity in piece.tag.ids)
    return valid, tags
