"""``rate``: ratings that people give, kept in one file for all raters.

In: ratings of one rater. Out: a file of ``RATINGS``. Invariants: the file is whole at every moment, and the ratings of others
stay as they are.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.evaluation.judged import RATINGS, read_ratings
from tasks.evaluation.verdict import DIMENSIONS
from tasks.judge import Item
from tasks.runtime.atomic import atomic_path


def order_for(rater: str, items: Sequence[Item]) -> list[Item]:
    """Stories in an order that is the rater's own and the same in every sitting."""

    def place(item: Item) -> bytes:
        return hashlib.sha256(f"{rater}\0{item.story_id}".encode()).digest()

    return sorted(items, key=place)


def rated_by(path: Path, rater: str) -> dict[str, Mapping[str, Any]]:
    """The ratings that a rater has given already, by story id; none where there is no file yet.

    Raises:
        SourceError: the file holds something else.
    """
    names = (*DIMENSIONS, "remark")
    return {row["story_id"]: {name: row[name] for name in names} for row in _rows(path) if row["rater"] == rater}


def keep_ratings(path: Path, rater: str, ratings: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the ratings of one rater beside those of the others.

    Raises:
        SourceError: the file holds something else.
        WorkspaceError: it cannot be written.
    """
    others = [row for row in _rows(path) if row["rater"] != rater]
    own = [{**rating, "rater": rater, "story_id": story_id} for story_id, rating in ratings.items()]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist([*others, *own], schema=RATINGS), temporary)


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    read_ratings(path)
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows
