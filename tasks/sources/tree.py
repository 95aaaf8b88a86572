"""Named files in some place: a folder, an archive, a bucket. What is made of them is the same wherever they are."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, Protocol

PassedOver = Callable[[str], None]
"""Told the kind of every file that is left out, once for each."""
Read = Callable[[str], bytes]
"""The bytes at an address; raises ``SampleError`` when they cannot be read."""

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
VIDEO_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2ts", ".mts", ".wmv", ".flv", ".ogv", ".3gp")
)
TABLE_SUFFIXES = frozenset((".parquet", ".arrow"))
_PIECE = 1 << 20
ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".zip")


def suffix_of(name: str) -> str:
    """The last suffix of a file name in lower case, with its dot; empty where there is none."""
    base = name.rpartition("/")[2].lstrip(".")
    return f".{base.rpartition('.')[2].lower()}" if "." in base else ""


def stem_of(name: str) -> str:
    """A file's name without folders and last suffix."""
    base = name.rpartition("/")[2]
    return base[: len(base) - len(suffix_of(base))]


def digest_of(stream: IO[bytes]) -> str:
    """sha256 of what is left of a stream, read in pieces."""
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def is_archive(name: str) -> bool:
    """Whether a file name is that of an archive of frames."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


@dataclass(frozen=True, slots=True)
class TreeFile:
    """A file below the root of a tree.

    ``stamp`` changes with the content as far as its place can tell, and is empty where it cannot; ``settled`` is false while
    the file may yet change without its stamp. ``sha256`` is filled where listing has read the content anyway. ``error`` says
    why it cannot be read.
    """

    address: str
    size: int
    stamp: str
    settled: bool = True
    sha256: str = ""
    error: str = ""


class Tree(Protocol):
    """A place that holds files; addresses are relative to its root, with ``/`` between their parts."""

    @property
    def title(self) -> str:
        """Name of the place itself: the film of files that lie right at the root."""
        ...

    @property
    def where(self) -> str:
        """The place as a person would name it, for messages."""
        ...

    @property
    def tag(self) -> str:
        """What tells this place from others, for what is remembered of its files."""
        ...

    @property
    def readers(self) -> int:
        """How many files are worth reading at once."""
        ...

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every regular file; raises ``SourceError`` when the place cannot be listed."""
        ...

    def digest(self, file: TreeFile) -> str:
        """sha256 of a file's bytes, read in pieces; empty when they cannot be read."""
        ...

    def reader(self, addresses: Sequence[str]) -> Read:
        """Gives the bytes of these files; knowing them all beforehand, it may read them in the order of the place."""
        ...

    def open(self, address: str) -> BinaryIO:
        """A file for reading at any position; raises ``SampleError`` when there is no such thing here."""
        ...
