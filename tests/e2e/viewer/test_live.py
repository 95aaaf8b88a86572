"""Live mode as a user has it: pictures in, tables that fill, a story that grows, and every way in which it can go wrong."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from tests.e2e.viewer.conftest import OpenPage, StartServer, Watch
from tests.e2e.viewer.injections import INJECTIONS
from tests.perf.codec_samples import build_value
from tests.viewer.datasets import HEIGHT, WIDTH, analysis, box, picture, telling
from tests.viewer.scripted_endpoint import HOLD, ScriptedEndpoint, Step, finish, head, scripted_endpoint, whole, words

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

NAMES = ("In\u00e9s \U0001f600", "Marko")
ANSWER = join_output(render_chain_of_thought(analysis(3, NAMES)), render_story(telling(3, NAMES, "on the quay")))
LONG = join_output(render_chain_of_thought(build_value(3, 3)[0]), render_story(build_value(3, 3)[1]))
TRICKS = [text.replace("|", "/").replace("\n", " ") for text in INJECTIONS]
HOSTILE = (
    "<think>\n## Image 1\n### Characters\n"
    "| Character ID | Name | Description | Emotions | Actions | Narrative Function | Bounding Box |\n"
    + "|---|---|---|---|---|---|---|\n"
    + "".join(f"| char{n} | {t} | {t} | {t} | {t} | {t} | 1,2,30,40 |\n" for n, t in enumerate(TRICKS, 1))
    + "### "
    + TRICKS[0]
    + "\n</think>\n<gdi image1>\n"
    + " ".join(f"<gdo char{n}>{t}</gdo> {t} <gda {t}>{t}</gda>" for n, t in enumerate(TRICKS, 1))
    + "\n</gdi>\n"
    + TRICKS[1]
)


def say(*steps: Step) -> Callable[[Mapping[str, Any]], list[Step]]:
    return lambda _: list(steps)


SCRIPTS = {
    "bytes": lambda _: whole(ANSWER, 7, cut=3),
    "slow": lambda _: whole(LONG, 80, pause=0.02),
    "hostile": lambda _: whole(HOSTILE, 50),
    "stalls": say(head(), words("<think>\n## Image 1\n### Setting\n"), HOLD),
    "web page": say(head("text/html"), b"<!doctype html><p>hello"),
    "cut": say(head(), words(ANSWER[:900]), b"data: [DONE]\n\n"),
    "length": say(head(), words(ANSWER[:900]), finish("length")),
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(SCRIPTS) as running:
        yield running


@pytest.fixture(scope="module")
def address(start_server: StartServer, endpoint: ScriptedEndpoint) -> str:
    return start_server("--endpoint", endpoint.url, "--model", "bytes", env={"OPENAI_API_KEY": "sk-e2e"}).url


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(1, 4):
        (folder / f"{number}.jpg").write_bytes(picture(number))
    return [str(path) for path in sorted(folder.iterdir())]


def choose(page: "Page", pictures: list[str], model: str = "bytes") -> None:
    page.set_input_files(".picker input[type=file]", pictures)
    page.wait_for_function("n => document.querySelectorAll('.picked li').length === n", arg=len(pictures))
    page.fill("#live-model", model)


def tell(page: "Page") -> None:
    page.click("text=Tell the story")
    page.wait_for_selector(".live-bar.over", timeout=30_000)


def test_a_story_streams_in_from_bytes_cut_anywhere(address: str, open_page: OpenPage, pictures: list[str]) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures)
    tell(page)
    page.wait_for_selector(".live-result .block")
    assert page.inner_text(".live-said strong") == "Done"
    assert re.search(r"\d+ tokens", page.inner_text(".live-said .figures"))
    told = page.locator(".live-result .block")
    assert [block.get_attribute("data-frame") for block in told.all()] == ["1", "2", "3"]
    first = page.locator(".live-result .block").first.locator('[data-ids="char1"]').first
    assert first.inner_text() == NAMES[0]
    # The box of char1 in image 1, where the data says.
    place = page.locator('figure[data-frame="1"] .box[data-ids="char1"]').first.bounding_box()
    frame = page.locator('figure[data-frame="1"] .stage').first.bounding_box()
    assert place
    assert frame
    x1, y1, x2, y2 = box("char1", 1)
    assert (place["x"] - frame["x"]) / frame["width"] == pytest.approx(x1 / WIDTH, abs=0.01)
    assert (place["y"] - frame["y"]) / frame["height"] == pytest.approx(y1 / HEIGHT, abs=0.01)
    assert place["width"] / frame["width"] == pytest.approx((x2 - x1) / WIDTH, abs=0.01)
    assert place["height"] / frame["height"] == pytest.approx((y2 - y1) / HEIGHT, abs=0.01)


def test_tables_fill_while_the_model_thinks_and_nothing_shifts(
    address: str, open_page: OpenPage, pictures: list[str]
) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures, "slow")
    page.evaluate("""() => {
      window.shifts = [];
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
      }).observe({ type: "layout-shift", buffered: true });
    }""")
    page.click("text=Tell the story")
    page.wait_for_selector(".live-view")
    page.evaluate("window.shifts.length = 0")
    page.wait_for_selector('.live-image[data-frame="1"] tbody tr')
    rows = page.locator(".live-analysis tbody tr").count()
    page.wait_for_function("n => document.querySelectorAll('.live-analysis tbody tr').length > n + 3", arg=rows)
    assert page.locator(".live-view").get_attribute("data-phase") == "thinking"
    assert page.inner_text(".live-said strong").startswith("Looking at image")
    assert page.locator('.live-analysis figure[data-frame="1"] .box').count() > 3
    page.wait_for_selector('.live-image[data-frame="2"] tbody tr')
    # The image that is looked at is in sight, whichever it is by now.
    place = page.evaluate("""() => {
      const pane = document.querySelector(".live-analysis").getBoundingClientRect();
      const last = [...document.querySelectorAll(".live-image")].at(-1).getBoundingClientRect();
      return (last.top - pane.top) / pane.height;
    }""")
    assert -0.01 < place < 0.5
    page.wait_for_selector('.live-view[data-phase="story"] .block', timeout=20_000)
    assert page.evaluate("window.shifts.reduce((sum, one) => sum + one, 0)") < 0.01
    page.wait_for_selector(".live-bar.over", timeout=30_000)


def test_cancel_closes_the_connection_upstream(
    address: str, open_page: OpenPage, pictures: list[str], endpoint: ScriptedEndpoint
) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures, "stalls")
    endpoint.gone.clear()
    page.click("text=Tell the story")
    page.wait_for_selector(".live-image")
    assert not endpoint.gone.is_set()
    page.click("text=Cancel")
    page.wait_for_selector("text=Cancelled. What came is kept.")
    assert endpoint.gone.wait(5), "the model goes on writing for nobody"
    page.fill("#live-model", "bytes")
    page.click("text=Try again")
    page.wait_for_selector(".live-result .block")


@pytest.mark.parametrize(
    ("model", "said", "told"),
    [
        ("web page", "Stopped", "web page"),
        ("cut", "Broken off", "without saying that the answer is whole"),
        ("length", "Cut off", "Max tokens"),
        ("no such model at all", "Stopped", "broke off"),
    ],
)
def test_what_went_wrong_is_on_the_page(
    address: str, open_page: OpenPage, pictures: list[str], model: str, said: str, told: str
) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures, model)
    tell(page)
    assert page.inner_text(".live-said strong") == said
    assert told in page.inner_text(".live-bar .error")
    page.wait_for_selector("text=Try again")


def test_an_endpoint_that_is_down(start_server: StartServer, open_page: OpenPage, pictures: list[str]) -> None:
    page = open_page(f"{start_server('--endpoint', 'http://127.0.0.1:9/v1', '--model', 'm').url}#/live")
    page.wait_for_selector("text=nothing answers at")
    choose(page, pictures, "m")
    tell(page)
    assert "start the server there" in page.inner_text(".live-bar .error")


def test_without_an_endpoint_the_page_says_how_to_get_one(start_server: StartServer, open_page: OpenPage) -> None:
    page = open_page(f"{start_server().url}#/live")
    page.wait_for_selector("text=storyreasoning view --endpoint")


def test_what_is_no_image_and_200_images(
    address: str, open_page: OpenPage, pictures: list[str], tmp_path: Path
) -> None:
    page = open_page(f"{address}#/live")
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "fake.jpg").write_bytes(b"GIF89a but not really")
    page.set_input_files(
        ".picker input[type=file]", [pictures[0], str(tmp_path / "notes.txt"), str(tmp_path / "fake.jpg")]
    )
    page.wait_for_selector(".picked li")
    assert page.locator(".picked li").count() == 1
    told = page.inner_text(".picker .error")
    assert "notes.txt: not an image" in told
    assert "fake.jpg: cannot be read as an image" in told
    many = []
    for number in range(200):
        many.append(str(tmp_path / f"{number:03}.png"))
        Image.new("RGB", (16, 12), (number, 0, 0)).save(many[-1])
    page.set_input_files(".picker input[type=file]", many)
    page.wait_for_function("() => document.querySelectorAll('.picked li').length === 32")
    assert "169 images were left out" in page.inner_text(".picker .error")


def test_pictures_are_ordered_by_dragging_and_by_keyboard(
    address: str, open_page: OpenPage, pictures: list[str], endpoint: ScriptedEndpoint
) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures)

    def order() -> list[str]:
        labels = [str(item.get_attribute("aria-label")) for item in page.locator(".picked-item").all()]
        return [label.split(", ")[1].split(".")[0] for label in labels]

    page.locator(".picked li").nth(0).drag_to(page.locator(".picked li").nth(2))
    assert order() == ["2", "3", "1"]
    page.locator(".picked-item").nth(2).focus()
    page.keyboard.press("ArrowLeft")
    assert order() == ["2", "1", "3"]
    page.keyboard.press("Home")
    assert order() == ["1", "2", "3"]
    page.keyboard.press("End")
    assert order() == ["2", "3", "1"]
    page.keyboard.press("Delete")
    assert order() == ["2", "3"]
    endpoint.asked.clear()
    tell(page)
    import base64

    sent = [part["image_url"]["url"] for part in endpoint.asked[0]["messages"][1]["content"][:-1]]
    files = [base64.b64encode(Path(pictures[number]).read_bytes()).decode() for number in (1, 2)]
    assert [url.partition(",")[2] for url in sent] == files


def test_settings_are_sent(address: str, open_page: OpenPage, pictures: list[str], endpoint: ScriptedEndpoint) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures)
    page.fill("#live-prompt", "Tell it as a comedy.")
    page.click("summary:has-text('System prompt')")
    page.fill("#live-system", "You are funny.")
    for name, value in {"temperature": "0.3", "top_p": "0.5", "max_tokens": "700", "seed": "12"}.items():
        page.fill(f"#live-{name}", value)
    endpoint.asked.clear()
    tell(page)
    asked = endpoint.asked[0]
    assert asked["messages"][0]["content"] == "You are funny."
    assert asked["messages"][1]["content"][-1]["text"] == "Tell it as a comedy."
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"], asked["seed"]) == (0.3, 0.5, 700, 12)
    assert page.evaluate("performance.getEntriesByType('resource').every(({name}) => !name.includes('sk-e2e'))")
    assert "sk-e2e" not in page.content()


def test_streamed_text_never_becomes_markup(
    address: str, open_page: OpenPage, pictures: list[str], watch: Watch
) -> None:
    page = open_page(f"{address}#/live")
    choose(page, pictures, "hostile")
    tell(page)
    page.wait_for_selector(".live-result .block")
    for tab in ("tables", "cast", "faults", "raw", "read"):
        page.click(f'.live-result [data-tab="{tab}"]')
        assert (
            page.locator(
                ".live script, .live iframe, .live object, .live form[action], .live a[href^=javascript]"
            ).count()
            == 0
        )
        assert page.locator(".live-result img:not([src^='blob:'])").count() == 0
    assert page.evaluate("typeof window.injected") == "undefined"
    assert "alert(" in page.inner_text(".live-result"), "the strings are shown as text"
    assert watch.found() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone(address: str, open_page: OpenPage, pictures: list[str], theme: str) -> None:
    page = open_page(f"{address}#/live", width=375, height=740, theme=theme, touch=True)
    choose(page, pictures)
    tell(page)
    page.wait_for_selector(".live-result .block")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    stage = page.locator(".live-stage").bounding_box()
    assert stage
    assert stage["y"] < 740, "what comes is in sight"


def test_save_and_export(
    start_server: StartServer,
    endpoint: ScriptedEndpoint,
    open_page: OpenPage,
    pictures: list[str],
    tmp_path: Path,
    browser: Any,
) -> None:
    workspace = tmp_path / "w"
    (workspace / "live").mkdir(parents=True)
    (workspace / "workspace.json").write_text('{"format": 1}')
    import pyarrow as pa

    from schemas.arrow import STORYREASONING

    row = {"story_id": "first", "images": [], "frame_count": 0, "chain_of_thought": "", "story": "none"}
    pq.write_table(pa.Table.from_pylist([row], schema=STORYREASONING), workspace / "live" / "first.parquet")
    page = open_page(f"{start_server(workspace, '--endpoint', endpoint.url, '--model', 'bytes').url}#/live")
    choose(page, pictures)
    tell(page)
    page.wait_for_selector(".live-result .block")
    page.click("text=Save >> nth=0")
    page.wait_for_selector("text=Saved in the workspace as live-")
    (saved,) = (workspace / "live").glob("live-*.parquet")
    assert pq.read_table(saved, columns=["frame_count"]).to_pylist() == [{"frame_count": 3}]
    files = {}
    for title in ("Web page", "Markdown", "JSON"):
        with page.expect_download() as download:
            page.click(f".export >> text={title}")
        files[title] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[title])
    assert [path.suffix for path in files.values()] == [".html", ".md", ".json"]
    assert json.loads(files["JSON"].read_text())["frames"][2]["width"] == WIDTH
    shown = browser.new_page()
    try:
        shown.goto(files["Web page"].as_uri())
        shown.hover(".tag.char1 >> nth=0")
        lit = shown.locator(".row").first.locator(".box.char1")
        assert lit.evaluate("element => getComputedStyle(element).opacity") == "1"
        assert shown.locator("img").evaluate_all("all => all.every((one) => one.naturalWidth === 426)")
    finally:
        shown.close()
