"""Review in a browser: what is said lands in the workspace, what cannot be is told, and all can be taken back."""

from pathlib import Path

import pytest

from tasks.runtime.reviews import read_reviews
from tests.e2e.viewer.conftest import OpenPage, StartServer, Watch
from tests.viewer.datasets import Sample, write_dataset

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "w" / "dataset", [Sample("s1"), Sample("s2", film="mill")], [])
    (tmp_path / "w" / "workspace.json").write_text('{"format": 1}')
    return tmp_path / "w"


def test_a_story_is_reviewed(start_server: StartServer, open_page: OpenPage, watch: Watch, workspace: Path) -> None:
    watch.expected = ("400 (Bad Request)",)
    address = start_server(workspace).url
    page = open_page(f"{address}#/story/s1/review")
    page.fill("#review-note", "too dull")
    page.click(".verdict.bad")
    page.wait_for_selector("text=The story is bad.")
    card = page.locator('.review-card[data-entity="char1"]')
    card.locator("input").fill("Ada")
    card.locator("text=Rename").click()
    page.wait_for_selector("text=char1 is called Ada.")
    card.locator(".crop-choice").nth(1).click()
    card.locator(".crop-choice").nth(3).click()
    card.locator("text=Split off").click()
    page.wait_for_selector("text=char1 is another in image 2, 4.")
    card.locator("input").fill("<img src=x onerror=alert(1)>")
    card.locator("text=Rename").click()
    assert "a name has letters" in page.inner_text(".review .error")
    said = {one.action: one for one in read_reviews(workspace)}
    assert (said["verdict"].value, said["verdict"].note) == ("bad", "too dull")
    assert (said["name"].target, said["name"].value) == ("char1", "Ada")
    assert [frame_id for frame_id, _ in said["split"].sightings] == ["harbour_2", "harbour_4"]
    page.goto(f"{address}#/reviews")
    page.locator("li", has_text="The story is bad.").locator("text=Take back").click()
    page.wait_for_function("() => document.querySelectorAll('.statement').length === 2")
    assert "verdict" not in {one.action for one in read_reviews(workspace)}


def test_a_dataset_has_no_review(start_server: StartServer, open_page: OpenPage, workspace: Path) -> None:
    address = start_server(workspace / "dataset").url
    page = open_page(f"{address}#/story/s1")
    page.wait_for_selector("#tab-read")
    assert page.locator("#tab-review").count() == 0
    page.goto(f"{address}#/reviews")
    page.wait_for_selector("text=Only stories of a workspace can be reviewed")
