"""One row of sums a story, from which every measure of any set of stories follows by addition (``measures.py``)."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.model_output import split_output
from schemas.pronouns import PRONOUNS
from schemas.statistics import PERSISTENCE, DatasetStatistics
from schemas.story import strip_tags
from tasks.evaluation.grounding import NOTHING, THRESHOLDS, StoryBoxes, score_story
from tasks.evaluation.hallucination import StoryHallucinations, count_hallucinations
from tasks.evaluation.identity import score_identity
from tasks.evaluation.language import StoryWords, compare_words
from tasks.evaluation.reading import KINDS, ReadSample, read_sample
from tasks.evaluation.sample import Sample
from tasks.evaluation.tags import score_tags
from tasks.evaluation.words import split_words

TOGETHER = {**{kind: (kind,) for kind in KINDS}, "all": tuple(KINDS)}
"""Groups of kinds that boxes are scored in."""

IDENTITY_KINDS = ("char", "obj")
LASTING = PERSISTENCE[-1]
"""Frames from which an entity counts as lasting."""

PRONOUN_GROUPS = ("any", "person1", "person2", "person3", *PRONOUNS)

Sums = dict[str, float]


@dataclass(frozen=True, slots=True)
class StoryTally:
    """A scored story: its words as they are given to METEOR, its sums, and the words in it for things nobody saw."""

    story_id: str
    film: str
    told: str
    truth: str
    sums: Mapping[str, float]
    invented: tuple[str, ...] = ()


def tally_story(sample: Sample) -> StoryTally:
    """Score one story in every way but METEOR."""
    read = read_sample(sample)
    boxes = score_story(read)
    told, truth = _words(sample)
    sums: Sums = {"stories": 1.0}
    sums |= _format(sample, read)
    sums |= _boxes(boxes)
    sums |= _identity(read, boxes)
    sums |= _tags(read, boxes)
    sums |= _telling(read)
    sums |= _language(compare_words(told, truth))
    made_up = count_hallucinations(read, boxes, told, truth)
    sums |= _hallucinations(made_up)
    reference = sample.reference
    return StoryTally(reference.story_id, reference.film, " ".join(told), " ".join(truth), sums, made_up.named)


def _words(sample: Sample) -> tuple[list[str], list[str]]:
    told = split_output(sample.output)[1] if sample.output is not None else ""
    return split_words(strip_tags(told)), split_words(strip_tags(sample.reference.story))


def _format(sample: Sample, read: ReadSample) -> Sums:
    return {
        "format.answered": float(sample.output is not None),
        "format.readable": float(read.told is not None),
        **{f"format.{level}": float(holds) for level, holds in read.well_formed.items()},
    }


def _boxes(boxes: StoryBoxes) -> Sums:
    sums: Sums = {}
    for group, kinds in TOGETHER.items():
        own = [sum((boxes.counts[kind][at] for kind in kinds), NOTHING) for at in range(len(THRESHOLDS))]
        first = own[0]
        sums |= {f"boxes.{group}.hits.{at}": float(count.hits) for at, count in enumerate(own)}
        sums |= {
            f"boxes.{group}.told": float(first.told),
            f"boxes.{group}.truth": float(first.truth),
            f"boxes.{group}.stories": float(first.told > 0 or first.truth > 0),
            f"boxes.{group}.precision": first.precision,
            f"boxes.{group}.recall": first.recall,
            f"boxes.{group}.f1": first.f1,
        }
    return sums


def _identity(read: ReadSample, boxes: StoryBoxes) -> Sums:
    sums: Sums = {}
    for kind in IDENTITY_KINDS:
        story = score_identity(read, boxes, kind)
        sums |= {
            f"identity.{kind}.stories": float(story.idf1 is not None),
            f"identity.{kind}.idf1": story.idf1 or 0.0,
            f"identity.{kind}.ass_a": story.ass_a or 0.0,
            # Ids of different stories are different entities, so that B-cubed of all stories is a weighted mean.
            f"identity.{kind}.bcubed_precision": story.bcubed.precision * story.matched,
            f"identity.{kind}.bcubed_recall": story.bcubed.recall * story.matched,
            f"identity.{kind}.matched": float(story.matched),
        }
    return sums


def _tags(read: ReadSample, boxes: StoryBoxes) -> Sums:
    story = score_tags(read, boxes)
    sums: Sums = {"tags.valid": float(story.valid), "tags.count": float(story.tags)}
    for kind in ("gdo", "gda", "gdl", "all"):
        count = sum(story.mentions.values(), NOTHING) if kind == "all" else story.mentions[kind]
        sums |= {
            f"tags.{kind}.hits": float(count.hits),
            f"tags.{kind}.told": float(count.told),
            f"tags.{kind}.truth": float(count.truth),
        }
    return sums


def _telling(read: ReadSample) -> Sums:
    """What the answer's own text is like: pronouns and whether they are tagged, how long its entities last."""
    counted = DatasetStatistics()
    if read.told is not None:
        counted.add(read.told.cot, read.told.story, len(read.reference.frames))
    sums: Sums = dict.fromkeys((f"pronouns.{word}.{part}" for word in PRONOUN_GROUPS for part in ("all", "bare")), 0.0)
    for part, counter in (("all", counted.pronouns), ("bare", counted.untagged)):
        for (word, _, person), count in counter.items():
            for group in ("any", f"person{person}", word):
                sums[f"pronouns.{group}.{part}"] += count
    for kind in IDENTITY_KINDS:
        spans = {frames: count for (of, frames), count in counted.spans.items() if of == kind}
        sums[f"lasting.{kind}.all"] = float(sum(spans.values()))
        sums[f"lasting.{kind}.long"] = float(sum(count for frames, count in spans.items() if frames >= LASTING))
    sums["words"] = float(counted.words)
    return sums


def _hallucinations(story: StoryHallucinations) -> Sums:
    return {
        "hallucination.things": float(story.things),
        "hallucination.invented": float(story.invented),
        "hallucination.stories": float(story.invented > 0),
        "hallucination.mentions": float(story.mentions),
        "hallucination.unfounded": float(story.unfounded),
    }


def _language(words: StoryWords) -> Sums:
    return {
        **{f"language.hits.{at}": float(count) for at, count in enumerate(words.hits)},
        **{f"language.guesses.{at}": float(count) for at, count in enumerate(words.guesses)},
        "language.told": float(words.told),
        "language.truth": float(words.truth),
        "language.rouge_l": words.rouge,
    }
