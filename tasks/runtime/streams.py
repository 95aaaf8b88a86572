"""Writing a file while the next piece of it is made: work done behind, and a digest taken on the way to the disk."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

SYNC_BYTES = 64_000_000
"""Bytes after which the disk is set to work, so that little is left to wait for when a file is whole."""


class HashingFile:
    """A file open for writing that knows the sha256 of what went into it; hashing, writing and syncing run without the GIL."""

    def __init__(self, path: Path) -> None:
        """Create ``path``."""
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._disk = ThreadPoolExecutor(1)
        self._syncing: Future[None] | None = None
        self._unsynced = 0

    def write(self, piece: bytes) -> int:
        """Append.

        Raises:
            OSError: this piece could not be written, or an earlier one not be brought to the disk.
        """
        self._hash.update(piece)
        written = self._file.write(piece)
        self._unsynced += written
        if self._unsynced >= SYNC_BYTES and (self._syncing is None or self._syncing.done()):
            self._wait()
            self._file.flush()
            self._syncing = self._disk.submit(os.fsync, self._file.fileno())
            self._unsynced = 0
        return written

    def _wait(self) -> None:
        syncing, self._syncing = self._syncing, None
        if syncing is not None:
            syncing.result()

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()

    def tell(self) -> int:
        """Bytes written."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file; once more does nothing."""
        try:
            self._wait()
        finally:
            self._disk.shutdown()
            self._file.close()

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._file.closed

    def writable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is not."""
        return False

    def seekable(self) -> bool:
        """It is not."""
        return False

    @property
    def sha256(self) -> str:
        """Digest of what was written so far."""
        return self._hash.hexdigest()


class WorkBehind:
    """Does what it is given in order on a thread of its own, one piece at a time.

    An error comes out of the next :meth:`submit`, or when the block ends; after it nothing more is done.
    """

    def __init__(self) -> None:
        """Start with nothing to do."""
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def submit(self, action: Callable[[], None]) -> None:
        """Do ``action`` when what was given before is done; waits until that is so."""
        previous, self._last = self._last, None
        if previous is not None:
            previous.result()
        self._last = self._pool.submit(action)

    def wait(self) -> None:
        """Wait until everything is done."""
        previous, self._last = self._last, None
        if previous is not None:
            previous.result()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Wait for what is under way; its error comes out unless there is one already."""
        try:
            if kind is None:
                self.wait()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
