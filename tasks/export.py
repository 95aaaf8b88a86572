"""``export``: the dataset, as a folder that the Hub takes as it is.

In: the kept stories of every shard. Out: ``dataset/`` with ``README.md``, ``default/{train,test}-*.parquet`` (the five columns
of StoryReasoning) and ``grounding/{train,test}-*.parquet``. Invariants: image bytes are those of the frames; the same
stories give the same bytes; a film lies in one split, and no frame of it nearly the same in the other; the folder is replaced
whole or not at all; memory does not grow with the dataset.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.config import ExportConfig
from tasks.assembly import AssembledStory, assemble_shard, assign_story_ids
from tasks.leaks import move_leaks, read_hashes
from tasks.runtime.atomic import atomic_directory, write_json
from tasks.runtime.keys import content_key, file_sha256
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.streams import HashingFile, WorkBehind

VERSION = 2
SPLITS = ("train", "test")
CONFIGS = {"default": STORYREASONING, "grounding": GROUNDING}
GROUP_BYTES = 32_000_000
"""Image bytes after which a row group is closed: what a reader of the first row has to fetch."""
CardWriter = Callable[[Path, Mapping[str, int], Mapping[str, str]], None]
"""Writes ``README.md`` into the dataset's folder; is told the rows of each split and the split of each film."""
_CHUNK = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the dataset, its path relative to the folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export made.

    ``rows`` counts stories by split, ``films`` gives each film's split, ``story_ids`` each story's published id.
    """

    key: str
    rows: Mapping[str, int]
    films: Mapping[str, str]
    story_ids: Mapping[str, str]
    files: Sequence[ExportedFile]


def split_films(films: Iterable[str], params: ExportConfig) -> dict[str, str]:
    """The split of each film: a film whose hash falls into the lowest ``test_ratio`` of all hashes is for testing.

    So a film keeps its side whatever others there are, with one exception: when every film would be for testing, the one
    with the highest hash is for training, as nobody can train on nothing.
    """
    places = {
        film: int.from_bytes(hashlib.sha256(f"{params.split_seed}\n{film}".encode()).digest()[:8], "big") / 2**64
        for film in films
    }
    splits = {film: "test" if place < params.test_ratio else "train" for film, place in places.items()}
    if splits and "train" not in splits.values():
        splits[max(places, key=lambda film: (places[film], film))] = "train"
    return splits


def draw_splits(told: Iterable[str], others: Iterable[str], params: ExportConfig) -> dict[str, str]:
    """The split of each film with stories (``told``) and without.

    Films without a story have a side too, but must not be what keeps the training split from being empty.
    """
    return {**split_films(others, params), **split_films(told, params)}


class SplitWriter:
    """Writes one split of one config as numbered Parquet files of about ``shard_bytes``."""

    def __init__(
        self, folder: Path, config: str, split: str, params: ExportConfig, behind: WorkBehind | None = None
    ) -> None:
        """Write below ``folder/config``; with ``behind`` while the next rows are being made."""
        self.sha256: dict[Path, str] = {}
        self._behind = behind
        self._folder = folder / config
        self._split = split
        self._schema = CONFIGS[config]
        self._params = params
        self._rows: list[Row] = []
        self._pending = 0
        self._written = 0
        self._parts: list[Path] = []
        self._parquet: pq.ParquetWriter | None = None
        self._file: HashingFile | None = None

    def __enter__(self) -> Self:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, row: Row, image_bytes: int) -> None:
        """Add a row that holds so many bytes of images."""
        if self._written >= self._params.shard_bytes:
            self._close_part()
        self._rows.append(row)
        self._pending += image_bytes
        if len(self._rows) >= self._params.rows_per_group or self._pending >= GROUP_BYTES:
            self._flush()

    def _do(self, action: Callable[[], None]) -> None:
        if self._behind is None:
            action()
        else:
            self._behind.submit(action)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        self._written, self._pending = self._written + self._pending, 0
        self._do(lambda: self._write_group(rows))

    def _write_group(self, rows: Sequence[Row]) -> None:
        parquet = self._parquet or self._open_part()
        if rows:
            parquet.write_table(pa.Table.from_pylist(rows, schema=self._schema))

    def _open_part(self) -> pq.ParquetWriter:
        path = self._folder / f"{self._split}-{len(self._parts):05d}"
        self._parts.append(path)
        self._file = HashingFile(path)
        images = "images" in self._schema.names
        # Image bytes are compressed already: a second pass would cost reading speed and gain nothing.
        compression: dict[str, str] | str = "zstd"
        if images:
            compression = {name: "zstd" for name in self._schema.names if name != "images"}
            compression |= {"images.list.element.bytes": "none", "images.list.element.path": "zstd"}
        self._parquet = pq.ParquetWriter(
            self._file,
            self._schema,
            compression=compression,
            use_dictionary=not images,
            write_page_index=True,
            use_content_defined_chunking=_CHUNK,
        )
        return self._parquet

    def _close_part(self) -> None:
        self._flush()
        self._written = 0
        self._do(self._finish_file)

    def _finish_file(self) -> None:
        if self._parquet is not None and self._file is not None:
            self._parquet.close()
            self._file.close()
            self.sha256[self._parts[-1]] = self._file.sha256
        self._parquet = self._file = None

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Close, and name the files ``<split>-<i>-of-<n>.parquet``; an empty split is one file without rows."""
        if kind is not None:
            with contextlib.suppress(Exception):
                if self._behind is not None:
                    self._behind.wait()
            with contextlib.suppress(Exception):
                self._finish_file()
            return
        self._close_part()
        if self._behind is not None:
            self._behind.wait()
        for index, path in enumerate(self._parts):
            final = path.with_name(f"{self._split}-{index:05d}-of-{len(self._parts):05d}.parquet")
            path.rename(final)
            self.sha256[final] = self.sha256.pop(path)


def default_row(story: AssembledStory, story_id: str) -> Row:
    """A row of :data:`STORYREASONING`."""
    return {
        "story_id": story_id,
        "images": [{"bytes": f["image"], "path": f"{f['frame_id']}.{_suffix(f)}"} for f in story.frames],
        "frame_count": len(story.frames),
        "chain_of_thought": story.grounded["chain_of_thought"],
        "story": story.grounded["story"],
    }


def _suffix(frame: Row) -> str:
    return "jpg" if frame["format"] == "jpeg" else str(frame["format"])


def grounding_row(story: AssembledStory, story_id: str, models: Sequence[Row]) -> Row:
    """A row of :data:`GROUNDING`."""
    return {
        "story_id": story_id,
        "story_key": story.key,
        "film": story.film,
        "frames": [
            {
                "number": number,
                "frame_id": frame["frame_id"],
                "scene": frame["scene"],
                "source": frame["source"],
                "sha256": frame["source_sha256"],
                "width": frame["width"],
                "height": frame["height"],
            }
            for number, frame in enumerate(story.frames, start=1)
        ],
        "detections": [
            {"frame": number, **detection}
            for number, people in enumerate(story.people, start=1)
            for detection in people["detections"]
        ],
        "entities": story.identities["entities"],
        "links": story.grounded["links"],
        "models": list(models),
        **{
            name: story.draft[name]
            for name in ("drafter", "model", "prompt_version", "input_tokens", "output_tokens", "cost_usd")
        },
    }


def models_of(run: RunSpec, ref: ShardRef) -> list[Row]:
    """The models that a shard's stories stand on."""
    rows = []
    for stage, key in sorted(ref.keys.items()):
        manifest = run.store.find(stage, ref.shard, key)
        for name, digest in sorted((manifest.models if manifest else {}).items()):
            rows.append({"stage": stage, "name": name, "sha256": digest})
    return rows


def export_key(run: RunSpec, refs: Sequence[ShardRef], card: str) -> str:
    """Content key of a dataset: its stories, how they are written, and what the card says beyond them."""
    return content_key(
        {
            "stage": "export",
            "version": VERSION,
            "params": run.config.export.model_dump(mode="json"),
            "duplicate_bits": run.config.select.duplicate_bits,
            "card": card,
            "shards": [[ref.film, ref.shard, ref.keys["ground"]] for ref in refs],
        }
    )


def write_splits(
    run: RunSpec, refs: Sequence[ShardRef], folder: Path, splits: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[Path, str]]:
    """Write both configs of every split below ``folder``; returns the story ids and the sha256 of each file."""
    keys = [row["story_key"] for ref in refs for row in _rows(run, ref, "ground", ["story_key"])]
    story_ids = assign_story_ids(keys)
    with contextlib.ExitStack() as stack:
        behind = stack.enter_context(WorkBehind())
        writers = {
            (config, split): stack.enter_context(SplitWriter(folder, config, split, run.config.export, behind))
            for config in CONFIGS
            for split in SPLITS
        }
        for ref in refs:
            models = models_of(run, ref)
            for story in assemble_shard(run, ref):
                story_id, split = story_ids[story.key], splits[story.film]
                size = sum(len(frame["image"]) for frame in story.frames)
                writers["default", split].write(default_row(story, story_id), size)
                writers["grounding", split].write(grounding_row(story, story_id, models), 0)
    return story_ids, {path: digest for writer in writers.values() for path, digest in writer.sha256.items()}


def _rows(run: RunSpec, ref: ShardRef, stage: str, columns: list[str]) -> Iterator[Row]:
    reader = run.store.read(stage, ref.shard, ref.keys[stage])
    try:
        yield from reader.select(columns)
    finally:
        reader.close()


def find_export(workspace: Path, key: str) -> Exported | None:
    """The export that stands in a workspace, if it is this one and whole."""
    try:
        value = json.loads((workspace / "export.json").read_text(encoding="utf-8"))
        files = [ExportedFile(**entry) for entry in value.pop("files")]
        value["rows"] = {split: value["rows"][split] for split in SPLITS}
        exported = Exported(files=files, **value)
        whole = all((workspace / "dataset" / f.path).stat().st_size == f.bytes for f in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return exported if whole and exported.key == key else None


def export_dataset(run: RunSpec, refs: Sequence[ShardRef], card: CardWriter, card_key: str) -> Exported:
    """Write the dataset, or find that it stands; ``card`` writes ``README.md`` and whatever belongs to it.

    ``card_key`` changes when the card would say something else of the same stories.

    Raises:
        WorkspaceError: the disk is full or the workspace cannot be written.
    """
    workspace = Path(run.workspace)
    key = export_key(run, refs, card_key)
    standing = find_export(workspace, key)
    if standing is not None:
        return standing
    told = {ref.film for ref in refs if any(True for _ in _rows(run, ref, "ground", ["story_key"]))}
    drawn = draw_splits(told, {ref.film for ref in refs} - told, run.config.export)
    splits, leaks = move_leaks(drawn, read_hashes(run, refs), run.config.select.duplicate_bits)
    for leak in leaks:
        emit(Event("message", text=f"film {leak.film} moved to train: it shares frames with {leak.other}"))
    with atomic_directory(workspace / "dataset") as folder:
        story_ids, digests = write_splits(run, refs, folder, splits)
        rows = {
            split: sum(pq.read_metadata(path).num_rows for path in (folder / "default").glob(f"{split}-*.parquet"))
            for split in SPLITS
        }
        card(folder, rows, splits)
        files = [
            ExportedFile(
                path.relative_to(folder).as_posix(), path.stat().st_size, digests.get(path) or file_sha256(path)
            )
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]
    exported = Exported(key, rows, splits, story_ids, files)
    write_json(workspace / "export.json", asdict(exported))
    return exported
