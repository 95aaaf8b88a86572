"""The page's stream parser against the Python readers, in Chromium: any text, cut anywhere."""

import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from tests.e2e.viewer.expected_stream import expect
from tests.perf.codec_samples import build_value
from tests.schemas.fuzzing import make_texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

ROOT = Path(__file__).parents[3]
ORIGIN = "http://viewer.test"
CUTS = (1, 7, 1_000_000)
"""Longest chunk in UTF-16 units: single ones, small ones, all at once."""


@pytest.fixture(scope="module")
def page(browser: "Browser") -> "Iterator[Page]":
    """A page that can import the viewer's modules; nothing goes over a network."""
    context = browser.new_context()
    opened = context.new_page()

    def serve(route: "Route") -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0]
        kind = "text/html" if path == "/" else "text/javascript"
        folder = ROOT / "viewer" if path.startswith("/static/") else Path(__file__).parent
        body = (
            "<!doctype html><main id=main></main>" if path == "/" else (folder / path[1:]).read_text(encoding="utf-8")
        )
        route.fulfill(body=body, content_type=f"{kind}; charset=utf-8")

    opened.route("**/*", serve)
    opened.goto(f"{ORIGIN}/")
    yield opened
    context.close()


READ = """async ([texts, cuts]) => {
  const { OutputReader } = await import("/static/stream_parser.js");
  const { Collector, cut } = await import("/stream_collector.js");
  return texts.map((text, seed) => cuts.map((longest) => {
    const sink = new Collector();
    const reader = new OutputReader(sink);
    for (const chunk of cut(text, seed, longest)) reader.feed(chunk);
    reader.end();
    return JSON.stringify(sink.value);
  }));
}"""


def assert_equal(page: "Page", texts: list[str]) -> None:
    """Every text, however it is cut, reads as Python reads it."""
    for text, read in zip(texts, page.evaluate(READ, [texts, list(CUTS)]), strict=True):
        expected = expect(text)
        for longest, value in zip(CUTS, read, strict=True):
            assert json.loads(value) == expected, f"in chunks of up to {longest}: {text!r}"


def compose(thoughts: str, story: str, source: random.Random) -> str:
    """Both parts in one of the ways in which models put them together, or one of them alone."""
    ways = (
        join_output(thoughts, story),
        f"{thoughts}{story}",
        f"<THINK >{thoughts}\n</think >{story}",
        f"```xml\n<think>{story}</think>\n{thoughts}",
        f"  {thoughts}\n</think>{story}",
        thoughts,
        story,
    )
    return source.choices(ways, weights=(8, 2, 2, 1, 1, 1, 2))[0]


@pytest.mark.parametrize("seed", [1, 5, 8])
def test_broken_texts_read_as_python_reads_them_however_they_are_cut(page: "Page", seed: int) -> None:
    source = random.Random(seed)
    texts = [compose(thoughts, story, source) for thoughts, story in make_texts(500, seed)]
    assert_equal(page, list(map(without_unknown, texts)))


def without_unknown(text: str) -> str:
    """``text`` without halves of surrogate pairs, and without what a browser of a later Unicode may call a letter."""
    return "".join("\u4e00" if unicodedata.category(mark) in ("Cn", "Cs") else mark for mark in text)


def test_sound_texts_of_all_lengths(page: "Page") -> None:
    pairs = [build_value(frames, frames) for frames in (1, 5, 22)]
    assert_equal(page, [join_output(render_chain_of_thought(tables), render_story(story)) for tables, story in pairs])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "<think>",
        "<think>\n</think>",
        "</think></think><gdi image1>a</gdi>",
        "<think><gdi image1>a</gdi></think><gdi image2>b</gdi>",
        "<gdi image1>a<gdi image2>b",
        "plain words only",
        "<thinking>\n| a | b |",
        "a </thin </think\n\n > b",
        "```\n<think>x</think>y",
        "``<think>x</think>y",
        "<gdi image1><gdo char1>A</gdi> B</gdo></gdi> C <gdi image2>D</gdo>\n<gdi image3>E",
        "<gdi image1>\n<gdo char1>\U0001f600</gdo>\n</gdi>",
        "## Image 1\n### Characters\n| char1 | a | b | c | d | e | 1,2,3,4",
        "<gdi",
        "<gdi image1>a < b <gdo char1>c</gdo",
    ],
)
def test_edges(page: "Page", text: str) -> None:
    assert_equal(page, [text])


DRAW = """async ([text, seed, longest]) => {
  const { streamInto } = await import("/static/stream_view.js");
  const { cut } = await import("/stream_collector.js");
  const tables = document.createElement("div");
  const story = document.createElement("div");
  document.getElementById("main").replaceChildren(tables, story);
  const frames = [1, 2, 3].map((number) => ({ number, src: "", width: 426, height: 240 }));
  const drawn = streamInto({ tables, story, frames });
  for (const chunk of cut(text, seed, longest)) drawn.feed(chunk);
  await drawn.end();
  return (tables.innerHTML + "\\n" + story.innerHTML).replace(/hole-[0-9]+/g, "hole");
}"""


def test_the_drawn_page_does_not_depend_on_the_cuts(page: "Page") -> None:
    source = random.Random(11)
    texts = [compose(*pair, source) for pair in make_texts(12, 11)]
    texts += [join_output(*(part for part in _rendered(3)))]
    for number, text in enumerate(texts):
        whole = page.evaluate(DRAW, [text, 0, 1 << 30])
        for longest in (1, 5, 300):
            assert page.evaluate(DRAW, [text, number, longest]) == whole, f"in chunks of up to {longest}: {text!r}"
    assert "<tr" in whole
    assert 'class="box' in whole
    assert 'data-ids="char' in whole


def _rendered(frames: int) -> tuple[str, str]:
    tables, story = build_value(frames, frames)
    return render_chain_of_thought(tables), render_story(story)


EVENTS = """async ([body, cuts]) => {
  const { EventReader } = await import("/static/events.js");
  const bytes = new TextEncoder().encode(body);
  return cuts.map((size) => {
    const told = [];
    const reader = new EventReader((event) => told.push(event));
    for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.slice(at, at + size));
    return told;
  });
}"""


def test_events_are_the_same_wherever_bytes_are_cut(page: "Page") -> None:
    values: list[dict[str, Any]] = [
        {"type": "words", "text": "Zoë \U0001f600 – «né»\n\n"},
        {"type": "end"},
        {"text": "\\"},
    ]
    body = ": hello\n\n" + "".join(f"data: {json.dumps(value, ensure_ascii=False)}\n\n" for value in values)
    assert page.evaluate(EVENTS, [body, [1, 2, 3, 5, 1000]]) == [values] * 5


TIME = """async ([texts]) => {
  const { OutputReader } = await import("/static/stream_parser.js");
  const { Collector } = await import("/stream_collector.js");
  return texts.map((text) => {
    let best = Infinity;
    for (let round = 0; round < 3; round += 1) {
      const reader = new OutputReader(new Collector());
      const start = performance.now();
      for (let at = 0; at < text.length; at += 8) reader.feed(text.slice(at, at + 8));
      reader.end();
      best = Math.min(best, performance.now() - start);
    }
    return best;
  });
}"""


@pytest.mark.parametrize(
    "unit",
    [
        "<",
        "<gdo char1>",
        "</gdo>",
        "<gdi image1>",
        "</think ",
        "| a ",
        "word ",
        "<gdo char1>a</gdo></gdi>",
        "`",
        "1,2,3,4 ",
    ],
)
@pytest.mark.parametrize("before", ["", "<think>\n", "<gdi image1>", "<think>\n### Characters\n|"])
def test_time_grows_linearly_with_hostile_text(page: "Page", unit: str, before: str) -> None:
    small, large = (before + unit * (size // len(unit)) for size in (30_000, 240_000))
    quick, slow = page.evaluate(TIME, [[small, large]])
    # Eight times the text; a quadratic reader takes 64 times as long.
    assert slow < 24 * max(quick, 3.0), f"{quick:.1f} ms, then {slow:.1f} ms"
