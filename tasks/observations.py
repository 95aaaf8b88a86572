"""What identity saw in a workspace: the observations of each shard, with the faces they were seen by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from schemas.config import BuildConfig
from schemas.geometry import Box
from tasks.assembly import latest_run
from tasks.identity.evaluate import LabelledViews, label_views
from tasks.identity.labels import LabelledPerson
from tasks.identity.observation import Observation
from tasks.reidentify import STAGE, gather
from tasks.rows import box_of
from tasks.runtime.stage import Inputs, RunSpec, ShardRef
from tasks.runtime.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ShardViews:
    """The observations of one shard of a film.

    Attributes:
        film: name of the film.
        shard: name of the shard.
        key: content key of its identities: what they were found by and in.
        frame_ids: id of each frame, by ``Observation.frame``.
        sources: name of each frame where it came from, such as the path of a file.
        observations: in the order in which they are stored.
        faces: for each observation the box of its face in pixels, or None.
    """

    film: str
    shard: str
    key: str
    frame_ids: tuple[str, ...]
    sources: tuple[str, ...]
    observations: tuple[Observation, ...]
    faces: tuple[Box | None, ...]


def load_observations(workspace: Workspace) -> tuple[BuildConfig, list[ShardViews]]:
    """The configuration of the last finished build and what identity saw in each of its shards.

    Raises:
        WorkspaceError: nothing was built yet.
        ShardError: a shard cannot be read.
    """
    run, refs, _ = latest_run(workspace.root)
    return run.config, [load_shard(run, ref) for ref in refs]


def load_shard(run: RunSpec, ref: ShardRef) -> ShardViews:
    """What identity saw in a shard of a build.

    Raises:
        ShardError: it cannot be read.
    """
    store = run.store
    readers = {stage: store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGE.inputs}
    try:
        inputs = Inputs(run, ref, readers)
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
    return ShardViews(ref.film, ref.shard, ref.keys[STAGE.name], frame_ids, named, tuple(observations), faces)


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
