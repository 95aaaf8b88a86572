"""A workspace at a URL and its copy on this machine, in which the stages work.

Shards go there one by one as they are made (see :mod:`tasks.runtime.store`). Everything else, the dataset, the report and the
records, is fetched when a build begins and sent when it ends; ``latest.json`` last, as it says what the rest is.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import WorkspaceError
from tasks.runtime.atomic import write_json
from tasks.runtime.keys import slug
from tasks.runtime.lease import LOCK, leased
from tasks.runtime.objects import Objects, inside
from tasks.runtime.places import find_place, is_url
from tasks.runtime.progress import Event, emit
from tasks.runtime.workspace import Workspace, locked_workspace, open_workspace

MARKER, LATEST = "workspace.json", "latest.json"
_NOTES, _ORIGIN = ".sent.json", ".origin.json"
_OWN = (_NOTES, _ORIGIN, ".lock")


def mirror_of(url: str) -> Path:
    """The folder of this machine that stands for the workspace at a URL.

    It lies below ``STORYREASONING_WORKSPACES``, else in the user's cache.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "storyreasoning" / "workspaces"
    root = Path(os.environ.get("STORYREASONING_WORKSPACES") or cache)
    plain = url.rstrip("/")
    return root / f"{slug(plain.rpartition('/')[2])}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


@contextmanager
def building_in(workspace: str) -> Iterator[Workspace]:
    """Open or create a workspace for building, alone in it: a folder, or a URL with its copy on this machine.

    Raises:
        WorkspaceError: not writable, in use by another build, of another version, or something else.
    """
    if not is_url(workspace):
        with locked_workspace(Path(workspace)) as opened:
            yield opened
        return
    url = workspace.rstrip("/")
    find_place(url, WorkspaceError)
    objects, folder = Objects(url), mirror_of(url)
    with leased(objects) as lease, locked_workspace(folder) as opened:
        fetch_outputs(objects, folder)
        open_workspace(folder)
        write_json(folder / _ORIGIN, {"url": url})
        if objects.read(MARKER) is None:
            objects.put(MARKER, folder / MARKER)
        try:
            yield Workspace(opened.root, url)
        except BaseException:
            # What the build has found out is worth keeping; why it failed is what the user must hear.
            with contextlib.suppress(WorkspaceError):
                lease.check()
                send_outputs(objects, folder)
            raise
        lease.check()
        send_outputs(objects, folder)
        emit(Event("message", text=f"sent to {url}; the copy on this machine is {folder}"))


def local_copy(url: str) -> Path:
    """The copy of a finished workspace on this machine, brought up to date for reading; shards come as they are asked for.

    Raises:
        WorkspaceError: the place cannot be read, holds no workspace, or is being built from here.
    """
    url = url.rstrip("/")
    find_place(url, WorkspaceError)
    objects, folder = Objects(url), mirror_of(url)
    if objects.read(MARKER) is None:
        raise WorkspaceError(f"{url} holds no workspace: 'storyreasoning build --workspace {url}' makes one")
    with locked_workspace(folder):
        fetch_outputs(objects, folder)
        write_json(folder / _ORIGIN, {"url": url})
    return folder


def existing_workspace(workspace: str) -> Workspace:
    """Open a workspace that exists, to read it: a folder, or a URL with its copy on this machine.

    Raises:
        WorkspaceError: there is none, it is of another version, or it cannot be read.
    """
    if not is_url(workspace):
        return open_workspace(Path(workspace))
    return Workspace(local_copy(workspace), workspace.rstrip("/"))


def origin_of(folder: Path) -> str:
    """The URL of the workspace that a folder is the copy of; empty for a workspace of this machine."""
    try:
        return str(json.loads((folder / _ORIGIN).read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def fetch_outputs(objects: Objects, folder: Path) -> None:
    """Bring the copy up to date with what is at the URL: there is the truth, also about what is no longer there.

    Raises:
        WorkspaceError: the place cannot be read, or is something else than a workspace.
    """
    there = objects.list()
    there.pop(LOCK, None)
    if there and MARKER not in there:
        raise WorkspaceError(
            f"{objects.url} holds files but is no workspace: give an empty or new place as --workspace"
        )
    notes = _read_notes(folder)
    for address, stamp in there.items():
        if not address.startswith("shards/") and notes.get(address) != [stamp, _state(folder / address)]:
            objects.fetch(address, inside(folder, address))
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for address, path in here.items():
        sent = address in notes or (address.startswith("shards/") and address.endswith(".json"))
        if sent and address not in there and address not in _OWN:
            path.unlink()
    _write_notes(folder, there)


def send_outputs(objects: Objects, folder: Path) -> None:
    """Send what has changed in the copy; what is no longer in its dataset goes at the URL too.

    Raises:
        WorkspaceError: the place cannot be written.
    """
    there = objects.list()
    notes = _read_notes(folder)
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    changed = [
        address
        for address, path in here.items()
        if address not in _OWN
        and not address.startswith("shards/")
        and (address not in there or notes.get(address) != [there[address], _state(path)])
    ]
    for address in sorted(changed, key=lambda name: (name == LATEST, name == "export.json", name)):
        objects.put(address, here[address])
    for address in there:
        if address not in here and address.startswith(("dataset/", "runs/", "videos/")):
            objects.remove(address)
    _write_notes(folder, objects.list())


def _state(path: Path) -> str:
    try:
        info = path.stat()
    except OSError:
        return ""
    return f"{info.st_size}:{info.st_mtime_ns}"


def _read_notes(folder: Path) -> dict[str, list[str]]:
    try:
        notes: dict[str, list[str]] = json.loads((folder / _NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes


def _write_notes(folder: Path, there: dict[str, str]) -> None:
    """Note how each file stood here and there when both were the same."""
    same = {
        address: [stamp, _state(folder / address)]
        for address, stamp in there.items()
        if not address.startswith("shards/") and address not in (LOCK, *_OWN) and (folder / address).is_file()
    }
    write_json(folder / _NOTES, same)
