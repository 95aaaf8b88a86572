"""What a run did, in numbers: summed from manifests, kept in ``runs/`` and as ``latest.json``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from tasks.runtime.stage import RunSpec, ShardRef
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

    def add(self, manifest: Manifest, reused: bool) -> None:
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
