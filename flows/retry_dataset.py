"""A finished workspace with stories that were given up in, the same with those drafted again out.

    dead letters --> who is tried again, and by whom --draft_analysis, draft_story--> --ground--> dataset/ --> report.html

What was kept stays as it is and costs nothing: its answers are in the ledger.
"""

from pathlib import Path

from prefect import flow

from flows.build_dataset import export, report
from flows.runners import open_runner
from schemas.config import BuildConfig, Engine
from tasks.assembly import latest_run
from tasks.chat import ended_chat
from tasks.retry import add_retry, find_given_up
from tasks.runtime.engine import stage_task
from tasks.runtime.record import BuildSummary, begin_run
from tasks.runtime.stage import RunSpec
from tasks.runtime.workspace import locked_workspace

RETELLING = tuple(map(stage_task, ("draft_analysis", "draft_story", "ground")))


@flow(name="retry-dataset", persist_result=False)
def retry_dataset(
    workspace: str,
    model: str = "",
    endpoints: tuple[str, ...] = (),
    api_key_env: str = "",
    fallback: str = "",
    engine: Engine = "plain",
    workers: int = 2,
) -> BuildSummary | None:
    """Draft again what a model had to give up, and nothing else.

    Args:
        workspace: the folder of a finished build whose drafter is a model.
        model: who tries; empty for the model that gave up, which is asked with another seed.
        endpoints: where it is served; empty for where the build has asked.
        api_key_env: name of the environment variable with its key; empty for that of the build.
        fallback: ``composer`` lets the composer draft what fails again.
        engine: as for a build.
        workers: threads, or Dask workers.

    Returns:
        None when nothing was given up.

    Raises:
        StoryReasoningError: says what failed and what to do.
    """
    with locked_workspace(Path(workspace)), ended_chat(Path(workspace)), open_runner(engine, workers) as runner:
        last, refs, record = latest_run(Path(workspace))
        given_up = find_given_up(last, refs)
        if not given_up:
            return None
        config: BuildConfig = add_retry(last.config, given_up, model, endpoints, api_key_env, fallback)
        run = begin_run(RunSpec(workspace, last.source, config), str(record["preset"]), engine)
        told = runner.through(RETELLING, refs, run.spec)
        summary: BuildSummary = runner.call(report, run, told, runner.call(export, run, told))
        return summary
