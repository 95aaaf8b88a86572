"""A finished workspace with stories that were given up in, the same with those drafted again out.

    dead letters --> who is tried again, and by whom --draft_analysis, draft_story--> --ground--> dataset/ --> report.html

What was kept stays as it is and costs nothing: its answers are in the ledger.
"""

from prefect import flow

from flows.build_dataset import export, report
from flows.runners import open_runner
from schemas.config import BuildConfig, Engine
from tasks.assembly import latest_run
from tasks.chat import ended_chat
from tasks.retry import add_retry, find_given_up
from tasks.runtime.engine import stage_task
from tasks.runtime.mirror import building_in
from tasks.runtime.record import BuildSummary, begin_run
from tasks.runtime.stage import RunSpec

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
        workspace: the folder or URL of a finished build whose drafter is a model.
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
    with (
        building_in(workspace) as place,
        open_runner(engine, workers) as runner,
        ended_chat(place.root),  # before the runner, whose threads may wait for answers
    ):
        last, refs, record = latest_run(place.root)
        given_up = find_given_up(last, refs)
        if not given_up:
            return None
        config: BuildConfig = add_retry(last.config, given_up, model, endpoints, api_key_env, fallback)
        spec = RunSpec(str(place.root), last.source, config, remote=place.remote)
        run = begin_run(spec, str(record["preset"]), engine)
        told = runner.through(RETELLING, refs, run.spec)
        summary: BuildSummary = runner.call(report, run, told, runner.call(export, run, told))
        return summary
