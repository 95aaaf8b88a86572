"""Batches on the disk: the one that is being gathered, and a note on each that was handed in, which survives the process.

A note is written before its batch is created, with a name that goes into the batch's metadata: whoever finds a note without the
batch's id looks at the provider for a batch of that name, so that a death in between costs nothing twice.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Self

from schemas.errors import WorkspaceError

NOTE = ".note.json"
LINES = ".jsonl"


@dataclass(frozen=True, slots=True)
class Errand:
    """What the ledger is to say of a request of a batch."""

    purpose: str
    item: str
    prompt: str
    way: str
    input_tokens: int


@dataclass(frozen=True, slots=True)
class Note:
    """A batch that is being handed in or was.

    Attributes:
        name: our name for it.
        place: the endpoint.
        model: that was asked for.
        errands: by request key.
        submitted: when, in seconds since 1970.
        batch: the provider's id; empty until it is known.
    """

    name: str
    place: str
    model: str
    submitted: float
    errands: Mapping[str, Errand]
    batch: str = ""

    def handed_in(self, batch: str) -> Self:
        """The note with the provider's id."""
        return replace(self, batch=batch)


@dataclass(frozen=True, slots=True)
class NoteFolder:
    """The notes of a workspace."""

    folder: Path

    def path(self, name: str, suffix: str) -> Path:
        """Where a batch's file of a kind lies."""
        return self.folder / f"{name}{suffix}"

    def save(self, note: Note) -> None:
        """Write a note so that it is whole or not there.

        Raises:
            WorkspaceError: it cannot be written.
        """
        target = self.path(note.name, NOTE)
        temporary = target.with_name(f"{target.name}.tmp-{secrets.token_hex(4)}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as handle:
                json.dump(asdict(note), handle)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise WorkspaceError(f"cannot write {target}: {error.strerror}") from error

    def load(self) -> list[Note]:
        """All notes, oldest first; gathered requests without a note are swept, as they come again."""
        notes = []
        for path in sorted(self.folder.glob(f"*{NOTE}")):
            try:
                value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
                errands = {key: Errand(**errand) for key, errand in value.pop("errands").items()}
                notes.append(Note(errands=errands, **value))
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                raise WorkspaceError(
                    f"the batch note {path} cannot be read: restore it, or remove it to pay again"
                ) from error
        return notes

    def drop(self, name: str) -> None:
        """Forget a batch that is done."""
        for suffix in (NOTE, LINES, ".answers", ".errors"):
            self.path(name, suffix).unlink(missing_ok=True)


@dataclass(slots=True)
class Gathering:
    """Requests on their way into one file: on the disk, because pictures are large."""

    name: str
    path: Path
    errands: dict[str, Errand] = field(default_factory=dict)
    size: int = 0
    _handle: BinaryIO | None = None

    def add(self, key: str, errand: Errand, body: Mapping[str, Any]) -> None:
        """Append a request.

        Raises:
            WorkspaceError: it cannot be written.
        """
        line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        content = json.dumps(line, ensure_ascii=False).encode(errors="replace") + b"\n"
        try:
            if self._handle is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = self.path.open("wb")
            self._handle.write(content)
        except OSError as error:
            raise WorkspaceError(f"cannot write {self.path}: {error.strerror}") from error
        self.errands[key] = errand
        self.size += len(content)

    def close(self) -> None:
        """All is on the disk."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None
