from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tasks.report.report import write_report
from tests.tasks.report.films import Film, make_run
from tests.tasks.report.pages import Node, read_page

Reporter = Callable[..., Node]


@pytest.fixture
def report_of(tmp_path: Path) -> Reporter:
    """Builds a workspace of some films, writes its report, and gives the page taken apart."""

    def build(films: Sequence[Film], source: str = "frames", max_stories: int = 40) -> Node:
        run, refs, record = make_run(tmp_path / "workspace", films, source)
        write_report(run, refs, record, tmp_path / "report.html", max_stories)
        return read_page((tmp_path / "report.html").read_text(encoding="utf-8"))

    return build
