"""``gallery_id`` over a whole film: a film that was cut into shards gets one gallery once all of them are done.

In: ``IDENTITIES`` of the shards of a run and what they were found in. Out: ``galleries.json`` in the workspace, the film-wide
name of every entity of every such shard. Invariants: a film of one shard needs none; two entities of a shard stay two; names
count by first appearance in the film; whoever reads the entities of stories gets these names through :class:`GalleryNames`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from schemas.errors import WorkspaceError
from tasks.identity.calibration import load_calibration
from tasks.identity.gallery import join_shards, keep_best
from tasks.identity.observation import Observation
from tasks.reidentify import STAGE, gather
from tasks.runtime.atomic import write_json
from tasks.runtime.keys import natural_key
from tasks.runtime.stage import Inputs, Row, RunSpec, ShardRef

FILE = "galleries.json"
VERSION = 1
"""Raised whenever the same shards would get other names."""


def write_galleries(run: RunSpec, refs: Sequence[ShardRef]) -> None:
    """Name the entities of all films of several shards; films that are named already stay as they are.

    Raises:
        ShardError: a shard cannot be read.
        WorkspaceError: the file cannot be written, or one that is there cannot be read.
    """
    path = Path(run.workspace) / FILE
    films: dict[str, list[ShardRef]] = {}
    for ref in refs:
        films.setdefault(ref.film, []).append(ref)
    cut = {film: shards for film, shards in films.items() if len(shards) > 1}
    standing = _read(path)
    if not cut and not standing:
        return
    named: dict[str, Row] = {}
    for film, shards in cut.items():
        keys = {shard.shard: shard.keys[STAGE.name] for shard in shards}
        known = standing.get(film)
        named[film] = known if known and known["shards"] == keys else {"shards": keys, "names": name_film(run, shards)}
    if named != standing:
        write_json(path, {"version": VERSION, "films": named})


def name_film(run: RunSpec, refs: Sequence[ShardRef]) -> dict[str, dict[str, str]]:
    """For each shard of a film the film-wide name of each ``gallery_id``.

    Raises:
        ShardError: a shard cannot be read.
    """
    shards: list[list[Observation]] = []
    entities: list[list[int]] = []
    numbers: list[tuple[str, str]] = []
    for ref in refs:
        observations, members = _read_shard(run, ref)
        entity = [-1] * len(observations)
        for gallery_id in sorted(members, key=natural_key):
            for index in members[gallery_id]:
                entity[index] = len(numbers)
            numbers.append((ref.shard, gallery_id))
        kept = keep_best(observations, entity)
        shards.append([observations[index] for index in kept])
        entities.append([entity[index] for index in kept])
    params = run.config.reidentify
    same = join_shards(shards, entities, params, load_calibration(params.calibration))
    names: dict[str, dict[str, str]] = {ref.shard: {} for ref in refs}
    counts: dict[str, int] = {}
    for number, (shard, gallery_id) in enumerate(numbers):
        first = same[number]
        if first == number:
            kind = gallery_id.rstrip("0123456789")
            counts[kind] = counts.get(kind, 0) + 1
            names[shard][gallery_id] = f"{kind}{counts[kind]}"
        else:
            earlier_shard, earlier = numbers[first]
            names[shard][gallery_id] = names[earlier_shard][earlier]
    return names


def _read_shard(run: RunSpec, ref: ShardRef) -> tuple[list[Observation], Mapping[str, list[int]]]:
    """Observations of a shard, and those of each entity of its gallery."""
    readers = {stage: run.store.read(stage, ref.shard, ref.keys[stage]) for stage in (*STAGE.inputs, STAGE.name)}
    try:
        stories, observations = gather(Inputs(run, ref, readers))
        place = {(one.frame, one.det_id): index for index, one in enumerate(observations)}
        members: dict[str, list[int]] = {}
        start = 0
        for story, row in zip(stories, readers[STAGE.name], strict=True):
            for entity, member in _members(row):
                members.setdefault(entity, []).append(place[start + member["frame"] - 1, member["det_id"]])
            start += len(story.row["frame_ids"])
    finally:
        for reader in readers.values():
            reader.close()
    return observations, members


def _members(row: Row) -> Iterator[tuple[str, Row]]:
    for entity in row["entities"]:
        for member in entity["members"]:
            yield entity["gallery_id"], member


def _read(path: Path) -> dict[str, Row]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return {film: dict(named) for film, named in value["films"].items()} if value["version"] == VERSION else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"{path} is damaged: remove it and build again") from error


class GalleryNames:
    """The film-wide names of the entities of one shard; without any, names stay what they are."""

    def __init__(self, run: RunSpec, ref: ShardRef) -> None:
        """Read them.

        Raises:
            WorkspaceError: the file is there and cannot be read.
        """
        film = _read(Path(run.workspace) / FILE).get(ref.film, {})
        same = film.get("shards", {}).get(ref.shard) == ref.keys.get(STAGE.name)
        self._names: Mapping[str, str] = film["names"].get(ref.shard, {}) if film and same else {}

    def apply(self, row: Row) -> Row:
        """A row that has ``entities``, with film-wide names."""
        if not self._names:
            return row
        entities = [
            {**entity, "gallery_id": self._names.get(entity["gallery_id"], entity["gallery_id"])}
            for entity in row["entities"]
        ]
        return {**row, "entities": entities}
