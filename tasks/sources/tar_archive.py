"""Tar files of frames: a plain one is read at any member, a compressed one from its beginning.

A compressed file is passed once for each shard of a build, up to its end, holding that shard's frames alone.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import IO, BinaryIO, cast

import pyarrow as pa

from schemas.errors import SampleError, SourceError
from tasks.sources.archive import BROKEN, Archive, OpenFile, add_member, check_bomb, is_hidden, safe_name
from tasks.sources.forward import ForwardReader
from tasks.sources.tree import PassedOver, Read, TreeFile, digest_of

_PIECE = 1 << 20


class TarTree(Archive):
    """Members of a plain tar file, each read at its place."""

    def __init__(self, open_file: OpenFile, name: str, where: str, stamp: str) -> None:
        """Read the headers when they are first needed."""
        super().__init__(open_file, name, where, stamp)
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._places: dict[str, tuple[int, int]] = {}

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every regular member.

        Raises:
            SourceError: the archive is damaged.
        """
        with self.explained():
            found = self._list(passed_over)
        yield from found.values()

    def digest(self, file: TreeFile) -> str:
        """sha256 of a member; empty when it is cut off."""
        try:
            return digest_of(self.open(file.address))
        except (SampleError, *BROKEN):
            return ""

    def reader(self, addresses: Sequence[str]) -> Read:  # noqa: ARG002 - any member can be read at once
        """Reads each member when it is asked for."""

        def read(address: str) -> bytes:
            try:
                return self.open(address).read()
            except BROKEN as error:
                raise SampleError(f"{address}: {' '.join(str(error).split())}") from error

        return read

    def open(self, address: str) -> BinaryIO:
        """A member.

        Raises:
            SampleError: there is none of that name.
        """
        with self._lock:
            listed = self._file is not None
        if not listed:
            try:
                with self.explained():
                    self._list(lambda _: None)
            except SourceError as error:
                raise SampleError(str(error)) from error
        place = self._places.get(address)
        if place is None or self._file is None:
            raise SampleError(f"{address} is no longer in {self.where}")
        return cast(BinaryIO, io.BufferedReader(_Slice(self._file, self._lock, *place), buffer_size=_PIECE))

    def _list(self, passed_over: PassedOver) -> dict[str, TreeFile]:
        with self._lock:
            file = self.open_file()
            found: dict[str, TreeFile] = {}
            places: dict[str, tuple[int, int]] = {}
            with tarfile.open(fileobj=ForwardReader(file, seekable=True), mode="r:") as archive:
                for member, address in _regular_members(archive, passed_over):
                    places[address] = (member.offset_data, member.size)
                    stamp = self.stamp_of_member(member.offset_data, member.size)
                    add_member(found, TreeFile(address, member.size, stamp), self.where)
            self._file, self._places = file, places
            return found


class CompressedTarTree(Archive):
    """Members of a compressed tar file, read from its beginning each time."""

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every regular member with its hash, all in one pass.

        Raises:
            SourceError: the archive is damaged, or grows beyond reason.
        """
        found: dict[str, TreeFile] = {}
        with self.explained(), self._members(passed_over) as members:
            for address, member in members:
                digest = hashlib.sha256()
                size = 0
                while piece := member.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                add_member(found, TreeFile(address, size, "", sha256=digest.hexdigest()), self.where)
        yield from found.values()

    def digest(self, file: TreeFile) -> str:
        """What listing has found."""
        return file.sha256

    def reader(self, addresses: Sequence[str]) -> Read:
        """Reads all members in one pass when the first of them is asked for, and lets go of each as it is given."""
        wanted = set(addresses)
        held: dict[str, bytes] = {}
        lock = threading.Lock()
        passed = False

        def read(address: str) -> bytes:
            nonlocal passed
            with lock:
                if not passed:
                    passed = True
                    try:
                        held.update(self._gather(wanted))
                    except SourceError as error:
                        raise SampleError(str(error)) from error
                if address not in held:
                    raise SampleError(f"{address} is no longer in {self.where}")
                return held.pop(address)

        return read

    def open(self, address: str) -> BinaryIO:
        """Nothing: there is no going back in a compressed tar file.

        Raises:
            SampleError: always.
        """
        raise SampleError(f"{address} is compressed in its archive: pack videos without compression, or unpack them")

    def _gather(self, wanted: set[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with self.explained(), self._members(lambda _: None) as members:
            for address, member in members:
                if address in wanted:
                    found[address] = b"".join(iter(partial(member.read, _PIECE), b""))
        return found

    @contextmanager
    def _members(self, passed_over: PassedOver) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
        with self.open_file() as packed:
            stream = ForwardReader(_decompress(packed), self._check(packed))
            with tarfile.open(fileobj=stream, mode="r:") as archive:

                def members() -> Iterator[tuple[str, IO[bytes]]]:
                    for member, address in _regular_members(archive, passed_over):
                        content = archive.extractfile(member)
                        if content is not None:
                            yield address, content

                yield members()

    def _check(self, packed: BinaryIO) -> Callable[[int], None]:
        return lambda expanded: check_bomb(self.where, expanded, packed.tell())


class _Slice(io.RawIOBase):
    """A part of a file that several readers share."""

    def __init__(self, file: BinaryIO, lock: threading.Lock, start: int, size: int) -> None:
        self._file, self._lock, self._start, self._size, self._at = file, lock, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), max(0, self._size - self._at))
        if not count:
            return 0
        with self._lock:
            self._file.seek(self._start + self._at)
            content = self._file.read(count)
        if not content:
            raise EOFError("the archive is cut off")
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _regular_members(archive: tarfile.TarFile, passed_over: PassedOver) -> Iterator[tuple[tarfile.TarInfo, str]]:
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # it would keep every header
        address = safe_name(member.name)
        if member.isdir():
            continue
        if member.issym() or member.islnk():
            passed_over("link")
        elif not member.isreg():
            passed_over("special file")
        elif member.issparse():
            passed_over("sparse file")
        elif not address:
            passed_over("unsafe name")
        elif not is_hidden(address):
            yield member, address


def _decompress(packed: BinaryIO) -> IO[bytes]:
    """The content of a compressed file, by its first bytes."""
    magic = packed.read(6)
    packed.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if magic.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(packed)
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(IO[bytes], pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd"))
    raise tarfile.ReadError("not compressed with gzip, bzip2, xz or Zstandard")
