"""A stream that is read forward, for readers of archives that would take too much at once or go back."""

import io
from collections.abc import Callable
from typing import IO

MAX_READ = 64 << 20
"""Most bytes that are given in one read: a header that claims more is no header."""
_STEP = 1 << 20


class TooLarge(ValueError):
    """A read of more than :data:`MAX_READ` bytes was asked for."""


class ForwardReader(io.RawIOBase):
    """Reads and skips forward in a stream; the last bytes are kept, so that a step back by a few of them is possible.

    ``tarfile`` steps back by one byte before each header. A seekable file is sought in instead of read through.
    """

    def __init__(self, stream: IO[bytes], check: Callable[[int], None] | None = None, seekable: bool = False) -> None:
        """Read ``stream``; ``check`` is told how far it has come, and raises when that is too far."""
        self._stream = stream
        self._check = check
        self._direct = seekable
        self._at = 0
        self._reached = 0
        self._tail = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Forward, and back by a few bytes."""
        return True

    def tell(self) -> int:
        """Position of the next byte."""
        return self._stream.tell() if self._direct else self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position.

        Raises:
            OSError: it lies too far back.
        """
        if self._direct:
            return self._stream.seek(offset, whence)
        if whence != io.SEEK_SET or offset < self._reached - len(self._tail):
            raise OSError("a compressed archive cannot be read backward")
        while self._reached < offset:
            if not self._pull(min(_STEP, offset - self._reached)):
                break
        self._at = min(offset, self._reached)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes.

        Raises:
            TooLarge: more is asked for than any reader of an archive has reason to.
        """
        if not 0 <= size <= MAX_READ:
            raise TooLarge(f"{size} bytes at once")
        if self._direct:
            return self._stream.read(size)
        pieces = []
        if self._at < self._reached:
            piece = self._tail[len(self._tail) - (self._reached - self._at) :][:size]
            pieces.append(piece)
            self._at += len(piece)
            size -= len(piece)
        while size and (piece := self._pull(min(_STEP, size))):
            pieces.append(piece)
            size -= len(piece)
            self._at = self._reached
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the stream goes."""
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def _pull(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._reached += len(piece)
        self._tail = (self._tail + piece)[-1024:] if len(piece) < 1024 else piece[-1024:]
        if self._check is not None:
            self._check(self._reached)
        return piece
