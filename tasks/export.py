"""``export``: the dataset, as a folder that the Hub takes as it is.

In: the kept stories of every shard. Out: ``dataset/`` with ``README.md``, ``default/{train,test}-*.parquet`` (the five columns
of StoryReasoning) and ``grounding/{train,test}-*.parquet``; where asked for, ``coco/`` and ``webdataset/``. Invariants: image
bytes are those of the frames, unless others are asked for; the same stories give the same bytes; a film lies in one split, and
no frame of it nearly the same in the other; the folder is replaced whole or not at all; memory does not grow with the
dataset.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from tasks.assembly import assign_story_ids
from tasks.dataset_card.licences import read_licences
from tasks.exporting.coco import CocoWriter, read_labels
from tasks.exporting.images import reencode
from tasks.exporting.parquet import CONFIGS, SplitWriter
from tasks.exporting.rows import default_row, grounding_row, image_name, image_structs, models_of
from tasks.exporting.splits import SPLITS, draw_splits
from tasks.exporting.stories import read_stories
from tasks.exporting.webdataset import TarWriter
from tasks.gallery import GalleryNames
from tasks.leaks import Leak, find_leaks
from tasks.runtime.atomic import atomic_directory, write_json
from tasks.runtime.keys import content_key, file_sha256
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import Row, RunSpec, ShardRef
from tasks.runtime.streams import WorkBehind

VERSION = 3


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of the dataset, its path relative to the folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Written:
    """The files of a dataset as whoever writes its card is told of them.

    ``rows`` counts stories by split, ``films`` gives each film's split, ``leaks`` the films that were moved for what they share.
    """

    folder: Path
    rows: Mapping[str, int]
    films: Mapping[str, str]
    leaks: Sequence[Leak]
    files: Sequence[ExportedFile]


CardWriter = Callable[[Written], None]
"""Writes ``README.md`` and what belongs to it into the dataset's folder."""


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
    """Write every layout that is asked for below ``folder``; returns the story ids and the sha256 of each file."""
    keys = [row["story_key"] for ref in refs for row in _rows(run, ref, "ground", ["story_key"])]
    story_ids = assign_story_ids(keys)
    params = run.config.export
    with contextlib.ExitStack() as stack:
        behind = stack.enter_context(WorkBehind())
        writers = {
            (config, split): stack.enter_context(SplitWriter(folder, config, split, params, behind))
            for config in CONFIGS
            for split in SPLITS
        }
        cocos = _open_coco(run, refs, folder, stack) if params.coco else {}
        tars = {s: stack.enter_context(TarWriter(folder, s, params)) for s in SPLITS} if params.webdataset else {}
        for ref in refs:
            models = models_of(run, ref)
            gallery = GalleryNames(run, ref)
            for found in read_stories(run, ref):
                story = replace(found, analysis=gallery.apply(found.analysis))
                told = story if params.image_format == "keep" else reencode(story, params)
                story_id, split = story_ids[told.key], splits[told.film]
                images = image_structs(told.images, [image_name(frame) for frame in told.frames])
                writers["default", split].write(default_row(told, story_id), images)
                writers["grounding", split].write(grounding_row(told, story_id, models))
                if cocos:
                    cocos[split].write(told, story_id)
                if tars:
                    tars[split].write(told, story_id)
    sums = [*(writer.sha256 for writer in writers.values()), *(tar.sha256 for tar in tars.values())]
    return story_ids, {path: digest for part in sums for path, digest in part.items()}


def _open_coco(
    run: RunSpec, refs: Sequence[ShardRef], folder: Path, stack: contextlib.ExitStack
) -> Mapping[str, CocoWriter]:
    known = read_licences(Path(run.source))
    licences = {ref.film: known.of(ref.film).licence or run.config.export.licence for ref in refs}
    labels = read_labels(run, refs)
    return {split: stack.enter_context(CocoWriter(folder, split, labels, licences)) for split in SPLITS}


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
    stories = dict.fromkeys((ref.film for ref in refs), 0)
    for ref in refs:
        stories[ref.film] += sum(1 for _ in _rows(run, ref, "ground", ["story_key"]))
    drawn = draw_splits(stories, run.config.export)
    splits, leaks = find_leaks(run, refs, drawn)
    for leak in leaks:
        emit(
            Event("message", text=f"film {leak.film} moved to train: it shares frames with {leak.other} (by {leak.by})")
        )
    with atomic_directory(workspace / "dataset") as folder:
        story_ids, digests = write_splits(run, refs, folder, splits)
        rows = {
            split: sum(pq.read_metadata(path).num_rows for path in (folder / "default").glob(f"{split}-*.parquet"))
            for split in SPLITS
        }
        written = _list_files(folder, digests)
        card(Written(folder, rows, splits, leaks, written))
        files = _list_files(folder, {folder / file.path: file.sha256 for file in written})
    exported = Exported(key, rows, splits, story_ids, files)
    write_json(workspace / "export.json", asdict(exported))
    return exported


def _list_files(folder: Path, digests: Mapping[Path, str]) -> list[ExportedFile]:
    """Every file below ``folder``; ``digests`` has those that are known."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        ExportedFile(path.relative_to(folder).as_posix(), path.stat().st_size, digests.get(path) or file_sha256(path))
        for path in paths
    ]
