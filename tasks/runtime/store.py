"""Shards on disk: Parquet with a manifest beside it. The manifest is written last: a shard stands when it has one."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import DEAD_LETTERS
from schemas.errors import ShardError
from tasks.runtime.atomic import atomic_path, write_json
from tasks.runtime.keys import file_sha256
from tasks.runtime.stage import Row

GROUP_BYTES = 8_000_000
"""Bytes of binary columns after which a row group is closed, so that readers stay small."""
GROUP_ROWS = 256


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a manifest answers for."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a shard comes from, what went in and out, and what it cost.

    ``inputs`` maps a stage to the key of the shard that was read, ``models`` a model's name to the sha256 of its weights.
    ``items_in == items_out + sum(rejected.values())`` holds for every manifest, counted in ``unit``; ``rows`` is the
    length of the table, which differs where one row stands for several items (the frames of a story).
    """

    stage: str
    stage_version: int
    shard: str
    film: str
    key: str
    unit: str
    inputs: dict[str, str]
    params: dict[str, Any]
    models: dict[str, str]
    items_in: int
    items_out: int
    rows: int
    rejected: dict[str, int]
    seconds: float
    cpu_s: float
    finished: str
    software: dict[str, str]
    files: tuple[StoredFile, ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a manifest as :meth:`ShardStore.commit` wrote it.

        Raises:
            ValueError, KeyError, TypeError: it is not one.
        """
        value = json.loads(text)
        value["files"] = tuple(StoredFile(**entry) for entry in value["files"])
        return cls(**value)


@dataclass(frozen=True, slots=True)
class ShardStore:
    """All shards of a workspace, addressed by stage, shard and key."""

    root: Path

    def folder(self, stage: str, shard: str) -> Path:
        """Folder of the shard's versions at a stage."""
        return self.root / stage / shard

    def path(self, stage: str, shard: str, key: str) -> Path:
        """The Parquet file of a shard."""
        return self.folder(stage, shard) / f"{key}.parquet"

    def rejects_path(self, stage: str, shard: str, key: str) -> Path:
        """The Parquet file of what a stage left out; absent when that is nothing."""
        return self.folder(stage, shard) / f"{key}.rejected.parquet"

    def manifest_path(self, stage: str, shard: str, key: str) -> Path:
        """The manifest of a shard."""
        return self.folder(stage, shard) / f"{key}.json"

    def find(self, stage: str, shard: str, key: str) -> Manifest | None:
        """The manifest of a shard that stands whole, or None: never made, truncated, or with a damaged manifest."""
        path = self.manifest_path(stage, shard, key)
        try:
            manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        folder = path.parent
        for entry in manifest.files:
            try:
                if (folder / entry.name).stat().st_size != entry.bytes:
                    return None
            except OSError:
                return None
        return manifest

    def versions(self, stage: str, shard: str) -> list[Manifest]:
        """Every standing version of a shard at a stage, oldest first."""
        found = [self.find(stage, shard, p.stem) for p in sorted(self.folder(stage, shard).glob("*.json"))]
        return sorted((m for m in found if m is not None), key=lambda m: (m.finished, m.key))

    def read(self, stage: str, shard: str, key: str) -> "ShardReader":
        """Open a shard.

        Raises:
            ShardError: it cannot be read; its manifest is withdrawn so that the next run makes it again.
        """
        return ShardReader(self.path(stage, shard, key), self.manifest_path(stage, shard, key), stage, shard)

    def rejects(self, stage: str, shard: str, key: str) -> list[Row]:
        """Dead letters of a shard, in the order in which they were met.

        Raises:
            ShardError: they cannot be read; the shard's manifest is withdrawn as by :meth:`read`.
        """
        path = self.rejects_path(stage, shard, key)
        if not path.exists():
            return []
        reader = ShardReader(path, self.manifest_path(stage, shard, key), stage, shard)
        try:
            return list(reader)
        finally:
            reader.close()

    def commit(self, manifest: Manifest) -> None:
        """Make a shard stand: write its manifest, last."""
        write_json(self.manifest_path(manifest.stage, manifest.shard, manifest.key), asdict(manifest))


class ShardReader:
    """A shard, read a row group at a time so that memory does not grow with it; every page is held against its checksum."""

    def __init__(self, path: Path, manifest: Path, stage: str, shard: str) -> None:
        """Open the file that ``manifest`` answers for.

        Raises:
            ShardError: it is no readable Parquet file.
        """
        self._manifest = manifest
        self._where = f"shard {shard} of {stage}"
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._withdraw(error) from error

    def _withdraw(self, error: Exception) -> ShardError:
        """Take the shard's manifest away, so that the next run makes it anew."""
        self._manifest.unlink(missing_ok=True)
        told = " ".join(str(error).split())
        return ShardError(f"{self._where} is damaged ({told}): run again to make it anew")

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._file.metadata.num_rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._file.schema_arrow.names)

    def __iter__(self) -> Iterator[Row]:
        """Rows in order."""
        return self.select(None)

    def select(self, columns: list[str] | None) -> Iterator[Row]:
        """Rows in order with only these columns; None takes all.

        Raises:
            ShardError: a row group is damaged.
        """
        for group in range(self._file.num_row_groups):
            yield from self.group(group, columns)

    def group(self, index: int, columns: list[str] | None = None) -> list[Row]:
        """Rows of one row group."""
        try:
            table = self._file.read_row_group(index, columns=columns, use_threads=False)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._withdraw(error) from error
        rows: list[Row] = table.to_pylist()
        return rows

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class ShardWriter:
    """Takes rows and dead letters for one shard; made by :func:`write_shard`."""

    def __init__(self, parquet: pq.ParquetWriter, stage: str, shard: str) -> None:
        """Write rows to ``parquet`` a row group at a time."""
        self.rows = 0
        self.rejected: dict[str, int] = {}
        self.files: tuple[StoredFile, ...] = ()
        self.rejects: list[Row] = []
        self._parquet = parquet
        self._stage = stage
        self._shard = shard
        self._rows: list[Row] = []
        self._pending_bytes = 0

    def write(self, row: Row) -> None:
        """Add a row."""
        self._rows.append(row)
        self.rows += 1
        self._pending_bytes += sum(len(v) for v in row.values() if isinstance(v, bytes))
        if len(self._rows) >= GROUP_ROWS or self._pending_bytes >= GROUP_BYTES:
            self.flush()

    def reject(self, unit: str, item: str, reason: str, detail: str) -> None:
        """Add a dead letter: which item, a short fixed reason that is counted, and what a person should know."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self.rejects.append(
            {"stage": self._stage, "shard": self._shard, "unit": unit, "item": item, "reason": reason, "detail": detail}
        )

    def flush(self) -> None:
        """Close the row group."""
        if self._rows:
            self._parquet.write_table(pa.Table.from_pylist(self._rows, schema=self._parquet.schema))
        self._rows = []
        self._pending_bytes = 0


@contextlib.contextmanager
def write_shard(store: ShardStore, stage: str, shard: str, key: str, schema: pa.Schema) -> Iterator[ShardWriter]:
    """Write one shard and its dead letters; nothing is seen of them before the block ends without an error.

    Raises:
        WorkspaceError: the disk is full or the place cannot be written.
    """
    target = store.path(stage, shard, key)
    rejects = store.rejects_path(stage, shard, key)
    with atomic_path(target) as temporary:
        binary = {f.name for f in schema if pa.types.is_binary(f.type)}
        compression = {path: "NONE" if path in binary else "ZSTD" for path in _leaf_paths(schema)}
        parquet = pq.ParquetWriter(
            temporary, schema, compression=compression, use_dictionary=False, write_page_checksum=True
        )
        try:
            out = ShardWriter(parquet, stage, shard)
            yield out
            out.flush()
        except BaseException:
            with contextlib.suppress(Exception):
                parquet.close()
            raise
        parquet.close()
    paths = [target]
    if out.rejects:
        with atomic_path(rejects) as temporary:
            pq.write_table(pa.Table.from_pylist(out.rejects, schema=DEAD_LETTERS), temporary, write_page_checksum=True)
        paths.append(rejects)
    else:
        rejects.unlink(missing_ok=True)
    out.files = tuple(StoredFile(p.name, p.stat().st_size, file_sha256(p)) for p in paths)


def _leaf_paths(schema: pa.Schema) -> list[str]:
    """Parquet column paths of a schema, nested fields included."""

    def walk(prefix: str, kind: pa.DataType) -> Iterator[str]:
        if pa.types.is_struct(kind):
            for child in kind:
                yield from walk(f"{prefix}.{child.name}", child.type)
        elif pa.types.is_list(kind):
            yield from walk(f"{prefix}.list.element", kind.value_type)
        else:
            yield prefix

    return [path for item in schema for path in walk(item.name, item.type)]
