"""Identity on labelled real frames, through the whole embedded pipeline; skipped where the labels do not lie beside us."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.build import build
from schemas.config import BuildConfig, SelectConfig
from schemas.geometry import Box
from tasks.assembly import latest_run
from tasks.rows import box_of, read_detection

OFFICE = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "office_film"
pytestmark = pytest.mark.skipif(not OFFICE.is_dir(), reason="the labelled office film is not beside the project")


def labelled() -> Iterator[tuple[str, str, Box]]:
    for entry in json.loads((OFFICE / "labels.json").read_text()):
        for person in entry["people_left_to_right"]:
            yield Path(entry["frame"]).stem, person["person"], Box(*map(float, person["face_box"]))


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str | None, str]]:
    """For each labelled face: the person, the film-wide entity of the detection that has it (or None), and the frame."""
    workspace = tmp_path_factory.mktemp("office")
    # Every labelled frame is wanted here, the near-identical ones too.
    config = BuildConfig(select=SelectConfig(duplicate_bits=-1))
    build(str(OFFICE / "frames"), str(workspace / "w"), config, "plain", "embedded", None, 1)
    run, (ref,), _ = latest_run(workspace / "w")

    entity: dict[tuple[str, str], str] = {}
    stories = {
        row["story_key"]: row["frame_ids"] for row in run.store.read("sequence", ref.shard, ref.keys["sequence"])
    }
    for row in run.store.read("reidentify", ref.shard, ref.keys["reidentify"]):
        for found in row["entities"]:
            for member in found["members"]:
                frame_id = stories[row["story_key"]][member["frame"] - 1]
                entity[frame_id, member["det_id"]] = found["gallery_id"]
    sources = {
        Path(row["source"]).stem: row["frame_id"] for row in run.store.read("ingest", ref.shard, ref.keys["ingest"])
    }
    people = {row["frame_id"]: row for row in run.store.read("faces", ref.shard, ref.keys["faces"])}
    matched = []
    for name, person, face in labelled():
        row = people[sources[name]]
        faces = {found["det_id"]: box_of(found) for found in row["faces"]}
        best = max(faces, key=lambda det_id: faces[det_id].iou(face), default="")
        if not best or faces[best].iou(face) < 0.3:
            holders = [
                d for d in map(read_detection, row["detections"]) if d.label == "person" and d.det_id not in faces
            ]
            holders = [d for d in holders if d.box.intersection(face) > 0.8 * face.area]
            best = min(holders, key=lambda d: d.box.area).det_id if holders else ""
        matched.append((person, entity.get((sources[name], best)), name))
    return matched


def test_every_labelled_person_is_found(identities: list[tuple[str, str | None, str]]) -> None:
    assert [entry for entry in identities if entry[1] is None] == []
    assert len(identities) == 78


def test_people_are_kept_apart_and_together(identities: list[tuple[str, str | None, str]]) -> None:
    """B-cubed F1 (Bagga and Baldwin, 1998) over the film, written out here on its own."""
    precision = recall = 0.0
    for person, entity, _ in identities:
        same_entity = [p for p, e, _ in identities if e == entity]
        same_person = [e for p, e, _ in identities if p == person]
        precision += same_entity.count(person) / len(same_entity)
        recall += same_person.count(entity) / len(same_person)
    precision, recall = precision / len(identities), recall / len(identities)
    assert 2 * precision * recall / (precision + recall) >= 0.985


def test_no_frame_has_an_entity_twice(identities: list[tuple[str, str | None, str]]) -> None:
    seen = [(frame, entity) for _, entity, frame in identities]
    assert len(set(seen)) == len(seen)
