"""The end of a build: dead letters gathered, the dataset and the report written, the run put on record."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import DEAD_LETTERS
from schemas.errors import SourceError
from tasks.export import Exported, Written, export_dataset
from tasks.runtime.atomic import atomic_path, sweep_temporaries
from tasks.runtime.keys import content_key
from tasks.runtime.record import (
    BuildSummary,
    Run,
    StageTotals,
    end_run,
    read_record,
    removed_films,
    total_stages,
    totals_json,
)
from tasks.runtime.stage import RunSpec, ShardRef

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


def gather_dead_letters(run: RunSpec, refs: Sequence[ShardRef], target: Path) -> int:
    """Write what was left out anywhere, in the order of shards and stages; returns how many."""
    count = 0
    with atomic_path(target) as temporary, pq.ParquetWriter(temporary, DEAD_LETTERS) as parquet:
        for ref in refs:
            for stage in (name for name in ref.keys if name != "plan"):
                rows = run.store.rejects(stage, ref.shard, ref.keys[stage])
                if rows:
                    parquet.write_table(pa.Table.from_pylist(rows, schema=DEAD_LETTERS))
                    count += len(rows)
    return count


def explain_emptiness(totals: Sequence[StageTotals]) -> str:
    """Why nothing came out: what was left out and where, most first; empty when something did."""
    if totals[-1].items_out:
        return ""
    reasons = [
        (count, f"{count} {'stories' if total.unit == 'story' else 'frames'} '{reason}' ({total.name})")
        for total in totals
        for reason, count in total.rejected.items()
    ]
    return "no story came out: " + ", ".join(text for _, text in sorted(reasons, key=lambda r: -r[0])[:4])


def export(run: Run, refs: list[ShardRef]) -> Exported:
    """Write the dataset with its card.

    Raises:
        SourceError: not one frame of the source could be used.
    """
    from tasks.card import VERSION, read_notice, write_card
    from tasks.dataset_card.licences import read_licences
    from tasks.gallery import VERSION as GALLERY_VERSION
    from tasks.gallery import write_galleries
    from tasks.identity_quality import read_scores

    workspace = Path(run.spec.workspace)
    totals = total_stages(run.spec, refs, STAGES)
    if refs and not totals[0].items_out:
        gather_dead_letters(run.spec, refs, workspace / "dead_letters.parquet")
        reasons = ", ".join(f"{count} {reason}" for reason, count in totals[0].rejected.items())
        raise SourceError(
            f"none of the {totals[0].items_in} frames of {run.spec.source} can be used ({reasons}): "
            f"see {workspace / 'dead_letters.parquet'}"
        )

    def card(written: Written) -> None:
        write_card(run.spec, refs, totals, written)

    write_galleries(run.spec, refs)
    source = Path(run.spec.source)
    key = content_key(
        [
            VERSION,
            GALLERY_VERSION,
            read_notice(source),
            asdict(read_licences(source)),
            [asdict(one) for one in read_scores(run.spec, refs)],
        ]
    )
    return export_dataset(run.spec, refs, card, key)


def report(run: Run, refs: list[ShardRef], exported: Exported) -> BuildSummary:
    """Write the report, the dead letters and the record of a run; a report that still says it all is kept."""
    from tasks.dataset_card.measurements import read_measurements

    workspace = Path(run.spec.workspace)
    totals = total_stages(run.spec, refs, STAGES)
    removed = removed_films(read_record(workspace / "latest.json"), refs) if run.previous else []
    finished = datetime.now(UTC)
    wall_s = round((finished - datetime.fromisoformat(run.started)).total_seconds(), 3)
    record = {
        "run_id": run.run_id,
        "previous": run.previous,
        "source": run.spec.source,
        "preset": run.preset,
        "engine": run.engine,
        "config": run.spec.config.model_dump(mode="json"),
        "started": run.started,
        "finished": finished.isoformat(timespec="milliseconds"),
        "wall_s": wall_s,
        "stages": totals_json(totals),
        "shards": [
            {"shard": r.shard, "film": r.film, "frames": r.frames, "limit": r.limit, "keys": dict(r.keys)} for r in refs
        ],
        "dataset": {
            "key": exported.key,
            "stories": sum(exported.rows.values()),
            "splits": dict(exported.rows),
            "films": dict(exported.films),
        },
        "removed_films": removed,
        "story_ids": dict(exported.story_ids),
        "measurements": read_measurements(workspace / "dataset"),
    }
    page = workspace / "report.html"
    dead = workspace / "dead_letters.parquet"
    if not (_unchanged(workspace, record) and page.exists()):
        from tasks.report.report import write_report

        gather_dead_letters(run.spec, refs, dead)
        write_report(run.spec, refs, record, page)
    end_run(run, record)
    if run.engine == "dask":
        sweep_temporaries(workspace)  # of workers that were killed: what they were at has been made by others
    return BuildSummary(
        run_id=run.run_id,
        stories=sum(exported.rows.values()),
        splits=dict(exported.rows),
        stages=totals,
        wall_s=wall_s,
        dataset=str(workspace / "dataset"),
        report=str(page),
        dead_letters=pq.read_metadata(dead).num_rows,
        reason=explain_emptiness(totals),
        removed_films=tuple(removed),
    )


def _unchanged(workspace: Path, record: Mapping[str, Any]) -> bool:
    """Whether the last run stood on the same shards and settings, so that its dead letters and report say the same."""
    try:
        last = json.loads((workspace / "latest.json").read_text(encoding="utf-8"))
        dead_letters = pq.read_metadata(workspace / "dead_letters.parquet").num_rows
        lost = sum(sum(stage["rejected"].values()) for stage in last["stages"])
        same = all(last[name] == record[name] for name in ("source", "config", "shards", "story_ids", "dataset"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return same and dead_letters == lost
