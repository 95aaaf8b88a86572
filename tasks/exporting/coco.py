"""The detections as COCO JSON, one file a split, written as the stories come.

Images are named as in the ``images`` column and stand in the order of the dataset; ``id`` counts from 1. Categories are all
labels of the dataset, sorted, and the same in both files. Beside COCO's own fields an image has ``film``, ``scene`` and
``story_id``, an annotation ``score``, ``det_id`` and ``entity_id``; ``segmentation`` is COCO's run-length code where the
detector gave masks.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

from tasks.exporting.rows import image_name
from tasks.exporting.stories import ExportedStory
from tasks.models.rle import mask_area
from tasks.runtime.stage import Row, RunSpec, ShardRef

FOLDER = "coco"
PERSON = "person"


def read_labels(run: RunSpec, refs: Iterable[ShardRef]) -> list[str]:
    """The labels of everything that was found in frames of kept stories, sorted."""
    labels: set[str] = set()
    for ref in refs:
        wanted = {name for row in _select(run, ref, "ground", ["frame_ids"]) for name in row["frame_ids"]}
        if not wanted:
            continue
        rows = _select(run, ref, "faces", ["frame_id", "detections"])
        labels.update(d["label"] for row in rows if row["frame_id"] in wanted for d in row["detections"])
        labels.update(
            d["label"] for row in _select(run, ref, "draft_analysis", ["detections"]) for d in row["detections"]
        )
    return sorted(labels)


def _select(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()


class CocoWriter:
    """Writes the detections of one split; annotations wait in a file of their own until the images are all written."""

    def __init__(self, folder: Path, split: str, labels: Iterable[str], licences: Mapping[str, str]) -> None:
        """Write ``folder/coco/<split>.json``; ``licences`` gives the licence of each film, empty where there is none."""
        self._path = folder / FOLDER / f"{split}.json"
        self._split = split
        self._categories = {label: number for number, label in enumerate(labels, start=1)}
        self._licences = {name: number for number, name in enumerate(sorted({*licences.values()} - {""}), start=1)}
        self._licence_of = licences
        self._images = self._annotations = 0

    def __enter__(self) -> Self:
        """Begin the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._out: IO[str] = self._path.open("w", encoding="utf-8")
        self._waiting: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._path.parent)
        head = {
            "info": {"description": f"Detections of the {self._split} split", "version": "1.0"},
            "licenses": [{"id": number, "name": name, "url": ""} for name, number in self._licences.items()],
            "categories": [
                {"id": number, "name": label, "supercategory": PERSON if label == PERSON else "thing"}
                for label, number in self._categories.items()
            ],
        }
        self._out.write(_dump(head)[:-1] + ',"images":[')
        return self

    def write(self, story: ExportedStory, story_id: str) -> None:
        """Add the frames of a story and what was found in them."""
        seen = {
            (member["frame"], member["det_id"]): entity["entity_id"]
            for entity in story.analysis["entities"]
            for member in entity["members"]
        }
        licence = self._licences.get(self._licence_of.get(story.film, ""))
        for number, (frame, detections) in enumerate(zip(story.frames, story.detections, strict=True), start=1):
            self._images += 1
            image: dict[str, Any] = {
                "id": self._images,
                "file_name": image_name(frame),
                "width": frame["width"],
                "height": frame["height"],
                "film": story.film,
                "scene": frame["scene"],
                "story_id": story_id,
            }
            if licence is not None:
                image["license"] = licence
            self._out.write(("," if self._images > 1 else "") + "\n" + _dump(image))
            for detection in detections:
                self._annotations += 1
                entity_id = seen.get((number, detection["det_id"]), "")
                entry = self._annotation(frame, detection, entity_id)
                self._waiting.write(("," if self._annotations > 1 else "") + "\n" + _dump(entry))

    def _annotation(self, frame: Row, detection: Row, entity_id: str) -> dict[str, Any]:
        width, height = (round(detection[f"{a}2"] - detection[f"{a}1"], 2) for a in "xy")
        mask: bytes = detection.get("mask") or b""
        segmentation = {"size": [frame["height"], frame["width"]], "counts": mask.decode("ascii")} if mask else []
        return {
            "id": self._annotations,
            "image_id": self._images,
            "category_id": self._categories[detection["label"]],
            "bbox": [round(detection["x1"], 2), round(detection["y1"], 2), width, height],
            "area": round(mask_area(mask) if mask else width * height, 2),
            "iscrowd": 0,
            "segmentation": segmentation,
            "score": round(detection["score"], 4),
            "det_id": detection["det_id"],
            "entity_id": entity_id,
        }

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Put the annotations behind the images, and close."""
        with self._out, self._waiting:
            if kind is None:
                self._out.write('\n],"annotations":[')
                self._waiting.seek(0)
                shutil.copyfileobj(self._waiting, self._out)
                self._out.write("\n]}\n")


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
