"""What identity saw in a workspace: the observations of each shard, with the faces they were seen by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.config import BuildConfig
from schemas.errors import WorkspaceError
from schemas.geometry import Box
from tasks.identity.evaluate import LabelledViews, label_views
from tasks.identity.labels import LabelledPerson
from tasks.identity.observation import Observation
from tasks.reidentify import gather
from tasks.rows import box_of
from tasks.runtime.stage import Inputs, RunSpec, ShardRef
from tasks.runtime.store import Manifest, ShardStore
from tasks.runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ShardViews:
    """The observations of one shard of a film.

    Attributes:
        film: name of the film.
        frame_ids: id of each frame, by ``Observation.frame``.
        sources: name of each frame where it came from, such as the path of a file.
        observations: in the order in which they are stored.
        faces: for each observation the box of its face in pixels, or None.
    """

    film: str
    frame_ids: tuple[str, ...]
    sources: tuple[str, ...]
    observations: tuple[Observation, ...]
    faces: tuple[Box | None, ...]


def load_config_of(workspace: Workspace) -> BuildConfig:
    """The configuration of the last build.

    Raises:
        WorkspaceError: nothing was built yet.
    """
    try:
        record = json.loads((workspace.root / "latest.json").read_text(encoding="utf-8"))
        return BuildConfig.model_validate(record["config"])
    except (OSError, ValueError, KeyError) as error:
        raise WorkspaceError(f"workspace {workspace.root} has no finished build: run 'storyreasoning build'") from error


def load_observations(workspace: Workspace) -> list[ShardViews]:
    """The observations that the newest identities of each shard were found in.

    Raises:
        WorkspaceError: nothing was built yet.
        ShardError: a shard cannot be read.
    """
    config = load_config_of(workspace)
    store = ShardStore(workspace.shards)
    folder = workspace.shards / "reidentify"
    shards = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    versions = [store.versions("reidentify", shard) for shard in shards]
    return [_load(store, found[-1], config, workspace.root) for found in versions if found]


def _load(store: ShardStore, manifest: Manifest, config: BuildConfig, root: Path) -> ShardViews:
    readers = {stage: store.read(stage, manifest.shard, key) for stage, key in manifest.inputs.items()}
    try:
        run = RunSpec(workspace=str(root), source="", config=config)
        inputs = Inputs(run, ShardRef(manifest.shard, manifest.film, 0), readers)
        _, observations = gather(inputs)
        frame_ids = tuple(frame for row in inputs["sequence"] for frame in row["frame_ids"])
        sources = {row["frame_id"]: row["source"] for row in inputs["ingest"].select(["frame_id", "source"])}
        boxes = {
            (row["frame_id"], face["det_id"]): box_of(face)
            for row in inputs["faces"].select(["frame_id", "faces"])
            for face in row["faces"]
        }
    finally:
        for reader in readers.values():
            reader.close()
    faces = tuple(boxes.get((frame_ids[one.frame], one.det_id)) for one in observations)
    named = tuple(sources[frame] for frame in frame_ids)
    return ShardViews(manifest.film, frame_ids, named, tuple(observations), faces)


def join_labelled(parts: Sequence[ShardViews], labels: Mapping[str, tuple[LabelledPerson, ...]]) -> LabelledViews:
    """The observations of a film's shards one after the other, frames counted on, with what the labels say of them."""
    observations: list[Observation] = []
    faces: list[Box | None] = []
    frames: list[str] = []
    for part in parts:
        observations += [replace(one, frame=one.frame + len(frames)) for one in part.observations]
        faces += part.faces
        frames += part.sources
    return label_views(observations, faces, frames, labels)
