"""What a workspace remembers of its last release, so that builds can be held against it without asking the Hub."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.runtime.atomic import write_json

PATH = "released.json"


@dataclass(frozen=True, slots=True)
class Released:
    """A release that was published from a workspace: where, as what, and the numbers of its ``measurements.json``."""

    repo_id: str
    tag: str
    commit: str
    measurements: Mapping[str, Any]

    @property
    def title(self) -> str:
        """For people to read."""
        return f"{self.tag} of {self.repo_id}"


def remember_release(workspace: Path, released: Released) -> None:
    """Put a release on record in the workspace, in place of the one before.

    Raises:
        WorkspaceError: it cannot be written.
    """
    write_json(workspace / PATH, asdict(released))


def last_release(workspace: Path) -> Released | None:
    """The last release of a workspace; None where there is none, or its record cannot be read."""
    try:
        value = json.loads((workspace / PATH).read_text(encoding="utf-8"))
        return Released(str(value["repo_id"]), str(value["tag"]), str(value["commit"]), dict(value["measurements"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
