"""Frames in, a grounded story dataset out.

    frames --ingest--> usable frames --select--> distinct frames --detect--> people, things --faces--> who has which face
           --sequence--> stories --appearance--> looks --reidentify--> one id an entity --draft--> tables and story
           --ground--> only what holds --export--> dataset/ --report--> report.html

Each arrow is a stage in ``tasks/``; each works on shards (a film, or a run of whole scenes of a long one), which are files in
the workspace. A shard that stands is not made again.
"""

from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from schemas.config import BuildConfig, Engine
from tasks.appearance import appearance
from tasks.conclude import BuildSummary, begin_run, export, report
from tasks.detect import detect
from tasks.draft import draft
from tasks.faces import faces
from tasks.ground import ground
from tasks.ingest import ingest
from tasks.plan import plan_shards
from tasks.reidentify import reidentify
from tasks.runtime.engine import first_stories, make_runner
from tasks.runtime.stage import RunSpec
from tasks.runtime.workspace import locked_workspace
from tasks.select import select
from tasks.sequence import sequence
from tasks.sources.source import open_source

SEEING = (ingest, select, detect, faces, sequence)
TELLING = (appearance, reidentify, draft, ground)


@flow(name="build-dataset", task_runner=ThreadPoolTaskRunner(max_workers=4), persist_result=False)
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
    with locked_workspace(Path(workspace)) as place:
        run = begin_run(RunSpec(workspace, source, config), preset, engine)
        runner = make_runner(engine)
        frames = open_source(source, place.root / "source_index.parquet")
        shards = plan_shards(run.spec, frames, config.ingest)
        if limit_stories is None:
            seen = runner.through(SEEING, shards, run.spec)
        else:
            seen = first_stories(runner, SEEING, shards, run.spec, limit_stories)
        told = runner.through(TELLING, seen, run.spec)
        return runner.call(report, run, told, runner.call(export, run, told))
