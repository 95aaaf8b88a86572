"""A shard made once more: the same, or told where it differs; what stands is not touched."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.errors import ConfigError, ShardError
from tasks.detect import choose_detections
from tasks.replay import compare_tables, replay
from tasks.runtime.store import ShardStore
from tests import fakes
from tests.e2e.building import STAGES, changed_at, manifests


@pytest.fixture(autouse=True)
def painted_models(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_gives_the_same_bytes_again(finished: tuple[Path, Path], stage: str) -> None:
    before = changed_at(finished[1])
    replayed = replay(finished[1], stage, "ronin")
    assert replayed.identical
    assert not replayed.key_changed
    assert replayed.differences == ()
    assert replayed.after.rejected == replayed.before.rejected
    assert changed_at(finished[1]) == before


def test_a_result_that_differs_is_told_with_the_place(
    finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fewer(*arguments: Any) -> Any:
        return choose_detections(*arguments)[:1]

    before = changed_at(finished[1])
    monkeypatch.setattr("tasks.detect.choose_detections", fewer)
    replayed = replay(finished[1], "detect", "heat")
    assert not replayed.identical
    assert not replayed.key_changed, "nothing that the key is made of has changed: that is what replay is for"
    standing = ShardStore(finished[1] / "shards").read("detect", replayed.shard, replayed.before.key)
    more = [number for number, row in enumerate(standing, start=1) if len(row["detections"]) > 1]
    expected = f"column detections differs in {len(more)} of 15 rows, first in number {more[0]}"
    assert replayed.differences == (expected,)
    assert changed_at(finished[1]) == before


def test_a_changed_stage_is_told(finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    import tasks.select

    monkeypatch.setattr("tasks.select.STAGE", replace(tasks.select.STAGE, version=99))
    replayed = replay(finished[1], "select", "heat")
    assert replayed.key_changed
    assert replayed.identical


def test_what_stands_damaged_is_told_and_left(workspace: Path) -> None:
    (made, *_) = (m for m in manifests(workspace) if m.stage == "select" and m.film == "heat")
    path = ShardStore(workspace / "shards").path("select", made.shard, made.key)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 0xFF]))
    replayed = replay(workspace, "select", "heat")
    assert replayed.differences == ("the rows that stand are damaged: their digest is not the recorded one",)
    path.write_bytes(content[:-9])
    with pytest.raises(ShardError, match="no longer stands whole"):
        replay(workspace, "select", "heat")


@pytest.mark.parametrize(
    ("stage", "shard", "told"),
    [
        ("selekt", "heat", "unknown stage 'selekt'; did you mean 'select'"),
        ("plan", "heat", "unknown stage 'plan'"),
        ("select", "brazil", "unknown shard 'brazil'"),
        ("select", "", "'' begins the names of 3 shards"),
    ],
)
def test_names_that_there_are_not(finished: tuple[Path, Path], stage: str, shard: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        replay(finished[1], stage, shard)


def test_tables_are_compared_column_by_column() -> None:
    old = pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"], "gone": [0, 0, 0]})
    assert compare_tables("row", old, old) == []
    assert compare_tables("row", old, None) == ["no rows where there were 3"]
    new = pa.table({"a": [1, 9], "b": ["x", "y"], "new": [0, 0]})
    assert compare_tables("row", old, new) == [
        "2 rows where there were 3",
        "column gone is gone",
        "column new is new",
        "column a differs in 1 of 2 rows, first in number 2",
    ]
