"""Rows of Parquet files, read one or a few at a time: what is in memory does not grow with the files."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SourceError

OPEN_FILES = 8
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RowPlace(NamedTuple):
    """Where a row stands: file number, row group, row in the group."""

    file: int
    group: int
    row: int


class ByteCache(Generic[K, V]):
    """The values used last, up to a number of bytes; safe among threads."""

    def __init__(self, limit: int, size: Callable[[V], int]) -> None:
        """Keep values of which ``size`` tells the bytes, ``limit`` bytes in all."""
        self._limit = limit
        self._size = size
        self._held: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, or ``None``."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: K, value: V) -> None:
        """Keep a value; one larger than the whole cache is not kept."""
        size = self._size(value)
        with self._lock:
            old = self._held.pop(key, None)
            if old is not None:
                self._bytes -= self._size(old)
            if size > self._limit:
                return
            self._held[key] = value
            self._bytes += size
            while self._bytes > self._limit:
                _, gone = self._held.popitem(last=False)
                self._bytes -= self._size(gone)

    @property
    def bytes(self) -> int:
        """Bytes held now."""
        return self._bytes


class ParquetRows:
    """The rows of several Parquet files; one thread reads at a time."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read these files; they are opened when they are needed, few at a time."""
        self.files = tuple(files)
        self._open: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._lock = threading.RLock()

    def add(self, path: Path) -> int:
        """Read this file too; returns its number."""
        with self._lock:
            self.files += (path,)
            return len(self.files) - 1

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def schema(self, number: int) -> pa.Schema:
        """Columns of a file."""
        with self._lock:
            return self._file(number).schema_arrow

    def groups(self, number: int) -> int:
        """Row groups of a file."""
        with self._lock:
            return int(self._file(number).num_row_groups)

    def _file(self, number: int) -> pq.ParquetFile:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        try:
            # Without pre-buffering a column is read through a small buffer, however large its row group is.
            opened = pq.ParquetFile(self.files[number], pre_buffer=False, buffer_size=1 << 18)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{self.files[number]} cannot be read as Parquet: {error}") from error
        self._open[number] = opened
        while len(self._open) > OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return opened

    def batches(
        self, number: int, columns: Sequence[str], group: int, batch_rows: int
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches of a row group, each with the row it begins at; other readers wait until the caller is through.

        Raises:
            SourceError: the file is damaged.
        """
        with self._lock:
            file = self._file(number)
            start = 0
            try:
                for batch in file.iter_batches(
                    batch_rows, row_groups=[group], columns=list(columns), use_threads=False
                ):
                    yield start, batch
                    start += batch.num_rows
            except (OSError, pa.ArrowException) as error:
                raise SourceError(f"{self.files[number]} cannot be read as Parquet: {error}") from error

    def rows(
        self, places: Sequence[RowPlace], columns: Sequence[str], batch_rows: int
    ) -> dict[RowPlace, dict[str, Any]]:
        """Some rows with these columns, each row group passed over once.

        Raises:
            SourceError: a file is damaged, or has changed since it was opened.
        """
        found: dict[RowPlace, dict[str, Any]] = {}
        by_group: dict[tuple[int, int], set[int]] = {}
        for place in places:
            by_group.setdefault((place.file, place.group), set()).add(place.row)
        for (number, group), wanted in by_group.items():
            last = max(wanted)
            for start, batch in self.batches(number, columns, group, batch_rows):
                for row in sorted(wanted & set(range(start, start + batch.num_rows))):
                    found[RowPlace(number, group, row)] = batch.slice(row - start, 1).to_pylist()[0]
                if start + batch.num_rows > last:
                    break
        missing = [place for place in places if place not in found]
        if missing:
            raise SourceError(f"{self.files[missing[0].file]} has changed since it was opened: start the viewer again")
        return found
