"""``ground``: nothing invalid is kept.

In: ``DRAFTS``, ``STORIES``, ``ANALYSES``, ``FRAMES`` (sizes). Out: ``GROUNDED``, one row a story that holds, with every tag's
frame, entities and place in the text. Invariants: at the level asked for, the validator finds no fault; every id in the tables
is an entity that was seen in that frame; a story that fails is a dead letter with its first faults.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.arrow import GROUNDED
from schemas.chain_of_thought import parse_chain_of_thought
from schemas.codecs.story_parser import ParsedStory, parse_story
from schemas.config import GroundConfig
from schemas.review_config import StoryReview
from schemas.text import ChainOfThought
from schemas.validation import validate
from tasks.reviews import BAD, ground_settings
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, Row, Stage

SHOWN_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft with the frames it must fit: their ids, sizes in pixels, and the entities seen in each, all in order."""

    row: Row
    film: str
    frame_ids: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    entities: Sequence[frozenset[str]]


def unseen_entities(analysis: ChainOfThought, entities: Sequence[frozenset[str]]) -> list[str]:
    """Table rows whose entity was not seen in their frame, as ``image N: id``."""
    rows = [
        (image.number, entity_id)
        for image in analysis.images
        for entity_id in [row.entity_id for row in image.characters] + [row.entity_id for row in image.objects]
    ]
    return [
        f"image {number}: {entity_id}"
        for number, entity_id in rows
        if not 1 <= number <= len(entities) or entity_id not in entities[number - 1]
    ]


def link_rows(story: ParsedStory) -> list[Row]:
    """Every tag of a story with its frame, kind, entities, words, and where it stands in the text, in order."""
    return [
        {
            "frame": block.number,
            "kind": piece.tag.kind,
            "ids": list(piece.tag.ids),
            "text": piece.tag.text,
            "start": piece.start,
            "end": piece.end,
        }
        for block in story.blocks
        for piece in block.pieces
        if piece.tag is not None
    ]


def ground_shard(
    drafts: Iterable[Draft], params: GroundConfig, reviews: Mapping[str, StoryReview] | None = None
) -> Iterator[Outcome]:
    """Drafts that hold, with their links; the others with what is wrong with them, in the eyes of a person too."""
    for draft in drafts:
        key = draft.row["story_key"]
        review = (reviews or {}).get(key)
        if review is not None and review.bad:
            yield Rejected(key, BAD, review.note)
            continue
        analysis = parse_chain_of_thought(draft.row["chain_of_thought"])
        story = parse_story(draft.row["story"])
        faults = validate(
            analysis, story, frame_count=len(draft.frame_ids), frame_sizes=draft.sizes, level=params.level
        )
        if faults:
            shown = "; ".join(str(fault) for fault in faults[:SHOWN_FAULTS])
            yield Rejected(key, f"invalid ({faults[0].code})", f"{len(faults)} faults: {shown}")
            continue
        unseen = unseen_entities(analysis.value, draft.entities)
        if unseen:
            yield Rejected(key, "unseen entity", f"not found in its frame: {', '.join(unseen[:SHOWN_FAULTS])}")
            continue
        yield Kept(
            {
                "story_key": key,
                "film": draft.film,
                "frame_ids": list(draft.frame_ids),
                "chain_of_thought": draft.row["chain_of_thought"],
                "story": draft.row["story"],
                "links": link_rows(story),
            }
        )


def entities_by_frame(analysis: Row, frames: int) -> list[frozenset[str]]:
    """Ids of the entities seen in each frame of a story."""
    seen: list[set[str]] = [set() for _ in range(frames)]
    for entity in analysis["entities"]:
        for member in entity["members"]:
            seen[member["frame"] - 1].add(entity["entity_id"])
    return [frozenset(ids) for ids in seen]


def _drafts(inputs: Inputs) -> Iterator[Draft]:
    sizes: Mapping[str, tuple[int, int]] = {
        row["frame_id"]: (row["width"], row["height"])
        for row in inputs["ingest"].select(["frame_id", "width", "height"])
    }
    stories = {row["story_key"]: row for row in inputs["sequence"]}
    analyses = {row["story_key"]: row for row in inputs["draft_analysis"].select(["story_key", "entities"])}
    for row in inputs["draft_story"]:
        story = stories[row["story_key"]]
        frame_ids = story["frame_ids"]
        yield Draft(
            row=row,
            film=story["film"],
            frame_ids=frame_ids,
            sizes=[sizes[frame_id] for frame_id in frame_ids],
            entities=entities_by_frame(analyses[row["story_key"]], len(frame_ids)),
        )


def _run(inputs: Inputs) -> Iterator[Outcome]:
    config = inputs.run.config
    return ground_shard(_drafts(inputs), config.ground, config.review.of(inputs.ref.shard))


STAGE = Stage(
    name="ground",
    version=1,
    unit="story",
    schema=GROUNDED,
    inputs=("draft_story", "draft_analysis", "sequence", "ingest"),
    section="ground",
    run=_run,
    settings=ground_settings,
)
