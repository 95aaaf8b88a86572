"""A build at a glance: what it is held against, and how far it is from that."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.overview import Drift, drift_rows, find_drift
from tasks.publishing.drift import Shift
from tasks.publishing.released import Released, remember_release
from tests import fakes
from tests.e2e.building import build


def measured(workspace: Path) -> dict[str, Any]:
    """The numbers of the dataset as it lies there."""
    found: dict[str, Any] = json.loads((workspace / "dataset" / "measurements.json").read_text())
    return found


def shift_of(drift: Drift | None, what: str) -> Shift:
    assert drift is not None
    (found,) = (shift for shift in drift.shifts if shift.what == what)
    return found


def test_the_first_build_has_nothing_to_be_held_against(finished: tuple[Path, Path]) -> None:
    assert json.loads((finished[1] / "latest.json").read_text())["measurements"] == measured(finished[1])
    assert find_drift(finished[1]) is None


def test_a_build_is_held_against_the_one_before_until_there_is_a_release(
    films: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(monkeypatch.setattr)
    first, run = measured(workspace), json.loads((workspace / "latest.json").read_text())["run_id"]
    shutil.rmtree(films / "heat")
    build(films, workspace)
    now = measured(workspace)
    assert now["stories"] < first["stories"]
    drift = find_drift(workspace)
    assert drift is not None
    assert drift.against == f"the build before, {run}"
    lost = shift_of(drift, "stories")
    assert (lost.before, lost.now) == (first["stories"], now["stories"])
    assert lost.change == pytest.approx((first["stories"] - now["stories"]) / first["stories"])
    assert lost.beyond == (lost.change > 0.2)
    assert drift.beyond == sum(shift.beyond for shift in drift.shifts)

    build(films, workspace)
    assert {shift.change for shift in find_drift(workspace).shifts} == {0.0}  # type: ignore[union-attr]
    remember_release(workspace, Released("ann/stories", "v3", "c", {**first, "stories": 100 * now["stories"]}))
    drift = find_drift(workspace)
    assert drift is not None
    assert drift.against == "v3 of ann/stories"
    assert shift_of(drift, "stories").change == pytest.approx(0.99)
    assert shift_of(drift, "stories").beyond


def test_a_build_before_there_were_measurements_is_nothing_to_be_held_against(workspace: Path) -> None:
    record = json.loads((workspace / "latest.json").read_text())
    (workspace / "runs" / "old.json").write_text('{"run_id": "old"}')
    (workspace / "latest.json").write_text(json.dumps({**record, "previous": "old"}))
    assert find_drift(workspace) is None


def test_what_moved_too_far_comes_first_then_what_came_near() -> None:
    shifts = (
        Shift("still", 1.0, 1.0, 0.0, 0.2),
        Shift("near", 10.0, 11.9, 0.19, 0.2),
        Shift("far", 1.0, 0.5, 0.5, 0.2),
        Shift("never allowed", 0.0, 0.00006, 0.00006, 0.0),
    )
    drift = Drift("v1", shifts)
    assert drift.beyond == 2
    rows = drift_rows(drift)
    assert [(row["number"], row["verdict"]) for row in rows] == [
        ("never allowed", "too far"), ("far", "too far"), ("near", "within"), ("still", "within"),
    ]  # fmt: skip
    assert rows[1] == {"number": "far", "before": 1.0, "now": 0.5, "change": 0.5, "limit": 0.2, "verdict": "too far"}
