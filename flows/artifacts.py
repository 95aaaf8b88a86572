"""What Prefect's pages show of a build: its progress, counts, losses, drift, a sheet of frames, and where the report is.

They are for looking at only. One that cannot be made is said in the log and fails nothing; progress is told every few seconds
at most, on a thread of its own, so that no shard waits for the server. Engine ``plain`` has no server and makes none.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

from schemas.config import Engine
from tasks.runtime.keys import slug
from tasks.runtime.progress import Event, emit, listening
from tasks.runtime.record import BuildSummary

EVERY_S = 5.0
"""Seconds between two updates of the progress."""

Show = Callable[[BuildSummary], None]


@contextmanager
def shown_in_prefect(engine: Engine, stages: Sequence[str]) -> Iterator[Show]:
    """Show the progress of what runs inside the block, and what it came to when the function given is called."""
    if engine == "plain":
        yield lambda _: None
        return
    progress = Progress(len(stages))
    with listening(progress.hear), _updating(progress):
        yield show_summary


class Progress:
    """How far a build is: shards done of all shards times all stages."""

    def __init__(self, stages: int) -> None:
        """Nothing is done of so many stages."""
        self._stages = stages
        self._shards = self._done = 0

    def hear(self, event: Event) -> None:
        """Take in an event."""
        if event.kind == "plan":
            self._shards = event.shards
        elif event.kind == "shard_done":
            self._done += 1

    @property
    def percent(self) -> float:
        """From 0 to 100; 0 until the plan is known."""
        whole = self._shards * self._stages
        return min(100.0, 100.0 * self._done / whole) if whole else 0.0


@contextmanager
def _updating(progress: Progress) -> Iterator[None]:
    """Keep a progress artifact up to date inside the block."""
    stop = threading.Event()

    def update() -> None:
        from prefect.artifacts import create_progress_artifact, update_progress_artifact

        made: Any = create_progress_artifact(0.0, key="build-progress", description="Shards done, over all stages")
        told = 0.0
        while not stop.wait(EVERY_S):
            if progress.percent != told:
                told = progress.percent
                update_progress_artifact(made, told)
        if progress.percent != told:
            update_progress_artifact(made, progress.percent)

    thread = threading.Thread(target=copy_context().run, args=(_harmless, update), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def _harmless(make: Callable[[], object]) -> None:
    """Make something that is only for looking at; what goes wrong is said and ends there."""
    try:
        make()
    except Exception as error:
        emit(Event("message", text=f"nothing shown in Prefect: {type(error).__name__}: {error}"))


def show_summary(summary: BuildSummary) -> None:
    """The tables, the sheet and the link of a finished build."""
    from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

    from tasks.overview import count_rows, drift_rows, find_drift, reject_rows, sheet_markdown

    workspace = Path(summary.dataset).parent
    name = slug(workspace.name).lower()
    told = f"{summary.stories} stories in {summary.wall_s:.0f} s"
    if summary.removed_films:
        told += f"; gone with their films: {', '.join(summary.removed_films)}"

    def sheet() -> None:
        markdown = sheet_markdown(workspace)
        if markdown:
            create_markdown_artifact(markdown, key=f"{name}-frames", description="First frames of the first stories")

    def drift() -> None:
        found = find_drift(workspace)
        if found is not None:
            beyond = f"{found.beyond} moved too far, publishing will ask" if found.beyond else "all within the limits"
            text = f"Against {found.against}: {beyond}"
            create_table_artifact(drift_rows(found), key=f"{name}-drift", description=text)

    for make in (
        lambda: create_table_artifact(count_rows(summary), key=f"{name}-counts", description=told),
        lambda: create_table_artifact(reject_rows(summary), key=f"{name}-left-out", description="Left out, and why"),
        drift,
        sheet,
        lambda: create_link_artifact(
            Path(summary.report).resolve().as_uri(), link_text="report.html", key=f"{name}-report"
        ),
    ):
        _harmless(make)
