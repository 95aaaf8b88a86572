"""``reidentify``: one entity for each person or thing over the frames of a film, named within each story.

In: ``FRAMES`` (hashes), ``PEOPLE``, ``STORIES``, ``APPEARANCE``. Out: ``IDENTITIES``, one row a story. Invariants: two
detections of a frame are one entity only when one repeats the other; ids count from 1 by first appearance in the story;
``gallery_id`` is the same for an entity in every story of the shard; independent of batch size and hash seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.arrow import IDENTITIES
from schemas.config import BuildConfig, ReidentifyConfig
from schemas.evidence import EntityKind
from schemas.review_config import StoryReview
from tasks.detect import PERSON
from tasks.identity.calibration import Calibration, load_calibration
from tasks.identity.identify import Identities, identify
from tasks.identity.numbering import number_entities
from tasks.identity.observation import Observation
from tasks.reviews import correct_identities, identity_settings
from tasks.rows import Detection, read_detection, read_face, unpack_embedding
from tasks.runtime.keys import content_key
from tasks.runtime.stage import Inputs, Kept, Outcome, Row, Stage


@dataclass(frozen=True, slots=True)
class StoryFrames:
    """A story and the span ``[start, end)`` of its observations."""

    row: Row
    start: int
    end: int


def kind_of(detection: Detection) -> EntityKind:
    """What a detection would be as an entity: a person, a landmark, a part of the background, or a thing."""
    if detection.origin in ("stuff", "landmark"):
        return "bg" if detection.origin == "stuff" else "lm"
    return "char" if detection.label == PERSON else "obj"


def observe(frame: int, scene: str, facts: Row, people: Row, looks: Row) -> list[Observation]:
    """What identity is told of one frame; ``frame`` is its position in the film."""
    faces = {face.det_id: face for face in map(read_face, people["faces"])}
    tags = tuple((tag["label"], tag["score"]) for tag in looks["tags"])
    crops = {crop["det_id"]: unpack_embedding(crop["embedding"]) for crop in looks["crops"]}
    found = []
    for detection in map(read_detection, people["detections"]):
        face = faces.get(detection.det_id)
        found.append(
            Observation(
                frame=frame,
                scene=scene,
                det_id=detection.det_id,
                kind=kind_of(detection),
                label=detection.label,
                score=detection.score,
                box=detection.box,
                frame_width=facts["width"],
                frame_height=facts["height"],
                face=face.embedding if face else None,
                face_quality=face.quality if face else 0.0,
                appearance=crops[detection.det_id],
                frame_hash=facts["phash"],
                tags=tags,
            )
        )
    return found


def reidentify_shard(
    stories: Sequence[StoryFrames],
    observations: Sequence[Observation],
    params: ReidentifyConfig,
    calibration: Calibration,
    reviews: Mapping[str, StoryReview] | None = None,
) -> Iterator[Outcome]:
    """Identities of a shard: found over all its stories at once, corrected by ``reviews``, numbered within each."""
    identities = identify(observations, params, calibration)
    if reviews:
        said = [(reviews[s.row["story_key"]], range(s.start, s.end)) for s in stories if s.row["story_key"] in reviews]
        frame_ids = [frame_id for story in stories for frame_id in story.row["frame_ids"]]
        identities = correct_identities(identities, observations, said, frame_ids)
    gallery = number_entities(observations, identities)
    for story in stories:
        yield Kept(_story_row(story, observations, identities, gallery))


def _story_row(
    story: StoryFrames, observations: Sequence[Observation], identities: Identities, gallery: Sequence[str]
) -> Row:
    own = range(story.start, story.end)
    part = Identities(
        tuple(identities.entity[i] for i in own),
        tuple(identities.confidence[i] for i in own),
        tuple(identities.repeat_of[i] for i in own),
    )
    names = number_entities([observations[i] for i in own], part)
    entities: dict[str, Row] = {}
    first = observations[story.start].frame if story.end > story.start else 0
    for index, name in zip(own, names, strict=True):
        if identities.repeat_of[index] is not None:
            continue
        seen = observations[index]
        entity = entities.setdefault(
            name,
            {"entity_id": name, "gallery_id": gallery[index], "kind": seen.kind, "label": seen.label, "members": []},
        )
        entity["members"].append(
            {
                "frame": seen.frame - first + 1,
                "det_id": seen.det_id,
                "confidence": identities.confidence[index],
            }
        )
    for entity in entities.values():
        members = entity["members"]
        entity["confidence"] = sum(m["confidence"] for m in members) / len(members)
        entity["members"] = sorted(members, key=lambda m: m["frame"])
        entity["label"] = _common_label(entity, observations, story)
    ordered = sorted(entities.values(), key=lambda e: (e["kind"], len(e["entity_id"]), e["entity_id"]))
    return {"story_key": story.row["story_key"], "film": story.row["film"], "entities": ordered}


def _common_label(entity: Row, observations: Sequence[Observation], story: StoryFrames) -> str:
    """The label that most of an entity's views carry, weighted by score; a flip in one frame does not rename it."""
    first = observations[story.start].frame
    own = {(m["frame"] + first - 1, m["det_id"]) for m in entity["members"]}
    weights: dict[str, float] = {}
    for seen in observations[story.start : story.end]:
        if (seen.frame, seen.det_id) in own:
            weights[seen.label] = weights.get(seen.label, 0.0) + seen.score
    return max(sorted(weights), key=lambda label: weights[label])


def gather(inputs: Inputs) -> tuple[list[StoryFrames], list[Observation]]:
    """Stories of a shard and all their observations, frames counted over the shard."""
    facts = {row["frame_id"]: row for row in inputs["ingest"].select(["frame_id", "scene", "width", "height", "phash"])}
    people = {row["frame_id"]: row for row in inputs["faces"]}
    looks = {row["frame_id"]: row for row in inputs["appearance"]}
    stories: list[StoryFrames] = []
    observations: list[Observation] = []
    frame = 0
    for row in inputs["sequence"]:
        start = len(observations)
        for frame_id in row["frame_ids"]:
            observations += observe(frame, facts[frame_id]["scene"], facts[frame_id], people[frame_id], looks[frame_id])
            frame += 1
        stories.append(StoryFrames(row, start, len(observations)))
    return stories, observations


def _models(config: BuildConfig) -> Mapping[str, str]:
    name = config.reidentify.calibration
    return {f"calibration {name}": content_key(load_calibration(name).model_dump(mode="json"))}


def _run(inputs: Inputs) -> Iterator[Outcome]:
    params = inputs.run.config.reidentify
    stories, observations = gather(inputs)
    reviews = inputs.run.config.review.of(inputs.ref.shard)
    return reidentify_shard(stories, observations, params, load_calibration(params.calibration), reviews)


STAGE = Stage(
    name="reidentify",
    version=2,
    unit="story",
    schema=IDENTITIES,
    inputs=("sequence", "appearance", "faces", "ingest"),
    section="reidentify",
    run=_run,
    settings=identity_settings,
    models=_models,
)
