"""What the stages measured of a story, put together for whoever drafts it."""

from collections.abc import Iterator

from schemas.evidence import EntityView, FaceView, FrameView, Light, StoryEvidence
from tasks.rows import read_detection, read_face
from tasks.runtime.stage import Inputs, Row

STAGES = ("reidentify", "sequence", "appearance", "faces", "ingest")
"""Stages that :func:`gather_evidence` reads."""

_FACTS = ["frame_id", "scene", "width", "height", "luma", "contrast", "saturation", "warmth"]


def gather_evidence(inputs: Inputs) -> Iterator[StoryEvidence]:
    """The evidence of every story of a shard, in order."""
    facts = {row["frame_id"]: row for row in inputs["ingest"].select(_FACTS)}
    people = {row["frame_id"]: row for row in inputs["faces"]}
    looks = {row["frame_id"]: row for row in inputs["appearance"]}
    identities = {row["story_key"]: row for row in inputs["reidentify"]}
    for story in inputs["sequence"]:
        seen: dict[int, dict[str, tuple[Row, float]]] = {}
        for entity in identities[story["story_key"]]["entities"]:
            for member in entity["members"]:
                seen.setdefault(member["frame"], {})[member["det_id"]] = (entity, member["confidence"])
        frames = tuple(
            view_frame(number, facts[frame_id], people[frame_id], looks[frame_id], seen.get(number, {}))
            for number, frame_id in enumerate(story["frame_ids"], start=1)
        )
        yield StoryEvidence(story["story_key"], story["film"], frames)


def view_frame(number: int, facts: Row, people: Row, looks: Row, seen: dict[str, tuple[Row, float]]) -> FrameView:
    """One frame; ``seen`` maps a ``det_id`` to its entity and the confidence of that link."""
    faces = {face.det_id: face for face in map(read_face, people["faces"])}
    colours = {crop["det_id"]: tuple((c["name"], c["share"]) for c in crop["colours"]) for crop in looks["crops"]}
    entities = []
    for detection in map(read_detection, people["detections"]):
        if detection.det_id not in seen:
            continue
        entity, confidence = seen[detection.det_id]
        face = faces.get(detection.det_id)
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
                face=FaceView(face.box, face.score, face.quality, face.landmarks) if face else None,
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
