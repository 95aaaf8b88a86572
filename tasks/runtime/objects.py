"""Files at a URL that are written whole: an object appears when all of it is there, as stores of objects have it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from schemas.errors import WorkspaceError
from tasks.runtime.atomic import atomic_path
from tasks.runtime.places import Place, explain, find_place

_STAMPS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "mtime", "updated", "created")

_AT_ONCE = 1000


class _Missing(Exception):
    """There is no such object."""


class Taken(Exception):
    """An object is there already, or is no longer the one that was to be replaced."""


@dataclass(frozen=True)
class Objects:
    """Objects below a URL, by address."""

    url: str

    @cached_property
    def _place(self) -> Place:
        return find_place(self.url, WorkspaceError)

    def list(self, below: str = "") -> dict[str, str]:
        """Every object below an address, with what changes when it does; asked anew each time.

        Raises:
            WorkspaceError: the place cannot be listed.
        """
        return {address: _stamp(details) for address, details in self._find(below).items()}

    def sizes(self, below: str = "") -> dict[str, int]:
        """Bytes of every object below an address, asked anew each time.

        Raises:
            WorkspaceError: the place cannot be listed.
        """
        return {address: int(details.get("size") or 0) for address, details in self._find(below).items()}

    def _find(self, below: str) -> dict[str, dict[str, Any]]:
        system, root = self._place.system, self._place.path.rstrip("/")
        try:
            system.invalidate_cache()
            found = system.find(f"{root}/{below}".rstrip("/"), detail=True)
        except FileNotFoundError:
            return {}
        except Exception as error:  # each file system raises a tree of its own
            raise WorkspaceError(explain(self.url, error)) from error
        skip = len(root) + 1
        return {path[skip:]: dict(details) for path, details in sorted(found.items())}

    def put(self, address: str, source: Path) -> None:
        """Write an object from a file.

        Raises:
            WorkspaceError: it cannot be written.
        """
        try:
            self._place.system.put_file(str(source), self._path(address))
        except Exception as error:  # each file system raises a tree of its own
            raise WorkspaceError(self._refused(address, error)) from error

    def fetch(self, address: str, target: Path) -> bool:
        """Write an object to a file, atomically; False where there is none.

        Raises:
            WorkspaceError: it cannot be read, or the file cannot be written.
        """
        with contextlib.suppress(_Missing), atomic_path(target) as temporary:
            try:
                self._place.system.get_file(self._path(address), str(temporary))
            except FileNotFoundError as error:
                raise _Missing from error
            except Exception as error:  # each file system raises a tree of its own
                raise WorkspaceError(explain(self.url, error)) from error
            return True
        return False

    def read(self, address: str) -> bytes | None:
        """The bytes of a small object; None where there is none.

        Raises:
            WorkspaceError: it cannot be read.
        """
        try:
            return bytes(self._place.system.cat_file(self._path(address)))
        except FileNotFoundError:
            return None
        except Exception as error:  # each file system raises a tree of its own
            raise WorkspaceError(explain(self.url, error)) from error

    def write(self, address: str, content: bytes, instead_of: bytes | None = None, new: bool = False) -> None:
        """Write a small object.

        ``new`` writes only where there is none yet, ``instead_of`` only where it still has that content. Stores of S3's kind
        decide that themselves (If-None-Match, If-Match); of others it is looked up just before, which leaves an instant.

        Raises:
            Taken: another has written it.
            WorkspaceError: it cannot be written.
        """
        system, path = self._place.system, self._path(address)
        try:
            if hasattr(system, "call_s3"):
                self._write_s3(path, content, instead_of, new)
                return
            there = self.read(address) if new or instead_of is not None else None
            if (new and there is not None) or (instead_of is not None and there != instead_of):
                raise Taken
            system.pipe_file(path, content)
        except (Taken, WorkspaceError):
            raise
        except Exception as error:  # each file system raises a tree of its own
            if "PreconditionFailed" in str(error.__cause__) or "ConditionalRequestConflict" in str(error.__cause__):
                raise Taken from error
            raise WorkspaceError(self._refused(address, error)) from error

    def remove(self, address: str) -> None:
        """Take an object away; none is fine.

        Raises:
            WorkspaceError: it cannot be removed.
        """
        try:
            self._place.system.rm_file(self._path(address))
        except FileNotFoundError:
            return
        except Exception as error:  # each file system raises a tree of its own
            raise WorkspaceError(self._refused(address, error)) from error

    def remove_all(self, addresses: Sequence[str]) -> None:
        """Take objects away, a thousand a request where the store can; those that are not there are fine.

        Raises:
            WorkspaceError: one cannot be removed.
        """
        for first in range(0, len(addresses), _AT_ONCE):
            some = addresses[first : first + _AT_ONCE]
            try:
                self._place.system.rm([self._path(address) for address in some])
            except FileNotFoundError:  # one of them: which, it does not say
                for address in some:
                    self.remove(address)
            except Exception as error:  # each file system raises a tree of its own
                raise WorkspaceError(self._refused(some[0], error)) from error

    def _write_s3(self, path: str, content: bytes, instead_of: bytes | None, new: bool) -> None:
        system = self._place.system
        bucket, key, _ = system.split_path(path)
        condition: dict[str, str] = {"IfNoneMatch": "*"} if new else {}
        if instead_of is not None:
            found = system.call_s3("head_object", Bucket=bucket, Key=key)
            if bytes(system.cat_file(path)) != instead_of:
                raise Taken
            condition = {"IfMatch": found["ETag"]}
        system.call_s3("put_object", Bucket=bucket, Key=key, Body=content, **condition)

    def _path(self, address: str) -> str:
        return f"{self._place.path.rstrip('/')}/{address}"

    def _refused(self, address: str, error: BaseException) -> str:
        if isinstance(error, PermissionError):
            return f"cannot write {address} below {self.url}: access is refused; check permissions and credentials"
        return explain(self.url, error)


def _stamp(details: dict[str, Any]) -> str:
    """What changes with an object: its entity tag, else its version or time."""
    told = next((str(details[name]) for name in _STAMPS if details.get(name)), "")
    return f"{details.get('size')}:{told}"


def inside(folder: Path, address: str) -> Path:
    """The file of the copy for an object.

    Raises:
        WorkspaceError: the object's name leads out of the folder.
    """
    parts = address.split("/")
    if any(part in ("", ".", "..") or "\0" in part or "\\" in part for part in parts):
        raise WorkspaceError(f"an object is called {address!r}, which is no name of a file: remove it")
    return folder.joinpath(*parts)
