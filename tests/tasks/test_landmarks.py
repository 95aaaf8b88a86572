"""``landmarks``: what counts as one, and that it goes through the pipeline under an ``lm`` id."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from schemas.arrow import DETECTIONS
from schemas.geometry import Box
from schemas.landmarks_config import LandmarksConfig
from tasks.landmarks import choose_landmarks, landmarks_shard
from tasks.models.landmarks.landmark import RawLandmark
from tasks.runtime.stage import Kept
from tests import fakes
from tests.e2e.building import build, rows
from tests.painted_films import write_film

CONFIG = LandmarksConfig(model="google-vision")


@dataclass
class Tower:
    """Sees one tower in the upper half of every frame, and something unlikely."""

    name: str = "towers"
    digest: str = "0" * 64

    def recognise(self, images: Sequence[Any]) -> list[list[RawLandmark]]:
        return [
            [
                RawLandmark("Eiffel Tower", 0.9, Box(0, 0, image.shape[1], image.shape[0] / 2)),
                RawLandmark("Kremlin", 0.2, Box(0, 0, 9, 9)),
            ]
            for image in images
        ]


def test_what_is_unlikely_empty_unnamed_or_said_twice_does_not_count() -> None:
    box = Box(1, 2, 30, 40)
    found = [
        RawLandmark("Big\u202e Ben", 0.9, box),
        RawLandmark("big ben", 0.8, box),
        RawLandmark("Person", 0.8, box),
        RawLandmark("  ", 0.8, box),
        RawLandmark("Louvre", 0.7, Box(5, 5, 5, 9)),
        RawLandmark("Kremlin", 0.49, box),
        RawLandmark("Colosseum", 0.6, box),
    ]
    assert [one.name for one in choose_landmarks(found, CONFIG)] == ["Big Ben", "Colosseum"]


def test_every_frame_has_a_row() -> None:
    frames = [(f"f{n}", np.zeros((20, 30, 3), np.uint8)) for n in range(5)]
    found = list(landmarks_shard(frames, LandmarksConfig(model="google-vision", batch=2), Tower()))
    assert all(isinstance(one, Kept) for one in found)
    kept = [one.row for one in found if isinstance(one, Kept)]
    assert [row["frame_id"] for row in kept] == [f"f{n}" for n in range(5)]
    assert all(list(row) == DETECTIONS.names for row in kept)
    assert [(d["label"], d["origin"], d["y2"]) for d in kept[3]["detections"]] == [("Eiffel Tower", "landmark", 10.0)]


def test_a_landmark_is_one_entity_from_detection_to_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)
    monkeypatch.setattr("tasks.landmarks.create_landmark_model", lambda config: Tower())
    write_film(tmp_path / "films", "heat", {1: 5, 2: 4})
    built = build(tmp_path / "films", tmp_path / "w", landmarks={"model": "google-vision"})
    assert built.summary.stories == 2
    for row in rows(tmp_path / "w"):
        landmarks = [entity for entity in row["entities"] if entity["kind"] == "lm"]
        assert [(one["entity_id"], one["label"]) for one in landmarks] == [("lm1", "Eiffel Tower")]
        assert [member["frame"] for member in landmarks[0]["members"]] == [frame["number"] for frame in row["frames"]]
        assert {d["label"] for d in row["detections"] if d["origin"] == "landmark"} == {"Eiffel Tower"}
        assert {"stage": "landmarks", "name": "towers", "sha256": "0" * 64} in row["models"]


def test_without_a_model_nothing_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)
    write_film(tmp_path / "films", "heat", {1: 5})
    build(tmp_path / "films", tmp_path / "w")
    (row,) = rows(tmp_path / "w")
    assert {d["origin"] for d in row["detections"]} <= {"detector", "face"}
