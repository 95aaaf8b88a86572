"""What a source of frames is, and which one a text names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.errors import SourceError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True, slots=True)
class SourceItem:
    """One image of a source.

    ``item`` is its address there, ``name`` what its film, scene and place are read from, ``film`` and ``scene`` what the
    source itself says of them (empty where it says nothing). ``sha256`` is of the bytes, empty when they cannot be read.
    """

    item: str
    name: str
    film: str
    scene: str
    sha256: str
    bytes: int


class Source(Protocol):
    """A place that frames come from."""

    @property
    def title(self) -> str:
        """Name of the film where neither source nor file names say one."""
        ...

    @property
    def names_hold_film(self) -> bool:
        """Whether names without a scene pattern still start with film and scene (the ids of GroundCap)."""
        ...

    def scan(self) -> Iterator[SourceItem]:
        """Every image, in any order; raises ``SourceError`` when there is no reading the source."""
        ...

    def read(self, item: str) -> bytes:
        """The bytes of an image; raises ``SampleError`` when they cannot be read."""
        ...

    def ignored(self) -> dict[str, int]:
        """After :meth:`scan`: what was passed over because it is no image, by kind."""
        ...


def open_source(text: str, index: Path | None = None) -> Source:
    """The source that ``text`` names: a folder, Parquet or Arrow files, or a dataset of the Hub.

    Args:
        text: a path, or ``owner/name`` of a dataset where no such path exists.
        index: a file that remembers hashes of unchanged files between runs.

    Raises:
        SourceError: nothing of that name, or nothing that holds images.
    """
    from tasks.sources.folder import FolderSource
    from tasks.sources.table import TableSource, download_dataset
    from tasks.sources.walk import walk_files

    try:
        path = Path(text).expanduser()
        found = path.exists()
    except (OSError, RuntimeError):  # a name that is too long, the home of nobody
        found = False
    if not found:
        if _HUB_ID.fullmatch(text) and not text.startswith("."):
            return TableSource(download_dataset(text), title=text.split("/")[1])
        raise SourceError(
            f"{text} does not exist: give a folder of images, a Parquet file, or owner/name of a Hub dataset"
        )
    if path.is_file():
        if path.suffix.lower() not in (".parquet", ".arrow"):
            raise SourceError(f"{text} is a file of another kind: give a folder of images or a Parquet file")
        return TableSource([path], title=path.stem)
    files = walk_files(path, passed_over=lambda _: None)
    tables = sorted(p for p in files if p.suffix.lower() in (".parquet", ".arrow") and p.is_file())
    if tables:
        return TableSource(tables, title=path.resolve().name)
    return FolderSource(path, index)
