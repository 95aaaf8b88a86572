"""What an evaluation found, and its stories as a table that a later evaluation can be compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SourceError
from tasks.evaluation.measures import Difference, Measure
from tasks.evaluation.tally import StoryTally
from tasks.runtime.atomic import atomic_path

Mode = Literal["strict", "legacy"]

LAYOUT = "storyreasoning.scores"
VERSION = b"1"
SUM = "sum."
"""Beginning of the columns that hold sums."""

_TEXTS = ("story_id", "film", "told", "truth")


@dataclass(frozen=True, slots=True)
class Scores:
    """What an evaluation found.

    ``measures`` are by dotted name, each 0 to 1 but those in ``measures.COUNTS``; ``meteor``, of all stories together, is
    absent (None) where its program is not installed; ``stories`` is empty in legacy mode.
    """

    mode: Mode
    split: str
    references: int
    answers: int
    measures: Mapping[str, Measure]
    meteor: float | None
    stories: Sequence[StoryTally]


def add_meteor(tallies: Sequence[StoryTally], each: Sequence[float]) -> list[StoryTally]:
    """The tallies with METEOR of each story and gMETEOR: its harmonic mean with the F1 of all boxes of the story.

    A story with boxes on neither side has no grounding to be scored and no gMETEOR. The formula is GroundCap's (Oliveira et
    al., 2025).
    """
    added = []
    for tally, value in zip(tallies, each, strict=True):
        f1 = tally.sums["boxes.all.f1"]
        grounded = tally.sums["boxes.all.stories"]
        both = 2 * value * f1 / (value + f1) if value + f1 > 0 else 0.0
        more = {"meteor.each": value, "meteor.grounded": both * grounded}
        added.append(replace(tally, sums={**tally.sums, **more}))
    return added


def write_stories(tallies: Sequence[StoryTally], target: Path) -> None:
    """Write one row a story: its names, its words, and every sum as a column of its own.

    Raises:
        WorkspaceError: the file cannot be written.
    """
    names = sorted({name for tally in tallies for name in tally.sums})
    columns: dict[str, pa.Array] = {
        name: pa.array([getattr(tally, name) for tally in tallies], pa.string()) for name in _TEXTS
    }
    columns["invented"] = pa.array([list(tally.invented) for tally in tallies], pa.list_(pa.string()))
    columns |= {SUM + name: pa.array([tally.sums[name] for tally in tallies], pa.float64()) for name in names}
    table = pa.table(columns).replace_schema_metadata({LAYOUT: VERSION})
    with atomic_path(target) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def holds_stories(path: Path) -> bool:
    """Whether a file was written by :func:`write_stories`."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return LAYOUT.encode() in metadata


def read_stories(path: Path) -> list[StoryTally]:
    """The stories of an earlier evaluation.

    Raises:
        SourceError: the file is of another version.
    """
    table = pq.read_table(path)
    found = (table.schema.metadata or {}).get(LAYOUT.encode())
    if found != VERSION:
        said = found.decode(errors="replace") if found else "none"
        raise SourceError(f"{path} holds scores of layout {said}, not {VERSION.decode()}: evaluate those answers again")
    sums = [name for name in table.column_names if name.startswith(SUM)]
    return [
        StoryTally(
            story_id=row["story_id"],
            film=row["film"],
            told=row["told"],
            truth=row["truth"],
            sums={name.removeprefix(SUM): row[name] for name in sums},
            invented=tuple(row["invented"]),
        )
        for row in table.to_pylist()
    ]


def scores_value(scores: Scores, differences: Mapping[str, Difference] | None = None) -> dict[str, object]:
    """Everything that was measured, as JSON."""
    value: dict[str, object] = {
        "mode": scores.mode,
        "split": scores.split,
        "references": scores.references,
        "answers": scores.answers,
        "films": len({tally.film for tally in scores.stories}) or None,
        "measures": {
            name: {"value": one.value, "low": one.low, "high": one.high} for name, one in scores.measures.items()
        },
        "meteor": scores.meteor,
    }
    if differences is not None:
        fields = ("first", "second", "difference", "low", "high", "p")
        value["compared"] = {
            name: {field: getattr(one, field) for field in fields} for name, one in differences.items()
        }
    return value
