"""Shards on disk: Parquet with a manifest beside it. The manifest is written last: a shard stands when it has one."""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow import DEAD_LETTERS
from schemas.errors import ShardError
from tasks.runtime.atomic import atomic_path, json_bytes, write_json
from tasks.runtime.keys import file_sha256
from tasks.runtime.stage import Row

if TYPE_CHECKING:
    from tasks.runtime.objects import Objects

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
    length of the table, which differs where one row stands for several items (the frames of a story). ``run`` names the run
    that made it; it and what the shard cost (``seconds`` to ``written_bytes``) enter no key and no dataset.
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
    run: str = ""
    peak_bytes: int = 0
    gpu_s: float = 0.0
    read_bytes: int = 0
    written_bytes: int = 0

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
    """All shards of a workspace, addressed by stage, shard and key.

    Where the workspace is a copy of one at a URL (``remote``), a shard stands when its manifest is there: files and then the
    manifest are sent when it is made, and fetched when they are first read here.
    """

    root: Path
    remote: str = ""

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
        manifest = self._load(path)
        if manifest is None and self._objects is not None and self._objects.fetch(self._address(path), path):
            manifest = self._load(path)
        if manifest is None:
            return None
        folder = path.parent
        for entry in manifest.files:
            try:
                if (folder / entry.name).stat().st_size != entry.bytes:
                    return None
            except FileNotFoundError:
                if self._objects is None:
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
        path, manifest = self.path(stage, shard, key), self.manifest_path(stage, shard, key)
        if self._objects is not None and not path.exists():
            self._fetch(path, manifest)
        return ShardReader(path, manifest, stage, shard, self._withdraw)

    def rejects(self, stage: str, shard: str, key: str) -> list[Row]:
        """Dead letters of a shard, in the order in which they were met.

        Raises:
            ShardError: they cannot be read; the shard's manifest is withdrawn as by :meth:`read`.
        """
        path, manifest = self.rejects_path(stage, shard, key), self.manifest_path(stage, shard, key)
        if self._objects is not None and not path.exists():
            self._fetch(path, manifest)
        if not path.exists():
            return []
        reader = ShardReader(path, manifest, stage, shard, self._withdraw)
        try:
            return [{"faults": [], "text": "", **row} for row in reader]  # older ones had neither
        finally:
            reader.close()

    def commit(self, manifest: Manifest) -> None:
        """Make a shard stand: write its manifest, last."""
        path = self.manifest_path(manifest.stage, manifest.shard, manifest.key)
        if self._objects is not None:
            for entry in manifest.files:
                self._objects.put(self._address(path.with_name(entry.name)), path.with_name(entry.name))
            self._objects.write(self._address(path), json_bytes(asdict(manifest)))
        write_json(path, asdict(manifest))

    @property
    def _objects(self) -> "Objects | None":
        return _objects_at(self.remote) if self.remote else None

    def _address(self, path: Path) -> str:
        return f"shards/{path.relative_to(self.root).as_posix()}"

    @staticmethod
    def _load(path: Path) -> Manifest | None:
        try:
            return Manifest.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _fetch(self, path: Path, manifest: Path) -> None:
        """Bring a file here, if its manifest answers for it; one that is not what that says is left for the reader to find."""
        if self._objects is None:
            return
        known = self._load(manifest)
        if known is None and self._objects.fetch(self._address(manifest), manifest):
            known = self._load(manifest)
        entry = next((e for e in known.files if e.name == path.name), None) if known else None
        if entry is None or not self._objects.fetch(self._address(path), path):
            return
        if file_sha256(path) != entry.sha256:
            path.write_bytes(b"")

    def _withdraw(self, manifest: Path) -> None:
        """Take a manifest away, here and at the URL, so that the next run makes the shard anew."""
        manifest.unlink(missing_ok=True)
        if self._objects is not None:
            for path in (manifest, manifest.with_suffix(".parquet")):
                path.unlink(missing_ok=True)
            self._objects.remove(self._address(manifest))


@lru_cache(maxsize=4)
def _objects_at(url: str) -> "Objects":
    from tasks.runtime.objects import Objects

    return Objects(url)


class ShardReader:
    """A shard, read a row group at a time so that memory does not grow with it; every page is held against its checksum."""

    def __init__(
        self, path: Path, manifest: Path, stage: str, shard: str, withdraw: Callable[[Path], None] | None = None
    ) -> None:
        """Open the file that ``manifest`` answers for; ``withdraw`` takes the manifest away when it is damaged.

        Raises:
            ShardError: it is no readable Parquet file.
        """
        self._manifest = manifest
        self._take_away = withdraw or (lambda path: path.unlink(missing_ok=True))
        self._where = f"shard {shard} of {stage}"
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._withdraw(error) from error

    def _withdraw(self, error: Exception) -> ShardError:
        """Take the shard's manifest away, so that the next run makes it anew."""
        self._take_away(self._manifest)
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
        rows: list[Row] = self.table(index, columns).to_pylist()
        return rows

    def tables(self, columns: list[str]) -> Iterator[pa.Table]:
        """Row groups in order as they are in memory, for whoever wants the bytes without making objects of them.

        Raises:
            ShardError: a row group is damaged.
        """
        for group in range(self._file.num_row_groups):
            yield self.table(group, columns)

    def table(self, index: int, columns: list[str] | None = None) -> pa.Table:
        """One row group; raises as :meth:`tables` does."""
        try:
            return self._file.read_row_group(index, columns=columns, use_threads=False)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._withdraw(error) from error

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

    def reject(
        self, unit: str, item: str, reason: str, detail: str, faults: Sequence[str] = (), text: str = ""
    ) -> None:
        """Add a dead letter: which item, a short fixed reason that is counted, and what a person should know."""
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        self.rejects.append(
            {
                "stage": self._stage,
                "shard": self._shard,
                "unit": unit,
                "item": item,
                "reason": reason,
                "detail": detail,
                "faults": list(faults),
                "text": text,
            }
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
