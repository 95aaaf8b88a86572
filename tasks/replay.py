"""One shard through one stage once more, in the foreground, held against what stands.

In: a finished workspace, a stage and a shard. Out: whether the result is the same, and where it differs. The workspace is only
read: what is made goes into a folder of its own and is thrown away. A drafter's model is not asked again: its answers are those
of the ledger, so that a replay costs nothing and needs no endpoint.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.config import nearest
from schemas.errors import ConfigError, ShardError
from tasks.assembly import latest_run
from tasks.chat import answered_from_ledger
from tasks.runtime.execute import make_shard
from tasks.runtime.foresee import foresee
from tasks.runtime.keys import file_sha256
from tasks.runtime.stage import RunSpec, ShardRef, find_stage
from tasks.runtime.store import Manifest, ShardStore
from tasks.runtime.workspace import open_workspace


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it.

    ``identical`` says that every file has the same bytes; else ``differences`` name the first rows and columns that are not
    the same, or are empty where the rows are the same and only the files differ. ``key_changed`` says that the code, the
    configuration or the models are not those that made what stands.
    """

    stage: str
    shard: str
    identical: bool
    key_changed: bool
    differences: tuple[str, ...]
    before: Manifest
    after: Manifest


def replay(workspace: Path, stage: str, shard: str) -> Replayed:
    """Run a stage on a shard as the last build did, whether it stands or not.

    Args:
        workspace: the workspace of a finished build.
        stage: name of a stage.
        shard: name of a shard, or the beginning of one.

    Raises:
        ConfigError: no stage, or no shard or several, of that name.
        ShardError: what stands cannot be read, the stage fails on the shard, or it asks a model what was never asked before.
        WorkspaceError: no workspace, or no finished build in it.
    """
    open_workspace(workspace)
    run, refs, _ = latest_run(workspace)
    ref = _find_shard(refs, shard)
    stages = [name for name in ref.keys if name != "plan"]
    if stage not in stages:
        raise ConfigError(f"unknown stage '{stage}'{nearest(stage, stages)}")
    before = run.store.find(stage, ref.shard, ref.keys[stage])
    if before is None:
        raise ShardError(f"shard {ref.shard} of {stage} no longer stands whole: run 'storyreasoning build' again")
    chosen = find_stage(stage)
    given = replace(ref, keys={name: ref.keys[name] for name in ref.keys if name in (*chosen.inputs, "plan")})
    key = next(foresee([chosen], run, given)).key
    with tempfile.TemporaryDirectory() as scratch:
        target = ShardStore(Path(scratch))
        with answered_from_ledger():
            after = make_shard(chosen, run, given, key, target)
        differences = _compare(run, before, target, after)
    same = [(file.bytes, file.sha256) for file in before.files] == [(file.bytes, file.sha256) for file in after.files]
    return Replayed(stage, ref.shard, same, key != before.key, differences, before, after)


def _find_shard(refs: list[ShardRef], wanted: str) -> ShardRef:
    found = [ref for ref in refs if ref.shard == wanted] or [ref for ref in refs if ref.shard.startswith(wanted)]
    if not found:
        raise ConfigError(f"unknown shard '{wanted}'{nearest(wanted, [ref.shard for ref in refs[:20]])}")
    if len(found) > 1:
        raise ConfigError(f"'{wanted}' begins the names of {len(found)} shards: {found[0].shard}, {found[1].shard}")
    return found[0]


def _compare(run: RunSpec, before: Manifest, target: ShardStore, after: Manifest) -> tuple[str, ...]:
    """Where rows and dead letters differ, in words."""
    told: list[str] = []
    pairs = (
        (
            "row",
            run.store.path(before.stage, before.shard, before.key),
            target.path(after.stage, after.shard, after.key),
        ),
        (
            "dead letter",
            run.store.rejects_path(before.stage, before.shard, before.key),
            target.rejects_path(after.stage, after.shard, after.key),
        ),
    )
    for what, old, new in pairs:
        if old.exists() and _same_as_recorded(old, before):
            told += compare_tables(what, pq.read_table(old), pq.read_table(new) if new.exists() else None)
        elif old.exists():
            told.append(f"the {what}s that stand are damaged: their digest is not the recorded one")
        elif new.exists():
            told.append(f"{pq.read_metadata(new).num_rows} {what}s where there were none")
    return tuple(told)


def _same_as_recorded(path: Path, manifest: Manifest) -> bool:
    return any(file.name == path.name and file.sha256 == file_sha256(path) for file in manifest.files)


def compare_tables(what: str, old: pa.Table, new: pa.Table | None) -> list[str]:
    """How two tables differ: how many rows, and for each column how many and the first."""
    if new is None:
        return [f"no {what}s where there were {old.num_rows}"]
    told = []
    if old.num_rows != new.num_rows:
        told.append(f"{new.num_rows} {what}s where there were {old.num_rows}")
    gone = sorted(set(old.column_names) - set(new.column_names))
    come = sorted(set(new.column_names) - set(old.column_names))
    told += [f"column {name} is gone" for name in gone] + [f"column {name} is new" for name in come]
    rows = min(old.num_rows, new.num_rows)
    for name in (name for name in old.column_names if name not in gone):
        was, now = old[name].slice(0, rows).to_pylist(), new[name].slice(0, rows).to_pylist()
        places = [index for index in range(rows) if was[index] != now[index]]
        if places:
            told.append(f"column {name} differs in {len(places)} of {rows} {what}s, first in number {places[0] + 1}")
    return told
