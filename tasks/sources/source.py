"""What a source of frames is, and which one a text names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from schemas.config import VideoConfig
from schemas.errors import SourceError
from tasks.runtime.places import is_url
from tasks.sources.tree import Read

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

    def reader(self, items: Sequence[str]) -> Read:
        """Gives the bytes of these images, each once, best in this order; raises ``SampleError`` when it cannot."""
        ...

    def ignored(self) -> dict[str, int]:
        """After :meth:`scan`: what was passed over because it is no image, by kind."""
        ...


def open_source(text: str, index: Path | None = None, video: VideoConfig = VideoConfig()) -> Source:  # noqa: B008
    """The source that ``text`` names.

    A path, or a URL that fsspec opens, of a folder, an archive, a video, Parquet or Arrow files; or ``owner/name`` of a
    dataset of the Hub where no such path exists.

    Args:
        text: path, URL or name.
        index: a file that remembers hashes of unchanged files between runs; what was found in videos is kept beside it.
        video: which frames of videos are taken.

    Raises:
        SourceError: nothing of that name, or nothing that holds frames.
        ConfigError: a package that it needs is not installed.
    """
    from tasks.sources.places import open_path, open_url
    from tasks.sources.table import TableSource, download_dataset

    if is_url(text):
        return open_url(text, index, video)
    try:
        path = Path(text).expanduser()
        found = path.exists()
    except (OSError, RuntimeError, ValueError):  # a name that is too long, the home of nobody, a zero byte
        found = False
    if found:
        return open_path(path, text, index, video)
    if _HUB_ID.fullmatch(text) and not text.startswith("."):
        return TableSource(download_dataset(text), title=text.split("/")[1])
    raise SourceError(
        f"{text} does not exist: give a folder of images, a Parquet file, a video, an archive, a URL of one of these, "
        "or owner/name of a Hub dataset"
    )
