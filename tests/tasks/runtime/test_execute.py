"""Where a stage meets a shard: reuse, counting, and what an error leaves behind."""

import dataclasses
import errno
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ConfigError, ModelError, ShardError, WorkspaceError
from tasks.runtime.execute import execute
from tasks.runtime.overlap import overlapped
from tasks.runtime.progress import Event, listening
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, RunSpec, ShardRef, Stage
from tests.tasks.runtime.shards import copy_rows, row, spec, stage, started

NAMES = ["f1", "f2", "f3", "f4"]


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """A run in an empty workspace."""
    return spec(tmp_path)


def files(run: RunSpec) -> dict[str, int]:
    """Every file of the store and when it was changed."""
    root = Path(run.workspace)
    return {str(p.relative_to(root)): p.stat().st_mtime_ns for p in root.rglob("*") if p.is_file()}


def events_of(stage_: Stage, run: RunSpec, ref: ShardRef) -> list[Event]:
    """What is told while a shard goes through a stage."""
    told: list[Event] = []
    with listening(told.append):
        execute(stage_, run, ref)
    return told


def halves(inputs: Inputs) -> Iterator[Outcome]:
    """Keeps every second row."""
    for number, r in enumerate(inputs["origin"]):
        yield Kept(r) if number % 2 else Rejected(r["frame_id"], "odd", "one of each two")


def test_a_shard_goes_through_and_is_on_record(run: RunSpec) -> None:
    ref = execute(stage(halves), run, started(run, NAMES))
    manifest = run.store.find("later", "a", ref.keys["later"])
    assert manifest is not None
    assert (manifest.items_in, manifest.items_out, manifest.rows, manifest.rejected) == (4, 2, 2, {"odd": 2})
    assert manifest.inputs == {"origin": ref.keys["origin"]}
    assert manifest.unit == "frame"
    assert manifest.film == "film"
    assert manifest.seconds >= 0
    assert set(manifest.software) >= {"python", "numpy", "pyarrow", "pillow"}
    assert [r["frame_id"] for r in run.store.read("later", "a", ref.keys["later"])] == ["f2", "f4"]
    assert [d["item"] for d in run.store.rejects("later", "a", ref.keys["later"])] == ["f1", "f3"]


def test_what_stands_is_not_made_again(run: RunSpec) -> None:
    ref = started(run, NAMES)
    first = execute(stage(halves), run, ref)
    before = files(run)

    def never(inputs: Inputs) -> Iterator[Outcome]:
        raise AssertionError("this shard stands")

    told = events_of(stage(never), run, ref)
    assert execute(stage(never), run, ref) == first
    assert files(run) == before
    assert [(e.kind, e.reused, e.items_in, e.items_out, e.rejected) for e in told] == [("shard_done", True, 4, 2, 2)]


def test_a_fresh_shard_tells_its_beginning_and_its_end(run: RunSpec) -> None:
    told = events_of(stage(halves), run, started(run, NAMES))
    assert [(e.kind, e.stage, e.shard, e.reused) for e in told] == [
        ("shard_started", "later", "a", False),
        ("shard_done", "later", "a", False),
    ]
    assert (told[-1].items_in, told[-1].items_out, told[-1].rejected) == (4, 2, 2)


def test_a_truncated_shard_is_made_anew(run: RunSpec) -> None:
    ref = execute(stage(halves), run, started(run, NAMES))
    path = run.store.path("later", "a", ref.keys["later"])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    told = events_of(stage(halves), run, ref)
    assert [e.kind for e in told] == ["shard_started", "shard_done"]
    assert path.read_bytes() == content


def test_a_damaged_input_is_said_and_made_anew_by_the_next_run(run: RunSpec) -> None:
    ref = started(run, NAMES)
    path = run.store.path("origin", "a", ref.keys["origin"])
    content = path.read_bytes()
    path.write_bytes(bytes([*content[:-1], content[-1] ^ 0xFF]))
    with pytest.raises(ShardError, match=r"shard a of origin is damaged .* run again to make it anew"):
        execute(stage(), run, ref)
    again = started(run, NAMES)
    assert again == ref
    assert path.read_bytes() == content
    execute(stage(), run, again)


def test_results_of_other_parameters_lie_side_by_side(tmp_path: Path) -> None:
    first, second = spec(tmp_path), spec(tmp_path, select={"duplicate_bits": 9})
    ref = started(first, NAMES)
    kept = stage(halves, section="select")
    a, b = execute(kept, first, ref), execute(kept, second, ref)
    assert a.keys["later"] != b.keys["later"]
    assert {m.key for m in first.store.versions("later", "a")} == {a.keys["later"], b.keys["later"]}
    for config, ref_ in ((first, a), (second, b)):
        assert [e.reused for e in events_of(kept, config, ref_)] == [True]


def lose_one(inputs: Inputs) -> Iterator[Outcome]:
    """Says nothing of the last row."""
    return (Kept(r) for r in list(inputs["origin"])[:-1])


def add_one(inputs: Inputs) -> Iterator[Outcome]:
    """Tells of a row that nobody gave."""
    yield from copy_rows(inputs)
    yield Rejected("f5", "invented")


def count_twice(inputs: Inputs) -> Iterator[Outcome]:
    """One row that stands for all, and all once more."""
    yield Kept(row("all"), items=4)
    yield from copy_rows(inputs)


@pytest.mark.parametrize(("body", "told"), [(lose_one, "lost 1 of 4"), (add_one, "lost -1"), (count_twice, "lost -4")])
def test_an_item_that_is_not_accounted_for_is_an_error(run: RunSpec, body: Any, told: str) -> None:
    ref = started(run, NAMES)
    before = files(run)
    with pytest.raises(ShardError, match=told):
        execute(stage(body), run, ref)
    assert files(run) == before


def test_one_row_may_stand_for_several_items(run: RunSpec) -> None:
    def pairs(inputs: Inputs) -> Iterator[Outcome]:
        yield Kept(row("f1+f2+f3"), items=3)
        yield Rejected("f4", "left over")

    ref = execute(stage(pairs), run, started(run, NAMES))
    manifest = run.store.find("later", "a", ref.keys["later"])
    assert manifest is not None
    assert (manifest.items_in, manifest.items_out, manifest.rows) == (4, 3, 1)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.booleans(), max_size=20))
def test_in_is_out_and_rejected(kept: list[bool]) -> None:
    import tempfile

    def choose(inputs: Inputs) -> Iterator[Outcome]:
        for r, keep in zip(inputs["origin"], kept, strict=True):
            yield Kept(r) if keep else Rejected(r["frame_id"], "not chosen")

    with tempfile.TemporaryDirectory() as folder:
        run = spec(Path(folder))
        ref = execute(stage(choose), run, started(run, [f"f{i}" for i in range(len(kept))]))
        manifest = run.store.find("later", "a", ref.keys["later"])
    assert manifest is not None
    assert manifest.items_in == len(kept) == manifest.items_out + sum(manifest.rejected.values())
    assert manifest.items_out == manifest.rows == sum(kept)


FAILURES = [
    (ValueError("no such box"), ShardError, "later failed on shard a: ValueError: no such box"),
    (ZeroDivisionError("division by zero"), ShardError, "later failed on shard a: ZeroDivisionError"),
    (MemoryError(), ShardError, "later ran out of memory on shard a: lower its batch or shard_frames"),
    (OSError("image file is truncated"), ShardError, "later failed on shard a: OSError: image file is truncated"),
    (PermissionError(13, "Permission denied"), ShardError, "later failed on shard a: PermissionError"),
    (ModelError("model file m is corrupt"), ModelError, "model file m is corrupt"),
    (WorkspaceError("no space left"), WorkspaceError, "no space left"),
    (ConfigError("unknown detector"), ConfigError, "unknown detector"),
    (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
]


@pytest.mark.parametrize("first", [True, False], ids=["at once", "in the middle"])
@pytest.mark.parametrize(("error", "kind", "told"), FAILURES)
def test_a_failing_stage(run: RunSpec, error: BaseException, kind: type[BaseException], told: str, first: bool) -> None:
    def fail(inputs: Inputs) -> Iterator[Outcome]:
        if not first:
            yield Kept(next(iter(inputs["origin"])))
        raise error

    ref = started(run, NAMES)
    before = files(run)
    with pytest.raises(kind, match=told) as caught:
        execute(stage(fail), run, ref)
    assert "\n" not in str(caught.value)
    assert files(run) == before


def test_a_stage_that_fails_before_its_first_item(run: RunSpec) -> None:
    def fail(inputs: Inputs) -> Iterator[Outcome]:
        raise KeyError("d0")

    with pytest.raises(ShardError, match="later failed on shard a: KeyError: 'd0'"):
        execute(stage(fail), run, started(run, NAMES))


def test_a_row_that_does_not_fit_fails_the_shard(run: RunSpec) -> None:
    def wrong(inputs: Inputs) -> Iterator[Outcome]:
        for _ in inputs["origin"]:
            yield Kept({"frame_id": 5, "scene": None})

    ref = started(run, NAMES)
    with pytest.raises(ShardError, match="later failed on shard a"):
        execute(stage(wrong), run, ref)
    assert run.store.versions("later", "a") == []


def test_a_missing_input_is_an_error_that_says_so(run: RunSpec) -> None:
    ref = ShardRef("a", "film", 4, keys={"origin": "0" * 32})
    with pytest.raises(ShardError, match="shard a of origin"):
        execute(stage(), run, ref)


def test_a_manifest_is_plain_json(run: RunSpec) -> None:
    ref = execute(stage(halves, section="sequence"), run, started(run, NAMES))
    value = json.loads(run.store.manifest_path("later", "a", ref.keys["later"]).read_text())
    assert value["params"] == run.config.sequence.model_dump(mode="json")
    assert value["key"] == ref.keys["later"]


def test_references_stay_small_and_say_how_many_stories(run: RunSpec) -> None:
    ref = started(run, NAMES)
    assert ref.stories == 0
    assert execute(stage(halves, name="sequence"), run, ref).stories == 2
    assert execute(stage(halves), run, dataclasses.replace(ref, stories=7)).stories == 7
    assert ref.keys.keys() == {"origin"}, "a reference is not altered, a new one is given"


def test_progress_of_items_adds_up(run: RunSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runtime.execute._ITEM_EVENT_S", 0.0)
    told = events_of(stage(halves), run, started(run, NAMES))
    assert sum(e.items for e in told if e.kind == "items") == 4


def test_a_leased_stage_lets_the_lease_go_when_it_fails(run: RunSpec) -> None:
    def fail(inputs: Inputs) -> Iterator[Outcome]:
        raise ValueError

    ref = started(run, NAMES)
    for _ in range(2):
        with pytest.raises(ShardError):
            execute(stage(fail, leased=True), run, ref)
    execute(stage(copy_rows, leased=True), run, ref)


def test_a_model_that_works_ahead_has_stopped_before_the_lease_goes(
    run: RunSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills while the next batch is with the model: no other shard may begin before that call has ended."""
    under_way = threading.Event()
    calls: list[str] = []

    def call(name: str) -> str:
        calls.append(f"begin {name}")
        if name != NAMES[0]:
            under_way.set()
            time.sleep(0.1)
        calls.append(f"end {name}")
        return name

    def ahead(inputs: Inputs) -> Iterator[Outcome]:
        return (Kept(row(name)) for name, _ in overlapped([r["frame_id"] for r in inputs["origin"]], call))

    def full(*_: object) -> None:
        assert under_way.wait(10)
        raise OSError(errno.ENOSPC, "No space left on device")

    class Lease:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            calls.append("lease let go")

    ref = started(run, NAMES)
    with monkeypatch.context() as patch:
        patch.setattr("tasks.runtime.execute._LEASE", Lease())
        patch.setattr("tasks.runtime.store.ShardWriter.write", full)
        with pytest.raises(WorkspaceError, match="no space left"):
            execute(stage(ahead, leased=True), run, ref)
    assert calls == [*(f"{verb} {name}" for name in NAMES[:2] for verb in ("begin", "end")), "lease let go"]
    assert not [t for t in threading.enumerate() if t.name.startswith("overlapped")]
    assert execute(stage(ahead, leased=True), run, ref).keys.keys() == {"origin", "later"}
