"""Zip files of frames, read at any member."""

import stat
import threading
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, BinaryIO, cast

from schemas.errors import SampleError
from tasks.sources.archive import BROKEN, Archive, OpenFile, add_member, check_bomb, is_hidden, safe_name
from tasks.sources.tree import PassedOver, Read, TreeFile, digest_of


class ZipTree(Archive):
    """Members of a zip file."""

    def __init__(self, open_file: OpenFile, name: str, where: str, stamp: str) -> None:
        """Read the central directory when it is first needed."""
        super().__init__(open_file, name, where, stamp)
        self._lock = threading.Lock()
        self._zip: zipfile.ZipFile | None = None
        self._names: dict[str, zipfile.ZipInfo] = {}

    def files(self, passed_over: PassedOver) -> Iterator[TreeFile]:
        """Every regular member.

        Raises:
            SourceError: the archive is damaged, or grows beyond reason.
        """
        with self.explained():
            archive = self._opened()
            members = archive.infolist()
            packed = sum(info.compress_size for info in members)
            check_bomb(self.where, sum(info.file_size for info in members), packed)
            found: dict[str, TreeFile] = {}
            for info in members:
                kind = self._left_out(info)
                if kind:
                    passed_over(kind)
                elif not info.is_dir() and not is_hidden(safe_name(info.filename)):
                    address = safe_name(info.filename)
                    stamp = self.stamp_of_member(info.header_offset, info.CRC)
                    add_member(found, TreeFile(address, info.file_size, stamp), self.where)
        yield from found.values()

    def digest(self, file: TreeFile) -> str:
        """sha256 of a member; empty when it is damaged."""
        try:
            with self._member(file.address) as member:
                return digest_of(member)
        except SampleError:
            return ""
        except BROKEN:
            return ""

    def reader(self, addresses: Sequence[str]) -> Read:  # noqa: ARG002 - any member can be read at once
        """Reads each member when it is asked for."""

        def read(address: str) -> bytes:
            try:
                with self._member(address) as member:
                    return member.read()
            except BROKEN as error:
                raise SampleError(f"{address}: {' '.join(str(error).split())}") from error

        return read

    def open(self, address: str) -> BinaryIO:
        """A member that is stored without compression; in others there is no going back.

        Raises:
            SampleError: there is none such.
        """
        member = self._member(address)
        if self._names[address].compress_type != zipfile.ZIP_STORED:
            member.close()
            raise SampleError(
                f"{address} is compressed in its archive: store videos without compression, or unpack them"
            )
        return cast(BinaryIO, member)

    def _left_out(self, info: zipfile.ZipInfo) -> str:
        if info.flag_bits & 1:
            return "encrypted file"
        if stat.S_ISLNK(info.external_attr >> 16):
            return "link"
        return "" if safe_name(info.filename) or info.is_dir() else "unsafe name"

    def _opened(self) -> zipfile.ZipFile:
        with self._lock:
            if self._zip is None:
                self._zip = zipfile.ZipFile(self.open_file())
                self._names = {safe_name(info.filename): info for info in self._zip.infolist()}
            return self._zip

    def _member(self, address: str) -> IO[bytes]:
        archive = self._opened()
        if address not in self._names:
            raise SampleError(f"{address} is no longer in {self.where}")
        return archive.open(self._names[address])
