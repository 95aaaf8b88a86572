"""Why a shard is made again: what its key is made of now, held against what it was made of before.

A key hashes the stage's version, its parameters, the digests of its models and the keys of what it reads, and manifests keep
all of these: where two keys differ, the parts that differ are the reason. Only manifests and records are read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.errors import ShardError
from tasks.runtime.foresee import foresee
from tasks.runtime.record import removed_films
from tasks.runtime.stage import RunSpec, ShardRef, Stage
from tasks.runtime.store import Manifest, ShardStore

Record = Mapping[str, Any]

MADE_ANEW = " is made anew"
"""What is said of an input that changed: the reason stands with the stage that made it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A shard at a stage: whether it is made (or was), and why; an empty ``why`` says that it stands as it is."""

    stage: str
    shard: str
    film: str
    made: bool
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A run, past or to come: a verdict for every shard and stage, and the films that are new to it or gone from it."""

    verdicts: Sequence[Verdict]
    new_films: Sequence[str] = ()
    removed_films: Sequence[str] = ()


def explain_next(
    stages: Sequence[Stage], run: RunSpec, refs: Sequence[ShardRef], plans: ShardStore, last: Record | None
) -> Explanation:
    """What a build would make, and why; nothing is made.

    Args:
        stages: all of them in order.
        run: the build that is asked about.
        refs: its shards as planned.
        plans: where the plans of ``refs`` lie.
        last: the record of the last build in the workspace; None before the first.

    Raises:
        StoryReasoningError: the configuration names a model or a file that there is not.
    """
    before = _keys_by_shard(last)
    verdicts = []
    for ref in refs:
        for step in foresee(stages, run, ref):
            name = step.stage.name
            if step.standing is not None:
                verdicts.append(Verdict(name, ref.shard, ref.film, False))
                continue
            parts = _Parts(
                step.stage.version,
                step.stage.params(run, step.ref),
                dict(step.stage.models(run.config)) if step.stage.models else {},
                {source: step.ref.keys[source] for source in step.stage.inputs},
            )
            history = _History(run.store, plans, before.get(ref.shard))
            why = _reasons(history, name, ref.shard, step.key, parts)
            verdicts.append(Verdict(name, ref.shard, ref.film, True, why))
    return _with_films(verdicts, refs, last)


def explain_last(store: ShardStore, record: Record, previous: Record | None) -> Explanation:
    """What the run of ``record`` made, and why; ``previous`` is the record of the run before it."""
    before = _keys_by_shard(previous)
    refs = [ShardRef(s["shard"], s["film"], s["frames"], s["limit"], s["keys"]) for s in record["shards"]]
    stages = [stage["name"] for stage in record["stages"]]
    verdicts = []
    for ref in refs:
        for name in (stage for stage in stages if stage in ref.keys):
            manifest = store.find(name, ref.shard, ref.keys[name])
            if manifest is None:
                verdicts.append(Verdict(name, ref.shard, ref.film, False, ("its file is no longer there",)))
            elif manifest.run != record["run_id"]:
                verdicts.append(Verdict(name, ref.shard, ref.film, False))
            else:
                parts = _Parts(manifest.stage_version, manifest.params, manifest.models, manifest.inputs)
                history = _History(store, store, before.get(ref.shard), made=True)
                why = _reasons(history, name, ref.shard, manifest.key, parts)
                verdicts.append(Verdict(name, ref.shard, ref.film, True, why))
    return _with_films(verdicts, refs, previous)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a key is made of."""

    version: int
    params: Mapping[str, Any]
    models: Mapping[str, str]
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _History:
    """What a shard is held against.

    ``store`` has what was made, ``plans`` the plan of the run in question; ``before`` are the shard's keys in the run that it
    is held against, None for a shard that this did not have; ``made`` says that the run in question is over.
    """

    store: ShardStore
    plans: ShardStore
    before: Mapping[str, str] | None
    made: bool = False


def _reasons(history: _History, stage: str, shard: str, key: str, parts: _Parts) -> tuple[str, ...]:
    """Why a shard has to be made, or had to be."""
    if not history.made and history.store.manifest_path(stage, shard, key).exists():
        return ("its file is missing or damaged",)
    if history.made and history.before is not None and history.before.get(stage) == key:
        return ("its file was missing or damaged",)
    old = _reference(history, stage, shard, key)
    if old is None:
        return ("new shard" if history.before is None else "never finished before",)
    return tuple(_differences(history, shard, old, parts)) or ("this version makes keys in another way",)


def _reference(history: _History, stage: str, shard: str, key: str) -> Manifest | None:
    """The manifest that a shard is held against: that of the run before, else any other version that stands."""
    if history.before is not None and stage in history.before:
        found = history.store.find(stage, shard, history.before[stage])
        if found is not None:
            return found
    if history.made and history.before is None:
        return None
    others = [manifest for manifest in history.store.versions(stage, shard) if manifest.key != key]
    return others[-1] if others else None


def _differences(history: _History, shard: str, old: Manifest, new: _Parts) -> Iterator[str]:
    """The parts of two keys that differ, in words."""
    if old.stage_version != new.version:
        yield f"version of the stage {old.stage_version} -> {new.version}"
    for name, was, now in _changed(old.params, new.params):
        yield f"parameter {name} {was} -> {now}"
    for name, was, now in _changed(old.models, new.models):
        yield f"model {name} {was[:12]} -> {now[:12]}"
    for source, was, now in _changed(old.inputs, new.inputs):
        told = _plan_changes(history, shard, was, now) if source == "plan" else ""
        yield f"frames changed: {told}" if told else f"{source}{MADE_ANEW}"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*old, *new}):
        was, now = (str(side[name]) if name in side else "unset" for side in (old, new))
        if was != now:
            yield name, was, now


def _plan_changes(history: _History, shard: str, old: str, new: str) -> str:
    """How many frames came, went and changed between two plans of a shard; empty where one cannot be read."""
    try:
        was, now = _frames(history.store, shard, old), _frames(history.plans, shard, new)
    except ShardError:
        return ""
    counts = {
        "added": len(now.keys() - was.keys()),
        "removed": len(was.keys() - now.keys()),
        "changed": sum(now[name] != was[name] for name in now.keys() & was.keys()),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _frames(store: ShardStore, shard: str, key: str) -> dict[str, str]:
    reader = store.read("plan", shard, key)
    try:
        return {row["frame_id"]: row["sha256"] for row in reader.select(["frame_id", "sha256"])}
    finally:
        reader.close()


def _keys_by_shard(record: Record | None) -> dict[str, Mapping[str, str]]:
    return {shard["shard"]: shard["keys"] for shard in (record or {}).get("shards", ())}


def _with_films(verdicts: Sequence[Verdict], refs: Sequence[ShardRef], last: Record | None) -> Explanation:
    known = {shard["film"] for shard in (last or {}).get("shards", ())}
    new = [film for film in dict.fromkeys(ref.film for ref in refs) if last is not None and film not in known]
    return Explanation(verdicts, new, removed_films(last, refs))
