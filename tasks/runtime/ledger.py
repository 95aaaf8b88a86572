"""The request ledger of a workspace: what was asked of a chat model, what came, what it cost.

Calls lie in ``ledger/*.segment``, one file a process, and are never changed; an answer is found by its request's key, whichever
process it came to. In memory are only the places of the answers and the sums. ``ledger.parquet`` is a copy for reading.
"""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from schemas.chat_call import Call, Spent
from schemas.errors import WorkspaceError
from tasks.runtime.segments import Record, SegmentWriter, checked, read_records, segment_files

_Place = tuple[Path, int, int]


class Ledger:
    """A :class:`schemas.chat_call.CallLedger` over a folder, which several processes may use at once."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read before the first look."""
        self._folder = folder
        self._writer = SegmentWriter(folder)
        self._lock = threading.Lock()
        self._places: dict[bytes, _Place] = {}
        self._read: dict[Path, int] = {}
        self._spent = Spent()
        self.damaged = 0

    def find(self, key: str) -> Call | None:
        """The first call that answered this request.

        Raises:
            WorkspaceError: the ledger cannot be read.
        """
        with self._lock:
            place = self._places.get(bytes.fromhex(key))
            if place is None:
                self._catch_up()
                place = self._places.get(bytes.fromhex(key))
        return None if place is None else _call_at(*place)

    def record(self, call: Call) -> None:
        """Remember a call; an answer is on the disk when this returns.

        Raises:
            WorkspaceError: the disk is full or the workspace cannot be written.
        """
        answered = call.outcome == "answered"
        head = (
            f"{call.request_key} {'a' if answered else '-'} {call.input_tokens + call.output_tokens} {call.cost_usd!r}"
        )
        body = json.dumps(asdict(call), ensure_ascii=False, separators=(",", ":"))
        content = f"{head} {body}".encode(errors="replace")
        with self._lock:
            record = self._writer.append(content)
            path = self._writer.path
            if path is not None:
                self._take(path, record)
                self._read[path] = record.offset + record.length
        if answered:
            self._writer.sync()

    def spent(self) -> Spent:
        """All calls so far, those of other processes too."""
        with self._lock:
            self._catch_up()
            return self._spent

    def close(self) -> None:
        """Sync and close the file of this process."""
        self._writer.close()

    def _catch_up(self) -> None:
        """Take in what was written since the last look, by whomever."""
        try:
            for path in segment_files(self._folder):
                start = self._read.get(path, 0)
                if path.stat().st_size <= start:
                    continue
                for found in read_records(path, start):
                    if isinstance(found, Record):
                        self._take(path, found)
                        start = found.offset + found.length
                    else:
                        self.damaged += 1
                        start = found
                self._read[path] = start
        except OSError as error:
            raise WorkspaceError(f"cannot read the ledger {self._folder}: {error.strerror}") from error

    def _take(self, path: Path, record: Record) -> None:
        key, outcome, tokens, usd, _ = record.content.split(b" ", 4)
        spent = self._spent
        self._spent = replace(
            spent, calls=spent.calls + 1, tokens=spent.tokens + int(tokens), usd=spent.usd + float(usd)
        )
        if outcome == b"a":
            self._places.setdefault(bytes.fromhex(key.decode()), (path, record.offset, record.length))


def _call_at(path: Path, offset: int, length: int) -> Call:
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            line = os.pread(handle, length, offset)
        finally:
            os.close(handle)
    except OSError as error:
        raise WorkspaceError(f"cannot read the ledger {path}: {error.strerror}") from error
    content = checked(line)
    if content is None:
        raise WorkspaceError(f"the ledger {path} has changed under this process: leave its files alone")
    return _call(content)


def _call(content: bytes) -> Call:
    return Call(**json.loads(content.split(b" ", 4)[4]))


def read_calls(folder: Path) -> Iterator[Call]:
    """Every call of a ledger, process by process in the order in which they began."""
    for path in segment_files(folder):
        for found in read_records(path):
            if isinstance(found, Record):
                yield _call(found.content)
