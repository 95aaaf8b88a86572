"""Measuring the stories of a dataset, and how the numbers are said to people."""

from collections.abc import Iterator, Mapping, Sequence

from schemas.chain_of_thought import parse_chain_of_thought
from schemas.statistics import PERSISTENCE, DatasetStatistics, Share, Summary
from schemas.story import parse_story
from tasks.dataset_card.facts import DOUBTFUL, IdentityFacts
from tasks.runtime.stage import Row, RunSpec, ShardRef

Line = tuple[str, str]

KIND_NAMES = {"char": "characters", "obj": "objects", "lm": "landmarks", "bg": "background regions"}
TAG_NAMES = {"gdo": "mentions (gdo)", "gda": "actions (gda)", "gdl": "places (gdl)"}


def measure_stories(run: RunSpec, refs: Sequence[ShardRef]) -> Summary:
    """The statistics of all kept stories of a run, read a row group at a time."""
    counts = DatasetStatistics()
    for ref in refs:
        for row in _rows(run, ref, "ground", ["frame_ids", "chain_of_thought", "story"]):
            analysis, story = parse_chain_of_thought(row["chain_of_thought"]), parse_story(row["story"])
            counts.add(analysis, story, len(row["frame_ids"]))
    return counts.summarise()


def measure_identity(run: RunSpec, refs: Sequence[ShardRef]) -> IdentityFacts:
    """How sure re-identification is of the entities of all kept stories; an entity seen once is linked to nothing."""
    entities = linked = links = doubtful = 0
    total = 0.0
    for ref in refs:
        kept = {row["story_key"] for row in _rows(run, ref, "ground", ["story_key"])}
        for row in _rows(run, ref, "reidentify", ["story_key", "entities"]):
            for entity in row["entities"] if row["story_key"] in kept else ():
                confidences = [member["confidence"] for member in entity["members"]]
                entities += 1
                if len(confidences) > 1:
                    linked += 1
                    links += len(confidences)
                    doubtful += sum(value < DOUBTFUL for value in confidences)
                    total += sum(confidences)
    return IdentityFacts(entities, linked, links, doubtful, total / links if links else 0.0)


def describe(summary: Summary) -> Mapping[str, tuple[Line, ...]]:
    """Label and value of each number, by heading; what does not occur is left out."""
    return {
        "Stories": tuple(_stories(summary)),
        "Entities": tuple(_entities(summary)),
        "Grounding": tuple(_grounding(summary)),
        "Narrative": tuple(_narrative(summary)),
    }


def describe_identity(identity: IdentityFacts) -> tuple[Line, ...]:
    """Label and value of each number of :class:`IdentityFacts`."""
    return (
        ("entities", f"{identity.entities:,}"),
        ("of them seen more than once", f"{identity.linked:,}"),
        ("links, mean confidence", f"{identity.mean_confidence:.2f}"),
        (f"links with a confidence below {DOUBTFUL}", share(Share(identity.doubtful, identity.links))),
    )


def share(value: Share) -> str:
    """``12.5 % of 80``."""
    return f"{value.percent:.1f} % of {value.whole:,}"


def _stories(summary: Summary) -> Iterator[Line]:
    yield "stories", f"{summary.stories:,}"
    yield "frames", f"{summary.frames:,}"
    yield "frames per story, mean", f"{summary.frames_mean:.1f}"
    yield "frames per story, most", f"{summary.frames_max}"
    yield "words per story, mean", f"{summary.words_mean:.0f}"


def _entities(summary: Summary) -> Iterator[Line]:
    yield "characters per story, mean", f"{summary.characters_mean:.1f}"
    for kind, name in KIND_NAMES.items():
        if kind in ("char", "obj") or summary.entities_per_image[kind]:
            yield f"{name} per image, mean", f"{summary.entities_per_image[kind]:.2f}"
    yield "settings per image, mean", f"{summary.settings_per_image:.2f}"
    for kind, name in KIND_NAMES.items():
        for least in PERSISTENCE:
            lasting = summary.persistence[kind][least]
            if lasting.whole:
                yield f"{name} in {least} frames of their story or more", share(lasting)


def _grounding(summary: Summary) -> Iterator[Line]:
    for kind, name in TAG_NAMES.items():
        yield f"{name} per story, mean", f"{summary.tags_mean[kind]:.1f}"
    for kind, name in KIND_NAMES.items():
        if summary.references_mean[kind]:
            yield f"references to {name} per story, mean", f"{summary.references_mean[kind]:.1f}"
    yield "mentions of groups per story, mean", f"{summary.group_mentions_mean:.1f}"
    yield "mentions of characters that are pronouns", share(summary.pronoun_references)
    yield "pronouns left ungrounded", share(summary.ungrounded)
    for role, value in summary.ungrounded_by_role.items():
        yield f"{role} pronouns left ungrounded", share(value)
    for word, value in summary.ungrounded_by_word.items():
        yield f"\u201c{word}\u201d left ungrounded", share(value)


def _narrative(summary: Summary) -> Iterator[Line]:
    for phase, images in summary.phase_images.items():
        yield phase, f"{images:,} images, {summary.tags_by_phase[phase]:.1f} tags an image"


def _rows(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()
