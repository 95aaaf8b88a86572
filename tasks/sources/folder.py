"""A folder of files on this machine."""

import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from schemas.config import VideoConfig
from schemas.errors import SampleError
from tasks.runtime.keys import file_sha256
from tasks.sources.files import FilesSource
from tasks.sources.tree import PassedOver, Read, TreeFile
from tasks.sources.walk import walk_files

_SETTLED_NS = 2_000_000_000
"""A file changed less than this before it was hashed may change again within the clock's grain: hash it anew."""


class LocalTree:
    """Files below a folder, or one file of it; links to folders are not followed, so a loop of links ends."""

    readers = 1

    def __init__(self, root: Path, only: str = "") -> None:
        """Everything below ``root``, or the file of the name ``only`` in it."""
        self._root = root
        self._only = only

    @property
    def title(self) -> str:
        """The folder's own name."""
        return self._root.resolve().name or "film"

    @property
    def where(self) -> str:
        """The folder, or the file."""
        return str(self._root / self._only)

    @property
    def tag(self) -> str:
        """The folder with all links resolved."""
        return str(self._root.resolve())

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every regular file, and links that lead to none.

        Raises:
            SourceError: a folder cannot be listed.
        """
        paths = [self._root / self._only] if self._only else walk_files(self._root, passed_over)
        for path in paths:
            address = self._only or path.relative_to(self._root).as_posix()
            try:
                info = path.stat()
            except OSError as error:
                yield TreeFile(address, 0, "", error=error.strerror or str(error))
                continue
            if stat.S_ISREG(info.st_mode):
                yield TreeFile(address, info.st_size, _stamp(info), _is_settled(info))
            else:
                passed_over("special file")

    def digest(self, file: TreeFile) -> str:
        """sha256 of a file; empty when it cannot be read."""
        try:
            return file_sha256(self._root / file.address)
        except OSError:
            return ""

    def reader(self, addresses: Sequence[str]) -> Read:  # noqa: ARG002 - any order is as good here
        """Reads each file when it is asked for."""
        return self._read

    def open(self, address: str) -> BinaryIO:
        """A file, opened.

        Raises:
            SampleError: it cannot be opened.
        """
        try:
            return (self._root / address).open("rb")
        except OSError as error:
            raise SampleError(f"{address}: {error.strerror}") from error

    def _read(self, address: str) -> bytes:
        try:
            return (self._root / address).read_bytes()
        except OSError as error:
            raise SampleError(f"{address}: {error.strerror}") from error


def stamp_path(path: Path) -> str:
    """What changes when a file does; empty while that cannot be told."""
    info = path.stat()
    return _stamp(info) if _is_settled(info) else ""


def _stamp(info: os.stat_result) -> str:
    """Size and times of a file: that of the content may be brought back by a copy, that of the inode not."""
    return f"{info.st_size}:{info.st_mtime_ns}:{info.st_ctime_ns}"


def _is_settled(info: os.stat_result) -> bool:
    return time.time_ns() - max(info.st_mtime_ns, info.st_ctime_ns) > _SETTLED_NS


class FolderSource(FilesSource):
    """Images and videos below a folder."""

    def __init__(self, root: Path, index: Path | None, video: VideoConfig = VideoConfig()) -> None:  # noqa: B008 - frozen
        """Read below ``root``; remember hashes in ``index``."""
        super().__init__(LocalTree(root), index, video)
