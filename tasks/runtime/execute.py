"""The one place where a stage meets a shard: reuse, read, run, count, write, commit."""

import importlib.metadata
import platform
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from schemas.errors import ShardError, StoryReasoningError
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import Inputs, Kept, Outcome, RunSpec, ShardRef, Stage
from tasks.runtime.store import Manifest, ShardWriter, write_shard

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


def _outcomes(stage: Stage, inputs: Inputs) -> Iterator[Outcome]:
    """What the stage gives; an error of the operating system in here is the stage's, not one of writing its result."""
    try:
        yield from stage.run(inputs)
    except OSError as error:
        raise ShardError(f"{stage.name} failed on shard {inputs.ref.shard}: {type(error).__name__}: {error}") from error


def _drain(stage: Stage, inputs: Inputs, out: ShardWriter) -> int:
    items_out = done = 0
    last = time.monotonic()
    for outcome in _outcomes(stage, inputs):
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
