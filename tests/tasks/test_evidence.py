"""Evidence: what the stages measured, put together frame by frame."""

from dataclasses import asdict
from pathlib import Path

import pytest

from schemas.evidence import StoryEvidence
from tasks.assembly import latest_run
from tasks.evidence import STAGES, correct_evidence, gather_evidence, gather_images, view_frame
from tasks.rows import detection_row
from tasks.runtime.stage import Inputs, Row
from tests.e2e.building import rows

FACTS: Row = {"frame_id": "f", "scene": "0001", "width": 100, "height": 50}
FACTS |= {"luma": 0.5, "contrast": 0.2, "saturation": 0.1, "warmth": -0.1}


def test_a_detection_without_entity_is_no_evidence() -> None:
    from schemas.geometry import Box

    box = Box(1, 2, 30, 40)
    people: Row = {"detections": [detection_row(n, "person", 0.9, "detector", box) for n in ("d0", "d1")], "faces": []}
    colours = [{"name": "red", "share": 0.75}]
    looks: Row = {
        "crops": [{"det_id": n, "embedding": b"", "colours": colours} for n in ("d0", "d1")],
        "tags": [{"label": "library", "score": 0.5}],
    }
    entity: Row = {"entity_id": "char1", "kind": "char", "label": "person", "gallery_id": "char7"}
    view = view_frame(3, FACTS, people, looks, {"d1": (entity, 0.625)})
    assert (view.number, view.frame_id, view.scene, view.width, view.height) == (3, "f", "0001", 100, 50)
    assert asdict(view.light) == {"luma": 0.5, "contrast": 0.2, "saturation": 0.1, "warmth": -0.1}
    assert view.tags == (("library", 0.5),)
    (seen,) = view.entities
    assert (seen.entity_id, seen.det_id, seen.box, seen.confidence, seen.gallery_id) == (
        "char1",
        "d1",
        box,
        0.625,
        "char7",
    )
    assert seen.colours == (("red", 0.75),)
    assert seen.face is None


def test_evidence_of_every_story_agrees_with_what_is_published(finished: tuple[Path, Path]) -> None:
    run, refs, _ = latest_run(finished[1])
    published = {row["story_key"]: row for row in rows(finished[1])}
    met = 0
    for ref in refs:
        readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGES}
        for evidence in gather_evidence(Inputs(run, ref, readers)):
            met += 1
            row = published[evidence.story_key]
            assert [view.frame_id for view in evidence.frames] == [f["frame_id"] for f in row["frames"]]
            assert [view.number for view in evidence.frames] == list(range(1, len(evidence.frames) + 1))
            linked = {(m["frame"], m["det_id"], e["entity_id"]) for e in row["entities"] for m in e["members"]}
            seen = {(v.number, e.det_id, e.entity_id) for v in evidence.frames for e in v.entities}
            assert seen == linked
            people = [e for v in evidence.frames for e in v.entities if e.kind == "char"]
            assert people
            assert all(e.face is not None for e in people), "every painted person shows a face"
        for reader in readers.values():
            reader.close()
    assert met == len(published)


def test_evidence_needs_the_stages_that_it_names() -> None:
    assert set(STAGES) == {"reidentify", "sequence", "appearance", "faces", "ingest"}
    with pytest.raises(KeyError):
        view_frame(1, FACTS, {"detections": [], "faces": []}, {}, {})


@pytest.mark.parametrize("wanted", [True, False])
def test_images_come_story_by_story_in_the_order_of_their_frames(wanted: bool, finished: tuple[Path, Path]) -> None:
    run, refs, _ = latest_run(finished[1])
    for ref in refs:
        readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGES}
        sources = {row["frame_id"]: row["source"] for row in readers["ingest"].select(["frame_id", "source"])}
        stories = list(readers["sequence"])
        found = list(gather_images(Inputs(run, ref, readers), wanted))
        assert len(found) == len(stories)
        for images, story in zip(found, stories, strict=True):
            expected = {
                n: (finished[0] / sources[one]).read_bytes() for n, one in enumerate(story["frame_ids"], start=1)
            }
            assert images == (expected if wanted else {})


def test_a_correction_changes_who_is_seen_and_adds_what_was_missed() -> None:
    from schemas.geometry import Box

    box = Box(1, 2, 30, 40)
    people: Row = {"detections": [detection_row(n, "person", 0.9, "detector", box) for n in ("d0", "d1")], "faces": []}
    crops = [{"det_id": n, "embedding": b"", "colours": [{"name": "red", "share": 0.75}]} for n in ("d0", "d1")]
    entities = {
        n: ({"entity_id": f"char{n[1]}", "kind": "char", "label": "person", "gallery_id": ""}, 0.5)
        for n in ("d0", "d1")
    }
    view = view_frame(1, FACTS, people, {"crops": crops, "tags": []}, entities)
    member = {"frame": 1, "confidence": 0.25}
    analysis: Row = {
        "entities": [
            {
                "entity_id": "char1",
                "kind": "char",
                "label": "person",
                "gallery_id": "g",
                "members": [{**member, "det_id": "d1"}],
            },
            {
                "entity_id": "obj1",
                "kind": "obj",
                "label": "lamp",
                "gallery_id": "",
                "members": [{**member, "det_id": "m"}],
            },
        ],
        "detections": [{"frame": 1, **detection_row("m", "lamp", 0.5, "drafter", Box(5, 6, 9, 9))}],
    }
    (frame,) = correct_evidence(StoryEvidence("k", "heat", (view,)), analysis).frames
    seen = [
        (one.entity_id, one.det_id, one.label, one.confidence, one.gallery_id, one.colours) for one in frame.entities
    ]
    assert seen == [("char1", "d1", "person", 0.25, "g", (("red", 0.75),)), ("obj1", "m", "lamp", 0.25, "", ())]
    assert frame.entities[1].box == Box(5, 6, 9, 9)
