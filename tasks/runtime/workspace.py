"""The workspace folder: its layout, its version, and the lock that keeps two builds apart."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import WorkspaceError
from tasks.runtime.atomic import TEMPORARY_MARK, sweep_temporaries, write_json

FORMAT = 1
"""Version of the workspace layout; raised when an older workspace can no longer be read."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder that holds everything a build makes; ``remote`` is the URL that it is a copy of, if it is one."""

    root: Path
    remote: str = ""

    @property
    def shards(self) -> Path:
        """Shards and manifests: ``shards/<stage>/<shard>/<key>.parquet`` and ``.json``."""
        return self.root / "shards"

    @property
    def runs(self) -> Path:
        """One record a run: configuration, counts, timings."""
        return self.root / "runs"

    @property
    def dataset(self) -> Path:
        """The finished dataset: a ready Hub repository."""
        return self.root / "dataset"

    @property
    def report(self) -> Path:
        """The self-contained report page."""
        return self.root / "report.html"

    @property
    def dead_letters(self) -> Path:
        """Everything that was left out in the last run, with its reason."""
        return self.root / "dead_letters.parquet"

    @property
    def ledger(self) -> Path:
        """Every call of a chat model, one file a process."""
        return self.root / "ledger"

    @property
    def ledger_table(self) -> Path:
        """A copy of the ledger, for reading."""
        return self.root / "ledger.parquet"

    @property
    def chat(self) -> Path:
        """What was found out about chat endpoints, and batches under way."""
        return self.root / "chat"

    @property
    def marker(self) -> Path:
        """The file that makes a folder a workspace."""
        return self.root / "workspace.json"


def _check_marker(workspace: Workspace) -> None:
    try:
        marker = json.loads(workspace.marker.read_text(encoding="utf-8"))
        found = marker["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{workspace.marker} is not readable as a workspace marker: restore it or use a new --workspace"
        ) from error
    if found != FORMAT:
        raise WorkspaceError(
            f"workspace {workspace.root} has format {found!r} and this version reads {FORMAT}: "
            "use the version that made it or a new --workspace"
        )


def _is_foreign(path: Path) -> bool:
    """Whether a file of a folder without a marker is no trace of a build that died before it wrote the marker."""
    return path.name != ".lock" and not path.name.startswith(f"workspace.json{TEMPORARY_MARK}")


def open_workspace(root: Path) -> Workspace:
    """Open a workspace that exists, to read it.

    Raises:
        WorkspaceError: there is none, or it is of another version.
    """
    workspace = Workspace(root)
    if not workspace.marker.is_file():
        raise WorkspaceError(f"{root} is not a workspace: build one with 'storyreasoning build --workspace {root}'")
    _check_marker(workspace)
    return workspace


@contextmanager
def locked_workspace(root: Path) -> Iterator[Workspace]:
    """Open or create a workspace for building, alone in it; clears what a killed build left half-written.

    The lock is the kernel's (``flock``): it goes with the process, however that ends.

    Raises:
        WorkspaceError: not writable, in use by another build, of another version, or a folder of something else.
    """
    workspace = Workspace(root)
    try:
        if root.exists() and not root.is_dir():
            raise WorkspaceError(f"{root} is a file: give a folder as --workspace")
        if root.is_dir() and not workspace.marker.exists() and any(map(_is_foreign, root.iterdir())):
            raise WorkspaceError(f"{root} holds files but is no workspace: give an empty or new folder as --workspace")
        root.mkdir(parents=True, exist_ok=True)
        lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise WorkspaceError(f"cannot write the workspace {root}: {error.strerror}; choose another") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                f"another build is at work in {root}: wait for it, or use another --workspace"
            ) from error
        if workspace.marker.exists():
            _check_marker(workspace)
        else:
            write_json(workspace.marker, {"format": FORMAT, "what": "a storyreasoning workspace"})
        sweep_temporaries(root)
        yield workspace
    finally:
        os.close(lock)
