"""How shards are spread over threads or machines; the results are the same bytes whichever way.

``plain`` calls the stages one after the other in this process, without Prefect's engine. ``threads`` and ``dask`` submit
them as Prefect task runs of the flow run that is under way; on which threads or machines is the task runner's matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner

from schemas.errors import ShardError, StoryReasoningError
from tasks.runtime.progress import Event, emit
from tasks.runtime.stage import RunSpec, ShardRef, find_stage

P = ParamSpec("P")
R = TypeVar("R")

MAX_TASK_RUNS = 400
"""Task runs of one flow run at most: Prefect's server is the bottleneck beyond (it loses records of larger bursts)."""

StageTask = Task[[RunSpec, list[ShardRef]], list[ShardRef]]


def stage_task(name: str) -> StageTask:
    """The Prefect task of the stage in ``tasks/<name>.py``: it brings some shards through and gives them back.

    The module is imported where and when the task runs, so that naming the stages costs nothing. A shard that fails does
    not keep the others of its batch from being made; then the task fails with all that failed. Prefect neither caches nor
    stores anything: the shards on disk are the truth, whatever becomes of its database.
    """

    @task(name=name, cache_policy=NO_CACHE, persist_result=False)
    def run_stage(run: RunSpec, batch: list[ShardRef]) -> list[ShardRef]:
        from tasks.runtime.execute import execute
        from tasks.runtime.relay import telling_home

        done: list[ShardRef] = []
        failures: list[StoryReasoningError] = []
        stage = find_stage(name)
        with telling_home(run.run_id):
            for ref in batch:
                try:
                    done.append(execute(stage, run, ref))
                except ShardError as error:
                    failures.append(error)
        if failures:
            raise ShardFailures(failures, len(batch))
        return done

    return run_stage


def function_task(name: str, target: str) -> Task[..., Any]:
    """The Prefect task of one function, named as ``module:function`` and imported when the task runs."""

    @task(name=name, cache_policy=NO_CACHE, persist_result=False)
    def run_function(*args: object) -> object:
        module, function = target.split(":")
        return getattr(import_module(module), function)(*args)

    return run_function


class ShardFailures(ShardError):
    """Some shards failed; the others went on as far as they could."""

    def __init__(self, failures: Sequence[StoryReasoningError], shards: int) -> None:
        """Collect what failed of so many shards."""
        self.failures = tuple(failures)
        self.shards = shards
        first = str(failures[0])
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(
            f"{len(failures)} of {shards} shards failed{more}: {first}; the rest is kept, run again to continue"
        )

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...]]:
        """Pickled by what made it: worker processes send failures back."""
        return type(self), (self.failures, self.shards)


class Runner(Protocol):
    """Brings shards through stages."""

    def through(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> list[ShardRef]:
        """Shards after the last of the tasks, in order; raises ``ShardFailures``."""
        ...

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One task on its own, in this process; raises what it raises."""
        ...


class PlainRunner:
    """One shard after the other, stage by stage, in this process; where a stage waits for others, several at once."""

    def through(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> list[ShardRef]:
        """Shards after the last of the tasks, in order.

        Raises:
            ShardFailures: some could not be brought through; a full or lost workspace ends the run at once instead.
        """
        failures: list[StoryReasoningError] = []
        alive = list(shards)
        for stage_task in tasks:
            announce([stage_task], alive)
            done = []
            for outcome in _each(stage_task, alive, run):
                if isinstance(outcome, ShardFailures):
                    failures += outcome.failures
                else:
                    done += outcome
            alive = done
        if failures:
            raise ShardFailures(failures, len(shards))
        return alive

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The task's function."""
        return task.fn(*args, **kwargs)


def _each(task: StageTask, shards: Sequence[ShardRef], run: RunSpec) -> Iterator[list[ShardRef] | ShardFailures]:
    """What comes of each shard, in order."""

    def one(shard: ShardRef) -> list[ShardRef] | ShardFailures:
        try:
            return task.fn(run, [shard])
        except ShardFailures as error:
            return error

    most = min(find_stage(task.name).patience(run.config), len(shards))
    if most <= 1:
        yield from map(one, shards)
        return
    pool = ThreadPoolExecutor(most, thread_name_prefix=task.name)
    try:
        futures = [pool.submit(copy_context().run, one, shard) for shard in shards]
        for future in futures:
            yield future.result()
    finally:
        # Whoever interrupts need not wait for answers that take minutes: what is waited for ends with the run.
        pool.shutdown(wait=False, cancel_futures=True)


Placement = AbstractContextManager[object]


class PrefectRunner:
    """Each stage of each batch of shards is a task run; a batch goes on as soon as its own stage is done.

    All is submitted at once, each task with the future of the one before: for task runners that keep no worker waiting.
    """

    def __init__(self, task_runner: TaskRunner[Any]) -> None:
        """Submit to ``task_runner``, which has been started."""
        self._task_runner = task_runner

    def place(self, stage: str) -> Placement:  # noqa: ARG002 - for runners that have a choice
        """What has to be said around the submission of a stage's task; here nothing."""
        return nullcontext()

    def close_batch(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> None:
        """Called with the shards of a batch that came through; here nothing is left to do."""

    def through(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> list[ShardRef]:
        """Shards after the last of the tasks, in order.

        Raises:
            ShardFailures: some could not be brought through.
        """
        announce(tasks, shards)
        chains = []
        for batch in cut_for(tasks, shards):
            chain: list[Any] = [batch]
            for stage_task in tasks:
                with self.place(stage_task.name):
                    chain.append(self._task_runner.submit(stage_task, {"run": run, "batch": chain[-1]}))
            chains.append(chain[1:])
        outcomes = []
        for chain in chains:
            outcome = _outcome(chain)
            if not isinstance(outcome, BaseException):
                self.close_batch(tasks, outcome, run)
            outcomes.append(outcome)
        return collect(outcomes, len(shards))

    def call(self, task: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The task as a task run of this flow run."""
        return task(*args, **kwargs)


def _outcome(chain: Sequence[Any]) -> Any:
    """What the last task of a chain gives, or what the first that failed has raised: the futures after it stay pending."""
    for future in chain:
        future.wait()
        if not future.state.is_completed():
            break
    return future.result(raise_on_failure=False)


def collect(outcomes: Iterable[Any], shards: int) -> list[ShardRef]:
    """The shards of all batches, in order.

    Args:
        outcomes: of each batch its shards, or what its task has raised.
        shards: how many set out.

    Raises:
        ShardFailures: some could not be brought through.
    """
    done: list[ShardRef] = []
    failures: list[StoryReasoningError] = []
    for outcome in outcomes:
        if isinstance(outcome, ShardFailures):
            failures += outcome.failures
        elif isinstance(outcome, StoryReasoningError):
            failures.append(outcome)
        elif isinstance(outcome, BaseException):
            failures.append(ShardError(f"{type(outcome).__name__}: {outcome}"))
        else:
            done += outcome
    if failures:
        raise ShardFailures(failures, shards)
    return done


def cut_for(tasks: Sequence[StageTask], shards: Sequence[ShardRef]) -> list[list[ShardRef]]:
    """Batches of shards that a chain of tasks takes, so that both chains of a flow stay below :data:`MAX_TASK_RUNS`."""
    return cut_batches(shards, max(1, MAX_TASK_RUNS // (2 * len(tasks))))


def cut_batches(shards: Sequence[ShardRef], most: int) -> list[list[ShardRef]]:
    """At most ``most`` runs of shards of even length, in order."""
    count = min(most, len(shards))
    bounds = [len(shards) * i // count for i in range(count + 1)] if count else []
    return [list(shards[a:b]) for a, b in pairwise(bounds)]


def first_stories(
    runner: Runner, tasks: Sequence[StageTask], shards: Iterable[ShardRef], run: RunSpec, limit: int
) -> list[ShardRef]:
    """Bring shards through one at a time until they hold ``limit`` stories: for a quick look at a large source."""
    done: list[ShardRef] = []
    for shard in shards:
        left = limit - sum(ref.stories for ref in done)
        if left <= 0:
            break
        done += runner.through(tasks, [replace(shard, limit=left)], run)
    return done


def announce(tasks: Sequence[StageTask], shards: Sequence[ShardRef]) -> None:
    """Tell what is ahead."""
    for one in tasks:
        emit(Event("stage", stage=one.name, shards=len(shards), items=sum(shard.frames for shard in shards)))
