"""``plan``: which frames there are, in which film, scene and order, and how they are cut into shards.

In: a source. Out: a ``PLAN`` shard for every shard of the run. A shard is one film, or a run of whole scenes of a long one.
Invariants: order is natural (scene 10 after scene 9) and does not depend on the order of the file system; the key of a plan
is the hash of what it lists, so a frame added or changed touches its own shard.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from schemas.arrow import PLAN
from schemas.config import IngestConfig
from schemas.errors import SourceError
from tasks.runtime.execute import software_versions
from tasks.runtime.keys import NaturalKey, content_key, loses_letters, natural_key, slug
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.store import Manifest, write_shard
from tasks.sources.shared import share_source
from tasks.sources.source import Source, SourceItem, open_source

VERSION = 1
_SCENE = re.compile(r"(?P<film>.+?)_(?:scene|seq)_(?P<scene>[0-9]+)(?:_(?P<rest>.*))?", re.IGNORECASE | re.DOTALL)
_MAX_SCENE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """A frame in its place."""

    item: SourceItem
    film: str
    scene: str
    frame_id: str


def split_name(item: SourceItem, source: Source) -> tuple[str, str]:
    """Film and scene of an item; an empty scene where nothing says one.

    A folder says the film; else ``<film>_scene_<n>...`` or ``<film>_seq_<n>...`` does; else, for ids of a dataset, the
    first two parts between underscores; else everything is one film without scenes.
    """
    match = _SCENE.fullmatch(item.name)
    scene = item.scene or (match["scene"] if match else "")
    if item.film:
        return item.film, scene
    if match:
        return match["film"], scene
    if source.names_hold_film:
        parts = item.name.split("_")
        if len(parts) > 2:
            return parts[0], parts[1]
    return source.title, ""


def order_frames(items: Iterable[SourceItem], source: Source) -> list[PlannedFrame]:
    """Films, scenes and frames in natural order, each frame with its id ``<film>_scene_<nnnn>_<nnnn>``."""
    films: dict[str, dict[str, list[SourceItem]]] = {}
    for item in items:
        film, scene = split_name(item, source)
        films.setdefault(film, {}).setdefault(scene, []).append(item)
    slugs = _unique_slugs(films)
    planned = []
    for film in sorted(films, key=natural_key):
        scenes = films[film]
        numbers = _scene_numbers(scenes)
        for scene in sorted(scenes, key=lambda name: (numbers[name], natural_key(name))):
            ordered = sorted(scenes[scene], key=lambda item: (natural_key(item.name), natural_key(item.item)))
            for k, item in enumerate(ordered, start=1):
                frame_id = f"{slugs[film]}_scene_{numbers[scene]:04d}_{k:04d}"
                planned.append(PlannedFrame(item, film, f"{numbers[scene]:04d}", frame_id))
    return planned


def _unique_slugs(films: Iterable[str]) -> dict[str, str]:
    """A slug for each film, with a hash where it alone would not tell the film from others.

    A name that the slug loses letters of always gets the hash, so that it does not change when another film comes.
    """
    names = sorted(films, key=natural_key)
    taken = Counter(slug(name).casefold() for name in names)
    return {
        name: f"{slug(name)}-{content_key(name)[:8]}"
        if taken[slug(name).casefold()] > 1 or loses_letters(name)
        else slug(name)
        for name in names
    }


def _scene_numbers(scenes: Iterable[str]) -> dict[str, int]:
    """The number in a scene's name where all have their own and these say the order, else the rank in natural order."""
    names = sorted(scenes, key=natural_key)
    numbers = {}
    for name in names:
        digits = re.sub(r"[^0-9]", "", name)
        if name and 0 < len(digits) <= _MAX_SCENE_DIGITS and re.search(r"[0-9]+", name):
            numbers[name] = int(re.findall(r"[0-9]+", name)[-1])
    if len(numbers) == len(names) and all(a < b for a, b in pairwise(numbers.values())):
        return numbers
    ordered: list[tuple[NaturalKey, str]] = sorted((natural_key(name), name) for name in names if name)
    ranks = {name: rank for rank, (_, name) in enumerate(ordered, start=1)}
    return {name: ranks.get(name, len(ordered) + 1) for name in names}


def cut_shards(frames: list[PlannedFrame], shard_frames: int) -> list[list[PlannedFrame]]:
    """Cut a film into runs of whole scenes of about ``shard_frames``; a scene of more than twice that is cut evenly.

    The last run joins the one before it when it is shorter than a quarter of the aim.
    """
    scenes: list[list[PlannedFrame]] = []
    for frame in frames:
        if not scenes or scenes[-1][0].scene != frame.scene:
            scenes.append([])
        scenes[-1].append(frame)
    pieces = []
    for scene in scenes:
        parts = -(-len(scene) // shard_frames) if len(scene) > 2 * shard_frames else 1
        bounds = [len(scene) * i // parts for i in range(parts + 1)]
        pieces += [scene[a:b] for a, b in pairwise(bounds)]
    shards: list[list[PlannedFrame]] = []
    for piece in pieces:
        if shards and len(shards[-1]) + len(piece) <= shard_frames:
            shards[-1].extend(piece)
        else:
            shards.append(list(piece))
    if len(shards) > 1 and len(shards[-1]) * 4 < shard_frames:
        tail = shards.pop()
        shards[-1].extend(tail)
    return shards


def plan(run: RunSpec) -> list[ShardRef]:
    """Open the source of a run and plan it; see :func:`plan_shards`."""
    source = open_source(run.source, Path(run.workspace) / "source_index.parquet", run.config.video)
    share_source(run.source, run.config.video, source)
    return plan_shards(run, source, run.config.ingest)


def plan_shards(run: RunSpec, source: Source, params: IngestConfig) -> list[ShardRef]:
    """Write the plan of every shard that has changed, and name them all in order.

    Raises:
        SourceError: the source cannot be read or holds no image.
    """
    frames = order_frames(source.scan(), source)
    if not frames:
        raise SourceError(f"{run.source} holds no images")
    films: dict[str, list[PlannedFrame]] = {}
    for frame in frames:
        films.setdefault(frame.film, []).append(frame)
    refs = [
        _write_plan(run, film, index, shard)
        for film, members in films.items()
        for index, shard in enumerate(cut_shards(members, params.shard_frames))
    ]
    for kind, count in source.ignored().items():
        emit(Event("message", text=f"passed over {count} files that are no images ({kind})"))
    emit(Event("plan", shards=len(refs), items=len(frames)))
    return refs


def _write_plan(run: RunSpec, film: str, index: int, frames: list[PlannedFrame]) -> ShardRef:
    rows: list[Row] = [
        {
            "item": frame.item.item,
            "film": frame.film,
            "scene": frame.scene,
            "frame_id": frame.frame_id,
            "sha256": frame.item.sha256,
            "bytes": frame.item.bytes,
        }
        for frame in frames
    ]
    shard = f"{slug(film)}-{content_key(film)[:8]}-{index:04d}"
    # Where a frame stands in the source is no part of the key: a dataset repacked into other files is the same dataset.
    content = [{name: value for name, value in row.items() if name != "item"} for row in rows]
    key = content_key({"stage": "plan", "version": VERSION, "rows": content})
    addresses = content_key([row["item"] for row in rows])
    standing = run.store.find("plan", shard, key)
    if standing is None or standing.params.get("addresses") != addresses:
        with write_shard(run.store, "plan", shard, key, PLAN) as out:
            for row in rows:
                out.write(row)
        run.store.commit(
            Manifest(
                stage="plan",
                stage_version=VERSION,
                shard=shard,
                film=film,
                key=key,
                unit="frame",
                inputs={},
                params={"addresses": addresses},
                models={},
                items_in=len(rows),
                items_out=len(rows),
                rows=len(rows),
                rejected={},
                seconds=0.0,
                cpu_s=0.0,
                finished="",
                software=dict(software_versions()),
                files=out.files,
            )
        )
    return ShardRef(shard, film, len(rows), keys={"plan": key})
