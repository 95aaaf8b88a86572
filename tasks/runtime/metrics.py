"""A build as Prometheus metrics, in the text exposition format 0.0.4, for the node exporter's textfile collector.

The file is replaced whole at the end of every build. It tells of the last build that came to an end, and with
``storyreasoning_build_success`` whether the very last one did: a failed build is seen without losing what stands.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from tasks.runtime.atomic import write_bytes
from tasks.runtime.record import read_record

Labels = Mapping[str, str]

_STAGE_FIGURES = (
    ("shards", "shards", "Shards of the stage."),
    ("shards_reused", "reused", "Shards that stood already."),
    ("items_in", "items_in", "Items that went in."),
    ("items_out", "items_out", "Items that came out."),
    ("seconds", "seconds", "Wall time of the work, whenever it was done."),
    ("cpu_seconds", "cpu_s", "Processor time of the work."),
    ("gpu_seconds", "gpu_s", "Wall time in which the work held a GPU."),
    ("peak_memory_bytes", "peak_bytes", "Most resident memory of a process at work on one shard."),
    ("read_bytes", "read_bytes", "Bytes read."),
    ("written_bytes", "written_bytes", "Bytes written."),
)


def escape_label(value: str) -> str:
    """A label's value as the format wants it: backslash, quote and line feed escaped."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _family(name: str, meaning: str, samples: Sequence[tuple[Labels, float]]) -> Iterator[str]:
    full = f"storyreasoning_{name}"
    yield f"# HELP {full} {meaning}"
    yield f"# TYPE {full} gauge"
    for labels, value in samples:
        told = ",".join(f'{key}="{escape_label(text)}"' for key, text in labels.items())
        yield f"{full}{{{told}}} {float(value)!r}"


def render_metrics(workspace: str, record: Mapping[str, Any] | None, success: bool) -> str:
    """The metrics of a workspace.

    Args:
        workspace: its place, the label that tells workspaces apart.
        record: that of the last build that came to an end; None before the first.
        success: whether the very last build came to an end.
    """
    place: Labels = {"workspace": workspace}
    lines = list(
        _family("build_success", "1 if the last build came to an end, 0 if it failed.", [(place, float(success))])
    )
    if record is not None:
        ended = datetime.fromisoformat(record["finished"]).timestamp()
        lines += _family("build_finished_timestamp_seconds", "When the last whole build ended.", [(place, ended)])
        lines += _family("build_seconds", "Wall time of the last whole build.", [(place, record["wall_s"])])
        splits = [({**place, "split": split}, count) for split, count in record["dataset"]["splits"].items()]
        lines += _family("stories", "Stories in the dataset.", splits)
        lines += _family("films", "Films in the dataset.", [(place, len(record["dataset"]["films"]))])
        gone = len(record.get("removed_films", ()))
        lines += _family(
            "films_removed", "Films that the build before had and the source no longer holds.", [(place, gone)]
        )
        for name, field, meaning in _STAGE_FIGURES:
            samples = [({**place, "stage": stage["name"]}, stage.get(field, 0)) for stage in record["stages"]]
            lines += _family(f"stage_{name}", meaning, samples)
        rejected = [
            ({**place, "stage": stage["name"], "reason": reason}, count)
            for stage in record["stages"]
            for reason, count in stage["rejected"].items()
        ]
        lines += _family("stage_rejected", "Items that were left out, by reason.", rejected)
    return "\n".join(lines) + "\n"


@contextmanager
def exported_metrics(target: str | None, workspace: str) -> Iterator[None]:
    """Write the metrics of a build that runs inside the block to the file ``target``; None writes none.

    Raises:
        ConfigError: there is no folder for the file, or it cannot be written to: said before any work.
        WorkspaceError: the file cannot be written after all.
    """
    if target is not None and not os.access(Path(target).absolute().parent, os.W_OK):
        raise ConfigError(f"metrics file {target} cannot be written: give one in a folder that exists and is writable")
    success = False
    try:
        yield
        success = True
    finally:
        if target is not None:
            record = read_record(Path(workspace) / "latest.json")
            write_bytes(Path(target), render_metrics(workspace, record, success).encode())
