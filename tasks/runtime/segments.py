"""Append-only files of records that survive the end of the process: one file a writer, a torn end is left out when reading.

A line is ``<crc32> <head> <body>``: eight hexadecimal digits over the rest, a head without line breaks whose fields are parted by
spaces, and a body of JSON.
"""

import os
import secrets
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schemas.errors import WorkspaceError
from tasks.runtime.atomic import explain, sync_directory

SUFFIX = ".segment"


@dataclass(frozen=True, slots=True)
class Record:
    """A whole line: where it stands, and what it holds after its checksum."""

    offset: int
    length: int
    content: bytes


def read_records(path: Path, start: int = 0) -> Iterator[Record | int]:
    """Records from ``start`` on; for a damaged line within the file the offset after it. An unfinished last line is left."""
    with path.open("rb") as handle:
        handle.seek(start)
        for line in handle:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            content = checked(line)
            yield Record(start - len(line), len(line), content) if content is not None else start


def checked(line: bytes) -> bytes | None:
    """What a line holds after its checksum; None where that does not agree."""
    content = line[9:-1]
    return content if line[8:9] == b" " and line[:8] == b"%08x" % zlib.crc32(content) else None


class SegmentWriter:
    """Appends records to a file of its own; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """The file appears with the first record."""
        self._folder = folder
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._handle = -1
        self._owner = 0
        self._written = self._synced = 0
        self.path: Path | None = None

    def append(self, content: bytes) -> Record:
        """Write a record; it survives the end of this process, though not that of the machine before :meth:`sync`.

        Raises:
            WorkspaceError: the disk is full or the place cannot be written; nothing of the record is kept.
        """
        line = b"%08x %s\n" % (zlib.crc32(content), content)
        with self._lock:
            if self._owner != os.getpid():  # the first record, or the first of a forked process
                self._open()
            offset = self._written
            try:
                left = memoryview(line)
                while left:
                    left = left[os.write(self._handle, left) :]
            except OSError as error:
                os.ftruncate(self._handle, offset)
                raise explain(error, self.path or self._folder) from error
            self._written += len(line)
        return Record(offset, len(line), content)

    def sync(self) -> None:
        """Return when all that was written before this call is on the disk; calls at once share one synchronisation."""
        upto = self._written
        with self._sync_lock:
            if self._synced >= upto:
                return
            now = self._written
            os.fsync(self._handle)
            self._synced = now

    def close(self) -> None:
        """Sync and close the file; a later record opens another."""
        with self._lock, self._sync_lock:
            if self._handle >= 0 and self._owner == os.getpid():
                os.fsync(self._handle)
                os.close(self._handle)
            self._handle, self._owner, self.path = -1, 0, None

    def _open(self) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        path = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
            sync_directory(self._folder)
        except OSError as error:
            raise explain(error, path) from error
        self.path, self._owner = path, os.getpid()
        self._written = self._synced = 0


def segment_files(folder: Path) -> list[Path]:
    """The files of a folder, oldest first."""
    try:
        return sorted(folder.glob(f"*{SUFFIX}"))
    except OSError as error:
        raise WorkspaceError(f"cannot read {folder}: {error.strerror}") from error
