"""What is remembered of a source's files between runs: the hash of each as long as its stamp stays the same."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.atomic import atomic_path


class RememberedHashes:
    """Hashes by address and stamp, kept in a Parquet file; a file that cannot be read is as none."""

    def __init__(self, path: Path | None, tag: str) -> None:
        """Take up what ``path`` holds of the place that ``tag`` names; None remembers nothing."""
        self._path = path
        self._tag = tag.encode(errors="surrogateescape")
        self._known: dict[str, tuple[str, str]] = {}
        self._kept: dict[str, tuple[str, str]] = {}
        self._changed = False
        if path is not None and path.exists():
            self._known = self._load(path)

    def find(self, address: str, stamp: str) -> str:
        """The hash of a file that has not changed; empty where it is not known."""
        known = self._known.pop(address, None)
        if known is not None and stamp and known[0] == stamp:
            self._kept[address] = known
            return known[1]
        self._changed |= known is not None
        return ""

    def add(self, address: str, stamp: str, sha256: str) -> None:
        """Remember a file that was read; one without a stamp or hash is not remembered."""
        if self._path is not None and stamp and sha256:
            self._kept[address] = (stamp, sha256)
            self._changed = True

    def save(self) -> None:
        """Write what was found or added since; what was asked for no more is forgotten.

        Raises:
            WorkspaceError: it cannot be written.
        """
        if self._path is None or not (self._changed or self._known):
            return
        stamps, hashes = zip(*self._kept.values(), strict=True) if self._kept else ((), ())
        text = pa.string()
        columns = [pa.array(values, text) for values in (self._kept, stamps, hashes)]
        table = pa.table(columns, names=["item", "stamp", "sha256"])
        with atomic_path(self._path) as temporary:
            pq.write_table(table.replace_schema_metadata({"root": self._tag}), temporary)

    def _load(self, path: Path) -> dict[str, tuple[str, str]]:
        try:
            table = pq.read_table(path)
            if (table.schema.metadata or {}).get(b"root") != self._tag:
                return {}
            items, stamps, hashes = (table.column(name).to_pylist() for name in ("item", "stamp", "sha256"))
            return dict(zip(items, zip(stamps, hashes, strict=True), strict=True))
        except (OSError, pa.ArrowException, KeyError):
            return {}
