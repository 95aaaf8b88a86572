"""A finished build at a glance, as plain tables and one picture, for whatever shows runs (Prefect's pages do).

In: the summary of a build, and its workspace. Out: rows of JSON-like values, a sheet of frames with the boxes of their entities.
"""

import base64
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image, ImageDraw

from schemas.evidence import FrameView
from tasks.assembly import AssembledStory, assemble_shard, latest_run
from tasks.publishing.drift import Shift, measure_drift
from tasks.publishing.released import last_release
from tasks.report.palette import COLOURS, entity_order
from tasks.runtime.record import BuildSummary, read_record
from tasks.runtime.stage import Row

TILE = (240, 150)
"""Width and height of a frame on the sheet, in pixels."""
COLUMNS, MOST_FRAMES = 4, 12


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the last build is from what came before it: ``against`` says from what; publishing asks where one is beyond."""

    against: str
    shifts: tuple[Shift, ...]

    @property
    def beyond(self) -> int:
        """How many numbers moved farther than the configuration allows."""
        return sum(shift.beyond for shift in self.shifts)


def count_rows(summary: BuildSummary) -> list[Row]:
    """One row a stage: what went in and out, how much stood already, and what it cost."""
    return [
        {
            "stage": stage.name,
            "unit": stage.unit,
            "in": stage.items_in,
            "out": stage.items_out,
            "left out": sum(stage.rejected.values()),
            "shards": stage.shards,
            "reused": stage.reused,
            "items/s": round(stage.items_in / stage.seconds, 1) if stage.seconds else "",
            "seconds": round(stage.seconds, 1),
            "CPU s": round(stage.cpu_s, 1),
            "GPU s": round(stage.gpu_s, 1),
            "peak MB": round(stage.peak_bytes / 1e6),
            "read MB": round(stage.read_bytes / 1e6, 1),
            "written MB": round(stage.written_bytes / 1e6, 1),
        }
        for stage in summary.stages
    ]


def reject_rows(summary: BuildSummary) -> list[Row]:
    """One row a stage and reason, the most frequent first."""
    rows: list[Row] = [
        {"stage": stage.name, "reason": reason, "left out": count, "unit": stage.unit}
        for stage in summary.stages
        for reason, count in stage.rejected.items()
    ]
    return sorted(rows, key=lambda row: -int(row["left out"]))


def find_drift(workspace: Path) -> Drift | None:
    """The last build held against the last release from this workspace, else against the build before.

    None where there is neither, or the numbers of one are not on record.

    Raises:
        WorkspaceError: the workspace holds no finished build.
    """
    run, _, record = latest_run(workspace)
    now, released = record.get("measurements"), last_release(workspace)
    if released is not None:
        against, before = released.title, released.measurements
    else:
        previous = str(record.get("previous", ""))
        against = f"the build before, {previous}"
        before = (read_record(workspace / "runs" / f"{previous}.json") or {}).get("measurements", {})
    return Drift(against, measure_drift(before, now, run.config.drift)) if before and now else None


def drift_rows(drift: Drift) -> list[Row]:
    """One row a number, those that moved too far first, then by how much of what is allowed they moved."""

    def share(shift: Shift) -> float:
        return shift.change / shift.limit if shift.limit else (math.inf if shift.change else 0.0)

    return [
        {
            "number": shift.what,
            "before": round(shift.before, 4),
            "now": round(shift.now, 4),
            "change": round(shift.change, 4),
            "limit": shift.limit,
            "verdict": "too far" if shift.beyond else "within",
        }
        for shift in sorted(drift.shifts, key=lambda shift: (not shift.beyond, -share(shift)))
    ]


def draw_sheet(workspace: Path, most: int = MOST_FRAMES) -> bytes:
    """A JPEG of the first frames of the first stories, each entity's box in its colour; empty when there is no story.

    Raises:
        StoryReasoningError: the workspace holds no finished build, or a shard cannot be read.
    """
    tiles = [_draw_tile(story) for story in islice(_stories(workspace), most)]
    if not tiles:
        return b""
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * TILE[0], rows * TILE[1]), "#202020")
    for index, tile in enumerate(tiles):
        left, top = index % columns * TILE[0], index // columns * TILE[1]
        sheet.paste(tile, (left + (TILE[0] - tile.width) // 2, top + (TILE[1] - tile.height) // 2))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def sheet_markdown(workspace: Path) -> str:
    """The sheet as Markdown that carries its picture, about 100 kB; empty when there is no story."""
    picture = draw_sheet(workspace)
    if not picture:
        return ""
    return f"![First frames of the first stories](data:image/jpeg;base64,{base64.b64encode(picture).decode('ascii')})"


def _stories(workspace: Path) -> Iterator[AssembledStory]:
    run, refs, _ = latest_run(workspace)
    for ref in refs:
        yield from assemble_shard(run, ref)


def _draw_tile(story: AssembledStory) -> Image.Image:
    view: FrameView = story.evidence.frames[0]
    with Image.open(io.BytesIO(story.frames[0]["image"])) as image:
        tile = image.convert("RGB")
    tile.thumbnail((TILE[0] - 4, TILE[1] - 4), Image.Resampling.BILINEAR)
    x_scale, y_scale = tile.width / view.width, tile.height / view.height
    draw = ImageDraw.Draw(tile)
    for number, entity in enumerate(sorted(view.entities, key=lambda e: entity_order(e.entity_id))):
        box = entity.box
        corners = (box.x1 * x_scale, box.y1 * y_scale, box.x2 * x_scale, box.y2 * y_scale)
        draw.rectangle(corners, outline=COLOURS[number % len(COLOURS)][0], width=2)
    return tile
