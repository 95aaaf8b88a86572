"""What Prefect shows of a build: how far it is, and that nothing shown can fail it."""

from pathlib import Path
from typing import Any

import pytest

from flows.artifacts import Progress, _harmless, show_summary, shown_in_prefect
from tasks.publishing.released import Released, remember_release
from tasks.runtime.progress import Event, emit, listening
from tasks.runtime.record import BuildSummary


def test_progress_is_shards_done_over_all_stages() -> None:
    progress = Progress(stages=4)
    progress.hear(Event("shard_done"))
    assert progress.percent == 0.0, "the plan is not known"
    progress.hear(Event("plan", shards=5))
    for done in range(2, 25):
        progress.hear(Event("shard_done"))
        assert progress.percent == min(100.0, 5.0 * done)


def test_what_cannot_be_shown_is_said_and_fails_nothing() -> None:
    told: list[Event] = []
    with listening(told.append):
        _harmless(lambda: 1 / 0)
    assert [(e.kind, e.text) for e in told] == [
        ("message", "nothing shown in Prefect: ZeroDivisionError: division by zero")
    ]


def test_the_plain_engine_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prefect.artifacts.create_progress_artifact", lambda *_, **__: 1 / 0)
    told: list[Event] = []
    with listening(told.append), shown_in_prefect("plain", ["a"]) as show:
        emit(Event("plan", shards=1))
        show(None)  # type: ignore[arg-type]
    assert [e.kind for e in told] == ["plan"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Artifacts by key, as they are handed to Prefect."""
    found: dict[str, dict[str, Any]] = {}

    def table(table: Any, key: str, description: str) -> None:
        found[key] = {"table": table, "description": description}

    def other(*_: Any, key: str, **__: Any) -> None:
        found[key] = {}

    monkeypatch.setattr("prefect.artifacts.create_table_artifact", table)
    monkeypatch.setattr("prefect.artifacts.create_markdown_artifact", other)
    monkeypatch.setattr("prefect.artifacts.create_link_artifact", other)
    return found


def summary_of(workspace: Path) -> BuildSummary:
    dataset, report = str(workspace / "dataset"), str(workspace / "report.html")
    return BuildSummary("r", 4, {"train": 4}, [], 1.0, dataset, report, 0, "")


def test_a_first_build_shows_no_drift(finished: tuple[Path, Path], made: dict[str, dict[str, Any]]) -> None:
    show_summary(summary_of(finished[1]))
    assert set(made) == {"w-counts", "w-left-out", "w-frames", "w-report"}


def test_drift_from_the_last_release_is_shown_as_a_table(workspace: Path, made: dict[str, dict[str, Any]]) -> None:
    remember_release(workspace, Released("ann/stories", "v2", "c", {"stories": 1000, "losses": 0.0}))
    show_summary(summary_of(workspace))
    shown = made["w-drift"]
    assert shown["description"] == "Against v2 of ann/stories: 1 moved too far, publishing will ask"
    assert [row["number"] for row in shown["table"]] == ["stories", "share of stories left out"]
    assert shown["table"][0]["before"] == 1000


def test_drift_that_cannot_be_measured_is_said_and_the_rest_is_shown(
    workspace: Path, made: dict[str, dict[str, Any]]
) -> None:
    remember_release(workspace, Released("ann/stories", "v2", "c", {"stories": "many"}))
    told: list[Event] = []
    with listening(told.append):
        show_summary(summary_of(workspace))
    assert [event.text.split(":")[0] for event in told] == ["nothing shown in Prefect"]
    assert set(made) == {"w-counts", "w-left-out", "w-frames", "w-report"}
