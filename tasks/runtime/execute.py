"""The one place where a stage meets a shard: reuse, read, run, count, write, commit."""

import gc
import importlib.metadata
import platform
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from schemas.errors import ShardError, StoryReasoningError, WorkspaceError
from tasks.runtime.code import code_version
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import Inputs, Kept, Outcome, RunSpec, ShardRef, Stage
from tasks.runtime.store import Manifest, ShardStore, ShardWriter, write_shard
from tasks.runtime.usage import Meter

_LEASE = threading.Lock()
"""Held while a stage uses models: adapters serve one thread at a time, and two would only fight over the same cores."""

_ITEM_EVENT_S = 0.2

_seasoned: set[str] = set()
"""Stages of which this process has made a shard."""

_YOUNG_OBJECTS = 20_000
"""New objects after which the collector looks for cycles; Python's own 700 are fewer than one frame's rows."""


@cache
def software_versions() -> Mapping[str, str]:
    """Versions that a result may depend on beyond its key; kept in manifests for people."""
    names = ("numpy", "pillow", "pyarrow", "onnxruntime")
    found = {name: importlib.metadata.version(name) for name in names}
    return {"python": platform.python_version(), "storyreasoning": code_version(), **found}


def execute(stage: Stage, run: RunSpec, ref: ShardRef) -> ShardRef:
    """Bring one shard through one stage, or find that it stands already.

    Raises:
        ShardError: the stage failed on the shard; nothing of it is kept.
        StoryReasoningError: the workspace or a model cannot be used, or this process runs other code than the flow.
    """
    if run.code and run.code != code_version():
        raise WorkspaceError(
            f"this worker runs storyreasoning {code_version()} and the build {run.code}: "
            "install the same version on every worker and restart it"
        )
    key = stage.key(run, ref)
    store = run.store
    standing = store.find(stage.name, ref.shard, key)
    if standing is None:
        emit(Event("shard_started", stage=stage.name, shard=ref.shard, unit=stage.unit))
        standing = make_shard(stage, run, ref, key, store)
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


def make_shard(stage: Stage, run: RunSpec, ref: ShardRef, key: str, target: ShardStore) -> Manifest:
    """Run a stage on a shard, whether it stands or not, and commit the result to ``target``.

    Raises:
        ShardError: the stage failed on the shard; nothing of it is kept.
        StoryReasoningError: the workspace or a model cannot be used.
    """
    readers = {name: run.store.read(name, ref.shard, ref.keys[name]) for name in stage.inputs}
    inputs = Inputs(run, ref, readers)
    meter = Meter()
    try:
        with meter, _seasoned_for(stage.name), write_shard(target, stage.name, ref.shard, key, stage.schema) as out:
            items_in = stage.count(inputs) if stage.count else readers[stage.inputs[0]].rows
            with _lease(stage, meter):
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
        seconds=round(meter.seconds, 4),
        cpu_s=round(meter.cpu_s, 4),
        finished=datetime.now(UTC).isoformat(timespec="milliseconds"),
        software=dict(software_versions()),
        files=out.files,
        run=run.run_id,
        peak_bytes=meter.peak_bytes,
        gpu_s=round(meter.gpu_s, 4),
        read_bytes=meter.read_bytes,
        written_bytes=sum(file.bytes for file in out.files),
    )
    target.commit(manifest)
    return manifest


@contextmanager
def _seasoned_for(stage: str) -> Iterator[None]:
    """Keep the collector of cycles off the rows of the block, and off what the stage has imported and loaded, which stays.

    Else it walks all of that again and again: a third of the processor time of drafting. What stays is set aside once a stage,
    since cycles that are garbage just then are kept, too.
    """
    gc.set_threshold(_YOUNG_OBJECTS, 10, 5)
    yield
    if stage not in _seasoned:
        _seasoned.add(stage)
        gc.freeze()


@contextmanager
def _lease(stage: Stage, meter: Meter) -> Iterator[None]:
    """The machine's models, for a stage that needs them; the wait for them is no work of the shard's."""
    if not stage.leased:
        yield
        return
    asked = time.monotonic()
    with _LEASE:
        begun = time.monotonic()
        meter.waited(begun - asked)
        try:
            yield
        finally:
            meter.held_models(time.monotonic() - begun)


def _outcomes(stage: Stage, inputs: Inputs) -> Generator[Outcome, None, None]:
    """What the stage gives; an error of the operating system in here is the stage's, not one of writing its result."""
    try:
        yield from stage.run(inputs)
    except OSError as error:
        raise ShardError(f"{stage.name} failed on shard {inputs.ref.shard}: {type(error).__name__}: {error}") from error


def _drain(stage: Stage, inputs: Inputs, out: ShardWriter) -> int:
    """Write what the stage gives; when this returns or raises, nothing of the stage is at work any more."""
    items_out = done = 0
    last = time.monotonic()
    with closing(_outcomes(stage, inputs)) as outcomes:
        for outcome in outcomes:
            if isinstance(outcome, Kept):
                out.write(outcome.row)
                items_out += outcome.items
                done += outcome.items
            else:
                out.reject(stage.unit, outcome.item, outcome.reason, outcome.detail, outcome.faults, outcome.text)
                done += 1
            now = time.monotonic()
            if now - last >= _ITEM_EVENT_S:
                emit(Event("items", stage=stage.name, shard=inputs.ref.shard, unit=stage.unit, items=done))
                done, last = 0, now
    return items_out
