"""COCO JSON, read as ``pycocotools`` reads it: indices from images to annotations to categories."""

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.exporting.coco import CocoWriter, read_labels
from tasks.exporting.stories import ExportedStory, read_stories
from tasks.models.rle import encode_mask
from tests.e2e.building import digests
from tests.tasks.report.films import BOXES, HEIGHT, WIDTH, Film, make_run


def stories(root: Path) -> tuple[list[ExportedStory], list[str]]:
    run, refs, _ = make_run(root, [Film(stories=2), Film("quay", stories=1, label="cat"), Film("bare", stories=0)])
    return [story for ref in refs for story in read_stories(run, ref)], read_labels(run, refs)


def write(root: Path, told: list[ExportedStory], labels: list[str]) -> dict[str, Any]:
    with CocoWriter(root, "train", labels, {"harbour": "mit", "quay": ""}) as writer:
        for number, story in enumerate(told):
            writer.write(story, str(number))
    value: dict[str, Any] = json.loads((root / "coco" / "train.json").read_text())
    return value


def test_every_detection_is_an_annotation_of_its_image(tmp_path: Path) -> None:
    told, labels = stories(tmp_path / "w")
    assert labels == ["cat", "lamp", "person"]
    value = write(tmp_path, told, labels)
    images = {image["id"]: image for image in value["images"]}
    categories = {entry["id"]: entry["name"] for entry in value["categories"]}
    by_image = defaultdict(list)
    for one in value["annotations"]:
        by_image[one["image_id"]].append(one)
    assert len(images) == len(value["images"]) == 15
    assert len({one["id"] for one in value["annotations"]}) == len(value["annotations"]) == 24
    assert set(by_image) == set(images)
    first = by_image[1]
    assert [categories[one["category_id"]] for one in first] == ["person", "person", "lamp"]
    for one, box in zip(first, BOXES.values(), strict=True):
        assert one["bbox"] == [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1]
        assert one["area"] == (box.x2 - box.x1) * (box.y2 - box.y1)
    assert [one["entity_id"] for one in first] == ["char1", "char2", "obj1"]
    assert images[1] | {"id": 1} == {
        "id": 1, "file_name": "f_scene_0001_0001.jpg", "width": WIDTH, "height": HEIGHT,
        "film": "harbour", "scene": "0001", "story_id": "0", "license": 1,
    }  # fmt: skip
    assert value["licenses"] == [{"id": 1, "name": "mit", "url": ""}]
    assert "license" not in images[15]


def test_masks_are_run_length_codes(tmp_path: Path) -> None:
    told, labels = stories(tmp_path / "w")
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:20, 30:50] = True
    one = {**told[0].detections[0][0], "mask": encode_mask(mask)}
    value = write(tmp_path, [replace(told[0], detections=[[one], *told[0].detections[1:]])], labels)
    found = value["annotations"][0]
    assert found["area"] == 200
    assert found["segmentation"]["size"] == [HEIGHT, WIDTH]
    assert found["segmentation"]["counts"].encode() == encode_mask(mask)


def test_the_same_stories_are_the_same_bytes_and_none_is_sound_too(tmp_path: Path) -> None:
    told, labels = stories(tmp_path / "w")
    write(tmp_path / "one", told, labels)
    write(tmp_path / "two", told, labels)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    empty = write(tmp_path / "none", [], labels)
    assert (empty["images"], empty["annotations"]) == ([], [])
    assert sorted(path.name for path in (tmp_path / "none" / "coco").iterdir()) == ["train.json"]


def test_a_failing_writer_closes_its_files(tmp_path: Path) -> None:
    told, labels = stories(tmp_path / "w")
    with pytest.raises(ZeroDivisionError), CocoWriter(tmp_path, "train", labels, {}) as writer:
        writer.write(told[0], "0")
        raise ZeroDivisionError
    assert writer._out.closed
