"""Frames from a folder of images, or a folder of such folders: one a film, their own folders one a scene."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import SampleError, SourceError
from tasks.runtime.atomic import atomic_path
from tasks.runtime.keys import file_sha256
from tasks.sources.source import SourceItem
from tasks.sources.walk import walk_files

IMAGE_SUFFIXES = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".apng",
        ".webp",
        ".bmp",
        ".dib",
        ".gif",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".jp2",
        ".avif",
        ".heic",
        ".tga",
        ".ico",
    )
)
_SETTLED_NS = 2_000_000_000
"""A file changed less than this before it was hashed may change again within the clock's grain: hash it anew."""

Known = dict[str, tuple[int, int, int, str]]
"""By address: bytes, time of the last change of the content and of the inode, sha256; a copy may bring back the former."""

_STAMP = ("bytes", "mtime_ns", "ctime_ns")


class FolderSource:
    """Images below a folder; links to folders are not followed, so a loop of links ends."""

    names_hold_film = False

    def __init__(self, root: Path, index: Path | None) -> None:
        """Read below ``root``; remember hashes in ``index``."""
        self._root = root
        self._index = index
        self._ignored: dict[str, int] = {}

    @property
    def title(self) -> str:
        """The folder's own name."""
        return self._root.resolve().name or "film"

    def ignored(self) -> dict[str, int]:
        """Files that are no images, by suffix."""
        return dict(sorted(self._ignored.items()))

    def scan(self) -> Iterator[SourceItem]:
        """Every image file, hashed; unchanged files are not read again.

        Raises:
            SourceError: the folder cannot be listed or holds no image.
        """
        known = self._load_index()
        fresh: Known = {}
        self._ignored = {}
        found = False
        for path in self._files():
            relative = path.relative_to(self._root)
            try:
                info = path.stat()
            except OSError:
                info = None
            if info is not None and not stat.S_ISREG(info.st_mode):
                self._pass_over("special file")
                continue
            found = True
            address = relative.as_posix()
            size, digest = (0, "") if info is None else (info.st_size, self._digest(path, address, info, known, fresh))
            parts = relative.parts
            film = parts[0] if len(parts) > 1 else ""
            scene = "/".join(parts[1:-1])
            yield SourceItem(address, path.stem, film, scene, digest, size)
        if not found:
            kinds = ", ".join(f"{n} {kind}" for kind, n in self.ignored().items()) or "nothing"
            raise SourceError(
                f"{self._root} holds no images (found {kinds}): give a folder with JPEG, PNG or WebP frames"
            )
        if fresh != known:
            self._save_index(fresh)

    def read(self, item: str) -> bytes:
        """The bytes of a file.

        Raises:
            SampleError: it cannot be read.
        """
        try:
            return (self._root / item).read_bytes()
        except OSError as error:
            raise SampleError(f"{item}: {error.strerror}") from error

    def _files(self) -> Iterator[Path]:
        for path in walk_files(self._root, self._pass_over):
            suffix = path.suffix.lower()
            if suffix in IMAGE_SUFFIXES:
                yield path
            else:
                self._pass_over(suffix or "without suffix")

    def _pass_over(self, kind: str) -> None:
        self._ignored[kind] = self._ignored.get(kind, 0) + 1

    @staticmethod
    def _digest(path: Path, address: str, info: os.stat_result, known: Known, fresh: Known) -> str:
        entry = known.get(address)
        if entry is not None and entry[:3] == (info.st_size, info.st_mtime_ns, info.st_ctime_ns):
            fresh[address] = entry
            return entry[3]
        try:
            digest = file_sha256(path)
        except OSError:
            return ""
        if time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > _SETTLED_NS:
            fresh[address] = (info.st_size, info.st_mtime_ns, info.st_ctime_ns, digest)
        return digest

    def _load_index(self) -> Known:
        if self._index is None or not self._index.exists():
            return {}
        try:
            table = pq.read_table(self._index)
            if (table.schema.metadata or {}).get(b"root") != self._tag():
                return {}
            columns = (table.column(name).to_pylist() for name in ("item", *_STAMP, "sha256"))
            return {item: (size, wrote, made, digest) for item, size, wrote, made, digest in zip(*columns, strict=True)}
        except (OSError, pa.ArrowException, KeyError):
            return {}

    def _save_index(self, fresh: Known) -> None:
        if self._index is None:
            return
        columns = {
            "item": list(fresh),
            **{name: [entry[k] for entry in fresh.values()] for k, name in enumerate(_STAMP)},
            "sha256": [entry[3] for entry in fresh.values()],
        }
        table = pa.table(columns).replace_schema_metadata({"root": self._tag()})
        with atomic_path(self._index) as temporary:
            pq.write_table(table, temporary)

    def _tag(self) -> bytes:
        return str(self._root.resolve()).encode(errors="surrogateescape")
