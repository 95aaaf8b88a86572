"""Frames in, a grounded story dataset out.

    frames --ingest--> usable frames --select--> distinct frames --detect--> people, things --landmarks--> places
           --faces--> whose face is whose --sequence--> stories --appearance--> looks --reidentify--> one id an entity
           --draft_analysis--> tables --draft_story--> story --ground--> what holds --export--> dataset/ --report--> page

Each arrow is a stage in ``tasks/`` that works on shards (a film, or whole scenes of a long one): files, which are made once.
"""

from prefect import flow

from flows.artifacts import shown_in_prefect
from flows.presets import load_config
from flows.runners import open_runner
from schemas.config import BuildConfig, Engine
from tasks.chat import ended_chat
from tasks.runtime.engine import first_stories, function_task, stage_task
from tasks.runtime.metrics import exported_metrics
from tasks.runtime.mirror import building_in
from tasks.runtime.record import BuildSummary, begin_run
from tasks.runtime.stage import RunSpec

SEEING = tuple(map(stage_task, ("ingest", "select", "detect", "landmarks", "faces", "sequence")))
TELLING = tuple(map(stage_task, ("appearance", "reidentify", "draft_analysis", "draft_story", "ground")))
STAGES = [task.name for task in (*SEEING, *TELLING)]
prepare = function_task("prepare-models", "tasks.prepare:prepare")
plan = function_task("plan", "tasks.plan:plan")
export = function_task("export", "tasks.conclude:export")
report = function_task("report", "tasks.conclude:report")


@flow(name="build-dataset", persist_result=False)
def build_dataset(
    source: str,
    workspace: str,
    config: BuildConfig | None = None,
    engine: Engine = "threads",
    preset: str = "embedded",
    limit_stories: int | None = None,
    workers: int = 2,
    scheduler: str = "",
    metrics_file: str | None = None,
) -> BuildSummary:
    """Build or bring up to date the dataset of a workspace.

    Args:
        source: folder, archive, videos, Parquet in the GroundCap layout, a URL of one of these, or a Hub dataset.
        workspace: folder or URL that holds everything the build makes; alone in it while it runs.
        config: every knob; without it, those of ``preset``.
        engine: ``plain`` stays in this process, ``threads`` shares it, ``dask`` spreads over worker processes and machines.
        preset: named configuration, on record with the run.
        limit_stories: stop after so many stories, for a quick look.
        workers: threads, or Dask workers on this machine.
        scheduler: address of a Dask scheduler to use instead, such as ``tcp://10.0.0.5:8786``.
        metrics_file: where to leave figures for Prometheus.

    Raises:
        StoryReasoningError: says what failed and what to do; everything finished is kept.
    """
    with (
        building_in(workspace) as place,
        exported_metrics(metrics_file, str(place.root)),
        open_runner(engine, workers, scheduler) as runner,
        ended_chat(place.root),  # before the runner, whose threads may wait for answers
        shown_in_prefect(engine, STAGES) as show,
    ):
        spec = RunSpec(str(place.root), source, config or load_config(preset), remote=place.remote)
        run = begin_run(spec, preset, engine, scheduler)
        shards = runner.call(plan, run.spec)
        if engine != "dask":  # on a cluster the models are on the workers
            runner.call(prepare, run.spec, shards, STAGES)
        if limit_stories is None:
            seen = runner.through(SEEING, shards, run.spec)
        else:
            seen = first_stories(runner, SEEING, shards, run.spec, limit_stories)
        told = runner.through(TELLING, seen, run.spec)
        summary: BuildSummary = runner.call(report, run, told, runner.call(export, run, told))
        show(summary)
        return summary
