"""Dropping what nothing names any more: old versions of shards, files of builds that broke off, records of old runs.

What the last runs stand on is never dropped, nor what a run made that began after them and did not end: the next build will
want it. Anything else a build can make again. A manifest goes before its files, so that one that is there always holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import WorkspaceError
from tasks.runtime.objects import Objects, inside
from tasks.runtime.record import read_record
from tasks.runtime.store import ShardStore
from tasks.runtime.workspace import Workspace

BEGUN = ".begun.json"


@dataclass(frozen=True, slots=True)
class Garbage:
    """What may go: shards' files, manifests first, and records of runs; ``kept`` runs stay with all that they stand on.

    Files of a workspace at a URL are named as they are or would be in its copy.
    """

    shard_files: tuple[Path, ...]
    run_files: tuple[Path, ...]
    bytes: int
    shards: int
    kept: tuple[str, ...]


def kept_runs(workspace: Workspace, keep: int) -> list[dict[str, Any]]:
    """Records of the last ``keep`` runs that ended, newest first: each names the one before it.

    Where ``latest.json`` cannot be read, the record with the last name is the newest.
    """
    record = read_record(workspace.root / "latest.json")
    if record is None:
        ended = [path for path in sorted(workspace.runs.glob("*.json")) if not path.name.endswith(BEGUN)]
        record = read_record(ended[-1]) if ended else None
    records: dict[str, dict[str, Any]] = {}
    while record is not None and len(records) < keep and record.get("run_id") not in records:
        records[str(record.get("run_id"))] = record
        previous = record.get("previous")
        record = read_record(workspace.runs / f"{previous}.json") if previous else None
    return list(records.values())


def begun_runs(workspace: Workspace, kept: list[dict[str, Any]]) -> set[str]:
    """Runs that did not end, of those that began after one of the kept ones; all where none ended."""
    ids = {str(record["run_id"]) for record in kept}
    begun = [record for path in workspace.runs.glob(f"*{BEGUN}") if (record := read_record(path)) is not None]
    return {str(record["run_id"]) for record in begun if not kept or str(record.get("previous")) in ids}


def find_garbage(workspace: Workspace, keep: int) -> Garbage:
    """What may go from a workspace when its last ``keep`` runs are to stay; only looks.

    Without any record nobody knows what is needed: then only files go that no manifest answers for.

    Raises:
        WorkspaceError: the record of a run that is to stay does not say what it stands on.
    """
    records = kept_runs(workspace, keep)
    begun = begun_runs(workspace, records)
    named = _named(workspace, records)
    store = ShardStore(workspace.shards, workspace.remote)
    sizes = _sizes(workspace)
    files: list[Path] = []
    shards = 0
    for stage, shard, versions in _stored(path for path in sizes if path.is_relative_to(workspace.shards)):
        for key, paths in versions.items():
            manifest = store.find(stage, shard, key) if begun or not records else None
            if (stage, shard, key) in named or (manifest is not None and (not records or manifest.run in begun)):
                continue
            shards += 1
            files += sorted(paths, key=lambda path: path.suffix != ".json")
    ids = {str(record["run_id"]) for record in records} | begun
    told = sorted(path for path in sizes if path.parent == workspace.runs and path.suffix == ".json") if records else []
    runs = [path for path in told if path.name.removesuffix(BEGUN).removesuffix(".json") not in ids]
    return Garbage(
        shard_files=tuple(files),
        run_files=tuple(runs),
        bytes=sum(sizes[path] for path in (*files, *runs)),
        shards=shards,
        kept=tuple(str(record["run_id"]) for record in records),
    )


def _named(workspace: Workspace, records: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Stage, shard and key of all that these runs stand on."""
    try:
        return {
            (stage, shard["shard"], key)
            for record in records
            for shard in record["shards"]
            for stage, key in shard["keys"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise WorkspaceError(f"a record in {workspace.runs} is damaged: run 'storyreasoning build' again") from error


def drop(workspace: Workspace, garbage: Garbage) -> None:
    """Remove what was found, at its URL first; call only under the workspace's lock, taken before it was looked for.

    Raises:
        WorkspaceError: something at the URL cannot be removed.
    """
    manifests = [path for path in garbage.shard_files if path.suffix == ".json"]
    others = [path for path in garbage.shard_files if path.suffix != ".json"]
    for some in (manifests, others, garbage.run_files):
        if workspace.remote:
            Objects(workspace.remote).remove_all([path.relative_to(workspace.root).as_posix() for path in some])
        for path in some:
            path.unlink(missing_ok=True)
    for folder in {path.parent for path in garbage.shard_files}:
        for empty in (folder, folder.parent):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()


def _sizes(workspace: Workspace) -> dict[Path, int]:
    """Bytes of the files of shards and of records, of a workspace at a URL also of those that are only there."""
    folders = (workspace.shards, workspace.runs)
    sizes = {path: path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()}
    if workspace.remote:
        objects = Objects(workspace.remote)
        for folder in folders:
            there = objects.sizes(folder.relative_to(workspace.root).as_posix())
            sizes |= {inside(workspace.root, address): size for address, size in there.items()}
    return sizes


def _stored(paths: Iterable[Path]) -> Iterator[tuple[str, str, Mapping[str, list[Path]]]]:
    """Every shard with the files of each version of it, by key."""
    shards: dict[tuple[str, str], dict[str, list[Path]]] = {}
    for path in sorted(paths):
        versions = shards.setdefault((path.parent.parent.name, path.parent.name), {})
        versions.setdefault(path.name.partition(".")[0], []).append(path)
    for (stage, shard), versions in sorted(shards.items()):
        yield stage, shard, versions
