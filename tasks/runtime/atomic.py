"""Files appear whole or not at all: written under a temporary name, synced, renamed."""

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schemas.errors import WorkspaceError

TEMPORARY_MARK = ".tmp-"


def explain(error: OSError, path: Path) -> WorkspaceError:
    """The error that says why ``path`` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceError(f"no space left while writing {path.name} in {path.parent}: free space and run again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorkspaceError(f"cannot write {path}: {os.strerror(error.errno)}; choose another --workspace")
    return WorkspaceError(f"cannot write {path}: {error.strerror or error}")


def sync_directory(folder: Path) -> None:
    """Make renames in ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target``; on success sync it and rename it there, on failure remove it.

    Raises:
        WorkspaceError: the disk is full or the place cannot be written.
    """
    temporary = target.with_name(f"{target.name}{TEMPORARY_MARK}{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise explain(error, target) from error
    finally:
        # What cannot be removed here cannot be there, or goes with the next sweep; the first error is the one to tell.
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``target``; on success it takes the place of ``target``, on failure it goes.

    Between moving the old folder aside and the new one in there is an instant without ``target``;
    :func:`sweep_temporaries` puts the old one back when a process died there.
    """
    temporary = target.with_name(f"{target.name}{TEMPORARY_MARK}{secrets.token_hex(4)}")
    aside = target.with_name(f"{target.name}{TEMPORARY_MARK}old")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb") as handle:
                    os.fsync(handle.fileno())
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
            target.rename(aside)
        try:
            temporary.rename(target)
        except BaseException:
            if aside.exists():
                aside.rename(target)
            raise
        sync_directory(target.parent)
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise explain(error, target) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write a small file atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, value: Any) -> None:
    """Write ``value`` atomically as readable JSON with sorted keys."""
    write_bytes(target, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Readable JSON with sorted keys."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def sweep_temporaries(folder: Path) -> int:
    """Remove what a killed process left half-written below ``folder``, and return how many; call only under the lock."""
    removed = 0
    for path in sorted(folder.rglob(f"*{TEMPORARY_MARK}*")):
        if not path.exists():
            continue
        final = path.with_name(path.name.split(TEMPORARY_MARK)[0])
        if path.name.endswith(f"{TEMPORARY_MARK}old") and not final.exists():
            path.rename(final)
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed += 1
    return removed
