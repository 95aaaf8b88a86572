"""A finished story with everything the stages know of it, for whoever publishes, reports or shows it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import WorkspaceError
from schemas.evidence import StoryEvidence
from tasks.evidence import correct_evidence, gather_evidence
from tasks.gallery import GalleryNames
from tasks.runtime.stage import Inputs, Row, RunSpec, ShardRef
from tasks.runtime.store import ShardReader

STAGES = ("ground", "draft_story", "draft_analysis", "reidentify", "sequence", "appearance", "faces", "ingest")


@dataclass(frozen=True, slots=True)
class AssembledStory:
    """One kept story.

    ``grounded``, ``draft`` and ``analysis`` are its rows of ``GROUNDED``, ``DRAFTS`` and ``ANALYSES``, whose entities
    ``evidence`` tells of; ``frames`` its rows of ``FRAMES`` in order, with the ``image`` bytes only when they were asked for;
    ``people`` its rows of ``PEOPLE`` in order.
    """

    shard: str
    grounded: Row
    draft: Row
    analysis: Row
    evidence: StoryEvidence
    frames: Sequence[Row]
    people: Sequence[Row]

    @property
    def key(self) -> str:
        """The story's key."""
        return str(self.grounded["story_key"])

    @property
    def film(self) -> str:
        """The film it is from."""
        return str(self.grounded["film"])


def assemble_shard(run: RunSpec, ref: ShardRef, images: bool = True) -> Iterator[AssembledStory]:
    """Kept stories of a shard in order; at most one story's images are held at a time.

    Raises:
        ShardError: a shard that the stories stand on cannot be read.
    """
    store = run.store
    readers = {stage: store.read(stage, ref.shard, ref.keys[stage]) for stage in STAGES}
    try:
        grounded = {row["story_key"]: row for row in readers["ground"]}
        if not grounded:
            return
        drafts = {row["story_key"]: row for row in readers["draft_story"]}
        gallery = GalleryNames(run, ref)
        analyses = {row["story_key"]: gallery.apply(row) for row in readers["draft_analysis"]}
        people = {row["frame_id"]: row for row in readers["faces"]}
        frames = _frames_in_order(readers["ingest"], images)
        for evidence in gather_evidence(Inputs(run, ref, readers)):
            row = grounded.get(evidence.story_key)
            if row is None:
                continue
            wanted = set(row["frame_ids"])
            found: dict[str, Row] = {}
            while len(found) < len(wanted):
                frame = next(frames)
                if frame["frame_id"] in wanted:
                    found[frame["frame_id"]] = frame
            yield AssembledStory(
                shard=ref.shard,
                grounded=row,
                draft=drafts[evidence.story_key],
                analysis=analyses[evidence.story_key],
                evidence=correct_evidence(evidence, analyses[evidence.story_key]),
                frames=[found[frame_id] for frame_id in row["frame_ids"]],
                people=[people[frame_id] for frame_id in row["frame_ids"]],
            )
    finally:
        for reader in readers.values():
            reader.close()


def _frames_in_order(reader: ShardReader, images: bool) -> Iterator[Row]:
    names = None if images else [name for name in reader.columns if name != "image"]
    return reader.select(names)


def assign_story_ids(keys: Sequence[str]) -> Mapping[str, str]:
    """``story_id`` of each story: an integer of at most 13 digits that depends on its frames alone.

    It is the first 40 bits of the story's key; of two that agree in them the one with the larger key takes the next free
    number, so that the ids do not depend on the order of ``keys``.
    """
    taken: dict[int, str] = {}
    for key in sorted(keys):
        number = int(key[:10], 16)
        while number in taken:
            number += 1
        taken[number] = key
    return {key: str(number) for number, key in taken.items()}


def latest_run(workspace: Path) -> tuple[RunSpec, list[ShardRef], Row]:
    """The last build of a workspace that came to an end, its shards in order, and its record.

    Raises:
        WorkspaceError: none came to an end yet.
    """
    from schemas.config import BuildConfig
    from tasks.runtime.mirror import origin_of

    path = workspace / "latest.json"
    try:
        record = json.loads(path.read_text())
        config = BuildConfig.model_validate(record["config"])
        run = RunSpec(str(workspace), record["source"], config, remote=origin_of(workspace))
        refs = [ShardRef(r["shard"], r["film"], r["frames"], r["limit"], r["keys"]) for r in record["shards"]]
    except FileNotFoundError as error:
        raise WorkspaceError(
            f"{workspace} holds no finished build: run 'storyreasoning build --workspace {workspace}'"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{path} is damaged ({type(error).__name__}): run 'storyreasoning build' again") from error
    return run, refs, record
