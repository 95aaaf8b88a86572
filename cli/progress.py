"""How a build shows itself: a live table on a terminal, plain lines in a log, JSON lines for machines."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from tasks.runtime.progress import Event, listening

_LINE_EVERY_S = 5.0


@dataclass(slots=True)
class StageState:
    """What is known of a stage that is under way."""

    name: str
    unit: str = "frame"
    shards: int = 0
    done: int = 0
    reused: int = 0
    items: int = 0
    expected: int = 0
    rejected: int = 0
    seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    live: dict[str, int] = field(default_factory=dict)

    @property
    def seen(self) -> int:
        """Items done, those of shards under way included."""
        return self.items + sum(self.live.values())

    @property
    def rate(self) -> float:
        """Items a second of work in this run."""
        elapsed = time.monotonic() - self.started
        return self.seen / elapsed if elapsed > 0 else 0.0

    def eta_s(self) -> float | None:
        """Seconds to the end of the stage at the present rate; None before there is one."""
        if not self.rate or not self.expected or self.seen >= self.expected:
            return None
        return (self.expected - self.seen) / self.rate


class Tracker:
    """Folds events into the state of each stage."""

    def __init__(self) -> None:
        """Start with no stage."""
        self.stages: dict[str, StageState] = {}
        self.messages: list[str] = []

    def __call__(self, event: Event) -> None:
        """Take one event in."""
        if event.kind == "message":
            self.messages.append(event.text)
            return
        if event.kind == "plan":
            self.messages.append(f"{event.items} frames in {event.shards} shards")
            return
        state = self.stages.setdefault(event.stage, StageState(event.stage))
        state.unit = event.unit or state.unit
        if event.kind == "stage":
            state.shards += event.shards
            state.expected += event.items
            state.started = time.monotonic()
        elif event.kind == "items":
            state.live[event.shard] = state.live.get(event.shard, 0) + event.items
        elif event.kind == "shard_done":
            state.live.pop(event.shard, None)
            state.done += 1
            state.reused += event.reused
            state.items += event.items_in
            state.rejected += event.rejected
            state.seconds += event.seconds
            if event.unit == "story" or event.stage == "appearance":
                state.expected = state.items


def units(unit: str) -> str:
    """The plural of what is counted."""
    return "stories" if unit == "story" else f"{unit}s"


def stage_line(state: StageState) -> str:
    """One finished or running stage as a plain line."""
    text = f"{state.name:<11} {state.done}/{state.shards} shards  {state.seen} {units(state.unit)}"
    if state.reused:
        text += f"  {state.reused} reused"
    if state.rejected:
        text += f"  {state.rejected} left out"
    fresh = state.done - state.reused
    if fresh > 0 or state.live:
        text += f"  {state.rate:.1f} {units(state.unit)}/s"
        eta = state.eta_s()
        if eta is not None and state.done < state.shards:
            text += f"  {eta:.0f} s to go"
    return text


@contextmanager
def make_display(as_json: bool) -> Iterator[None]:
    """Show what happens inside the block, in the way that fits where stdout goes."""
    if as_json:
        with listening(_print_json):
            yield
    elif sys.stderr.isatty():
        with _live_display():
            yield
    else:
        with listening(_LinePrinter()):
            yield


def _print_json(event: Event) -> None:
    if event.kind == "items":
        return
    values = {key: value for key, value in asdict(event).items() if key != "kind" and value not in ("", 0, 0.0, False)}
    print(json.dumps({"event": event.kind, **values}), flush=True)


class _LinePrinter:
    """A line when a stage ends, and every few seconds while one runs."""

    def __init__(self) -> None:
        self._tracker = Tracker()
        self._last = time.monotonic()
        self._told = 0

    def __call__(self, event: Event) -> None:
        self._tracker(event)
        for message in self._tracker.messages[self._told :]:
            print(message, file=sys.stderr, flush=True)
        self._told = len(self._tracker.messages)
        state = self._tracker.stages.get(event.stage)
        if state is None:
            return
        ended = event.kind == "shard_done" and state.done == state.shards
        due = event.kind in ("items", "shard_done") and time.monotonic() - self._last >= _LINE_EVERY_S
        if ended or due:
            self._last = time.monotonic()
            print(stage_line(state), file=sys.stderr, flush=True)


@contextmanager
def _live_display() -> Iterator[None]:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    tracker = Tracker()
    console = Console(stderr=True)

    def draw() -> Table:
        table = Table(box=None, pad_edge=False)
        for name in ("stage", "shards", "items", "left out", "rate", "to go"):
            table.add_column(name, justify="left" if name == "stage" else "right")
        for state in tracker.stages.values():
            eta = state.eta_s()
            reused = f" ({state.reused} reused)" if state.reused else ""
            fresh = state.done > state.reused or state.live
            table.add_row(
                state.name,
                f"{state.done}/{state.shards}{reused}",
                f"{state.seen} {units(state.unit)}",
                str(state.rejected) if state.rejected else "",
                f"{state.rate:.1f}/s" if fresh and state.done < state.shards else "",
                f"{eta:.0f} s" if eta is not None and state.done < state.shards else "",
            )
        for message in tracker.messages[-3:]:
            table.caption = message
        return table

    with Live(get_renderable=draw, console=console, refresh_per_second=5), listening(tracker):
        yield
