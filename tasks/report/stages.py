"""What went into every stage and came out, where the time went, which models were at work, and what was left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.report.charts import bar
from tasks.report.markup import Markup, element, join, table
from tasks.runtime.stage import RunSpec, ShardRef

StageRow = Mapping[str, Any]
"""One stage of the run record (``asdict`` of ``StageTotals``)."""

EXAMPLES = 3


@dataclass(slots=True)
class Loss:
    """Items that one stage left out for one reason: how many, and the first few with their details."""

    stage: str
    reason: str
    unit: str
    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


def gather_losses(run: RunSpec, refs: Sequence[ShardRef], stages: Sequence[StageRow]) -> list[Loss]:
    """Dead letters of a run by stage, in order, and reason, the most frequent first."""
    losses: dict[tuple[str, str], Loss] = {}
    for stage in stages:
        name = stage["name"]
        for ref in refs:
            for letter in run.store.rejects(name, ref.shard, ref.keys[name]) if name in ref.keys else ():
                key = (name, letter["reason"])
                loss = losses.setdefault(key, Loss(name, letter["reason"], letter["unit"]))
                loss.count += 1
                if len(loss.examples) < EXAMPLES:
                    loss.examples.append((letter["item"], letter["detail"]))
    rank = {stage["name"]: i for i, stage in enumerate(stages)}
    return sorted(losses.values(), key=lambda loss: (rank[loss.stage], -loss.count, loss.reason))


def plural(count: int, noun: str) -> str:
    """``1 frame``, ``2,000 frames``, ``3 stories``."""
    return f"{count:,} {noun if count == 1 else several(noun)}"


def several(noun: str) -> str:
    """The plural of a regular noun."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def megabytes(count: int) -> str:
    """A number of bytes, rounded to what people compare; a dash for none."""
    if not count:
        return "\u2013"
    return f"{count / 1e6:,.0f} MB" if count >= 10_000_000 else f"{count / 1e6:,.1f} MB"


def count_table(stages: Sequence[StageRow]) -> Markup:
    """Items in, out and left out of each stage, with a bar on the scale of the largest stage of the same unit."""
    largest: dict[str, int] = {}
    for stage in stages:
        largest[stage["unit"]] = max(largest.get(stage["unit"], 1), stage["items_in"])
    rows = []
    for stage in stages:
        most = largest[stage["unit"]]
        lost = sum(stage["rejected"].values())
        reasons = [
            element("span", {"class": "reason"}, element("b", None, f"{count:,}"), " ", reason)
            for reason, count in sorted(stage["rejected"].items(), key=lambda item: (-item[1], item[0]))
        ]
        rows.append(
            (
                element("b", None, stage["name"]),
                plural(stage["items_in"], stage["unit"]),
                f"{stage['items_out']:,}",
                bar(stage["items_out"] / most, lost / most),
                f"{lost:,}" if lost else "\u2013",
                element("div", {"class": "reasons"}, reasons),
            )
        )
    return table(("Stage", "In", "Out", "Flow", "Left out", "Why"), rows, (1, 2, 4), "stages")


def time_table(stages: Sequence[StageRow]) -> Markup:
    """Seconds of work of each stage, its share, its rate, and how many shards stood already."""
    whole = sum(stage["seconds"] for stage in stages) or 1.0
    rows = []
    for stage in stages:
        spent = stage["seconds"]
        share = spent / whole
        rows.append(
            (
                element("b", None, stage["name"]),
                seconds(spent),
                bar(share),
                f"{share:.1%}",
                f"{stage['items_in'] / spent:,.1f} {several(stage['unit'])}/s" if spent else "\u2013",
                seconds(stage["cpu_s"]),
                seconds(stage["gpu_s"]) if stage.get("gpu_s") else "\u2013",
                *(megabytes(stage.get(name, 0)) for name in ("peak_bytes", "read_bytes", "written_bytes")),
                f"{stage['reused']} of {stage['shards']}",
            )
        )
    headings = (
        *("Stage", "Work", "Share", "Percent", "Rate", "CPU", "GPU", "Peak memory", "Read", "Written"),
        "Shards reused",
    )
    return table(headings, rows, (1, 3, 4, 5, 6, 7, 8, 9, 10), "times")


def model_table(stages: Sequence[StageRow]) -> Markup | None:
    """Every model and calibration with the digest of its weights or values; None where no stage used one."""
    rows = [
        (stage["name"], name, element("code", None, digest))
        for stage in stages
        for name, digest in sorted(stage.get("models", {}).items())
    ]
    return table(("Stage", "Model", "Digest"), rows) if rows else None


def loss_table(losses: Sequence[Loss]) -> Markup:
    """Dead letters by reason with examples."""
    if not losses:
        return element("p", {"class": "none"}, "Nothing was left out.")
    rows = []
    for loss in losses:
        shown = [
            element("div", None, element("code", None, item), f" {detail}" if detail else None)
            for item, detail in loss.examples
        ]
        more = loss.count - len(loss.examples)
        rest = element("div", {"class": "note"}, f"and {plural(more, 'other')}") if more else None
        rows.append((loss.stage, loss.reason, plural(loss.count, loss.unit), join(shown, rest)))
    return table(("Stage", "Reason", "Left out", "For example"), rows, (2,))
