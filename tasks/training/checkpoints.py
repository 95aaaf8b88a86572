"""Checkpoints that are whole or do not count: a marker, written last, holds the size of every file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError
from tasks.runtime.atomic import write_json

MARKER = "whole.json"
RUN_FILE = "run.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_whole(folder: Path) -> None:
    """Say that everything of a checkpoint is written.

    Raises:
        WorkspaceError: the marker cannot be written.
    """
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    sizes.pop(MARKER, None)
    write_json(folder / MARKER, {"files": sizes})


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint has its marker, and every file the size that it had then."""
    try:
        sizes = json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"]
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def newest_whole(folder: Path) -> Path | None:
    """The checkpoint of the most steps that is whole; None where there is none."""
    found = [(int(match[1]), path) for path in folder.glob("checkpoint-*") if (match := _NAME.fullmatch(path.name))]
    return next((path for _, path in sorted(found, reverse=True) if is_whole(path)), None)


def claim(folder: Path, run: Mapping[str, Any]) -> None:
    """Make ``folder`` the place of a run, or make sure that it is this run's already.

    Raises:
        ConfigError: another run is kept there; what differs is named.
        WorkspaceError: it cannot be written.
    """
    path = folder / RUN_FILE
    if not path.exists():
        if any(folder.glob("checkpoints/checkpoint-*")):
            raise ConfigError(f"{folder} holds checkpoints of an unknown run: choose another --out")
        write_json(path, run)
        return
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: remove {folder}, or choose another --out") from error
    differing = [name for name in {**kept, **run} if kept.get(name) != run.get(name)]
    if "base" in differing:
        raise ConfigError(
            f"{folder} holds checkpoints of another base model ({kept.get('model')}): choose another --out"
        )
    if differing:
        raise ConfigError(
            f"{folder} holds a run that differs in {', '.join(sorted(differing))}: choose another --out, or the same options"
        )
