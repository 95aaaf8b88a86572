"""What is happening, for whoever watches: the command line, a log, a test.

Events go to the listeners of this process. Stages report shards as they start and end and items as they are done;
where stages run in other processes, only the shards are seen.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Kind = Literal["plan", "stage", "shard_started", "items", "shard_done", "message"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``plan``: ``shards`` and ``items`` (frames) of the whole run. ``stage``: a stage begins, with its ``shards`` and items
    expected. ``items``: ``items`` more are done in ``shard``. ``shard_done``: with items in, out, rejected, whether the
    shard stood already (``reused``), and its seconds. ``message``: ``text``.
    """

    kind: Kind
    stage: str = ""
    shard: str = ""
    unit: str = ""
    shards: int = 0
    items: int = 0
    items_in: int = 0
    items_out: int = 0
    rejected: int = 0
    reused: bool = False
    seconds: float = 0.0
    text: str = ""


Listener = Callable[[Event], None]
_listeners: list[Listener] = []
_lock = threading.Lock()


def emit(event: Event) -> None:
    """Tell every listener, one at a time."""
    with _lock:
        for listener in _listeners:
            listener(event)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have ``listener`` told of everything inside the block."""
    with _lock:
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            _listeners.remove(listener)
