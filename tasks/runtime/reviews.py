"""What people say of stories: kept in ``reviews.parquet`` of a workspace, read by the build that comes next.

One row a statement; a new statement about the same thing takes the place of the old one. The file is replaced whole under a
lock, so that no reader sees half of it and no writer undoes another's work.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from schemas.config import BuildConfig
from schemas.errors import WorkspaceError
from schemas.review_config import NameReview, ReviewConfig, Sighting, StoryReview
from tasks.runtime.progress import Event, emit

FILE = "reviews.parquet"
Action = Literal["verdict", "split", "merge", "name"]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Review:
    """One statement.

    Attributes:
        story_key: the story, by the key that depends on its frames alone.
        film: its film, for people who read the file.
        action: ``verdict`` on the story; ``split``, ``merge`` or ``name`` of entities.
        target: what it is about: entity ids as they were shown, empty for a verdict. One statement an action and target.
        value: ``good`` or ``bad``; a name; empty otherwise.
        note: why, in the words of who said it.
        sightings: detections that are split off, that are one entity (the first of each), or that have the name.
        said: when, ISO 8601 in UTC.
    """

    story_key: str
    film: str
    action: Action
    target: str = ""
    value: str = ""
    note: str = ""
    sightings: tuple[Sighting, ...] = ()
    said: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is about; of two statements about one place the later holds."""
        return self.story_key, self.action, self.target


def read_reviews(workspace: Path) -> tuple[Review, ...]:
    """All statements, by story, action and target; none where nobody said anything.

    Raises:
        WorkspaceError: the file is damaged or of another version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.arrow import REVIEWS

    path = workspace / FILE
    if not path.exists():
        return ()
    try:
        table = pq.read_table(path)
        if (table.schema.metadata or {}).get(b"storyreasoning") != REVIEWS.metadata[b"storyreasoning"]:
            raise ValueError("another version wrote it")
        rows: list[dict[str, Any]] = table.to_pylist()
        return tuple(_read_row(row) for row in rows)
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        told = " ".join(str(error).split())
        raise WorkspaceError(
            f"{path} cannot be read ({told}): restore it, or move it away to go without reviews"
        ) from error


def _read_row(row: Mapping[str, Any]) -> Review:
    if row["action"] not in ACTIONS:
        raise ValueError(f"unknown action {row['action']!r}")
    sightings = tuple((one["frame_id"], one["det_id"]) for one in row["sightings"])
    return Review(**{**row, "sightings": sightings})


def save_review(workspace: Path, review: Review) -> tuple[Review, ...]:
    """Write a statement over whatever was said about the same place; returns all statements.

    Raises:
        WorkspaceError: the disk is full, the place cannot be written, or the file is damaged.
    """
    said = review.said or datetime.now(UTC).isoformat(timespec="milliseconds")
    whole = Review(**{**asdict(review), "sightings": review.sightings, "said": said})
    with _locked(workspace):
        kept = [one for one in read_reviews(workspace) if one.place != whole.place]
        return _write(workspace, [*kept, whole])


def remove_review(workspace: Path, place: tuple[str, str, str]) -> tuple[Review, ...]:
    """Take a statement back; returns those that are left.

    Raises:
        WorkspaceError: as :func:`save_review`.
    """
    with _locked(workspace):
        return _write(workspace, [one for one in read_reviews(workspace) if one.place != place])


def _write(workspace: Path, reviews: Iterable[Review]) -> tuple[Review, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas.arrow import REVIEWS
    from tasks.runtime.atomic import write_bytes

    ordered = tuple(sorted(reviews, key=lambda one: one.place))
    rows = [
        {**asdict(one), "sightings": [{"frame_id": frame, "det_id": det} for frame, det in one.sightings]}
        for one in ordered
    ]
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=REVIEWS), buffer, compression="zstd")
    write_bytes(workspace / FILE, buffer.getvalue().to_pybytes())
    return ordered


@contextmanager
def _locked(workspace: Path) -> Iterator[None]:
    """Alone among writers, those of other processes too."""
    try:
        lock = os.open(workspace / f".{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WorkspaceError(f"cannot write reviews into {workspace}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


# ---------------------------------------------------------------------- for a build


def with_reviews(workspace: Path, config: BuildConfig) -> BuildConfig:
    """``config`` with what people said of the stories of the last build; without a word of theirs it stays as it is.

    A statement holds for the shard in which the last build made its story. One about a story that the last build did not
    make is passed over, with a message.

    Raises:
        WorkspaceError: the reviews cannot be read.
    """
    said = read_reviews(workspace)
    if not said:
        return config if config.review == ReviewConfig() else config.model_copy(update={"review": ReviewConfig()})
    shards = story_shards(workspace)
    by_story: dict[str, list[Review]] = {}
    for review in said:
        by_story.setdefault(review.story_key, []).append(review)
    found: dict[str, dict[str, StoryReview]] = {}
    for key, reviews in sorted(by_story.items()):
        corrections = gather_story(reviews)
        if key not in shards:
            film = reviews[0].film
            emit(Event("message", text=f"a review of film {film} was passed over: the last build made no story {key}"))
        elif corrections != StoryReview():
            found.setdefault(shards[key], {})[key] = corrections
    return config.model_copy(update={"review": ReviewConfig(shards=found)})


def gather_story(reviews: Sequence[Review]) -> StoryReview:
    """What a build must know of statements about one story."""
    verdict = next((one for one in reviews if one.action == "verdict"), None)
    bad = verdict is not None and verdict.value == "bad"
    merges = [one.sightings for one in reviews if one.action == "merge" and len(one.sightings) > 1]
    return StoryReview(
        bad=bad,
        note=verdict.note if verdict and bad else "",
        splits=tuple(one.sightings for one in reviews if one.action == "split" and one.sightings),
        merges=tuple((sightings[0], other) for sightings in merges for other in sightings[1:]),
        names=tuple(NameReview(name=one.value, sightings=one.sightings) for one in reviews if one.action == "name"),
    )


def story_shards(workspace: Path) -> dict[str, str]:
    """The shard of every story that the last build of a workspace cut, by its key."""
    from tasks.runtime.record import read_record
    from tasks.runtime.store import ShardStore

    store = ShardStore(workspace / "shards")
    found: dict[str, str] = {}
    for entry in (read_record(workspace / "latest.json") or {}).get("shards", ()):
        key = entry["keys"].get("sequence")
        if key is None or store.find("sequence", entry["shard"], key) is None:
            continue
        reader = store.read("sequence", entry["shard"], key)
        try:
            found.update({row["story_key"]: entry["shard"] for row in reader.select(["story_key"])})
        finally:
            reader.close()
    return found
