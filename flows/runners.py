"""What brings shards through stages: this process alone, threads of it, or Dask workers on this machine or on many."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from schemas.config import Engine
from schemas.errors import ConfigError
from tasks.runtime.cards import VISIBLE, card_of, describe_cards, visible_cards
from tasks.runtime.engine import Placement, PlainRunner, PrefectRunner, Runner, StageTask
from tasks.runtime.progress import Event, emit
from tasks.runtime.relay import Relay, topic
from tasks.runtime.stage import MOST_WAITING, RunSpec, ShardRef, find_stage
from tasks.runtime.threads import ThreadsRunner

GPU = "GPU"
"""The resource that a Dask worker declares when it may run models: ``dask worker --resources GPU=1``."""


@contextmanager
def open_runner(engine: Engine, workers: int = 2, scheduler: str = "") -> Iterator[Runner]:
    """The runner of an engine, with its threads or its connection to a cluster open inside the block.

    Args:
        engine: ``plain``, ``threads`` or ``dask``.
        workers: threads, or workers of a Dask cluster of its own.
        scheduler: address of a Dask scheduler that is there already; empty starts a cluster on this machine.

    Raises:
        ConfigError: the engine's extra is not installed, or no scheduler answers at that address.
    """
    if engine == "plain":
        yield PlainRunner()
        return
    if engine == "threads":
        with make_task_runner(engine, workers) as task_runner:
            yield ThreadsRunner(task_runner, workers)
        return
    task_runner = make_task_runner(engine, workers, scheduler)
    with _one_server(), task_runner:
        yield DaskRunner(task_runner, scheduler)


@contextmanager
def _one_server() -> Iterator[None]:
    """Have workers talk to the server that the flow talks to; without an address each would start one of its own."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with get_client(sync_client=True) as client:
        url = str(client.api_url)
    with temporary_settings({PREFECT_API_URL: url}):
        yield


def make_task_runner(engine: Engine, workers: int, scheduler: str = "") -> TaskRunner[Any]:
    """Threads of this process, a Dask cluster of one process a worker on this machine, or one that is there.

    On a machine with GPUs each worker of its own cluster sees one of them, in turn.

    Raises:
        ConfigError: the engine's extra is not installed.
    """
    if engine == "threads":
        return ThreadPoolTaskRunner(max_workers=workers + MOST_WAITING)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigError("engine dask needs the extra: pip install 'storyreasoning[dask]'") from error
    if scheduler:
        return DaskTaskRunner(address=scheduler, client_kwargs={"timeout": 20})
    # Everything stays on loopback: a local cluster is nobody else's business.
    options: dict[str, Any] = {
        "n_workers": workers,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": None,
        "resources": {GPU: 1},
    }
    if cards := visible_cards():
        options["worker_class"] = _nanny_of(cards)
        if told := describe_cards(workers, cards):
            emit(Event("message", text=told))
    return DaskTaskRunner(cluster_kwargs=options)


def _nanny_of(cards: Sequence[str]) -> type[Any]:
    """What starts a worker process, and starts it again should it die: with one GPU, which is then its only one.

    The variable must be there before CUDA is, so it cannot be left to the tasks; and each library that a stage uses heeds it.
    """
    from distributed import Nanny

    class CardNanny(Nanny):
        def __init__(self, *args: Any, **options: Any) -> None:
            alone = {VISIBLE: card_of(options["name"], cards)}
            super().__init__(*args, **{**options, "env": {**options.get("env", {}), **alone}})

    return CardNanny


class DaskRunner(PrefectRunner):
    """Task runs on Dask workers: stages with models where a GPU is declared, events told here while they happen."""

    def __init__(self, task_runner: Any, scheduler: str = "") -> None:
        """Submit to a ``DaskTaskRunner`` that has been started.

        Raises:
            ConfigError: no scheduler answers.
        """
        super().__init__(task_runner)
        self._relay = Relay()
        try:
            self._client = task_runner.client
        except (OSError, ValueError) as error:
            raise ConfigError(f"no Dask scheduler answers at {scheduler}: start one with 'dask scheduler'") from error
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        self._with_gpu = any(worker.get("resources", {}).get(GPU) for worker in workers)

    def through(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> list[ShardRef]:
        """Shards after the last of the tasks, in order.

        Raises:
            ShardFailures: some could not be brought through.
        """
        self._client.subscribe_topic(topic(run.run_id), self._relay.hear)
        try:
            return super().through(tasks, shards, run)
        finally:
            self._client.unsubscribe_topic(topic(run.run_id))

    def place(self, stage: str) -> Placement:
        """One GPU for each task that runs models, on a cluster that has any."""
        if not self._with_gpu or not find_stage(stage).leased:
            return nullcontext()
        from dask.base import annotate

        annotated: Placement = annotate(resources={GPU: 1})
        return annotated

    def close_batch(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> None:
        """Tell of what was not heard of the workers."""
        self._relay.complete([task.name for task in tasks], shards, run)
