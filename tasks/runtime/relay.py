"""Events of stages that run in Dask workers, told where the flow runs, while they happen.

A worker logs its events under a topic of the run; the scheduler hands them to whoever has subscribed. Events may be lost with
a worker, or come after the task that they belong to: what the flow has not heard of a shard by the end of its batch it tells
from the manifest, and what comes later is dropped.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from tasks.runtime.progress import Event, emit, listening
from tasks.runtime.stage import RunSpec, ShardRef


def topic(run_id: str) -> str:
    """Name under which the events of a run are logged."""
    return f"storyreasoning-{run_id}"


@contextmanager
def telling_home(run_id: str) -> Iterator[None]:
    """Have every event inside the block told to the flow, where this is a Dask worker; elsewhere do nothing."""
    worker = _worker()
    if worker is None or not run_id:
        yield
        return

    owner = threading.get_ident()

    def tell(event: Event) -> None:
        if threading.get_ident() == owner:  # a worker with several threads has several of these listening
            worker.log_event(topic(run_id), {"event": asdict(event)})  # Dask adds names of its own beside it

    with listening(tell):
        yield


def _worker() -> Any:
    """The Dask worker whose task this thread runs, or None; never imports Dask."""
    if "distributed.worker" not in sys.modules:
        return None
    from distributed import get_worker

    try:
        return get_worker()
    except ValueError:
        return None


class Relay:
    """Tells the listeners here what workers tell; each shard's end once."""

    def __init__(self) -> None:
        """Nothing has been heard."""
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def hear(self, event: tuple[object, dict[str, Any]]) -> None:
        """Take in a logged event: the time on the scheduler, and what happened."""
        self._tell(Event(**event[1]["event"]))

    def complete(self, stages: Sequence[str], shards: Sequence[ShardRef], run: RunSpec) -> None:
        """Tell of the shards of a batch what was not heard."""
        for stage in stages:
            for shard in shards:
                manifest = run.store.find(stage, shard.shard, shard.keys[stage])
                if manifest is not None:
                    self._tell(
                        Event(
                            "shard_done",
                            stage=stage,
                            shard=shard.shard,
                            unit=manifest.unit,
                            items_in=manifest.items_in,
                            items_out=manifest.items_out,
                            rejected=sum(manifest.rejected.values()),
                            reused=manifest.run != run.run_id,
                            seconds=manifest.seconds,
                        )
                    )

    def _tell(self, event: Event) -> None:
        place = (event.stage, event.shard)
        with self._lock:
            if place in self._told and event.kind != "message":
                return
            if event.kind == "shard_done":
                self._told.add(place)
        emit(event)
