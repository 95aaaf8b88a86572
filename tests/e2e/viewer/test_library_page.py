"""The grid, and stories that lack something, as a user meets them."""

import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.viewer.conftest import OpenPage, Server, StartServer, Watch
from tests.viewer.datasets import Sample, picture, write_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def expect_cards(page: "Page", count: int) -> None:
    """Wait until there are so many (without evaluating strings, which the page's policy forbids)."""
    from playwright.sync_api import expect

    expect(page.locator("a.story-card")).to_have_count(count)


def test_the_grid_and_its_pages(open_page: OpenPage, server: Server) -> None:
    page = open_page(server.url)
    cards = page.locator("a.story-card")
    assert cards.count() == 24
    assert cards.nth(0).locator("strong").inner_text() == "film 1"
    assert cards.nth(0).locator(".who").inner_text() == "Marko, Tove · 2 things"
    assert cards.nth(0).locator(".badge").inner_text() == "6 images"
    assert page.locator(".flag.good").count() == 24
    shown = page.eval_on_selector_all("a.story-card img", "all => all.filter(i => i.complete && i.naturalWidth).length")
    assert shown >= 8
    page.locator(".pager .next").click()
    page.wait_for_selector("li:first-child > a.story-card[href='#/story/25']")
    page.locator(".pager .next").click()
    expect_cards(page, 15)
    assert page.locator(".pager .next").is_disabled()
    assert page.url.endswith("#/?page=3")


def test_search_and_filters_stand_in_the_address(open_page: OpenPage, server: Server, watch: Watch) -> None:
    watch.expected = ("404",)  # a story without images has no thumbnail
    page = open_page(server.url)
    page.keyboard.press("/")
    page.keyboard.type("pier number 17")
    expect_cards(page, 1)
    assert page.locator("a.story-card").get_attribute("href") == "#/story/17"
    assert page.locator(".library-head [role=status]").inner_text().startswith("1 story of 63")
    page.reload()
    page.wait_for_selector("a.story-card")
    assert page.locator("a.story-card").count() == 1
    page.locator("input[type=search]").fill("")
    page.locator("select[aria-label=Split]").select_option("test")
    expect_cards(page, 3)
    page.locator("select[aria-label=Quality]").select_option("breaking")
    expect_cards(page, 2)
    page.locator("input[type=search]").fill("nobody wrote this")
    page.wait_for_selector(".no-result")
    assert "No story fits" in page.locator(".no-result").inner_text()


def test_a_story_opens_and_back_returns(open_page: OpenPage, server: Server) -> None:
    page = open_page(f"{server.url}#/?film=film+3")
    page.locator("a.story-card").nth(1).click()
    page.wait_for_selector(".reading")
    assert page.locator("h1").inner_text() == "film 3"
    page.go_back()
    page.wait_for_selector("a.story-card")
    assert page.locator("select[aria-label=Film]").input_value() == "film 3"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("mute", "This story has no text."),
        ("blind", "This story has no images."),
        ("nowhere", "there is no story 'nowhere' here: go back to the library"),
        ("%E0%A4%A", "there is no story"),
    ],
)
def test_what_is_missing_is_told(open_page: OpenPage, server: Server, watch: Watch, key: str, told: str) -> None:
    watch.expected = ("404",)
    page = open_page(f"{server.url}#/story/{key}")
    assert told in page.locator("main").inner_text()


def test_unknown_ids_are_shown_as_such(open_page: OpenPage, server: Server) -> None:
    page = open_page(f"{server.url}#/story/stranger")
    tag = page.locator(".tag.unresolved")
    assert tag.inner_text() == "Nobody"
    assert tag.get_attribute("title") == "char7: not in the tables of this image"
    tag.hover()
    assert page.locator(".box.lit").count() == 0
    assert page.locator(".none", has_text="The story says nothing of this image.").count() == 4
    page.locator("#tab-faults").click()
    fault = page.locator(".fault", has_text="char7").first
    fault.click()
    assert "char7" in page.locator("mark.here").inner_text()


def test_an_unknown_page_is_told(open_page: OpenPage, server: Server) -> None:
    page = open_page(f"{server.url}#/nowhere/at/all")
    assert "There is no such page" in page.locator(".error").inner_text()


def test_broken_pictures_leave_a_word(
    open_page: OpenPage, start_server: StartServer, tmp_path: Path, watch: Watch
) -> None:
    watch.expected = ("400",)
    whole = picture(1, 1280, 720, noise=40)
    samples = [Sample("cut", frames=5, images=(b"no image", whole[: len(whole) // 2], None, whole, whole))]
    server = start_server(write_dataset(tmp_path / "d", samples))
    page = open_page(server.url)
    page.wait_for_selector(".thumb .broken")
    page.locator("a.story-card").click()
    page.wait_for_selector(".reading")
    assert page.locator(".stage .broken").count() == 2
    page.locator("#tab-cast").click()
    assert page.locator(".card").count() == 4


def test_a_dataset_without_stories(open_page: OpenPage, start_server: StartServer, tmp_path: Path) -> None:
    page = open_page(start_server(write_dataset(tmp_path / "d", [])).url)
    assert "This dataset has no stories" in page.locator(".no-result").inner_text()


def test_a_viewer_without_anything(open_page: OpenPage, start_server: StartServer) -> None:
    page = open_page(start_server().url)
    assert "No stories are open" in page.locator("h1").inner_text()


def test_a_server_that_went_away_is_told(
    open_page: OpenPage, start_server: StartServer, shelf: Path, watch: Watch, tmp_path: Path
) -> None:
    watch.expected = ("ERR_CONNECTION_REFUSED", "Failed to load resource")
    server = start_server(shutil.copytree(shelf, tmp_path / "copy"))
    page = open_page(server.url)
    server.process.send_signal(signal.SIGINT)
    told, errors = server.process.communicate(timeout=10)
    assert (server.process.returncode, told, errors) == (0, "", ""), "Ctrl-C ends it without a word"
    page.locator("select[aria-label=Split]").select_option("test")
    page.wait_for_selector(".error")
    assert "Is “storyreasoning view” still running?" in page.locator(".error").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["#/", "#/story/1", "#/story/1/tables", "#/story/1/cast", "#/story/stranger/faults"])
def test_a_phone_needs_no_scrolling_sideways(open_page: OpenPage, server: Server, view: str, theme: str) -> None:
    page = open_page(server.url + view, width=360, height=740, theme=theme, settle=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    outside = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((e) => {
            const at = e.getBoundingClientRect();
            const scrolls = ".tabs, .crops, .strip, .follow-crops, .crop, .scroll, .source, .chips";
            return at.width > 0 && at.right > 361 && !e.closest(scrolls)
                && getComputedStyle(e).visibility !== "hidden" && getComputedStyle(e).clipPath === "none";
        }).map((e) => e.className || e.tagName)"""
    )
    assert outside == []
    small = page.evaluate(
        """() => [...document.querySelectorAll("main button:not(.box), main select, main a.quiet, .top a, .top button")]
            .filter((e) => e.getBoundingClientRect().width > 0)
            .filter((e) => Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height) < 24)
            .map((e) => e.className || e.tagName)"""
    )
    assert small == [], "targets of at least 24 by 24 px (WCAG 2.2, 2.5.8)"
