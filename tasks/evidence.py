"""What the stages measured of a story, put together for whoever drafts it."""

from collections.abc import Iterator
from dataclasses import replace

from schemas.evidence import EntityView, FaceView, FrameView, Light, StoryEvidence
from schemas.review_config import StoryReview
from tasks.reviews import find_names
from tasks.rows import box_of, read_detection, read_landmarks
from tasks.runtime.stage import Inputs, Row

STAGES = ("reidentify", "sequence", "appearance", "faces", "ingest")
"""Stages that :func:`gather_evidence` reads."""

_FACTS = ["frame_id", "scene", "width", "height", "luma", "contrast", "saturation", "warmth"]
_PLACE = ("x1", "y1", "x2", "y2")
_PEOPLE = [
    "frame_id",
    *(f"detections.list.element.{name}" for name in ("det_id", "label", "score", "origin", *_PLACE)),
    *(f"faces.list.element.{name}" for name in ("det_id", "score", "quality", *_PLACE, "landmarks")),
]
_LOOKS = ["frame_id", "crops.list.element.det_id", "crops.list.element.colours", "tags"]
"""Columns, by their paths in Parquet: embeddings and masks are most of these tables, and nobody is told of them."""


def gather_evidence(inputs: Inputs) -> Iterator[StoryEvidence]:
    """The evidence of every story of a shard, in order."""
    facts = {row["frame_id"]: row for row in inputs["ingest"].select(_FACTS)}
    people = {row["frame_id"]: row for row in inputs["faces"].select(_PEOPLE)}
    looks = {row["frame_id"]: row for row in inputs["appearance"].select(_LOOKS)}
    identities = {row["story_key"]: row for row in inputs["reidentify"]}
    reviews = inputs.run.config.review.of(inputs.ref.shard)
    for story in inputs["sequence"]:
        seen: dict[int, dict[str, tuple[Row, float]]] = {}
        for entity in identities[story["story_key"]]["entities"]:
            for member in entity["members"]:
                seen.setdefault(member["frame"], {})[member["det_id"]] = (entity, member["confidence"])
        frames = tuple(
            view_frame(number, facts[frame_id], people[frame_id], looks[frame_id], seen.get(number, {}))
            for number, frame_id in enumerate(story["frame_ids"], start=1)
        )
        if story["story_key"] in reviews:
            frames = name_entities(frames, reviews[story["story_key"]])
        yield StoryEvidence(story["story_key"], story["film"], frames)


def name_entities(frames: tuple[FrameView, ...], review: StoryReview) -> tuple[FrameView, ...]:
    """Frames whose entities have the names that people gave them."""
    seen = {(frame.frame_id, view.det_id): view.entity_id for frame in frames for view in frame.entities}
    names = find_names(review, seen)
    return tuple(
        replace(frame, entities=tuple(replace(v, name=names.get(v.entity_id, "")) for v in frame.entities))
        for frame in frames
    )


def gather_images(inputs: Inputs, wanted: bool = True) -> Iterator[dict[int, bytes]]:
    """The bytes of the frames of every story of a shard by number, in order; not ``wanted``, there are none.

    A row group of frames is held at a time, and each is read once: stories stand in the order of their frames.
    """
    frames = inputs["ingest"].select(["frame_id", "image"]) if wanted else iter(())
    for story in inputs["sequence"]:
        missing = {frame_id: number for number, frame_id in enumerate(story["frame_ids"], start=1)} if wanted else {}
        found: dict[int, bytes] = {}
        while missing:
            row = next(frames)
            if row["frame_id"] in missing:
                found[missing.pop(row["frame_id"])] = row["image"]
        yield found


def correct_evidence(evidence: StoryEvidence, analysis: Row) -> StoryEvidence:
    """The evidence of a story with the entities of its row of ``ANALYSES`` in place of those that re-identification found.

    Views keep their order; what the drafter added stands behind them.
    """
    links: dict[int, dict[str, tuple[Row, float]]] = {}
    for entity in analysis["entities"]:
        for member in entity["members"]:
            links.setdefault(member["frame"], {})[member["det_id"]] = (entity, member["confidence"])
    added: dict[int, list[Row]] = {}
    for detection in analysis["detections"]:
        added.setdefault(detection["frame"], []).append(detection)
    frames = []
    for frame in evidence.frames:
        seen = links.get(frame.number, {})
        views = [_link(view, *seen[view.det_id]) for view in frame.entities if view.det_id in seen]
        views += [_link(_added_view(row), *seen[row["det_id"]]) for row in added.get(frame.number, [])]
        frames.append(replace(frame, entities=tuple(views)))
    return replace(evidence, frames=tuple(frames))


def _link(view: EntityView, entity: Row, confidence: float) -> EntityView:
    return replace(
        view,
        entity_id=entity["entity_id"],
        kind=entity["kind"],
        label=entity["label"],
        confidence=confidence,
        gallery_id=entity["gallery_id"],
    )


def _added_view(row: Row) -> EntityView:
    return EntityView("", "obj", row["label"], row["det_id"], box_of(row), row["score"], 0.0, (), None)


def _view_face(row: Row) -> FaceView:
    return FaceView(box_of(row), row["score"], row["quality"], read_landmarks(row))


def view_frame(number: int, facts: Row, people: Row, looks: Row, seen: dict[str, tuple[Row, float]]) -> FrameView:
    """One frame; ``seen`` maps a ``det_id`` to its entity and the confidence of that link."""
    faces = {row["det_id"]: _view_face(row) for row in people["faces"]}
    colours = {crop["det_id"]: tuple((c["name"], c["share"]) for c in crop["colours"]) for crop in looks["crops"]}
    entities = []
    for detection in map(read_detection, people["detections"]):
        if detection.det_id not in seen:
            continue
        entity, confidence = seen[detection.det_id]
        entities.append(
            EntityView(
                entity_id=entity["entity_id"],
                kind=entity["kind"],
                label=entity["label"],
                det_id=detection.det_id,
                box=detection.box,
                score=detection.score,
                confidence=confidence,
                colours=colours[detection.det_id],
                face=faces.get(detection.det_id),
                gallery_id=entity["gallery_id"],
            )
        )
    return FrameView(
        number=number,
        frame_id=facts["frame_id"],
        scene=facts["scene"],
        width=facts["width"],
        height=facts["height"],
        light=Light(facts["luma"], facts["contrast"], facts["saturation"], facts["warmth"]),
        entities=tuple(entities),
        tags=tuple((tag["label"], tag["score"]) for tag in looks["tags"]),
    )
