"""What a run did, in numbers: summed from manifests, kept in ``runs/`` and as ``latest.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.runtime.keys import content_key
from tasks.runtime.stage import RunSpec, ShardRef

if TYPE_CHECKING:
    from tasks.runtime.store import Manifest


@dataclass(slots=True)
class StageTotals:
    """One stage over all shards of a run; seconds are those of the work itself, whenever it was done."""

    name: str
    unit: str
    shards: int = 0
    reused: int = 0
    items_in: int = 0
    items_out: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_s: float = 0.0
    models: dict[str, str] = field(default_factory=dict)

    def add(self, manifest: "Manifest", reused: bool) -> None:
        """Count a shard in."""
        self.shards += 1
        self.reused += reused
        self.items_in += manifest.items_in
        self.items_out += manifest.items_out
        self.seconds = round(self.seconds + manifest.seconds, 4)
        self.cpu_s = round(self.cpu_s + manifest.cpu_s, 4)
        self.models.update(manifest.models)
        for reason, count in manifest.rejected.items():
            self.rejected[reason] = self.rejected.get(reason, 0) + count


@dataclass(frozen=True, slots=True)
class Run:
    """A build that is under way: what it runs, when it began (ISO 8601, UTC), and how it was asked for."""

    spec: RunSpec
    run_id: str
    started: str
    preset: str
    engine: str


@dataclass(frozen=True, slots=True)
class BuildSummary:
    """What a build came to; ``reason`` says why there is no story, where there is none."""

    run_id: str
    stories: int
    splits: Mapping[str, int]
    stages: Sequence[StageTotals]
    wall_s: float
    dataset: str
    report: str
    dead_letters: int
    reason: str

    def as_json(self) -> dict[str, Any]:
        """JSON-like values."""
        return asdict(self)


def begin_run(spec: RunSpec, preset: str, engine: str) -> Run:
    """Start the clock of a build."""
    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%dT%H%M%S}-{content_key([str(started), spec.source])[:6]}"
    return Run(spec, run_id, started.isoformat(timespec="milliseconds"), preset, engine)


def total_stages(run: RunSpec, refs: Sequence[ShardRef], stages: Sequence[str], started: str) -> list[StageTotals]:
    """Totals of each stage over ``refs``; a shard finished before ``started`` (ISO 8601, UTC) counts as reused."""
    totals = []
    for stage in stages:
        total: StageTotals | None = None
        for ref in refs:
            manifest = run.store.find(stage, ref.shard, ref.keys[stage]) if stage in ref.keys else None
            if manifest is None:
                continue
            total = total or StageTotals(stage, manifest.unit)
            total.add(manifest, manifest.finished < started)
        totals.append(total or StageTotals(stage, "frame"))
    return totals


def totals_json(totals: Sequence[StageTotals]) -> list[dict[str, object]]:
    """Totals as JSON-like values."""
    return [asdict(total) for total in totals]
