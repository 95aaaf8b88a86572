"""What a run did, in numbers: summed from manifests, kept in ``runs/`` and as ``latest.json``.

A run that is under way, or that broke off, is named by ``runs/<run id>.begun.json``; its record takes the place of that file
when it ends. Nothing here compares clocks: which run made a shard stands in its manifest, and which run came before which in
the records.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.runtime.atomic import write_json
from tasks.runtime.code import code_version
from tasks.runtime.keys import content_key
from tasks.runtime.stage import RunSpec, ShardRef

if TYPE_CHECKING:
    from tasks.runtime.store import Manifest


@dataclass(slots=True)
class StageTotals:
    """One stage over all shards of a run; what it cost is that of the work itself, whenever it was done.

    ``peak_bytes`` is the largest of any shard, the other costs are sums.
    """

    name: str
    unit: str
    shards: int = 0
    reused: int = 0
    items_in: int = 0
    items_out: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    peak_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    models: dict[str, str] = field(default_factory=dict)

    def add(self, manifest: "Manifest", reused: bool) -> None:
        """Count a shard in."""
        self.shards += 1
        self.reused += reused
        self.items_in += manifest.items_in
        self.items_out += manifest.items_out
        self.seconds = round(self.seconds + manifest.seconds, 4)
        self.cpu_s = round(self.cpu_s + manifest.cpu_s, 4)
        self.gpu_s = round(self.gpu_s + manifest.gpu_s, 4)
        self.peak_bytes = max(self.peak_bytes, manifest.peak_bytes)
        self.read_bytes += manifest.read_bytes
        self.written_bytes += manifest.written_bytes
        self.models.update(manifest.models)
        for reason, count in manifest.rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count


@dataclass(frozen=True, slots=True)
class Run:
    """A build that is under way: what it runs, when it began (ISO 8601, UTC), and how it was asked for.

    ``previous`` is the run that last came to an end in the workspace; empty for the first.
    """

    spec: RunSpec
    run_id: str
    started: str
    preset: str
    engine: str
    previous: str = ""


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build came to.

    ``reason`` says why there is no story, where there is none; ``removed_films`` are those of the run before that the source
    no longer holds.
    """

    run_id: str
    stories: int
    splits: Mapping[str, int]
    stages: Sequence[StageTotals]
    wall_s: float
    dataset: str
    report: str
    dead_letters: int
    reason: str
    removed_films: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """JSON-like values."""
        return asdict(self)


def begin_run(spec: RunSpec, preset: str, engine: str, scheduler: str = "") -> Run:
    """Put a build on record as begun, and start its clock; call only under the workspace's lock.

    What people said of the stories of the last build becomes part of the configuration.

    The workers of another ``scheduler`` were installed by someone else: they are held to the code of this process.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    from tasks.runtime.reviews import with_reviews

    started = datetime.now(UTC)
    spec = replace(spec, config=with_reviews(Path(spec.workspace), spec.config))
    previous = str((read_record(Path(spec.workspace) / "latest.json") or {}).get("run_id", ""))
    run_id = f"{started:%Y%m%dT%H%M%S}-{content_key([str(started), spec.source, previous])[:6]}"
    spec = replace(spec, run_id=run_id, code=code_version() if scheduler else "")
    run = Run(spec, run_id, started.isoformat(timespec="milliseconds"), preset, engine, previous)
    begun = {"run_id": run_id, "previous": previous, "source": spec.source, "started": run.started}
    write_json(begun_path(run), begun)
    return run


def begun_path(run: Run) -> Path:
    """The file that says that a run has begun and not ended."""
    return Path(run.spec.workspace) / "runs" / f"{run.run_id}.begun.json"


def end_run(run: Run, record: Mapping[str, Any]) -> None:
    """Put a build on record as ended: the last one that there was.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    workspace = Path(run.spec.workspace)
    write_json(workspace / "runs" / f"{run.run_id}.json", record)
    write_json(workspace / "latest.json", record)
    begun_path(run).unlink(missing_ok=True)


def read_record(path: Path) -> dict[str, Any] | None:
    """The record of a run, or None where there is none that can be read."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def removed_films(previous: Mapping[str, Any] | None, refs: Sequence[ShardRef]) -> list[str]:
    """Films that a run before had and that are no longer there, in the order of that run.

    A run that stopped at a number of stories did not look at all films: it says of none that it is gone.
    """
    if any(ref.limit is not None for ref in refs):
        return []
    try:
        films = dict.fromkeys(str(shard["film"]) for shard in (previous or {})["shards"])
    except (KeyError, TypeError):
        return []
    there = {ref.film for ref in refs}
    return [film for film in films if film not in there]


def total_stages(run: RunSpec, refs: Sequence[ShardRef], stages: Sequence[str]) -> list[StageTotals]:
    """Totals of each stage over ``refs``; a shard that another run made counts as reused."""
    totals = []
    for stage in stages:
        total: StageTotals | None = None
        for ref in refs:
            manifest = run.store.find(stage, ref.shard, ref.keys[stage]) if stage in ref.keys else None
            if manifest is None:
                continue
            total = total or StageTotals(stage, manifest.unit)
            total.add(manifest, manifest.run != run.run_id)
        totals.append(total or StageTotals(stage, "frame"))
    return totals


def totals_json(totals: Sequence[StageTotals]) -> list[dict[str, object]]:
    """Totals as JSON-like values."""
    return [asdict(total) for total in totals]
