"""Totals of a run, summed from manifests."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.runtime.execute import execute
from tasks.runtime.record import total_stages, totals_json
from tasks.runtime.stage import Inputs, Kept, Outcome, Rejected, RunSpec, ShardRef
from tests.tasks.runtime.shards import spec, stage, started


def choose(inputs: Inputs) -> Iterator[Outcome]:
    """Keeps all but the first; says why by the shard's name."""
    for number, r in enumerate(inputs["origin"]):
        yield Kept(r) if number else Rejected(r["frame_id"], f"first of {inputs.ref.film}")


@pytest.fixture
def run(tmp_path: Path) -> RunSpec:
    """A run in an empty workspace."""
    return spec(tmp_path)


@pytest.fixture
def refs(run: RunSpec) -> list[ShardRef]:
    """Two shards of 3 and 2 frames, the first of each rejected."""
    names = {"a": ["1", "2", "3"], "b": ["4", "5"]}
    return [execute(stage(choose), run, started(run, frames, shard=name)) for name, frames in names.items()]


def test_totals_add_up(run: RunSpec, refs: list[ShardRef]) -> None:
    origin, later = total_stages(run, refs, ["origin", "later"])
    assert (origin.shards, origin.items_in, origin.items_out, origin.rejected) == (2, 5, 5, {})
    assert (later.shards, later.items_in, later.items_out, later.rejected) == (2, 5, 3, {"first of film": 2})
    assert later.items_in == later.items_out + sum(later.rejected.values())


def test_what_another_run_made_is_reused_whatever_the_clocks_say(tmp_path: Path) -> None:
    first = replace(spec(tmp_path), run_id="first")
    made = execute(stage(choose), first, started(first, ["1", "2"], shard="a"))
    second = replace(first, run_id="second")
    refs = [made, execute(stage(choose), second, started(second, ["3"], shard="b"))]
    for run, reused in ((first, 1), (second, 1), (replace(first, run_id="third"), 2)):
        (later,) = total_stages(run, refs, ["later"])
        assert (later.shards, later.reused) == (2, reused)


def test_a_stage_that_no_shard_reached_is_there_with_zeros(run: RunSpec, refs: list[ShardRef]) -> None:
    (never,) = total_stages(run, refs, ["never"])
    assert (never.name, never.shards, never.items_in, never.items_out) == ("never", 0, 0, 0)
    assert total_stages(run, [], ["origin"])[0].shards == 0


def test_a_shard_that_no_longer_stands_is_not_counted(run: RunSpec, refs: list[ShardRef]) -> None:
    run.store.path("later", "a", refs[0].keys["later"]).unlink()
    (later,) = total_stages(run, refs, ["later"])
    assert (later.shards, later.items_in) == (1, 2)


def test_totals_are_plain_json(run: RunSpec, refs: list[ShardRef]) -> None:
    totals = total_stages(run, refs, ["origin", "later"])
    assert json.loads(json.dumps(totals_json(totals)))[1]["rejected"] == {"first of film": 2}
