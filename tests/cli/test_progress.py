"""How a build shows itself: folding of events, plain lines, JSON lines, a live table."""

import io
import json
import sys

import pytest

from cli.progress import StageState, Tracker, make_display, stage_line
from tasks.runtime.progress import Event, emit

STORY = [
    Event("plan", shards=2, items=9),
    Event("stage", stage="ingest", shards=2, items=9),
    Event("shard_started", stage="ingest", shard="a", unit="frame"),
    Event("items", stage="ingest", shard="a", unit="frame", items=3),
    Event("items", stage="ingest", shard="a", unit="frame", items=1),
    Event("shard_done", stage="ingest", shard="a", unit="frame", items_in=5, items_out=4, rejected=1, seconds=0.5),
    Event("shard_done", stage="ingest", shard="b", unit="frame", items_in=4, items_out=4, reused=True),
]


def folded(events: list[Event]) -> Tracker:
    """A tracker that was told these events."""
    tracker = Tracker()
    for event in events:
        tracker(event)
    return tracker


def test_events_fold_into_counts() -> None:
    state = folded(STORY).stages["ingest"]
    assert (state.shards, state.done, state.reused, state.seen, state.rejected) == (2, 2, 1, 9, 1)
    assert state.seconds == 0.5
    assert folded(STORY).messages == ["9 frames in 2 shards"]


def test_items_under_way_are_seen_and_not_counted_twice() -> None:
    assert folded(STORY[:5]).stages["ingest"].seen == 4
    assert folded(STORY[:6]).stages["ingest"].seen == 5


def test_time_to_go_is_told_only_where_it_is_known() -> None:
    state = StageState("detect", shards=2, expected=10)
    assert state.eta_s() is None
    state.items = 5
    assert state.eta_s() is not None
    state.items = 10
    assert state.eta_s() is None


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (2, "ingest      0/2 shards  0 frames"),
        (7, "ingest      2/2 shards  9 frames  1 reused  1 left out"),
    ],
)
def test_plain_lines(count: int, told: str) -> None:
    assert stage_line(folded(STORY[:count]).stages["ingest"]).startswith(told)


def test_stories_are_no_storys() -> None:
    tracker = folded([Event("shard_done", stage="draft_story", shard="a", unit="story", items_in=2, items_out=2)])
    assert "2 stories" in stage_line(tracker.stages["draft_story"])


def test_a_log_has_a_line_when_a_stage_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with make_display(as_json=False):
        for event in STORY:
            emit(event)
        emit(Event("message", text="passed over 1 files"))
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0] == "9 frames in 2 shards"
    assert lines[1].startswith("ingest      2/2 shards  9 frames")
    assert lines[2] == "passed over 1 files"
    assert len(lines) == 3


def test_machines_get_a_line_an_event_without_empty_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with make_display(as_json=True):
        for event in STORY:
            emit(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["plan", "stage", "shard_started", "shard_done", "shard_done"]
    assert lines[0] == {"event": "plan", "shards": 2, "items": 9}
    assert lines[4] == {
        "event": "shard_done",
        "stage": "ingest",
        "shard": "b",
        "unit": "frame",
        "items_in": 4,
        "items_out": 4,
        "reused": True,
    }


class Terminal(io.StringIO):
    """A terminal that is a text."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with make_display(as_json=False):
        for event in STORY:
            emit(event)
    told = terminal.getvalue()
    for word in ("stage", "shards", "left out", "ingest", "2/2 (1 reused)", "9 frames", "9 frames in 2 shards"):
        assert word in told


def test_a_display_goes_when_the_build_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), make_display(as_json=True):
        raise ZeroDivisionError
    emit(STORY[0])
    assert capsys.readouterr().out == ""
