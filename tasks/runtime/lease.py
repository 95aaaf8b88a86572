"""The lock of a workspace at a URL: an object that its holder keeps changing.

No clocks are compared. Whoever finds the lock watches it: if it changes, its holder is alive; if it does not for
:data:`EXPIRES_S`, by the watcher's own clock, the holder is gone and the lock is taken over. A holder that could not change
it for most of that time gives up by itself, so that wrong clocks and long pauses let no two builds finish on one workspace.
"""

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import WorkspaceError
from tasks.runtime.objects import Objects, Taken

LOCK = "lock.json"
BEAT_S = 10.0
EXPIRES_S = 60.0
GIVES_UP_S = 45.0
_LOOK_S = 1.0


class Lease:
    """A lock that is held; :meth:`check` says whether it still is."""

    def __init__(self, objects: Objects, content: bytes) -> None:
        """Hold the lock that was written as ``content``, and keep changing it."""
        self._objects = objects
        self._content = content
        self._last = time.monotonic()
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="workspace-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure that nobody else may have the lock.

        Raises:
            WorkspaceError: someone has, or may have.
        """
        if self._lost or time.monotonic() - self._last > GIVES_UP_S:
            raise WorkspaceError(
                f"lost the lock of {self._objects.url} (no answer from it, or another build took over): run again"
            )

    def release(self) -> None:
        """Let go; the lock goes where it is still ours."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(WorkspaceError):
            if self._objects.read(LOCK) == self._content:
                self._objects.remove(LOCK)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_S):
            following = _changed(self._content)
            began = time.monotonic()
            try:
                self._objects.write(LOCK, following, instead_of=self._content)
            except (Taken, WorkspaceError) as error:
                # Perhaps it was written and only the answer was lost: then it is still ours.
                with contextlib.suppress(WorkspaceError):
                    found = self._objects.read(LOCK)
                    self._lost = isinstance(error, Taken) and found not in (following, self._content)
                    if found == following:
                        self._content, self._last = following, began
                if self._lost:
                    return
                continue
            self._content, self._last = following, began


def _changed(content: bytes) -> bytes:
    value = json.loads(content)
    return json.dumps({**value, "beat": value["beat"] + 1}).encode()


@contextmanager
def leased(objects: Objects) -> Iterator[Lease]:
    """Hold the lock of a workspace at a URL while the block runs.

    Raises:
        WorkspaceError: another build has it, or the place cannot be written.
    """
    content = json.dumps(
        {"owner": secrets.token_hex(16), "host": socket.gethostname(), "process": os.getpid(), "beat": 0}
    ).encode()
    _acquire(objects, content)
    lease = Lease(objects, content)
    try:
        yield lease
    finally:
        lease.release()


def _acquire(objects: Objects, content: bytes) -> None:
    seen: bytes | None = None
    since = time.monotonic()
    while True:
        try:
            if seen is not None and time.monotonic() - since > EXPIRES_S:
                objects.write(LOCK, content, instead_of=seen)
            else:
                objects.write(LOCK, content, new=True)
        except Taken:
            found = objects.read(LOCK)
            if seen is not None and found is not None and found != seen:
                raise WorkspaceError(
                    f"another build is at work in {objects.url} ({_holder(found)}): wait for it, or use another --workspace"
                ) from None
            if found != seen:
                seen, since = found, time.monotonic()
            time.sleep(_LOOK_S)
        else:
            return


def _holder(content: bytes) -> str:
    try:
        value = json.loads(content)
        return f"process {int(value['process'])} on {str(value['host'])[:80]!r}"
    except (ValueError, KeyError, TypeError):
        return "of an unknown holder"
