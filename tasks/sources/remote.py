"""Files at a URL: object stores, web servers and whatever else fsspec opens. Credentials come from the environment alone."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

from schemas.errors import SampleError, SourceError
from tasks.runtime.places import Place, explain, hide_secrets
from tasks.sources.archive import archive_title
from tasks.sources.tree import PassedOver, Read, TreeFile, digest_of

T = TypeVar("T")

_BLOCK = 4 << 20


def details_of(place: Place) -> dict[str, Any] | None:
    """What the file system says of a place; None where there is nothing.

    Raises:
        SourceError: the place cannot be reached or refuses.
    """
    try:
        return dict(place.system.info(place.path))
    except FileNotFoundError as error:
        if isinstance(error.__cause__, OSError):  # that of web servers, for whatever goes wrong
            raise SourceError(explain(place.url, error.__cause__)) from error
        return None
    except Exception as error:  # each file system raises a tree of its own
        raise SourceError(explain(place.url, error)) from error


def stamp_of(details: dict[str, Any]) -> str:
    """What changes with an object: its entity tag, else its version or time; empty where the store tells none of them."""
    for name in ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime", "updated", "created"):
        if details.get(name):
            return f"{details.get('size')}:{details[name]}"
    return ""


def open_place(place: Place) -> BinaryIO:
    """An object for reading at any position, by range requests; raises what the file system raises.

    Raises:
        SourceError: its web server gives no parts of files.
    """
    handle = place.system.open(place.path, "rb", block_size=_BLOCK, cache_type="readahead")
    if urlsplit(place.url).scheme in ("http", "https"):
        try:
            handle.seek(max(0, (handle.size or 0) - 1))
            handle.read(1)
            handle.seek(0)
        except (ValueError, OSError) as error:
            handle.close()
            raise SourceError(
                f"{hide_secrets(place.url)} is on a server that gives no parts of files (range requests): download it first"
            ) from error
    return cast(BinaryIO, handle)


class RemoteTree:
    """Files below a URL, listed once."""

    readers = 16

    def __init__(self, place: Place, only: str = "") -> None:
        """Everything below ``place``, or the one file ``only`` in it."""
        self._place = place
        self._only = only
        self._root = place.path.rstrip("/")
        self._listed: dict[str, dict[str, Any]] | None = None

    @property
    def title(self) -> str:
        """The last part of the URL."""
        return archive_title(self._root) or "film"

    @property
    def where(self) -> str:
        """The URL, without what is secret in it."""
        shown = hide_secrets(self._place.url).rstrip("/")
        return f"{shown}/{self._only}" if self._only else shown

    @property
    def tag(self) -> str:
        """The URL."""
        return self.where

    def listing(self) -> dict[str, dict[str, Any]]:
        """Details of every object by its address, in order; the place is asked once.

        Raises:
            SourceError: the place cannot be listed.
        """
        if self._listed is None:
            self._listed = self._list()
        return self._listed

    def _list(self) -> dict[str, dict[str, Any]]:
        try:
            if self._only:
                return {self._only: dict(self._place.system.info(f"{self._root}/{self._only}"))}
            found = self._place.system.find(self._root, detail=True)
        except Exception as error:  # each file system raises a tree of its own
            raise SourceError(explain(self._place.url, error)) from error
        addresses = {self._address(path): dict(details) for path, details in found.items()}
        workspaces = {a.rpartition("/")[0] for a in addresses if a.endswith("/workspace.json")}
        return {
            address: details
            for address, details in sorted(addresses.items())
            if not any(part.startswith(".") for part in address.split("/"))
            and not any(address.startswith(f"{folder}/") for folder in workspaces)
        }

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every object with a usable name.

        Raises:
            SourceError: the place cannot be listed.
        """
        for address, details in self.listing().items():
            if any(part in ("", ".", "..") for part in address.split("/")):
                passed_over("unsafe name")
            elif details.get("type", "file") == "file":
                if details.get("size") is None:  # lists of web servers are names alone
                    at = Place(self._place.system, self._path(address), self._place.url)
                    details = details_of(at) or details
                yield TreeFile(address, int(details.get("size") or 0), stamp_of(details))

    def digest(self, file: TreeFile) -> str:
        """sha256 of an object; empty when it cannot be read.

        Raises:
            SourceError: the place is gone or refuses, which is no fault of the object.
        """
        try:
            if file.size <= _BLOCK:
                return hashlib.sha256(self._place.system.cat_file(self._path(file.address))).hexdigest()
            with self.open(file.address) as handle:
                return digest_of(handle)
        except (FileNotFoundError, PermissionError, SampleError):
            return ""
        except Exception as error:  # each file system raises a tree of its own
            raise SourceError(explain(self._place.url, error)) from error

    def reader(self, addresses: Sequence[str]) -> Read:  # noqa: ARG002 - any object can be read at once
        """Reads each object when it is asked for."""

        def read(address: str) -> bytes:
            return self._told(address, lambda: bytes(self._place.system.cat_file(self._path(address))))

        return read

    def open(self, address: str) -> BinaryIO:
        """An object, opened.

        Raises:
            SampleError: it cannot be opened.
        """
        place = Place(self._place.system, self._path(address), self._place.url)
        return self._told(address, lambda: open_place(place))

    @staticmethod
    def _told(address: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except Exception as error:  # each file system raises a tree of its own
            raise SampleError(f"{address}: {' '.join(str(error).split()) or type(error).__name__}") from error

    def _path(self, address: str) -> str:
        return f"{self._root}/{address}"

    def _address(self, path: str) -> str:
        return path[len(self._root) + 1 :] if path.startswith(f"{self._root}/") else path.lstrip("/")
