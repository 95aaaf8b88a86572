"""A release: the files of a dataset as they shall lie on the Hub, and the record of it that lies beside them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from schemas.errors import PublishError
from tasks.runtime.keys import content_key

MANIFEST = "storyreasoning.json"
"""Path of the record in a published dataset."""
FORMAT = 1
BLOB_BYTES = 20_000_000
"""Size up to which git's id of a file is computed; the Hub keeps larger ones as LFS objects, known by their sha256."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release.

    ``blob`` is git's id of the content (empty for large files). What is sent lies at ``place``, or is ``content``; both are
    absent in a record read back from the Hub.
    """

    path: str
    size: int
    sha256: str
    blob: str
    place: Path | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a release says of itself.

    ``dataset`` is the key of the exported files with their licence: two releases with the same one are the same. ``stories``
    counts by split, ``films`` gives each film's split.
    """

    release: int
    dataset: str
    licence: str
    stories: Mapping[str, int]
    films: Mapping[str, str]
    models: tuple[str, ...]
    software: str
    files: tuple[ReleaseFile, ...]

    def to_bytes(self) -> bytes:
        """As it is published."""
        value = {**asdict(self), "format": FORMAT}
        value["files"] = {
            file.path: {"size": file.size, "sha256": file.sha256, "blob": file.blob} for file in self.files
        }
        return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a record back.

        Raises:
            PublishError: it is not one, or of another version.
        """
        try:
            value: dict[str, Any] = json.loads(content)
            if value.pop("format") != FORMAT:
                raise ValueError("another format")
            files = tuple(ReleaseFile(path=path, **entry) for path, entry in sorted(value.pop("files").items()))
            return cls(files=files, models=tuple(value.pop("models")), **value)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PublishError(
                f"the published {MANIFEST} cannot be read by this version ({error}): use the version that published it"
            ) from error


@dataclass(frozen=True, slots=True)
class Release:
    """A record and its files, the record's own among them, in the order of their paths."""

    record: Record
    files: tuple[ReleaseFile, ...]

    @property
    def tag(self) -> str:
        """Name of its tag."""
        return f"v{self.record.release}"


def read_file(folder: Path, path: str) -> ReleaseFile:
    """A file below ``folder``, hashed in one pass."""
    place = folder / path
    size = place.stat().st_size
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with place.open("rb") as handle:
        while piece := handle.read(1 << 20):
            sha256.update(piece)
            if size <= BLOB_BYTES:
                blob.update(piece)
    return ReleaseFile(path, size, sha256.hexdigest(), blob.hexdigest() if size <= BLOB_BYTES else "", place)


def make_file(path: str, content: bytes) -> ReleaseFile:
    """A file that is made for the release."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return ReleaseFile(path, len(content), hashlib.sha256(content).hexdigest(), blob, content=content)


def dataset_key(files: Mapping[str, str], licence: str) -> str:
    """Key of exported files (path and sha256) with their licence."""
    return content_key({"files": dict(files), "licence": licence})
