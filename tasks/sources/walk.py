"""The files below a folder that may belong to a source."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from schemas.errors import SourceError


def walk_files(root: Path, passed_over: Callable[[str], None]) -> Iterator[Path]:
    """Every file below ``root``, sorted by name within its folder.

    Hidden files and folders are left out, and so are workspaces of builds, which may lie below the frames that they are made
    from. What else cannot be walked is told to ``passed_over``: links to folders, so that a loop of links ends, and names that
    are no Unicode, which no table can hold.

    Raises:
        SourceError: a folder cannot be listed.
    """

    def fail(error: OSError) -> None:
        raise SourceError(f"cannot list {error.filename}: {error.strerror}") from error

    for folder, folders, names in os.walk(root, onerror=fail):
        if Path(folder) != root and "workspace.json" in names and ".lock" in names:
            folders.clear()
            continue
        folders[:] = [name for name in sorted(folders) if _may_enter(Path(folder, name), passed_over)]
        for name in sorted(names):
            if name.startswith("."):
                continue
            if _is_unicode(name):
                yield Path(folder, name)
            else:
                passed_over("name that is no Unicode")


def _may_enter(folder: Path, passed_over: Callable[[str], None]) -> bool:
    if folder.name.startswith("."):
        return False
    if not _is_unicode(folder.name):
        passed_over("name that is no Unicode")
        return False
    if folder.is_symlink():
        passed_over("link to a folder")
        return False
    return True


def _is_unicode(name: str) -> bool:
    """Whether a name is valid text: bytes that are no UTF-8 come from the file system as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
