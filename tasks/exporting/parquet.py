"""Parquet of one split of one config, as the Hub, its viewer and ``datasets`` like it."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import GROUNDING, STORYREASONING
from schemas.config import ExportConfig
from tasks.exporting.rows import byte_count
from tasks.runtime.stage import Row
from tasks.runtime.streams import HashingFile, WorkBehind

CONFIGS = {"default": STORYREASONING, "grounding": GROUNDING}
GROUP_BYTES = 32_000_000
"""Image bytes after which a row group is closed: what a reader of the first row has to fetch."""
_IMAGE_BYTES = "images.list.element.bytes"
_CHUNK = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}


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
        self._images: list[pa.ListArray] = []
        self._pending = 0
        self._written = 0
        self._parts: list[Path] = []
        self._parquet: pq.ParquetWriter | None = None
        self._file: HashingFile | None = None

    def __enter__(self) -> Self:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, row: Row, images: pa.StructArray | None = None) -> None:
        """Add a row; ``images`` are the values of its column of that name, which is not looked for in ``row``."""
        if self._written >= self._params.shard_bytes:
            self._close_part()
        self._rows.append(row)
        if images is not None:
            self._images.append(pa.ListArray.from_arrays(pa.array([0, len(images)], pa.int32()), images))
            self._pending += byte_count(images.field(0))
        if len(self._rows) >= self._params.rows_per_group or self._pending >= GROUP_BYTES:
            self._flush()

    def _do(self, action: Callable[[], None]) -> None:
        if self._behind is None:
            action()
        else:
            self._behind.submit(action)

    def _flush(self) -> None:
        rows, self._rows = self._rows, []
        images, self._images = self._images, []
        self._written, self._pending = self._written + self._pending, 0
        self._do(lambda: self._write_group(rows, images))

    def _write_group(self, rows: Sequence[Row], images: Sequence[pa.ListArray]) -> None:
        parquet = self._parquet or self._open_part()
        if not rows:
            return
        if not images:
            parquet.write_table(pa.Table.from_pylist(rows, schema=self._schema))
            return
        # Each story is a chunk of its own: pages then depend on the stories alone, not on how their frames were stored.
        column = pa.chunked_array(images, self._schema.field("images").type)
        others = pa.Table.from_pylist(rows, pa.schema(f for f in self._schema if f.name != "images"))
        columns = [column if name == "images" else others.column(name) for name in self._schema.names]
        parquet.write_table(pa.table(columns, schema=self._schema))

    def _open_part(self) -> pq.ParquetWriter:
        path = self._folder / f"{self._split}-{len(self._parts):05d}"
        self._parts.append(path)
        self._file = HashingFile(path)
        images = "images" in self._schema.names
        compression: dict[str, str] | str = "zstd"
        statistics: list[str] | bool = True
        if images:
            others = [name for name in self._schema.names if name != "images"]
            # Image bytes are compressed already: a second pass would cost reading speed and gain nothing. Nobody looks for
            # the least of them either, and to find it takes as long as to write them all.
            compression = dict.fromkeys(others, "zstd") | {_IMAGE_BYTES: "none", "images.list.element.path": "zstd"}
            statistics = others
        self._parquet = pq.ParquetWriter(
            self._file,
            self._schema,
            compression=compression,
            write_statistics=statistics,
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
