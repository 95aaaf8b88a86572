"""What a stage is: the key of its result depends on what the result depends on, and on nothing else."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from schemas.config import BuildConfig
from tasks.runtime.stage import RunSpec, ShardRef
from tests.tasks.runtime.shards import spec, stage


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """A run in an empty workspace."""
    return spec(tmp_path)


BASE: dict[str, Any] = {"section": "select", "models": lambda config: {"m": "1"}}
CHANGES: dict[str, dict[str, Any]] = {
    "version": {"version": 2},
    "section": {"section": "detect"},
    "model digest": {"models": lambda config: {"m": "2"}},
    "model name": {"models": lambda config: {"n": "1"}},
    "no models": {"models": None},
    "name": {"name": "another"},
}
SAME: dict[str, dict[str, Any]] = {
    "run": {"run": lambda inputs: iter([])},
    "count": {"count": lambda inputs: 0},
    "leased": {"leased": True},
    "unit": {"unit": "story"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_key_changes_with(run: RunSpec, what: str) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "x"})
    assert stage(**BASE).key(run, ref) != stage(**(BASE | CHANGES[what])).key(run, ref)


@pytest.mark.parametrize("what", SAME)
def test_the_key_does_not_change_with(run: RunSpec, what: str) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "x"})
    assert stage(**BASE).key(run, ref) == stage(**(BASE | SAME[what])).key(run, ref)


def test_the_key_changes_with_each_parameter_of_its_own_section_and_with_no_other(tmp_path: Path) -> None:
    run = spec(tmp_path)
    ref = ShardRef("a", "film", 4, keys={"origin": "x"})
    own = stage(section="sequence").key(run, ref)
    changed = {"min_frames": 4, "max_frames": 23, "target_frames": 9, "require_person": False}
    assert set(changed) == set(type(run.config.sequence).model_fields)
    keys = {stage(section="sequence").key(spec(tmp_path, sequence={n: v}), ref) for n, v in changed.items()}
    assert len(keys | {own}) == len(changed) + 1
    for other in set(BuildConfig.model_fields) - {"sequence"}:
        name, field = next(iter(getattr(run.config, other).model_dump().items()))
        value = field + 1 if isinstance(field, int) else field
        assert stage(section="sequence").key(spec(tmp_path, **{other: {name: value}}), ref) == own
    assert stage(section="").key(spec(tmp_path, sequence={"min_frames": 4}), ref) == stage(section="").key(run, ref)


def test_the_key_changes_with_the_inputs_that_are_read_and_with_no_others(run: RunSpec) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "x", "unread": "y"})
    own = stage().key(run, ref)
    assert stage().key(run, dataclasses.replace(ref, keys={"origin": "z", "unread": "y"})) != own
    assert stage().key(run, dataclasses.replace(ref, keys={"origin": "x", "unread": "z"})) == own
    assert stage().key(run, dataclasses.replace(ref, keys={"unread": "y", "origin": "x"})) == own


def test_the_key_does_not_change_with_where_the_shard_and_its_workspace_are(tmp_path: Path) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "x"})
    own = stage().key(spec(tmp_path), ref)
    assert stage().key(spec(tmp_path / "elsewhere"), ref) == own
    assert stage().key(dataclasses.replace(spec(tmp_path), source="other"), ref) == own
    assert stage().key(spec(tmp_path), dataclasses.replace(ref, frames=9, stories=3)) == own


def test_the_limit_is_part_of_the_key_where_the_result_depends_on_it(run: RunSpec) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "x"})
    limited = dataclasses.replace(ref, limit=2)
    assert stage(limited=False).key(run, ref) == stage(limited=False).key(run, limited)
    assert stage(limited=True).key(run, ref) != stage(limited=True).key(run, limited)
    assert stage(limited=True).key(run, ref) == stage(limited=False).key(run, ref)
