"""From a story back to everything it stands on: frames and their files, what was found in them, who is who, models, requests.

In: a finished workspace and a story's id. Out: JSON-like values. Everything comes from manifests and shards; nothing is made.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from tasks.assembly import AssembledStory, assemble_shard, latest_run
from tasks.runtime.ledger import read_calls
from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.store import Manifest
from tasks.runtime.workspace import Workspace, open_workspace

DRAFTED = ("drafter", "model", "prompt_version", "attempts", "input_tokens", "output_tokens", "cost_usd", "pictures")
CALL = (
    "time",
    "purpose",
    "prompt",
    "model",
    "endpoint",
    "attempt",
    "outcome",
    "finish",
    "input_tokens",
    "output_tokens",
    "seconds",
    "cost_usd",
    "request_key",
)
"""What is told of a call; its text is left out, being as long as the story."""


def trace_story(workspace: Path, wanted: str) -> Row:
    """Everything that is known of where a story comes from.

    Args:
        workspace: the workspace of a finished build.
        wanted: the story's id, or the beginning of it or of its key.

    Raises:
        ConfigError: no story, or several, of that name.
        WorkspaceError: no workspace, or no finished build in it.
        ShardError: a shard that the story stands on cannot be read.
    """
    open_workspace(workspace)
    run, refs, record = latest_run(workspace)
    key = _find_key(record["story_ids"], wanted, workspace)
    ref, story = _find_story(run, refs, key)
    stages = ["plan", *(stage["name"] for stage in record["stages"])]
    found = [run.store.find(stage, ref.shard, ref.keys[stage]) for stage in stages if stage in ref.keys]
    return {
        "story_id": record["story_ids"][key],
        "story_key": key,
        "film": story.film,
        "split": record["dataset"]["films"].get(story.film, ""),
        "shard": ref.shard,
        "run": record["run_id"],
        "source": run.source,
        "frames": [_frame(story, index) for index in range(len(story.frames))],
        "corrections": list(story.analysis.get("corrections", ())),
        "draft": {name: story.draft[name] for name in DRAFTED if name in story.draft},
        "requests": requests_of(workspace, key),
        "stages": [_stage(manifest) for manifest in found if manifest is not None],
    }


def _find_key(story_ids: Mapping[str, str], wanted: str, workspace: Path) -> str:
    exact = [key for key, story_id in story_ids.items() if wanted in (key, story_id)]
    found = exact or [
        key for key, story_id in story_ids.items() if wanted and (key.startswith(wanted) or story_id.startswith(wanted))
    ]
    if not found:
        raise ConfigError(f"no story '{wanted}' in {workspace}: 'storyreasoning inspect {workspace}' lists them")
    if len(found) > 1:
        raise ConfigError(f"'{wanted}' begins the ids of {len(found)} stories in {workspace}: give more digits")
    return found[0]


def _find_story(run: RunSpec, refs: Sequence[ShardRef], key: str) -> tuple[ShardRef, AssembledStory]:
    for ref in refs:
        reader = run.store.read("ground", ref.shard, ref.keys["ground"])
        try:
            there = any(row["story_key"] == key for row in reader.select(["story_key"]))
        finally:
            reader.close()
        if there:
            return ref, next(story for story in assemble_shard(run, ref, images=False) if story.key == key)
    raise ConfigError(f"story {key} is on record but in no shard: run 'storyreasoning build' again")


def _box(row: Mapping[str, Any]) -> list[float]:
    return [round(row[name], 1) for name in ("x1", "y1", "x2", "y2")]


def _frame(story: AssembledStory, index: int) -> Row:
    """A frame, its file, and everything that was found in it with the entity that it became."""
    frame, people, view = story.frames[index], story.people[index], story.evidence.frames[index]
    entities = {entity.det_id: entity for entity in view.entities}
    faces = {face["det_id"]: face for face in people["faces"]}
    detections = []
    for found in people["detections"]:
        row: Row = {name: found[name] for name in ("det_id", "label", "score", "origin")} | {"box": _box(found)}
        face, entity = faces.get(found["det_id"]), entities.pop(found["det_id"], None)
        if face is not None:
            row["face"] = {"score": face["score"], "quality": face["quality"], "box": _box(face)}
        if entity is not None:
            row |= {
                "entity_id": entity.entity_id,
                "gallery_id": entity.gallery_id,
                "confidence": entity.confidence,
            }
        detections.append(row)
    added = [
        {"det_id": e.det_id, "label": e.label, "origin": "drafter", "entity_id": e.entity_id, "score": e.score}
        | {"box": [round(value, 1) for value in (e.box.x1, e.box.y1, e.box.x2, e.box.y2)]}
        for e in entities.values()
    ]
    return {
        "number": view.number,
        "frame_id": frame["frame_id"],
        "scene": frame["scene"],
        "source": frame["source"],
        "sha256": frame["source_sha256"],
        "width": frame["width"],
        "height": frame["height"],
        "reencoded": frame["reencoded"],
        "detections": [*detections, *added],
    }


def requests_of(workspace: Path, key: str) -> list[Row]:
    """Every call of a chat model about a story, whatever came of it, in the order in which they were sent."""
    calls = sorted((call for call in read_calls(Workspace(workspace).ledger) if call.item == key), key=lambda c: c.time)
    return [{name: getattr(call, name) for name in CALL} for call in calls]


def _stage(manifest: Manifest) -> Row:
    """How a shard of the story was made."""
    return {
        "stage": manifest.stage,
        "version": manifest.stage_version,
        "key": manifest.key,
        "inputs": manifest.inputs,
        "params": manifest.params,
        "models": manifest.models,
        "made_in": manifest.run,
        "finished": manifest.finished,
        "software": manifest.software,
        "seconds": manifest.seconds,
    }
