"""Nothing that a dataset says ever runs: a hundred strings in every place that a dataset has, in a real browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schemas.codecs.tables import CHARACTERS, NARRATIVE, OBJECTS, SETTING
from tests.e2e.viewer.conftest import OpenPage, StartServer, Watch
from tests.e2e.viewer.injections import INJECTIONS
from tests.viewer.datasets import Sample, write_grounding, write_stories

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

EACH = 10
"""Strings a story."""


def hostile(place: int) -> Sample:
    """A story with ten of the strings as names, cells, ids, attributes, tag names, phases, text inside and outside of tags."""
    strings = INJECTIONS[place * EACH : (place + 1) * EACH]
    flat = [text.replace("|", "/").replace("\n", " ").replace("\t", " ") for text in strings]
    characters = "".join(
        f"| char{n} | {text} | {text} | {text} | {text} | {text} | {n},{n},{n + 60},{n + 90} |\n"
        for n, text in enumerate(flat, start=1)
    )
    objects = "".join(
        f"| obj{n} | {text} | {text} | {text} | {text} | {text} |\n" for n, text in enumerate(flat, start=1)
    )
    settings = "".join(f"| {text} | {text} | {text} | {text} | {text} |\n" for text in flat)
    phases = "".join(f"| {text} | {text} | {text} | {text} |\n" for text in flat)
    tables = (
        "## Image 1\n\n### Characters\n"
        f"{CHARACTERS.header}\n{CHARACTERS.separator}\n{characters}\n"
        f"### Objects\n{OBJECTS.header}\n{OBJECTS.separator}\n{objects}\n"
        f"### Setting\n{SETTING.header}\n{SETTING.separator}\n{settings}\n"
        f"## Narrative Structure\n\n{NARRATIVE.header}\n{NARRATIVE.separator}\n{phases}"
    )
    mentions = " ".join(
        f"<gdo char{n}>{text}</gdo> <gda char{n} {text}>x</gda> <gdl {text}>{text}</gdl> {text}"
        for n, text in enumerate(strings, start=1)
    )
    story = f"{strings[0]}\n<gdi image1>\n{mentions}\n</gdi>\n{strings[1]}<gdi {strings[2]}>{strings[3]}</gdi>"
    return Sample(strings[4], film=strings[5], frames=1, chain_of_thought=tables, story=story)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    assert len(INJECTIONS) == len(set(INJECTIONS)) == 100
    return [hostile(place) for place in range(len(INJECTIONS) // EACH)]


@pytest.fixture(scope="module")
def address(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory, samples: list[Sample]) -> str:
    """A viewer of them, whose folder has such a name too."""
    folder = tmp_path_factory.mktemp("hostile") / "<img src=x onerror=alert(1)>\" onload='alert(1)"
    write_stories(folder / "default" / "train-<script>alert(1)<script>.parquet", samples)
    write_grounding(folder / "grounding" / "train-<svg onload=alert(1)>.parquet", samples)
    return start_server(folder).url


def assert_nothing_ran(page: "Page") -> None:
    """No string set anything, and no element is there that only markup of a dataset could have made."""
    found = page.evaluate(
        """() => ({
            hit: window.hit,
            hidden: getComputedStyle(document.body).display,
            elements: [...document.querySelectorAll(
                "script:not([src='/static/app.js']), iframe, object, embed, applet, base, meta[http-equiv], body style, form," +
                "main link, video, audio, math, marquee, foreignObject, animate, set, x, template, xmp, plaintext," +
                "[contenteditable]"
            )].map((e) => e.outerHTML),
            handlers: [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes])
                .filter((a) => /^on/i.test(a.name)
                    || /^\\s*(javascript|data:text)/i.test(a.value) && /^(href|src|action)/i.test(a.name))
                .map((a) => `${a.name}=${a.value}`),
            pictures: [...document.images].map((i) => i.src).filter((s) => !s.startsWith(location.origin + "/api/frames/")),
        })"""
    )
    assert found == {"hit": None, "hidden": "block", "elements": [], "handlers": [], "pictures": []}


def test_the_library_shows_them_as_text(open_page: OpenPage, address: str, samples: list[Sample]) -> None:
    page = open_page(address)
    assert_nothing_ran(page)
    shown = page.locator("main").inner_text()
    for sample in samples:
        assert " ".join(sample.film.split()) in " ".join(shown.split())
    assert page.locator(".place").inner_text().endswith("<img src=x onerror=alert(1)>\" onload='alert(1)")
    for choice in page.locator("select[aria-label=Film] option").all()[1:3]:
        page.locator("select[aria-label=Film]").select_option(choice.get_attribute("value"))
        page.wait_for_load_state("networkidle")
        assert_nothing_ran(page)


@pytest.mark.parametrize("place", range(len(INJECTIONS) // EACH))
def test_a_story_shows_them_as_text(open_page: OpenPage, address: str, samples: list[Sample], place: int) -> None:
    page = open_page(address)
    page.locator("a.story-card").nth(place).click()
    page.wait_for_selector(".reading")
    shown = set()
    for tab in ("read", "tables", "cast", "faults"):
        page.locator(f"#tab-{tab}").click()
        for linked in page.locator("#tab-body").locator(".tag, tr[data-ids], .card").all()[:1]:
            linked.hover()
        assert_nothing_ran(page)
        shown.add(page.locator("main").evaluate("e => e.textContent"))
    # What is in a name is on the page, letter for letter.
    text = "\n".join(shown)
    for one in INJECTIONS[place * EACH : (place + 1) * EACH]:
        assert one.replace("\n", " ").replace("\t", " ") in text or one in text
    page.locator("#tab-read").click()
    # Only ids are ids: nothing else gets from an attribute of a tag into an attribute of an element.
    for ids in page.eval_on_selector_all("[data-ids]", "all => all.map(e => e.dataset.ids)"):
        assert all(part.rstrip("0123456789") in ("char", "obj", "lm", "bg") for part in ids.split())
    page.locator(".chip").first.click()
    assert_nothing_ran(page)


def test_in_addresses(open_page: OpenPage, address: str) -> None:
    page = open_page(address)
    for text in INJECTIONS:
        page.evaluate("text => { location.hash = text; }", f"#/?q={text}&film={text}")
        page.wait_for_selector("main .view-library:not(:has([aria-busy])) .controls")
        assert_nothing_ran(page)
    page.wait_for_load_state("networkidle")
    assert_nothing_ran(page)


@pytest.mark.parametrize(
    "view", ["#/story/<img src=x onerror=alert(1)>", "#/<script>alert(1)</script>", "#/__proto__/x", "#/constructor"]
)
def test_in_the_path_of_an_address(open_page: OpenPage, address: str, view: str, watch: Watch) -> None:
    watch.expected = ("404",)
    page = open_page(address + view)
    assert_nothing_ran(page)
    assert page.locator(".error").count() == 1


def test_this_would_find_something(open_page: OpenPage, address: str, watch: Watch) -> None:
    """The watchers see a string that runs: with the policy out of the way, markup is made of one."""
    page = open_page(address)
    with pytest.raises(AssertionError):
        page.evaluate("() => { window.hit = 1; }")
        assert_nothing_ran(page)
    page.evaluate("() => { delete window.hit; const x = document.createElement('iframe'); document.body.append(x); }")
    with pytest.raises(AssertionError):
        assert_nothing_ran(page)
    page.evaluate(
        """() => {
            try { document.body.innerHTML = "<img src=x onerror=alert(1)>"; } catch (e) { console.error(e.message); }
        }"""
    )
    assert any("TrustedHTML" in told for told in watch.found())
    watch.wrong.clear()


def test_a_folder_of_that_name_is_there(address: str, tmp_path: Path) -> None:
    """The file system takes such names, so the test above tests something."""
    (tmp_path / "<img src=x onerror=alert(1)>").mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["<img src=x onerror=alert(1)>"]
