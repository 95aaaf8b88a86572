"""What must hold before a byte is sent: nobody builds, the files are those of the build, no fault, a licence for all."""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.config import DriftConfig
from schemas.errors import ConfigError, PublishError
from tasks.dataset_card.measurements import PATH as MEASUREMENTS
from tasks.publishing.drift import Shift, measure_drift
from tasks.publishing.release import Record, ReleaseFile, read_file

LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


@dataclass(frozen=True, slots=True)
class BuiltDataset:
    """The dataset of a workspace: what the build says of it, and its files as they lie there now.

    ``licences`` gives the licence of each film with stories, empty where there is none; ``measurements`` are its numbers, and
    ``drift`` says how far they may be from those of the last release.
    """

    workspace: Path
    stories: Mapping[str, int]
    films: Mapping[str, str]
    licences: Mapping[str, str]
    models: tuple[str, ...]
    files: tuple[ReleaseFile, ...]
    measurements: Mapping[str, Any]
    drift: DriftConfig


@contextmanager
def undisturbed_workspace(workspace: Path) -> Iterator[None]:
    """Keep builds out of a workspace while the block runs; several publications may share it.

    Raises:
        PublishError: a build is at work there.
        WorkspaceError: there is no workspace.
    """
    from tasks.runtime.workspace import open_workspace

    open_workspace(workspace)
    try:
        lock = os.open(workspace / ".lock", os.O_RDONLY)
    except FileNotFoundError:  # copied from elsewhere: nothing was ever built here
        yield
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise PublishError(f"{workspace} is being built: publish when the build has ended") from error
        yield
    finally:
        os.close(lock)


def read_dataset(workspace: Path) -> BuiltDataset:
    """The dataset of the last build, every file held against the sha256 that the build recorded.

    Raises:
        WorkspaceError: no build came to an end.
        PublishError: the dataset is not that of the last build, holds no story, or was changed by hand.
    """
    from tasks.assembly import latest_run
    from tasks.export import find_export

    run, _, record = latest_run(workspace)
    again = f"run 'storyreasoning build --workspace {workspace}' again"
    exported = find_export(workspace, record["dataset"]["key"])
    if exported is None:
        raise PublishError(f"the dataset in {workspace} is not whole or not that of the last build: {again}")
    if not sum(exported.rows.values()):
        raise PublishError(f"the dataset in {workspace} holds no story: see {workspace / 'report.html'}")
    folder = workspace / "dataset"
    wanted = {entry.path: entry.sha256 for entry in exported.files}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    if extra := sorted(found - set(wanted)):
        raise PublishError(f"{folder / extra[0]} is not of the build: take it away, or {again}")
    files = tuple(read_file(folder, path) for path in sorted(wanted))
    for file in files:
        if file.sha256 != wanted[file.path]:
            raise PublishError(f"{folder / file.path} was changed after the build: {again}")
    models = sorted(
        {f"{s['name']}: {name} {digest[:12]}" for s in record["stages"] for name, digest in s["models"].items()}
    )
    numbers = _numbers((folder / MEASUREMENTS).read_bytes())
    return BuiltDataset(
        workspace, exported.rows, exported.films, _licences(folder), tuple(models), files, numbers, run.config.drift
    )


def _licences(folder: Path) -> dict[str, str]:
    try:
        films = json.loads((folder / "films.json").read_text(encoding="utf-8"))["films"]
        return {name: str(entry["licence"]) for name, entry in films.items() if entry["stories"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublishError(f"{folder / 'films.json'} cannot be read: build again") from error


def check_stories(workspace: Path) -> None:
    """Hold every story against the strict rules.

    Raises:
        PublishError: there is a fault; the first is named.
    """
    from tasks.check import check_source

    report = check_source(str(workspace), "strict")
    if report.faulty:
        worst = report.worst[0]
        raise PublishError(
            f"{report.faulty} of {report.stories} stories break the rules (story {worst.name}: {worst.faults[0].message}): "
            f"see 'storyreasoning check {workspace}'"
        )


def check_licences(built: BuiltDataset, licence: str) -> None:
    """Refuse films that nobody may pass on; ``licence`` stands for those without one of their own.

    Raises:
        PublishError: a film with frames in the dataset has none.
    """
    if licence:
        return
    missing = sorted(film for film, own in built.licences.items() if not own)
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise PublishError(
            f"film '{missing[0]}'{more} has no licence: name it in films.toml beside the frames and build again, "
            "or give --licence for all films without one"
        )


def check_repo_id(repo_id: str) -> None:
    """Refuse what the Hub would.

    Raises:
        ConfigError: no name that the Hub takes.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    if repo_id.count("/") != 1:
        raise ConfigError(f"'{repo_id}' is no name on the Hub: give owner/name")
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        told = " ".join(str(error).split())
        raise ConfigError(f"'{repo_id}' is no name that the Hub takes: {told}") from error


def check_drift(
    built: BuiltDataset, last: Record | None, measured: bytes, *, accept: bool = False
) -> tuple[Shift, ...]:
    """Hold the numbers against those of the last release, ``measured`` (empty where it has none).

    Returns what moved farther than the configuration allows, which is nothing unless ``accept`` is true.

    Raises:
        PublishError: a film changed its split, or a number moved too far.
    """
    if last is None:
        return ()
    remedy = "if that is meant, publish with --accept-drift"
    moved = sorted(film for film, split in built.films.items() if last.films.get(film, split) != split)
    if moved and not accept:
        more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
        raise PublishError(
            f"film '{moved[0]}'{more} was in {last.films[moved[0]]} in v{last.release} and is in {built.films[moved[0]]} now, "
            f"so that models trained on v{last.release} are tested on what they saw: {remedy}"
        )
    before = {"stories": sum(last.stories.values()), **_numbers(measured)}
    beyond = tuple(shift for shift in measure_drift(before, built.measurements, built.drift) if shift.beyond)
    if beyond and not accept:
        more = f" and {len(beyond) - 1} more" if len(beyond) > 1 else ""
        raise PublishError(f"the dataset drifted from v{last.release}; {beyond[0]}{more}: {remedy}")
    return beyond


def _numbers(content: bytes) -> Mapping[str, Any]:
    """Measurements as they were published; none where they cannot be read."""
    try:
        value = json.loads(content or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
