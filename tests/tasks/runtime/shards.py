"""Small stages and shards to try the runtime with: rows of ``SELECTED``, whose only facts are a name and a scene."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from schemas.arrow import SELECTED
from schemas.config import BuildConfig
from tasks.runtime.engine import StageTask, stage_task
from tasks.runtime.execute import execute
from tasks.runtime.stage import Inputs, Kept, Outcome, Row, RunSpec, ShardRef, Stage


def row(name: str) -> Row:
    """One row."""
    return {"frame_id": name, "scene": "0001"}


def spec(workspace: Path, **sections: Mapping[str, Any]) -> RunSpec:
    """A run in ``workspace`` with changed sections of the configuration."""
    return RunSpec(str(workspace), "nowhere", BuildConfig.model_validate(sections))


def source_stage(names: list[str], version: int = 1) -> Stage:
    """A stage without inputs that gives these rows."""
    return Stage(
        name="origin",
        version=version,
        unit="frame",
        schema=SELECTED,
        inputs=(),
        section="",
        run=lambda inputs: iter([Kept(row(name)) for name in names]),
        count=lambda inputs: len(names),
    )


def copy_rows(inputs: Inputs) -> Iterator[Outcome]:
    """Everything that the first input holds."""
    return (Kept(r) for r in inputs["origin"])


def stage(run: Callable[[Inputs], Iterator[Outcome]] = copy_rows, **changes: Any) -> Stage:
    """A stage on top of the source."""
    values: dict[str, Any] = {
        "name": "later",
        "version": 1,
        "unit": "frame",
        "schema": SELECTED,
        "inputs": ("origin",),
        "section": "",
    }
    return Stage(run=run, **(values | changes))


def started(run: RunSpec, names: list[str], shard: str = "a", limit: int | None = None) -> ShardRef:
    """A shard that went through the source stage."""
    ref = ShardRef(shard, "film", len(names), limit=limit)
    return execute(source_stage(names), run, ref)


def as_task(patch: pytest.MonkeyPatch, made: Stage) -> StageTask:
    """The task of a stage that is in no file: its module is put where the task will look for it."""
    module = ModuleType(f"tasks.{made.name}")
    module.STAGE = made  # type: ignore[attr-defined]
    patch.setitem(sys.modules, module.__name__, module)
    return stage_task(made.name)
