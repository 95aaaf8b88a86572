"""Frames from Parquet or Arrow files in the GroundCap layout: a text ``id`` and an ``image`` of bytes a row."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SampleError, SourceError
from tasks.runtime.places import Place, explain, hide_secrets
from tasks.sources.remote import open_place
from tasks.sources.source import SourceItem
from tasks.sources.tree import Read


def download_dataset(repo_id: str) -> list[Path]:
    """Fetch the Parquet files of a Hub dataset into the Hub's own cache; files that are there are not fetched again.

    Raises:
        SourceError: no such dataset, no permission, no network, or no Parquet in it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    try:
        folder = Path(snapshot_download(repo_id, repo_type="dataset", allow_patterns=["*.parquet", "**/*.parquet"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{repo_id} is no local path and cannot be fetched from the Hub ({first_line}): check the name, the network, HF_TOKEN"
        ) from error
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise SourceError(f"the Hub dataset {repo_id} holds no Parquet files: give one in the GroundCap layout")
    return files


@dataclass(frozen=True, slots=True)
class RemoteTable:
    """A table at a URL, read by range requests."""

    place: Place

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return self.place.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The last suffix of the name."""
        return Path(self.name).suffix

    def __str__(self) -> str:
        """The URL, without what is secret in it."""
        return hide_secrets(self.place.url)


TableFile = Path | RemoteTable


class TableSource:
    """Rows of Parquet (or Arrow stream) files; a row's address is ``<file number>:<row group>:<row>``."""

    names_hold_film = True

    def __init__(self, files: Sequence[TableFile], title: str) -> None:
        """Read these files, in this order."""
        self._files = files
        self.title = title

    def ignored(self) -> dict[str, int]:
        """Nothing is passed over: every row is a frame."""
        return {}

    def scan(self) -> Iterator[SourceItem]:
        """Every row, its image hashed.

        Raises:
            SourceError: a file is damaged, or its columns are not those of GroundCap.
        """
        found = False
        for number, file in enumerate(self._files):
            for group, rows in enumerate(_groups(file)):
                for row, (name, image) in enumerate(_pairs(rows)):
                    found = True
                    digest = hashlib.sha256(image).hexdigest() if image is not None else ""
                    yield SourceItem(f"{number}:{group}:{row}", name, "", "", digest, len(image or b""))
        if not found:
            raise SourceError(f"{self._files[0]} holds no rows: give a dataset with frames")

    def reader(self, items: Sequence[str]) -> Read:
        """Gives the images of these rows, each once; a row group is read once for all of them."""
        return GroupedRows(self._files, items)

    def read(self, item: str) -> bytes:
        """The image bytes of a row.

        Raises:
            SampleError: the row has none, or its file has changed.
        """
        return self.reader([item])(item)


class GroupedRows:
    """Images of some rows: with the first of a row group the others of it are taken too, and held until they are given."""

    def __init__(self, files: Sequence[TableFile], items: Sequence[str]) -> None:
        """Rows of these addresses."""
        self._files = files
        self._wanted: dict[tuple[int, int], list[int]] = {}
        self._held: dict[str, bytes | None] = {}
        self._lock = threading.Lock()
        for item in items:
            number, group, row = _parse(item)
            self._wanted.setdefault((number, group), []).append(row)

    def __call__(self, item: str) -> bytes:
        """The image bytes of a row.

        Raises:
            SampleError: the row has none, or its file has changed.
        """
        with self._lock:
            if item not in self._held:
                self._take(item)
            image = self._held.pop(item)
        if image is None:
            raise SampleError(f"row {item} has no image bytes, only a path: embed the images in the file")
        return image

    def _take(self, item: str) -> None:
        number, group, row = _parse(item)
        try:
            table = _read_group(self._files[number], group)
            images = table.column("image").combine_chunks().field("bytes")
            for other in {row, *self._wanted.pop((number, group), ())}:
                if other < len(images):
                    self._held[f"{number}:{group}:{other}"] = images[other].as_py()
            self._held[item]
        except (SourceError, IndexError, KeyError) as error:
            told = str(error) if isinstance(error, SourceError) else "is no longer in its file"
            raise SampleError(f"row {item}: {told}") from error


def _parse(item: str) -> tuple[int, int, int]:
    try:
        number, group, row = (int(part) for part in item.split(":"))
    except ValueError as error:
        raise SampleError(f"{item} is no row of a table") from error
    return number, group, row


@contextmanager
def _opened(file: TableFile) -> Iterator[Any]:
    """What Arrow reads a file from."""
    if isinstance(file, Path):
        yield file
        return
    try:
        with contextlib.closing(open_place(file.place)) as handle:
            yield handle
    except (SourceError, OSError, pa.ArrowException):
        raise
    except Exception as error:  # each file system raises a tree of its own
        raise SourceError(explain(file.place.url, error)) from error


def _groups(file: TableFile) -> Iterator[pa.Table]:
    """Every row group of a file."""
    try:
        if file.suffix.lower() == ".arrow":
            yield _read_group(file, 0)
            return
        with _opened(file) as opened, pq.ParquetFile(opened) as parquet:
            _check_columns(parquet.schema_arrow, file)
            for group in range(parquet.num_row_groups):
                yield parquet.read_row_group(group, columns=["id", "image"])
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{file} cannot be read as Parquet ({_line(error)})") from error


def _read_group(file: TableFile, group: int) -> pa.Table:
    try:
        with _opened(file) as opened:
            if file.suffix.lower() == ".arrow":
                with pa.memory_map(str(opened)) if isinstance(opened, Path) else pa.PythonFile(opened) as mapped:
                    table = pa.ipc.open_stream(mapped).read_all()
                _check_columns(table.schema, file)
                return table.select(["id", "image"])
            with pq.ParquetFile(opened) as parquet:
                return parquet.read_row_group(group, columns=["id", "image"])
    except (OSError, pa.ArrowException, IndexError) as error:
        raise SourceError(f"{file} cannot be read ({_line(error)})") from error


def _pairs(table: pa.Table) -> Iterator[tuple[str, bytes | None]]:
    """Name and image of each row."""
    images = table.column("image").combine_chunks().field("bytes")
    for name, image in zip(table.column("id").to_pylist(), images, strict=True):
        yield str(name), image.as_py()


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _check_columns(schema: pa.Schema, file: TableFile) -> None:
    image = schema.field("image").type if "image" in schema.names else None
    if "id" not in schema.names or image is None or not pa.types.is_struct(image) or image.get_field_index("bytes") < 0:
        raise SourceError(
            f"{file.name} is not in the GroundCap layout: it needs columns 'id' and 'image' (with bytes), it has "
            + ", ".join(schema.names)
        )
