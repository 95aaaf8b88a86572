"""Labels by hand: who stands where in some frames, and which detections those are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from schemas.errors import ConfigError
from schemas.geometry import Box

MATCH = 0.3
"""Overlap from which a detection is the labelled one."""

INSIDE = 0.6
"""Share of a labelled face that lies in a body without a face of its own, for the two to belong together."""


@dataclass(frozen=True, slots=True)
class LabelledPerson:
    """A person in a frame: a name, and a box in pixels around the face or the body."""

    name: str
    part: Literal["face", "body"]
    box: Box


def parse_labels(text: str) -> dict[str, tuple[LabelledPerson, ...]]:
    """Read labels: a JSON list of ``{"frame": NAME, "people": [{"person": NAME, "face_box": [x1, y1, x2, y2]}, ...]}``.

    ``box`` in place of ``face_box`` gives the body; ``people_left_to_right`` is another name for ``people``.

    Returns:
        People by the frame's name without its ending.

    Raises:
        ConfigError: the text is not that, or a frame occurs twice.
    """
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"labels are not JSON: {error}") from error
    if not isinstance(entries, list):
        raise ConfigError("labels must be a JSON list with an entry for each frame")
    labels: dict[str, tuple[LabelledPerson, ...]] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            frame = PurePath(entry["frame"]).stem
            people = entry["people"] if "people" in entry else entry["people_left_to_right"]
            found = tuple(_person(person) for person in people)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"entry {number} of the labels is not a frame with people ({error!r})") from error
        if frame in labels:
            raise ConfigError(f"frame {frame!r} is labelled twice")
        labels[frame] = found
    return labels


def _person(value: Mapping[str, Any]) -> LabelledPerson:
    part: Literal["face", "body"] = "face" if "face_box" in value else "body"
    x1, y1, x2, y2 = (float(side) for side in value["face_box" if part == "face" else "box"])
    if not (x1 < x2 and y1 < y2):
        raise ValueError(f"box {x1:g},{y1:g},{x2:g},{y2:g} is empty")
    return LabelledPerson(str(value["person"]), part, Box(x1, y1, x2, y2))


def match_people(
    people: Sequence[LabelledPerson], bodies: Sequence[Box], faces: Sequence[Box | None]
) -> list[int | None]:
    """For each labelled person of a frame the detection that is it, or None; best overlap first, nobody twice.

    Args:
        people: labels of the frame.
        bodies: boxes of the detected people.
        faces: for each of them the box of the face, or None.
    """
    candidates = sorted(
        (-_overlap(person, body, face), label, found)
        for label, person in enumerate(people)
        for found, (body, face) in enumerate(zip(bodies, faces, strict=True))
    )
    matched: list[int | None] = [None] * len(people)
    taken: set[int] = set()
    for score, label, found in candidates:
        if score < 0 and matched[label] is None and found not in taken:
            matched[label] = found
            taken.add(found)
    return matched


def _overlap(person: LabelledPerson, body: Box, face: Box | None) -> float:
    """How well a detection fits a label; 0 when it does not."""
    if person.part == "body":
        overlap = person.box.iou(body)
        return overlap if overlap >= MATCH else 0.0
    if face is not None:
        overlap = person.box.iou(face)
        return overlap if overlap >= MATCH else 0.0
    inside = person.box.intersection(body) / person.box.area
    upper = person.box.centre[1] <= body.y1 + body.height / 2
    return MATCH * inside if inside >= INSIDE and upper else 0.0  # always less than a face that fits
