"""What archives of frames have in common: names that never become paths, and bounds on what one may grow to."""

import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa

from schemas.errors import SourceError
from tasks.sources.tree import ARCHIVE_SUFFIXES, TreeFile

MAX_MEMBERS = 5_000_000
MAX_EXPANDED = 1 << 30
MAX_RATIO = 200
"""An archive that expands to more than both this size in bytes and this many times its own size is a bomb."""
MAX_NAME = 1024
_DRIVE = re.compile(r"[A-Za-z]:")

BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, pa.ArrowException,
    NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip
"""What readers of damaged archives raise."""

OpenFile = Callable[[], BinaryIO]


def safe_name(name: str) -> str:
    """A member's name as an address: without ``./``, and empty where it leads out of the archive or is no name."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if (
        name.startswith("/")
        or ".." in parts
        or "\\" in name
        or "\0" in name
        or _DRIVE.match(name)
        or len(name) > MAX_NAME
    ):
        return ""
    try:
        name.encode()
    except UnicodeEncodeError:
        return ""
    return "/".join(parts)


def archive_title(name: str) -> str:
    """Name of an archive without folders and suffixes."""
    base = name.rstrip("/").rpartition("/")[2]
    endings = [suffix for suffix in ARCHIVE_SUFFIXES if base.lower().endswith(suffix)]
    return base[: -max(map(len, endings))] if endings else base


def is_hidden(address: str) -> bool:
    """Whether a member is hidden, or of what macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in address.split("/"))


def check_bomb(where: str, expanded: int, packed: int) -> None:
    """Refuse an archive that grows beyond all reason.

    Raises:
        SourceError: it does.
    """
    if expanded > MAX_EXPANDED and expanded > MAX_RATIO * max(packed, 1):
        raise SourceError(
            f"{where} expands to more than {MAX_RATIO} times its size ({expanded} bytes): it looks like a decompression bomb"
        )


class Archive:
    """An archive that is read where it lies."""

    readers = 1

    def __init__(self, open_file: OpenFile, name: str, where: str, stamp: str) -> None:
        """Read the archive that ``open_file`` opens; ``stamp`` changes when it does."""
        self.open_file = open_file
        self._stamp = stamp
        self.title = archive_title(name) or "film"
        self.where = where
        self.tag = where

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say of what readers of damaged archives raise what it is.

        Raises:
            SourceError: the archive is damaged.
        """
        try:
            yield
        except BROKEN as error:
            told = " ".join(str(error).split()) or type(error).__name__
            raise SourceError(f"{self.where} is a damaged archive ({told}): pack it again") from error

    def stamp_of_member(self, place: int, size: int) -> str:
        """What changes when a member does, as far as the archive tells."""
        return f"{self._stamp}:{place}:{size}" if self._stamp else ""


def add_member(found: dict[str, TreeFile], file: TreeFile, where: str) -> None:
    """Take up a member; a later one of the same name stands in its place, as when it is unpacked."""
    found.pop(file.address, None)
    found[file.address] = file
    if len(found) > MAX_MEMBERS:
        raise SourceError(f"{where} holds more than {MAX_MEMBERS} files: split it")
