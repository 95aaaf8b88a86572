"""Shards through stages on threads of this process: as many at work as there are workers, and beside them those that wait.

A task of Prefect's that is given the future of another waits for it on a thread of the pool, so that with two threads nothing
ever runs beside anything else. Here a task is submitted when its batch is ready, and no thread waits for another.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from queue import SimpleQueue
from typing import Any

from prefect.task_runners import TaskRunner

from tasks.runtime.engine import PrefectRunner, StageTask, announce, collect, cut_for
from tasks.runtime.stage import RunSpec, ShardRef, find_stage


class ThreadsRunner(PrefectRunner):
    """Each stage of each batch of shards is a task run on a thread; batches that are far along go first."""

    def __init__(self, task_runner: TaskRunner[Any], workers: int) -> None:
        """Submit to ``task_runner``, which has been started and has a thread for each of ``workers`` and all that wait."""
        super().__init__(task_runner)
        self._workers = workers

    def through(self, tasks: Sequence[StageTask], shards: Sequence[ShardRef], run: RunSpec) -> list[ShardRef]:
        """Shards after the last of the tasks, in order.

        Raises:
            ShardFailures: some could not be brought through.
        """
        announce(tasks, shards)
        outcomes: list[Any] = list(cut_for(tasks, shards))
        room = [_room(task, run) for task in tasks]
        ready = [(0, number) for number in range(len(outcomes))]
        finished: SimpleQueue[tuple[int, int, Any]] = SimpleQueue()
        busy: Counter[int] = Counter()
        while ready or busy.total():
            fitting = [(place, number) for place, number in ready if busy[room[place]] < (room[place] or self._workers)]
            if fitting:
                place, number = min(fitting, key=lambda one: (-one[0], one[1]))
                ready.remove((place, number))
                busy[room[place]] += 1
                future = self._task_runner.submit(tasks[place], {"run": run, "batch": outcomes[number]})
                future.add_done_callback(partial(_note, finished, place, number))
                continue
            place, number, future = finished.get()
            busy[room[place]] -= 1
            future.wait()
            outcomes[number] = future.result(raise_on_failure=False)
            if future.state.is_completed() and place + 1 < len(tasks):
                ready.append((place + 1, number))
        return collect(outcomes, len(shards))


def _note(finished: "SimpleQueue[tuple[int, int, Any]]", place: int, number: int, future: Any) -> None:
    finished.put((place, number, future))


def _room(task: StageTask, run: RunSpec) -> int:
    """How many shards may wait at a stage at once; 0 where it works, as one of the workers."""
    return find_stage(task.name).patience(run.config)
