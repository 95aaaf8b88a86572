import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.report.report import write_report
from tests.tasks.report.conftest import Reporter
from tests.tasks.report.films import Film, make_run
from tests.tasks.report.pages import Node

HOSTILE = "</title></script><script>alert('film')</script><img src=x onerror=\"alert(1)\"> & {{7*7}}"
OWN_ELEMENTS = """
    html head meta title style body a header h1 h2 h3 h4 p code nav div main section b span table thead tbody tr th td svg
    rect figure figcaption g line polyline circle text article img sup i ul li button details summary pre footer script
"""


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def policy(page: Node) -> dict[str, list[str]]:
    (meta,) = (m for m in page.all("meta") if m.attributes.get("http-equiv") == "Content-Security-Policy")
    parts = [part.split() for part in (meta.attributes["content"] or "").split(";")]
    return {name: values for name, *values in parts}


def test_the_page_shows_every_part(report_of: Reporter) -> None:
    page = report_of([Film()])
    headings = [h.text for h in page.all("h2")]
    assert headings == [
        "What went in, what came out",
        "Where the time went",
        "The stories in numbers",
        "Stories",
        "Left out",
        "How it was built",
    ]
    tiles = {tile.all("span")[0].text: tile.all("b")[0].text for tile in page.all("div", "tile")}
    assert tiles["stories: 2 in train and 0 in test"] == "2"
    assert tiles["frames came in"] == "13"
    assert tiles["frames in stories"] == "10"
    assert tiles["grounded tags"] == "30"
    assert tiles["items left out"] == "3"
    assert "2025-01-31 12:00:00 UTC to 2025-01-31 12:01:05 UTC (1 min 5 s)" in page.text
    assert [s.attributes["id"] for s in page.all("section", "story")] == ["story-1000", "story-1001"]


def test_links_within_the_page_lead_somewhere_and_ids_are_unique(report_of: Reporter) -> None:
    page = report_of([Film(), Film(name="lighthouse")])
    ids = [node.attributes["id"] for node in page.all() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert (link.attributes["href"] or "")[1:] in ids


def test_nothing_that_comes_from_data_becomes_markup(report_of: Reporter) -> None:
    # A story text cannot hold angle brackets, a table cell no pipe; everything else is as hostile as can be.
    evil = Film(
        name=HOSTILE,
        label=HOSTILE,
        detail=HOSTILE,
        cast=(HOSTILE, HOSTILE, HOSTILE),
        words="\" onmouseover='x' & &lt;b&gt;",
    )
    page = report_of([evil], source=HOSTILE)
    assert {node.name for node in page.all()} <= set(OWN_ELEMENTS.split())
    assert len(page.all("script")) == 1
    assert len(page.all("title", None)) > 1
    assert page.all("title")[0].text == f"Build report \u2013 {HOSTILE}"
    assert page.all("h3")[0].text == HOSTILE
    assert HOSTILE in page.all("td")[-1].text or HOSTILE in page.text
    assert "\" onmouseover='x' & &lt;b&gt;" in page.all("p", "text")[0].text
    for node in page.all():
        assert not [name for name in node.attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            assert (node.attributes.get(name) or "#").startswith(("#", "data:image/jpeg;base64,"))


def test_the_policy_allows_this_script_and_style_alone(report_of: Reporter) -> None:
    page = report_of([Film()])
    rules = policy(page)
    assert rules["default-src"] == ["'none'"]
    assert rules["img-src"] == ["data:"]
    assert rules["script-src"] == [f"'{digest(page.all('script')[0].text)}'"]
    assert rules["style-src"] == [f"'{digest(page.all('style')[0].text)}'"]
    assert rules["base-uri"] == rules["form-action"] == ["'none'"]


def test_nothing_is_loaded_from_anywhere(report_of: Reporter) -> None:
    page = report_of([Film()])
    code = page.all("style")[0].text + page.all("script")[0].text
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|import\(", code)
    assert not page.all("link")
    assert not page.all("iframe")


def test_only_the_first_stories_are_shown_the_rest_is_listed(report_of: Reporter) -> None:
    page = report_of([Film(stories=3), Film(name="quay", stories=2)], max_stories=4)
    assert [s.attributes["id"] for s in page.all("section", "story")] == [f"story-{1000 + i}" for i in range(4)]
    rows = page.all("div", "list")[0].all("tr")[1:]
    assert [row.all("td")[0].text for row in rows] == ["1000", "1001", "1002", "1003", "1004"]
    assert [len(row.all("a")) for row in rows] == [1, 1, 1, 1, 0]
    assert "5 stories; the first 4 are shown below." in page.text


def test_no_story_shown(report_of: Reporter) -> None:
    page = report_of([Film()], max_stories=0)
    assert not page.all("section", "story")
    assert len(page.all("div", "list")[0].all("tr")) == 3


def test_without_stories_the_page_says_why(report_of: Reporter) -> None:
    page = report_of([Film(stories=0, rejected=4, detail="4 of 64 hash bits")])
    (alarm,) = page.all("div", "alarm")
    assert alarm.all("h2")[0].text == "No story came out"
    assert "4 frames at select: near-duplicate (4 of 64 hash bits)" in alarm.text
    assert not page.all("section", "story")
    assert "Stories" not in [h.text for h in page.all("h2")]


def test_a_run_of_nothing_at_all(report_of: Reporter) -> None:
    assert "none came in" in report_of([]).all("div", "alarm")[0].text


def test_pictures_keep_to_their_room(report_of: Reporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.report.report.PICTURE_CHARACTERS", 60_000)
    page = report_of([Film(stories=4, width=480, height=270, noise=True)])
    sizes = [sum(len(i.attributes["src"] or "") for i in s.all("img")) for s in page.all("section", "story")]
    assert sum(sizes) <= 60_000
    # Each has its part: none takes what the others need.
    assert min(sizes) > 5_000


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    run, refs, record = make_run(tmp_path / "w", [Film()])
    write_report(run, refs, record, tmp_path / "a.html")
    write_report(run, refs, record, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_page_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, refs, record = make_run(tmp_path / "w", [Film()])
    target = tmp_path / "report.html"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.report.report.draw_story", fail)
    with pytest.raises(WorkspaceError, match="no space left"):
        write_report(run, refs, record, target)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.html"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("change", [lambda f: replace(f, frames=1), lambda f: replace(f, width=40, height=90)])
def test_odd_films(report_of: Reporter, change: Callable[[Film], Film]) -> None:
    page = report_of([change(Film())])
    assert len(page.all("section", "story")) == 2
