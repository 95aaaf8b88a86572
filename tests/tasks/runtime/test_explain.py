"""Why a shard is made: every part of its key, films that came and went, and what is said of a run that is over."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.config import BuildConfig
from tasks.runtime.execute import execute
from tasks.runtime.explain import Explanation, Record, explain_last, explain_next
from tasks.runtime.foresee import foresee, uses_models
from tasks.runtime.stage import RunSpec, ShardRef, Stage
from tests.tasks.runtime.shards import source_stage, spec, stage

ORIGIN = source_stage(["f1", "f2"])
DIGESTS = {"net": "a" * 64}


def models(config: BuildConfig) -> Mapping[str, str]:
    return DIGESTS


LATER = stage(section="select", models=models, leased=True)
LAST = stage(name="last", inputs=("later",), run=lambda inputs: iter(()), count=lambda inputs: 0)
STAGES = (ORIGIN, LATER, LAST)


def build(run: RunSpec, refs: list[ShardRef], stages: tuple[Stage, ...] = STAGES) -> list[ShardRef]:
    """Bring shards through all stages."""
    for each in stages:
        refs = [execute(each, run, ref) for ref in refs]
    return refs


def record(run: RunSpec, refs: list[ShardRef]) -> Record:
    """What a run leaves, as it is read back: the order of the keys is lost."""
    shards = [{"shard": r.shard, "film": r.film, "frames": r.frames, "limit": r.limit, "keys": r.keys} for r in refs]
    told = {"run_id": run.run_id, "stages": [{"name": s.name} for s in STAGES], "shards": shards}
    value: dict[str, Any] = json.loads(json.dumps(told, sort_keys=True))
    return value


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    return replace(spec(tmp_path), run_id="one")


def new(*names: str) -> list[ShardRef]:
    return [ShardRef(name, f"film {name}", 2) for name in names]


def ask(run: RunSpec, refs: list[ShardRef], last: Record | None, stages: tuple[Stage, ...] = STAGES) -> Explanation:
    return explain_next(stages, run, refs, run.store, last)


def told(explanation: Explanation) -> dict[tuple[str, str], tuple[str, ...]]:
    """Why, by shard and stage, of what is made."""
    return {(v.shard, v.stage): v.why for v in explanation.verdicts if v.made}


def test_in_an_empty_workspace_everything_is_new(run: RunSpec) -> None:
    explanation = ask(run, new("a"), None)
    assert told(explanation) == dict.fromkeys([("a", "origin"), ("a", "later"), ("a", "last")], ("new shard",))
    assert (explanation.new_films, explanation.removed_films) == ([], [])


def test_what_stands_is_not_made(run: RunSpec) -> None:
    refs = build(run, new("a", "b"))
    explanation = ask(run, new("a", "b"), record(run, refs))
    assert told(explanation) == {}
    assert len(explanation.verdicts) == 6
    assert not uses_models(STAGES, run, new("a", "b"))


def test_asking_writes_nothing(run: RunSpec) -> None:
    refs = build(run, new("a"))
    before = sorted(Path(run.workspace).rglob("*"))
    ask(
        replace(run, config=BuildConfig.model_validate({"select": {"duplicate_bits": 9}})),
        new("a", "z"),
        record(run, refs),
    )
    assert sorted(Path(run.workspace).rglob("*")) == before


def test_a_changed_parameter_is_named_with_both_values(run: RunSpec) -> None:
    last = record(run, build(run, new("a")))
    changed = replace(run, config=BuildConfig.model_validate({"select": {"duplicate_bits": 9}}))
    assert told(ask(changed, new("a"), last)) == {
        ("a", "later"): ("parameter duplicate_bits 2 -> 9",),
        ("a", "last"): ("later is made anew",),
    }
    assert uses_models(STAGES, changed, new("a"))


def test_a_parameter_that_was_not_there_before(run: RunSpec) -> None:
    last = record(run, build(run, new("a")))
    limited = (ORIGIN, replace(LATER, limited=True), LAST)
    why = told(ask(run, [ShardRef("a", "film a", 2, limit=1)], last, limited))[("a", "later")]
    assert why == ("parameter limit_stories unset -> 1",)


def test_a_changed_model_and_version_are_named(run: RunSpec) -> None:
    last = record(run, build(run, new("a")))
    other = replace(LATER, version=3, models=lambda _: {"net": "b" * 64, "more": "c" * 64})
    assert told(ask(run, new("a"), last, (ORIGIN, other, LAST)))["a", "later"] == (
        "version of the stage 1 -> 3",
        "model more unset -> cccccccccccc",
        "model net aaaaaaaaaaaa -> bbbbbbbbbbbb",
    )


def test_films_that_came_and_went(run: RunSpec) -> None:
    last = record(run, build(run, new("a", "b")))
    explanation = ask(run, new("b", "c"), last)
    assert explanation.new_films == ["film c"]
    assert explanation.removed_films == ["film a"]
    assert {shard for shard, _ in told(explanation)} == {"c"}


def test_a_quick_look_says_of_no_film_that_it_is_gone(run: RunSpec) -> None:
    last = record(run, build(run, new("a", "b")))
    assert ask(run, [ShardRef("a", "film a", 2, limit=1)], last).removed_films == []


@pytest.mark.parametrize("damage", [b"", b"short"])
def test_a_damaged_file_is_named_and_what_follows_stands(run: RunSpec, damage: bytes) -> None:
    refs = build(run, new("a"))
    run.store.path("later", "a", refs[0].keys["later"]).write_bytes(damage)
    assert told(ask(run, new("a"), record(run, refs))) == {("a", "later"): ("its file is missing or damaged",)}


def test_a_shard_that_a_run_never_reached(run: RunSpec) -> None:
    execute(ORIGIN, run, new("a")[0])
    last = record(run, build(run, new("a"), (ORIGIN,)))
    assert told(ask(run, new("a"), last)) == dict.fromkeys([("a", "later"), ("a", "last")], ("never finished before",))


def test_the_last_run_tells_what_it_made_and_why(run: RunSpec) -> None:
    first = record(run, build(run, new("a", "b")))
    second = replace(run, run_id="two", config=BuildConfig.model_validate({"select": {"duplicate_bits": 9}}))
    refs = build(second, new("b", "c"))
    explanation = explain_last(run.store, record(second, refs), first)
    assert told(explanation) == {
        ("b", "later"): ("parameter duplicate_bits 2 -> 9",),
        ("b", "last"): ("later is made anew",),
        **dict.fromkeys([("c", "origin"), ("c", "later"), ("c", "last")], ("new shard",)),
    }
    assert [v.stage for v in explanation.verdicts if v.shard == "c"] == ["origin", "later", "last"]
    assert explanation.removed_films == ["film a"]
    assert explanation.new_films == ["film c"]


def test_the_first_run_ever(run: RunSpec) -> None:
    explanation = explain_last(run.store, record(run, build(run, new("a"))), None)
    assert set(told(explanation).values()) == {("new shard",)}


def test_a_shard_that_was_mended(run: RunSpec) -> None:
    first = record(run, build(run, new("a")))
    run.store.path("later", "a", first["shards"][0]["keys"]["later"]).unlink()
    second = replace(run, run_id="two")
    again = record(second, build(second, new("a")))
    assert told(explain_last(run.store, again, first)) == {("a", "later"): ("its file was missing or damaged",)}


def test_keys_foreseen_are_those_of_the_build(run: RunSpec) -> None:
    steps = list(foresee(STAGES, run, new("a")[0]))
    assert [step.standing for step in steps] == [None, None, None]
    (ref,) = build(run, new("a"))
    assert {step.stage.name: step.key for step in steps} == ref.keys
    assert all(step.standing is not None for step in foresee(STAGES, run, new("a")[0]))
