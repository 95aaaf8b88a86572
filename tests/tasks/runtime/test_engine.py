"""How shards are brought through stages: order, failures, batches, limits."""

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ModelError, ShardError, WorkspaceError
from tasks.runtime.engine import (
    MAX_TASK_RUNS,
    PlainRunner,
    ShardFailures,
    StageTask,
    cut_batches,
    first_stories,
)
from tasks.runtime.progress import Event, listening
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, RunSpec, ShardRef, Stage
from tests.tasks.runtime.shards import as_task, copy_rows, row, source_stage, spec, stage

Make = Callable[[Stage], StageTask]
ORIGIN = source_stage(["f1", "f2", "f3"])


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """A run in an empty workspace."""
    return spec(tmp_path)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes the task of a stage."""
    return partial(as_task, monkeypatch)


@pytest.fixture
def origin(make: Make) -> StageTask:
    """The first task."""
    return make(ORIGIN)


def shards(*names: str, frames: int = 3) -> list[ShardRef]:
    """Fresh references."""
    return [ShardRef(name, "film", frames) for name in names]


def failing(*which: str, error: Exception | None = None) -> Stage:
    """A stage that fails on these shards."""

    def body(inputs: Inputs) -> Iterator[Outcome]:
        if inputs.ref.shard in which:
            raise error or ValueError(f"no luck with {inputs.ref.shard}")
        return copy_rows(inputs)

    return stage(body)


def after(run: RunSpec, name: str) -> list[str]:
    """Shards that stand at a stage."""
    folder = run.store.root / name
    return sorted(p.name for p in folder.iterdir() if list(p.glob("*.json"))) if folder.exists() else []


def test_shards_come_out_in_order_with_every_key(run: RunSpec, origin: StageTask, make: Make) -> None:
    refs = PlainRunner().through([origin, make(stage())], shards("c", "a", "b"), run)
    assert [ref.shard for ref in refs] == ["c", "a", "b"]
    assert all(list(ref.keys) == ["origin", "later"] for ref in refs)


def test_nothing_to_do(run: RunSpec, origin: StageTask) -> None:
    assert PlainRunner().through([origin], [], run) == []
    assert PlainRunner().through([], shards("a"), run) == shards("a")


def test_a_failing_shard_does_not_stop_the_others(run: RunSpec, origin: StageTask, make: Make) -> None:
    last = make(stage(name="last"))
    with pytest.raises(ShardFailures) as caught:
        PlainRunner().through([origin, make(failing("b", "d")), last], shards("a", "b", "c", "d"), run)
    assert str(caught.value) == (
        "2 of 4 shards failed (and 1 more): later failed on shard b: ValueError: no luck with b; "
        "the rest is kept, run again to continue"
    )
    assert [str(failure).split(":")[0] for failure in caught.value.failures] == [
        "later failed on shard b",
        "later failed on shard d",
    ]
    assert caught.value.exit_code == 1
    assert after(run, "origin") == ["a", "b", "c", "d"]
    assert after(run, "later") == after(run, "last") == ["a", "c"]


def test_what_failed_is_all_that_the_next_run_makes(run: RunSpec, origin: StageTask, make: Make) -> None:
    with pytest.raises(ShardFailures, match="1 of 3 shards failed: later failed on shard b"):
        PlainRunner().through([origin, make(failing("b"))], shards("a", "b", "c"), run)
    told: list[Event] = []
    with listening(told.append):
        PlainRunner().through([origin, make(stage())], shards("a", "b", "c"), run)
    fresh = [(e.stage, e.shard) for e in told if e.kind == "shard_done" and not e.reused]
    assert fresh == [("later", "b")]


@pytest.mark.parametrize("error", [WorkspaceError("no space left"), ModelError("model file m is corrupt")])
def test_what_would_fail_everywhere_ends_the_run_at_once(
    run: RunSpec, error: Exception, origin: StageTask, make: Make
) -> None:
    with pytest.raises(type(error), match=str(error)):
        PlainRunner().through([origin, make(failing("a", error=error))], shards("a", "b"), run)
    assert after(run, "later") == []


def test_within_a_batch_a_failing_shard_does_not_stop_the_others(run: RunSpec, origin: StageTask, make: Make) -> None:
    done = origin.fn(run, shards("a", "b", "c"))
    with pytest.raises(ShardFailures, match="1 of 3 shards failed"):
        make(failing("a")).fn(run, done)
    assert after(run, "later") == ["b", "c"]


def test_failures_come_back_from_other_processes() -> None:
    failures = ShardFailures([ShardError("first"), ModelError("second")], 7)
    again = pickle.loads(pickle.dumps(failures))  # noqa: S301 - our own bytes
    assert str(again) == str(failures)
    assert [type(f) for f in again.failures] == [ShardError, ModelError]
    assert again.shards == 7


def test_references_and_runs_go_to_other_processes(run: RunSpec, origin: StageTask) -> None:
    ref = PlainRunner().through([origin], shards("a"), run)[0]
    assert pickle.loads(pickle.dumps((run, ref))) == (run, ref)  # noqa: S301 - our own bytes
    assert len(pickle.dumps(ref)) < 1000


def test_each_stage_is_announced_with_what_it_is_given(run: RunSpec, origin: StageTask, make: Make) -> None:
    told: list[Event] = []
    with listening(told.append), pytest.raises(ShardFailures):
        PlainRunner().through([origin, make(failing("a")), make(stage(name="last"))], shards("a", "b"), run)
    assert [(e.stage, e.shards, e.items) for e in told if e.kind == "stage"] == [
        ("origin", 2, 6),
        ("later", 2, 6),
        ("last", 1, 3),
    ]


def test_stages_neither_cache_nor_store_in_prefect(origin: StageTask) -> None:
    assert origin.name == "origin"
    assert origin.persist_result is False
    assert origin.cache_policy is not None
    assert origin.cache_policy.compute_key(task_ctx=None, inputs={}, flow_parameters={}) is None  # type: ignore[arg-type]


@given(st.integers(0, 300), st.integers(1, 60))
def test_batches_keep_order_lose_nothing_and_are_even(count: int, most: int) -> None:
    refs = shards(*map(str, range(count)))
    batches = cut_batches(refs, most)
    assert [ref for batch in batches for ref in batch] == refs
    assert len(batches) == min(most, count)
    sizes = {len(batch) for batch in batches}
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert 0 not in sizes


def test_task_runs_stay_under_their_bound() -> None:
    from flows.build_dataset import SEEING, TELLING

    thousands = shards(*map(str, range(5000)))
    runs = sum(
        len(tasks) * len(cut_batches(thousands, max(1, MAX_TASK_RUNS // (2 * len(tasks)))))
        for tasks in (SEEING, TELLING)
    )
    assert runs <= MAX_TASK_RUNS


def tell(counts: dict[str, int]) -> Stage:
    """A stage named as the one that makes stories: as many of a shard as ``counts`` says, within the shard's limit."""

    def body(inputs: Inputs) -> Iterator[Outcome]:
        for number, _ in enumerate(inputs["origin"]):
            allowed = counts[inputs.ref.shard]
            if inputs.ref.limit is not None:
                allowed = min(allowed, inputs.ref.limit)
            yield Kept(row(str(number))) if number < allowed else Rejected(str(number), "beyond the limit")

    return stage(body, name="sequence", limited=True)


@pytest.mark.parametrize(
    ("limit", "shards_looked_at", "stories"),
    [
        (1, ["a"], [1]),
        (2, ["a"], [2]),
        (3, ["a", "b", "c"], [2, 0, 1]),
        (4, ["a", "b", "c"], [2, 0, 2]),
        (99, ["a", "b", "c"], [2, 0, 3]),
    ],
)
def test_a_limit_looks_at_no_more_shards_than_it_needs(
    run: RunSpec,
    limit: int,
    shards_looked_at: list[str],
    stories: list[int],
    origin: StageTask,
    make: Make,
) -> None:
    tasks = [origin, make(tell({"a": 2, "b": 0, "c": 3}))]
    refs = first_stories(PlainRunner(), tasks, shards("a", "b", "c"), run, limit)
    assert [ref.shard for ref in refs] == shards_looked_at
    assert [ref.stories for ref in refs] == stories
    assert after(run, "origin") == shards_looked_at


def test_a_limit_draws_shards_one_at_a_time(run: RunSpec, origin: StageTask, make: Make) -> None:
    drawn: list[str] = []

    def draw() -> Iterator[ShardRef]:
        for ref in shards("a", "b", "c"):
            drawn.append(ref.shard)
            yield ref

    first_stories(PlainRunner(), [origin, make(tell({"a": 1, "b": 1, "c": 1}))], draw(), run, 1)
    assert drawn in (["a"], ["a", "b"])
    assert after(run, "sequence") == ["a"]


def test_call_is_the_function_itself(run: RunSpec, origin: StageTask) -> None:
    assert PlainRunner().call(origin, run, shards("a"))[0].shard == "a"
