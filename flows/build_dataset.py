"""Frames in, a grounded story dataset out.

    frames --ingest--> usable frames --select--> distinct frames --detect--> people, things --faces--> whose face is whose
           --sequence--> stories --appearance--> looks --reidentify--> one id an entity --draft--> tables and story
           --ground--> only what holds --export--> dataset/ --report--> report.html

Each arrow is a stage in ``tasks/``; each works on shards (a film, or a run of whole scenes of a long one), which are files in
the workspace. A shard that stands is not made again.
"""

from pathlib import Path

from prefect import flow

from schemas.config import BuildConfig, Engine
from tasks.runtime.engine import first_stories, function_task, make_runner, stage_task
from tasks.runtime.record import BuildSummary, begin_run
from tasks.runtime.stage import RunSpec
from tasks.runtime.workspace import locked_workspace

SEEING = tuple(map(stage_task, ("ingest", "select", "detect", "faces", "sequence")))
TELLING = tuple(map(stage_task, ("appearance", "reidentify", "draft", "ground")))
prepare = function_task("prepare-models", "tasks.models.registry:prepare_models")
plan = function_task("plan", "tasks.plan:plan")
export = function_task("export", "tasks.conclude:export")
report = function_task("report", "tasks.conclude:report")


@flow(name="build-dataset", persist_result=False)
def build_dataset(
    source: str,
    workspace: str,
    config: BuildConfig = BuildConfig(),  # noqa: B008 - frozen
    engine: Engine = "threads",
    preset: str = "embedded",
    limit_stories: int | None = None,
) -> BuildSummary:
    """Build or bring up to date the dataset of a workspace.

    Args:
        source: a folder of frames, a folder of such folders, Parquet in the GroundCap layout, or a Hub dataset of that kind.
        workspace: the folder that holds everything the build makes; alone in it while it runs.
        config: every knob.
        engine: ``plain`` stays in this process; ``threads`` and ``dask`` use the flow's task runner.
        preset: name of the preset that ``config`` came from, for the record.
        limit_stories: stop after so many stories, for a quick look.

    Raises:
        StoryReasoningError: says what failed and what to do; everything finished is kept.
    """
    with locked_workspace(Path(workspace)):
        run = begin_run(RunSpec(workspace, source, config), preset, engine)
        runner = make_runner(engine)
        if engine != "dask":  # on a cluster the models are on the workers
            runner.call(prepare, config)
        shards = runner.call(plan, run.spec)
        if limit_stories is None:
            seen = runner.through(SEEING, shards, run.spec)
        else:
            seen = first_stories(runner, SEEING, shards, run.spec, limit_stories)
        told = runner.through(TELLING, seen, run.spec)
        exported = runner.call(export, run, told)
        summary: BuildSummary = runner.call(report, run, told, exported)
        return summary
