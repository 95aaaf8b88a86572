"""From a story to its files, detections, identities and models: held against the dataset and the painted frames."""

import hashlib
from pathlib import Path

import pytest

from schemas.errors import ConfigError, WorkspaceError
from tasks.trace import trace_story
from tests.e2e.building import manifests, rows


def test_a_story_leads_to_its_files_and_boxes(finished: tuple[Path, Path]) -> None:
    films, workspace = finished
    for row in rows(workspace):
        traced = trace_story(workspace, row["story_id"])
        assert (traced["story_key"], traced["film"], traced["split"]) == (row["story_key"], row["film"], row["split"])
        assert [frame["frame_id"] for frame in traced["frames"]] == [frame["frame_id"] for frame in row["frames"]]
        for frame in traced["frames"]:
            content = (films / frame["source"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == frame["sha256"]
        published = {(d["frame"], d["det_id"]): d for d in row["detections"]}
        found = {(f["number"], d["det_id"]): d for f in traced["frames"] for d in f["detections"]}
        assert found.keys() == published.keys()
        for place, detection in found.items():
            expected = [round(published[place][name], 1) for name in ("x1", "y1", "x2", "y2")]
            assert detection["box"] == expected
            assert detection["label"] == published[place]["label"]


def test_entities_are_those_of_the_dataset(finished: tuple[Path, Path]) -> None:
    for row in rows(finished[1]):
        published = {(m["frame"], m["det_id"]): e["entity_id"] for e in row["entities"] for m in e["members"]}
        traced = trace_story(finished[1], row["story_id"])
        found = {
            (frame["number"], detection["det_id"]): detection["entity_id"]
            for frame in traced["frames"]
            for detection in frame["detections"]
            if "entity_id" in detection
        }
        assert found == published


def test_every_stage_is_there_in_order_with_what_made_it(finished: tuple[Path, Path]) -> None:
    (row, *_) = rows(finished[1])
    traced = trace_story(finished[1], row["story_id"])
    made = {m.stage: m for m in manifests(finished[1]) if m.shard == traced["shard"]}
    assert [stage["stage"] for stage in traced["stages"]] == ["plan", *made]
    for stage in traced["stages"][1:]:
        manifest = made[stage["stage"]]
        assert (stage["key"], stage["models"]) == (manifest.key, manifest.models)
        assert stage["made_in"] == traced["run"]
        for source, key in stage["inputs"].items():
            assert key == next(other["key"] for other in traced["stages"] if other["stage"] == source)
    published = {(m["stage"], m["name"]): m["sha256"] for m in row["models"]}
    traced_models = {(s["stage"], name): d for s in traced["stages"] for name, d in s["models"].items()}
    assert traced_models == published
    assert traced["draft"]["drafter"] == row["drafter"]


def test_the_beginning_of_an_id_or_key_is_enough(finished: tuple[Path, Path]) -> None:
    for row in rows(finished[1]):
        assert trace_story(finished[1], row["story_id"][:8])["story_id"] == row["story_id"]
        assert trace_story(finished[1], row["story_key"][:12])["story_id"] == row["story_id"]


@pytest.mark.parametrize(("wanted", "told"), [("x", "no story 'x'"), ("", "no story ''")])
def test_a_story_that_there_is_not(finished: tuple[Path, Path], wanted: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        trace_story(finished[1], wanted)


def test_an_id_that_begins_several(workspace: Path) -> None:
    import json

    record = json.loads((workspace / "latest.json").read_text())
    record["story_ids"] = {key: f"77{number}" for number, key in enumerate(record["story_ids"])}
    (workspace / "latest.json").write_text(json.dumps(record))
    with pytest.raises(ConfigError, match=f"'77' begins the ids of {len(record['story_ids'])} stories"):
        trace_story(workspace, "77")


def test_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is not a workspace"):
        trace_story(tmp_path, "1")
