"""Analysis in a browser: what was pasted is drawn, and a click on a fault goes to its place."""

from pathlib import Path

import pytest

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from tests.e2e.viewer.conftest import OpenPage, StartServer, Watch
from tests.viewer.datasets import WIDTH, analysis, box, picture, telling

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NAMES = ("In\u00e9s \U0001f600", "Marko")
TABLES = render_chain_of_thought(analysis(2, NAMES))
STORY = render_story(telling(2, NAMES, "on the quay"))


@pytest.fixture(scope="module")
def address(start_server: StartServer) -> str:
    return start_server().url


def test_a_click_on_a_fault_goes_to_its_place(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}#/analysis")
    place = STORY.rindex("<gdo char1>")
    broken = f"{STORY[:place]}<gdo char9>{STORY[place + len('<gdo char1>') :]}"
    page.fill("#analysis-output", join_output(TABLES, broken))
    page.click(".live-setup .button.main")
    fault = page.locator(".fault", has_text="id-unknown").first
    fault.click()
    here = page.locator("mark.here")
    assert here.inner_text().startswith("<gdo char9>")
    shown, source = here.bounding_box(), page.locator(".source", has=here).bounding_box()
    assert shown
    assert source
    assert source["y"] <= shown["y"] <= source["y"] + source["height"], "it was brought into sight"


def test_frames_are_drawn_with_their_boxes(address: str, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(f"{address}#/analysis")
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    page.click("summary:has-text('Or both parts apart')")
    page.fill("#analysis-thoughts", TABLES)
    page.set_input_files(
        "#analysis-story ~ input[type=file]", {"name": "s.md", "mimeType": "text/plain", "buffer": STORY.encode()}
    )
    page.set_input_files(".picker input[type=file]", [str(tmp_path / "1.jpg"), str(tmp_path / "2.jpg")])
    page.wait_for_selector(".picked li:nth-child(2)")
    page.click(".live-setup .button.main")
    page.click('.live-result [data-tab="read"]')
    page.hover('.block[data-frame="2"] [data-ids="char1"] >> nth=0')
    lit = page.locator('figure[data-frame="2"] .box.lit')
    assert lit.get_attribute("data-ids") == "char1"
    frame, drawn = page.locator('figure[data-frame="2"] .stage').bounding_box(), lit.bounding_box()
    assert frame
    assert drawn
    assert (drawn["x"] - frame["x"]) / frame["width"] == pytest.approx(box("char1", 2)[0] / WIDTH, abs=0.01)


def test_nothing_to_analyse_and_a_sound_story(address: str, open_page: OpenPage, watch: Watch) -> None:
    watch.expected = ("400 (Bad Request)",)
    page = open_page(f"{address}#/analysis")
    page.click(".live-setup .button.main")
    assert "nothing to analyse" in page.inner_text(".live-setup .error")
    page.fill("#analysis-output", "Once upon a time there was no tag.")
    page.click(".live-setup .button.main")
    page.wait_for_selector("text=text-outside")
    page.click("text=Clear")
    page.wait_for_selector(".placeholder")


def test_on_a_phone(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}#/analysis", width=375, height=740)
    page.fill("#analysis-output", join_output(TABLES, STORY.replace("</gdo>", "", 2)))
    page.click(".live-setup .button.main")
    page.wait_for_selector(".fault")
    for tab in ("faults", "read", "tables", "cast"):
        page.click(f'.live-result [data-tab="{tab}"]')
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab
