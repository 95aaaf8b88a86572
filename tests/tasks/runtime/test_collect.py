"""What goes from a workspace and what never does."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.config import BuildConfig
from schemas.errors import WorkspaceError
from tasks.runtime.atomic import write_json
from tasks.runtime.collect import drop, find_garbage
from tasks.runtime.execute import execute
from tasks.runtime.record import Run, begin_run, begun_path, end_run
from tasks.runtime.stage import RunSpec, ShardRef
from tasks.runtime.workspace import Workspace, locked_workspace
from tests.tasks.runtime.shards import source_stage, spec, stage

STAGES = (source_stage(["f1", "f2"]), stage(section="select"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    with locked_workspace(tmp_path) as made:
        return made


def begin(workspace: Workspace, bits: int) -> tuple[Run, list[ShardRef]]:
    """A run with a setting of its own that makes its shards and does not end."""
    config = BuildConfig.model_validate({"select": {"duplicate_bits": bits}})
    run = begin_run(replace(spec(workspace.root), config=config), "test", "plain")
    refs = [ShardRef(name, name, 2) for name in ("a", "b")]
    for each in STAGES:
        refs = [execute(each, run.spec, ref) for ref in refs]
    return run, refs


def finish(workspace: Workspace, bits: int) -> RunSpec:
    """A run that ends."""
    run, refs = begin(workspace, bits)
    shards = [{"shard": r.shard, "film": r.film, "frames": 2, "limit": None, "keys": dict(r.keys)} for r in refs]
    end_run(run, {"run_id": run.run_id, "previous": run.previous, "shards": shards})
    return run.spec


def standing(workspace: Workspace) -> set[tuple[str, int]]:
    """Shards of the second stage that stand, with the setting that made them."""
    store = RunSpec(str(workspace.root), "", BuildConfig()).store
    return {(m.shard, m.params["duplicate_bits"]) for name in ("a", "b") for m in store.versions("later", name)}


def collect(workspace: Workspace, keep: int) -> None:
    drop(workspace, find_garbage(workspace, keep))


def test_only_what_the_last_runs_stand_on_stays(workspace: Workspace) -> None:
    for bits in (3, 4, 5):
        finish(workspace, bits)
    garbage = find_garbage(workspace, 2)
    assert garbage.shards == 2
    assert len(garbage.run_files) == 1
    files = [*garbage.shard_files, *garbage.run_files]
    assert garbage.bytes == sum(path.stat().st_size for path in files)
    assert standing(workspace) == {(name, bits) for name in "ab" for bits in (3, 4, 5)}, "looking drops nothing"
    drop(workspace, garbage)
    assert standing(workspace) == {(name, bits) for name in "ab" for bits in (4, 5)}
    assert not any(path.exists() for path in files)
    assert find_garbage(workspace, 2).shard_files == ()


def test_the_first_stage_that_all_runs_share_stays(workspace: Workspace) -> None:
    finish(workspace, 3)
    finish(workspace, 4)
    collect(workspace, 1)
    assert len(list((workspace.shards / "origin" / "a").glob("*.json"))) == 1
    assert standing(workspace) == {("a", 4), ("b", 4)}


def test_the_order_of_runs_is_what_they_say_not_their_clocks(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime

    class Clock(datetime):
        year_now = 2030

        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls(cls.year_now, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("tasks.runtime.record.datetime", Clock)
    finish(workspace, 3)
    Clock.year_now = 2020
    finish(workspace, 4)
    collect(workspace, 1)
    assert standing(workspace) == {("a", 4), ("b", 4)}


def test_what_an_unfinished_run_made_stays_until_later_runs_end(workspace: Workspace) -> None:
    finish(workspace, 3)
    unfinished, _ = begin(workspace, 4)
    collect(workspace, 1)
    assert standing(workspace) == {(name, bits) for name in "ab" for bits in (3, 4)}
    assert begun_path(unfinished).exists()
    finish(workspace, 5)
    collect(workspace, 1)
    assert standing(workspace) == {("a", 5), ("b", 5)}
    assert not begun_path(unfinished).exists()


def test_without_any_finished_run_nothing_that_stands_goes(workspace: Workspace) -> None:
    run, _ = begin(workspace, 3)
    begun_path(run).unlink()
    orphan = workspace.shards / "later" / "a" / f"{'0' * 32}.parquet"
    orphan.write_bytes(b"a build died before its manifest")
    collect(workspace, 1)
    assert standing(workspace) == {("a", 3), ("b", 3)}
    assert not orphan.exists()


def test_files_that_no_manifest_answers_for_go(workspace: Workspace) -> None:
    finish(workspace, 3)
    for name in (f"{'0' * 32}.parquet", f"{'0' * 32}.rejected.parquet"):
        (workspace.shards / "later" / "a" / name).write_bytes(b"left behind")
    (workspace.shards / "gone" / "film").mkdir(parents=True)
    (workspace.shards / "gone" / "film" / f"{'1' * 32}.parquet").write_bytes(b"left behind")
    collect(workspace, 1)
    assert standing(workspace) == {("a", 3), ("b", 3)}
    assert not (workspace.shards / "gone").exists()
    assert {path.name.partition(".")[0] for path in (workspace.shards / "later" / "a").iterdir()}.isdisjoint({"0" * 32})


def test_a_damaged_latest_record_is_made_up_for_by_the_runs(workspace: Workspace) -> None:
    finish(workspace, 3)
    (workspace.root / "latest.json").write_text("{")
    collect(workspace, 1)
    assert standing(workspace) == {("a", 3), ("b", 3)}


def test_a_record_that_does_not_say_what_it_stands_on_is_an_error(workspace: Workspace) -> None:
    finish(workspace, 3)
    write_json(workspace.root / "latest.json", {"run_id": "x", "shards": [{}]})
    with pytest.raises(WorkspaceError, match="damaged: run 'storyreasoning build' again"):
        find_garbage(workspace, 1)
    assert standing(workspace) == {("a", 3), ("b", 3)}


def test_manifests_go_before_their_files(workspace: Workspace) -> None:
    finish(workspace, 3)
    finish(workspace, 4)
    files = find_garbage(workspace, 1).shard_files
    assert [path.suffix for path in files] == [".json", ".parquet"] * 2
