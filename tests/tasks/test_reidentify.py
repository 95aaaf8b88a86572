"""``reidentify`` around the identity engine: what it is told, and how its answer is written down."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.config import BuildConfig, ReidentifyConfig
from schemas.geometry import Box
from tasks.identity.calibration import load_calibration
from tasks.identity.observation import Observation
from tasks.reidentify import STAGE, StoryFrames, observe, reidentify_shard
from tasks.rows import Face, detection_row, face_row, pack_embedding
from tasks.runtime.stage import Kept, Row
from tests.e2e.building import rows

FACTS: Row = {"width": 160, "height": 96, "phash": 5, "scene": "0001"}


def unit(index: int, dimension: int = 8) -> NDArray[np.float32]:
    """A unit vector along one axis."""
    vector = np.zeros(dimension, np.float32)
    vector[index] = 1
    return vector


def frame_rows(*people: tuple[str, str, int]) -> tuple[Row, Row]:
    """Rows of ``PEOPLE`` and ``APPEARANCE``: name, label and identity of each detection, side by side."""
    detections, crops, faces = [], [], []
    for place, (det_id, label, who) in enumerate(people):
        box = Box(place * 40 + 2, 10, place * 40 + 34, 90)
        detections.append(detection_row(det_id, label, 0.9, "detector", box))
        crops.append({"det_id": det_id, "embedding": pack_embedding(unit(who)), "colours": []})
        if label == "person":
            head = Box(box.x1 + 8, 12, box.x1 + 24, 30)
            points = tuple((head.x1 + u, head.y1 + v) for u, v in ((4, 5), (12, 5), (8, 9), (5, 13), (11, 13)))
            faces.append(face_row(Face(det_id, 0.95, 0.9, head, points, unit(who))))
    return {"detections": detections, "faces": faces}, {"crops": crops, "tags": [{"label": "street", "score": 0.75}]}


def test_what_identity_is_told_of_a_frame() -> None:
    people, looks = frame_rows(("d0", "person", 1), ("d1", "chair", 2))
    person, chair = observe(7, "0003", FACTS, people, looks)
    assert (person.frame, person.scene, person.det_id, person.kind, person.label) == (7, "0003", "d0", "char", "person")
    assert person.face is not None
    assert np.array_equal(person.face, unit(1))
    assert person.face_quality == pytest.approx(0.9)
    assert person.appearance is not None
    assert np.array_equal(person.appearance, unit(1))
    assert (person.frame_width, person.frame_height, person.frame_hash) == (160, 96, 5)
    assert (chair.kind, chair.face, chair.face_quality) == ("obj", None, 0.0)
    assert person.tags == chair.tags == (("street", 0.75),)


def test_regions_without_instances_are_background() -> None:
    people, looks = frame_rows(("d0", "wall", 1))
    people["detections"][0]["origin"] = "stuff"
    assert observe(0, "1", FACTS, people, looks)[0].kind == "bg"


def shard(*stories: list[list[tuple[str, str, int]]]) -> list[Row]:
    """Identities of stories given as frames of detections."""
    observations: list[Observation] = []
    spans: list[StoryFrames] = []
    frame = 0
    for number, frames in enumerate(stories):
        start = len(observations)
        for found in frames:
            people, looks = frame_rows(*found)
            observations += observe(frame, f"{number}", {**FACTS, "phash": frame * 0x123456789ABCDEF}, people, looks)
            frame += 1
        spans.append(StoryFrames({"story_key": f"s{number}", "film": "f"}, start, len(observations)))
    calibration = load_calibration("embedded-v2")
    outcomes = list(reidentify_shard(spans, observations, ReidentifyConfig(), calibration))
    return [o.row for o in outcomes if isinstance(o, Kept)]


ANNA, BEN = ("d0", "person", 1), ("d1", "person", 2)


def test_ids_count_by_first_appearance_and_frames_from_one() -> None:
    (row,) = shard([[ANNA], [ANNA, BEN], [BEN, ("d3", "chair", 5)]])
    found = {e["entity_id"]: [(m["frame"], m["det_id"]) for m in e["members"]] for e in row["entities"]}
    assert found == {"char1": [(1, "d0"), (2, "d0")], "char2": [(2, "d1"), (3, "d1")], "obj1": [(3, "d3")]}
    assert (row["story_key"], row["film"]) == ("s0", "f")


def test_each_story_numbers_for_itself_and_the_gallery_holds_over_all() -> None:
    first, second = shard([[ANNA], [ANNA], [BEN]], [[BEN], [BEN], [ANNA]])
    names = [{e["gallery_id"]: e["entity_id"] for e in row["entities"]} for row in (first, second)]
    assert names[0] == {"char1": "char1", "char2": "char2"}
    assert names[1] == {"char2": "char1", "char1": "char2"}


def test_the_label_that_most_views_carry_wins() -> None:
    """A truck in one frame is the car of the others, and does not rename it."""
    (row,) = shard([[("d0", label, 3)] for label in ("car", "truck", "car")])
    (entity,) = row["entities"]
    assert (entity["entity_id"], entity["label"], len(entity["members"])) == ("obj1", "car", 3)


def test_confidence_of_an_entity_is_the_mean_of_its_views() -> None:
    (row,) = shard([[ANNA, BEN], [ANNA, BEN], [ANNA]])
    for entity in row["entities"]:
        views = [m["confidence"] for m in entity["members"]]
        assert all(0 <= value <= 1 for value in views)
        assert entity["confidence"] == pytest.approx(sum(views) / len(views))


def test_no_stories() -> None:
    assert shard() == []


def test_two_of_a_frame_are_never_the_same(finished: tuple[Path, Path]) -> None:
    for row in rows(finished[1]):
        for entity in row["entities"]:
            frames = [m["frame"] for m in entity["members"]]
            assert len(set(frames)) == len(frames)
        everyone = [(m["frame"], m["det_id"]) for e in row["entities"] for m in e["members"]]
        assert len(set(everyone)) == len(everyone)


def test_the_calibration_is_part_of_the_key() -> None:
    assert STAGE.models is not None
    (name,) = STAGE.models(BuildConfig())
    assert name == "calibration embedded-v2"
