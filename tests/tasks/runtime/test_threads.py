"""Batches on threads: what runs beside what, in which order, and what becomes of failures."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.settings import PREFECT_HOME, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner

from schemas.errors import ShardError, WorkspaceError
from tasks.runtime.engine import PlainRunner, ShardFailures, StageTask
from tasks.runtime.stage import Inputs, Outcome, RunSpec, ShardRef, Stage
from tasks.runtime.threads import ThreadsRunner
from tests.tasks.runtime.shards import as_task, copy_rows, source_stage, spec, stage

Make = Callable[[Stage], StageTask]
NAMES = ["f1", "f2"]
PATIENCE_S = 20.0


class Done:
    """A future as the task runner gives it."""

    def __init__(self, future: "Future[Any]") -> None:
        self.future = future

    @property
    def state(self) -> "Done":
        return self

    def is_completed(self) -> bool:
        return self.future.exception() is None

    def wait(self) -> None:
        self.future.exception()

    def result(self, raise_on_failure: bool) -> Any:
        assert not raise_on_failure
        return self.future.exception() or self.future.result()

    def add_done_callback(self, call: Callable[["Done"], None]) -> None:
        self.future.add_done_callback(lambda _: call(self))


class Pool:
    """A task runner without a server."""

    def __init__(self, threads: int = 32) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.submitted: list[tuple[str, str]] = []

    def submit(self, task: StageTask, parameters: dict[str, Any]) -> Done:
        self.submitted.append((task.name, parameters["batch"][0].shard))
        return Done(self.pool.submit(task.fn, **parameters))


class Watch:
    """A stage's body that notes how many are in it at once and stays until so many have been."""

    def __init__(self, until: int) -> None:
        self.inside = self.most = 0
        self.until = until
        self.changed = threading.Condition()

    def __call__(self, inputs: Inputs) -> Iterator[Outcome]:
        with self.changed:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.most >= self.until, PATIENCE_S), "the others never came"
        time.sleep(0.02)
        with self.changed:
            self.inside -= 1
        return copy_rows(inputs)


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """A run in an empty workspace."""
    return spec(tmp_path)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the task of a stage."""
    return partial(as_task, monkeypatch)


def shards(count: int) -> list[ShardRef]:
    return [ShardRef(f"s{number}", "film", 2) for number in range(count)]


def through(pool: Any, workers: int, tasks: list[StageTask], count: int, run: RunSpec) -> list[ShardRef]:
    return ThreadsRunner(pool, workers).through(tasks, shards(count), run)


def test_as_many_as_there_are_workers_are_at_work_at_once_and_no_more(run: RunSpec, make: Make) -> None:
    watch = Watch(until=3)
    refs = through(Pool(), 3, [make(source_stage(NAMES)), make(stage(watch))], 7, run)
    assert [ref.shard for ref in refs] == [f"s{number}" for number in range(7)]
    assert all(list(ref.keys) == ["origin", "later"] for ref in refs)
    assert watch.most == 3


def test_those_that_wait_are_beside_the_workers(run: RunSpec, make: Make) -> None:
    waiting, working = Watch(until=4), Watch(until=1)
    tasks = [
        make(source_stage(NAMES)),
        make(stage(waiting, name="waiting", waits=lambda _: 4)),
        make(stage(working, name="working")),
    ]
    assert len(through(Pool(), 1, tasks, 9, run)) == 9
    assert (waiting.most, working.most) == (4, 1)


def test_two_stages_that_wait_for_the_same_share_its_room(run: RunSpec, make: Make) -> None:
    first = Watch(until=3)
    tasks = [
        make(source_stage(NAMES)),
        make(stage(first, name="tables", waits=lambda _: 3)),
        make(stage(first, name="stories", waits=lambda _: 3)),
    ]
    through(Pool(), 1, tasks, 8, run)
    assert first.most == 3


def test_what_is_far_along_goes_first(run: RunSpec, make: Make) -> None:
    pool = Pool()
    through(pool, 1, [make(source_stage(NAMES)), make(stage())], 3, run)
    assert pool.submitted == [(name, shard) for shard in ("s0", "s1", "s2") for name in ("origin", "later")]


def test_a_failing_batch_goes_no_further_and_stops_no_other(run: RunSpec, make: Make) -> None:
    def body(inputs: Inputs) -> Iterator[Outcome]:
        if inputs.ref.shard == "s1":
            raise ValueError("no luck")
        return copy_rows(inputs)

    pool = Pool()
    tasks = [make(source_stage(NAMES)), make(stage(body)), make(stage(name="last"))]
    with pytest.raises(ShardFailures, match="1 of 3 shards failed: later failed on shard s1: ValueError: no luck"):
        through(pool, 2, tasks, 3, run)
    assert sorted(shard for name, shard in pool.submitted if name == "last") == ["s0", "s2"]


@pytest.mark.parametrize("error", [WorkspaceError("disk full"), RuntimeError("lost")])
def test_what_is_no_shards_fault_is_told_too(run: RunSpec, make: Make, error: Exception) -> None:
    def body(_: Inputs) -> Iterator[Outcome]:
        raise error

    class Broken(Pool):
        def submit(self, task: StageTask, parameters: dict[str, Any]) -> Done:
            future: Future[Any] = Future()
            future.set_exception(error)
            return Done(future)

    with pytest.raises(ShardError, match=str(error)):
        through(Broken(), 2, [make(stage(body))], 2, run)


def test_nothing_to_do(run: RunSpec, make: Make) -> None:
    assert through(Pool(), 2, [make(stage())], 0, run) == []


def test_plain_waits_with_several_shards_at_once(run: RunSpec, make: Make) -> None:
    watch = Watch(until=3)
    tasks = [make(source_stage(NAMES)), make(stage(watch, waits=lambda _: 3))]
    refs = PlainRunner().through(tasks, shards(6), run)
    assert [ref.shard for ref in refs] == [f"s{number}" for number in range(6)]
    assert watch.most == 3


def test_plain_works_one_by_one(run: RunSpec, make: Make) -> None:
    watch = Watch(until=1)
    PlainRunner().through([make(source_stage(NAMES)), make(stage(watch, waits=lambda _: 0))], shards(4), run)
    assert watch.most == 1


@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_two_threads_of_prefect_are_two(run: RunSpec, make: Make, tmp_path: Path) -> None:
    """A task that is given another's future would hold a thread while it waits, and the two would take turns."""
    watch = Watch(until=2)
    tasks = [make(source_stage(NAMES)), make(stage(watch)), make(stage(name="last"))]

    @flow(persist_result=False)
    def whole() -> list[str]:
        with ThreadPoolTaskRunner(max_workers=2) as task_runner:  # type: ignore[no-untyped-call, unused-ignore]
            return [ref.shard for ref in through(task_runner, 2, tasks, 4, run)]

    with temporary_settings({PREFECT_HOME: tmp_path / "prefect"}):
        assert whole() == ["s0", "s1", "s2", "s3"]
