"""The flow itself: what it names is there, and what it asks for."""

import inspect
from importlib import import_module

from flows.build_dataset import SEEING, TELLING, build_dataset
from schemas.config import BuildConfig
from tasks.conclude import STAGES
from tasks.runtime.stage import Stage


def test_every_stage_it_names_is_there_and_reads_only_what_comes_before() -> None:
    names = [task.name for task in (*SEEING, *TELLING)]
    assert tuple(names) == STAGES
    done = ["plan"]
    for name in names:
        stage = import_module(f"tasks.{name}").STAGE
        assert isinstance(stage, Stage)
        assert stage.name == name
        assert set(stage.inputs) <= set(done), f"{name} reads a stage that comes later"
        assert stage.section in BuildConfig.model_fields
        assert stage.version >= 1
        done.append(name)


def test_the_last_seeing_stage_says_how_many_stories_there_are() -> None:
    assert SEEING[-1].name == "sequence"
    assert import_module("tasks.sequence").STAGE.limited
    assert not any(import_module(f"tasks.{task.name}").STAGE.limited for task in (*SEEING[:-1], *TELLING))


def test_models_are_used_by_one_stage_at_a_time() -> None:
    leased = {task.name for task in (*SEEING, *TELLING) if import_module(f"tasks.{task.name}").STAGE.leased}
    assert leased == {"detect", "landmarks", "faces", "appearance"}


def test_parameters_render_as_a_form() -> None:
    assert build_dataset.name == "build-dataset"
    parameters = inspect.signature(build_dataset.fn).parameters
    assert list(parameters)[:6] == ["source", "workspace", "config", "engine", "preset", "limit_stories"]
    assert build_dataset.parameters.properties["config"]
    assert build_dataset.parameters.required == ["source", "workspace"]
