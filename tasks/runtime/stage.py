"""What a stage is, and the one place where a stage meets a shard: reuse, read, run, count, write, commit."""

import importlib.metadata
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from schemas.config import BuildConfig
from schemas.errors import ShardError, StoryReasoningError
from tasks.runtime.keys import content_key
from tasks.runtime.progress import Event, emit
from tasks.runtime.store import Manifest, Row, ShardReader, ShardStore, write_shard

Unit = Literal["frame", "story"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the result that accounts for ``items`` items of the input."""

    row: Row
    items: int = 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that goes no further: a short fixed ``reason`` that is counted, and a ``detail`` for a person."""

    item: str
    reason: str
    detail: str = ""


Outcome = Kept | Rejected


@dataclass(frozen=True, slots=True)
class ShardRef:
    """A shard on its way through the stages: small, frozen, the only thing that passes between tasks.

    ``keys`` maps each stage that is done to the key of its result; ``stories`` is how many it holds once that is known.
    """

    shard: str
    film: str
    frames: int
    limit: int | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    stories: int = 0


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What every task of a run needs to know."""

    workspace: str
    source: str
    config: BuildConfig

    @property
    def store(self) -> ShardStore:
        """The shards of the workspace."""
        return ShardStore(Path(self.workspace) / "shards")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage may read of a shard: the results of the stages that it names."""

    run: RunSpec
    ref: ShardRef
    readers: Mapping[str, ShardReader]

    def __getitem__(self, stage: str) -> ShardReader:
        """Reader of an earlier stage's result."""
        return self.readers[stage]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the pipeline.

    Attributes:
        name: of the stage, its task and its folder.
        version: raised whenever the same input would give another result; part of the key.
        unit: what is counted, in and out.
        schema: of the rows.
        inputs: stages whose results are read, the counted one first.
        section: the part of the configuration that the result depends on; empty for none.
        run: gives the outcome of every item, in order.
        count: how many items go in; by default the rows of the first input.
        models: name and sha256 of the models in use; part of the key.
        leased: whether the stage needs the machine's models to itself.
        limited: whether the result depends on the shard's limit on stories.
    """

    name: str
    version: int
    unit: Unit
    schema: pa.Schema
    inputs: tuple[str, ...]
    section: str
    run: Callable[[Inputs], Iterator[Outcome]]
    count: Callable[[Inputs], int] | None = None
    models: Callable[[BuildConfig], Mapping[str, str]] | None = None
    leased: bool = False
    limited: bool = False

    def params(self, run: RunSpec, ref: ShardRef) -> dict[str, Any]:
        """The parameters that the result depends on, as JSON-like values."""
        values: dict[str, Any] = getattr(run.config, self.section).model_dump(mode="json") if self.section else {}
        return {**values, "limit_stories": ref.limit} if self.limited and ref.limit is not None else values

    def key(self, run: RunSpec, ref: ShardRef) -> str:
        """Content key of the shard at this stage."""
        return content_key(
            {
                "stage": self.name,
                "version": self.version,
                "params": self.params(run, ref),
                "models": dict(self.models(run.config)) if self.models else {},
                "inputs": {name: ref.keys[name] for name in self.inputs},
            }
        )


_LEASE = threading.Lock()
"""Held while a stage uses models: adapters serve one thread at a time, and two would only fight over the same cores."""

_ITEM_EVENT_S = 0.2


def software_versions() -> dict[str, str]:
    """Versions that a result may depend on beyond its key; kept in manifests for people."""
    names = ("numpy", "pillow", "pyarrow", "onnxruntime")
    found = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), **found}


def execute(stage: Stage, run: RunSpec, ref: ShardRef) -> ShardRef:
    """Bring one shard through one stage, or find that it stands already.

    Raises:
        ShardError: the stage failed on the shard; nothing of it is kept.
        StoryReasoningError: the workspace or a model cannot be used.
    """
    key = stage.key(run, ref)
    store = run.store
    standing = store.find(stage.name, ref.shard, key)
    if standing is None:
        emit(Event("shard_started", stage=stage.name, shard=ref.shard, unit=stage.unit))
        standing = _make(stage, run, ref, key)
        reused = False
    else:
        reused = True
    emit(
        Event(
            "shard_done",
            stage=stage.name,
            shard=ref.shard,
            unit=stage.unit,
            items_in=standing.items_in,
            items_out=standing.items_out,
            rejected=sum(standing.rejected.values()),
            reused=reused,
            seconds=standing.seconds,
        )
    )
    stories = standing.rows if stage.name == "sequence" else ref.stories
    return replace(ref, keys={**ref.keys, stage.name: key}, stories=stories)


def _make(stage: Stage, run: RunSpec, ref: ShardRef, key: str) -> Manifest:
    store = run.store
    readers = {name: store.read(name, ref.shard, ref.keys[name]) for name in stage.inputs}
    inputs = Inputs(run, ref, readers)
    started, cpu = time.monotonic(), time.process_time()
    try:
        items_in = stage.count(inputs) if stage.count else readers[stage.inputs[0]].rows
        with write_shard(store, stage.name, ref.shard, key, stage.schema) as out:
            if stage.leased:
                with _LEASE:
                    items_out = _drain(stage, inputs, out)
            else:
                items_out = _drain(stage, inputs, out)
            lost = items_in - items_out - sum(out.rejected.values())
            if lost:
                raise ShardError(
                    f"{stage.name} lost {lost} of {items_in} {stage.unit}s of shard {ref.shard}: report this"
                )
    except StoryReasoningError:
        raise
    except MemoryError as error:
        raise ShardError(
            f"{stage.name} ran out of memory on shard {ref.shard}: lower its batch or shard_frames"
        ) from error
    except Exception as error:
        raise ShardError(f"{stage.name} failed on shard {ref.shard}: {type(error).__name__}: {error}") from error
    finally:
        for reader in readers.values():
            reader.close()
    manifest = Manifest(
        stage=stage.name,
        stage_version=stage.version,
        shard=ref.shard,
        film=ref.film,
        key=key,
        unit=stage.unit,
        inputs={name: ref.keys[name] for name in stage.inputs},
        params=stage.params(run, ref),
        models=dict(stage.models(run.config)) if stage.models else {},
        items_in=items_in,
        items_out=items_out,
        rows=out.rows,
        rejected=dict(sorted(out.rejected.items())),
        seconds=round(time.monotonic() - started, 4),
        cpu_s=round(time.process_time() - cpu, 4),
        finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
        software=software_versions(),
        files=out.files,
    )
    store.commit(manifest)
    return manifest


def _drain(stage: Stage, inputs: Inputs, out: Any) -> int:
    items_out = done = 0
    last = time.monotonic()
    for outcome in stage.run(inputs):
        if isinstance(outcome, Kept):
            out.write(outcome.row)
            items_out += outcome.items
            done += outcome.items
        else:
            out.reject(stage.unit, outcome.item, outcome.reason, outcome.detail)
            done += 1
        now = time.monotonic()
        if now - last >= _ITEM_EVENT_S:
            emit(Event("items", stage=stage.name, shard=inputs.ref.shard, unit=stage.unit, items=done))
            done, last = 0, now
    return items_out
