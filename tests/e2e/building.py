"""A build with painted films and models that find what was painted, and ways to look at what it left."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from schemas.config import BuildConfig, make_config
from tasks.runtime.progress import Event, listening
from tasks.runtime.record import BuildSummary
from tasks.runtime.store import Manifest, ShardStore

STAGES = (
    "ingest",
    "select",
    "detect",
    "landmarks",
    "faces",
    "sequence",
    "appearance",
    "reidentify",
    "draft_analysis",
    "draft_story",
    "ground",
)
CONFIG: dict[str, dict[str, Any]] = {
    "sequence": {"min_frames": 3, "max_frames": 8, "target_frames": 5},
    "export": {"test_ratio": 0.5, "split_seed": 3},
}


def config(**sections: Mapping[str, Any]) -> BuildConfig:
    """Short stories, and whatever a test wants to have otherwise."""
    values = {name: {**CONFIG.get(name, {}), **sections.get(name, {})} for name in {**CONFIG, **sections}}
    return make_config(values, "test")


@dataclass
class Built:
    """What a build came to and what was told meanwhile."""

    summary: BuildSummary
    events: list[Event] = field(default_factory=list)

    @property
    def fresh(self) -> list[tuple[str, str]]:
        """Stage and shard of everything that was made in this build."""
        return [(e.stage, e.shard) for e in self.events if e.kind == "shard_done" and not e.reused]

    @property
    def fresh_stages(self) -> set[str]:
        """Stages in which something was made."""
        return {stage for stage, _ in self.fresh}


def build(films: Path | str, workspace: Path | str, limit: int | None = None, **sections: Mapping[str, Any]) -> Built:
    """Build on the plain engine, in this process."""
    from flows.build_dataset import build_dataset

    events: list[Event] = []
    with listening(events.append):
        summary = build_dataset.fn(str(films), str(workspace), config(**sections), "plain", "test", limit)
    return Built(summary, events)


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below a folder."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def changed_at(folder: Path) -> dict[str, int]:
    """When every file below a folder was changed."""
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def manifests(workspace: Path) -> list[Manifest]:
    """Every standing manifest of a workspace but those of plans."""
    store = ShardStore(workspace / "shards")
    return [
        m
        for stage in STAGES
        for shard in sorted((store.root / stage).glob("*"))
        for m in store.versions(stage, shard.name)
    ]


def rows(workspace: Path, config_name: str = "grounding") -> list[dict[str, Any]]:
    """Rows of a dataset over both splits, with the split."""
    found = []
    for path in sorted((workspace / "dataset" / config_name).glob("*.parquet")):
        found += [{"split": path.name.split("-")[0], **row} for row in pq.read_table(path).to_pylist()]
    return found


def temporaries(workspace: Path) -> list[str]:
    """Half-written files that were left behind."""
    return [str(p.relative_to(workspace)) for p in workspace.rglob("*.tmp-*")]
