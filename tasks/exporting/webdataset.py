"""Stories as tar files in the layout of WebDataset: the members of a sample share the name up to the first dot.

A sample ``<story_id>`` has ``.json`` (film, frames, entities), ``.chain_of_thought.txt``, ``.story.txt`` and the images
``.000.jpg``, ``.001.jpg`` and on, in story order. Names hold digits and fixed words only; times and owners are zero, so that
the same stories give the same bytes.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from schemas.config import ExportConfig
from tasks.exporting.rows import SUFFIXES
from tasks.exporting.stories import ExportedStory
from tasks.runtime.streams import HashingFile

FOLDER = "webdataset"
_BLOCK = tarfile.BLOCKSIZE


class TarWriter:
    """Writes the samples of one split as numbered tar files of about ``shard_bytes``."""

    def __init__(self, folder: Path, split: str, params: ExportConfig) -> None:
        """Write below ``folder/webdataset``."""
        self.sha256: dict[Path, str] = {}
        self._folder = folder / FOLDER
        self._split = split
        self._limit = params.shard_bytes
        self._parts: list[Path] = []
        self._file: HashingFile | None = None

    def __enter__(self) -> Self:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, story: ExportedStory, story_id: str) -> None:
        """Add a sample; a tar file is closed between samples only."""
        file = self._file or self._open()
        for extension, content in members(story):
            entry = tarfile.TarInfo(f"{story_id}.{extension}")
            entry.size = len(content)
            file.write(entry.tobuf(tarfile.USTAR_FORMAT))
            file.write(content)
            file.write(bytes(-len(content) % _BLOCK))
        if file.tell() >= self._limit:
            self._close()

    def _open(self) -> HashingFile:
        path = self._folder / f"{self._split}-{len(self._parts):06d}.tar"
        self._parts.append(path)
        self._file = HashingFile(path)
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.write(bytes(2 * _BLOCK))
            self._file.close()
            self.sha256[self._parts[-1]] = self._file.sha256
        self._file = None

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Close; a split without stories has no file."""
        if kind is None:
            self._close()
        elif self._file is not None:
            self._file.close()


def members(story: ExportedStory) -> Iterator[tuple[str, bytes]]:
    """Extension and content of each member of a sample."""
    frames = [
        {"frame_id": frame["frame_id"], "width": frame["width"], "height": frame["height"]} for frame in story.frames
    ]
    entities = [
        {name: entity[name] for name in ("entity_id", "kind", "label")} for entity in story.analysis["entities"]
    ]
    about = {"story_key": story.key, "film": story.film, "frames": frames, "entities": entities}
    yield "json", json.dumps(about, sort_keys=True, ensure_ascii=False).encode()
    yield "chain_of_thought.txt", story.grounded["chain_of_thought"].encode()
    yield "story.txt", story.grounded["story"].encode()
    for number, (frame, image) in enumerate(zip(story.frames, story.images, strict=True)):
        yield f"{number:03d}.{SUFFIXES[frame['format']]}", image.as_buffer()
