"""Drawing a streamed answer in Chromium, with the page's own style sheets, as live mode does it.

``python -m tests.perf.viewer_stream [--kilobytes 100]`` prints, all from this run, in processor time of the page's main thread
as the browser's trace has it (scripts, style, layout and painting):
  a chunk        the longest task and the 99th percentile while 24-character chunks come in, in ms (aim: under 16)
  growth         main-thread time of the whole over that of a quarter of it (linear: about 4)
  at once        the longest task when all of it comes as one chunk (aim: under 16)
"""

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.chain_of_thought import render_chain_of_thought
from schemas.model_output import join_output
from schemas.story import render_story
from tests.perf.codec_samples import build_value

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

STATIC = Path(__file__).parents[2] / "viewer" / "static"
ORIGIN = "http://viewer.test"
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
CHUNK, PAUSE_MS = 24, 4
DRAW = """async ([text, frames, size, pause]) => {
  const { streamInto } = await import("/static/stream_view.js");
  const tables = document.createElement("div");
  const story = document.createElement("div");
  tables.className = "live-pane live-analysis";
  story.className = "live-pane reading";
  const view = document.createElement("div");
  view.className = "live-view";
  view.dataset.phase = "thinking";
  view.append(tables, story);
  document.getElementById("main").replaceChildren(view);
  const pictures = Array.from({ length: frames }, (_, place) => (
    { number: place + 1, src: "/static/icon.svg#", width: 426, height: 240 }
  ));
  const onProgress = ({ phase }) => (view.dataset.phase = phase);
  const drawn = streamInto({ tables, story, frames: pictures, onProgress });
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 50))); // what stood before is gone
  performance.mark("begin");
  for (let at = 0; at < text.length; at += size) {
    drawn.feed(text.slice(at, at + size));
    if (pause) await new Promise((go) => setTimeout(go, pause));
  }
  await drawn.end();
  await new Promise((go) => requestAnimationFrame(() => setTimeout(go, 0)));
  return [tables.querySelectorAll("tr").length, story.querySelectorAll(".tag").length];
}"""


def answer_of(kilobytes: int) -> tuple[str, int]:
    """An answer of about so many thousand characters, and its frames."""
    frames = max(1, round(kilobytes / 4.15))
    tables, story = build_value(frames, frames)
    return join_output(render_chain_of_thought(tables), render_story(story)), frames


@contextmanager
def opened_page() -> "Iterator[Page]":
    """The viewer's page without a server: its files are given to the browser as it asks for them."""
    from playwright.sync_api import sync_playwright

    from tests.e2e.viewer.conftest import CHROMIUM, FLAGS

    def serve(route: "Route") -> None:
        path = route.request.url.removeprefix(ORIGIN).split("?")[0].split("#")[0]
        file = STATIC / (path.removeprefix("/static/") if path != "/" else "index.html")
        if not file.is_file():
            route.fulfill(status=404, body="{}", content_type="application/json")
        else:
            route.fulfill(body=file.read_bytes(), content_type=KINDS[file.suffix])

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.route("**/*", serve)
        page.goto(f"{ORIGIN}/")
        yield page
        browser.close()


def trace_tasks(page: "Page", act: Callable[[], object]) -> list[float]:
    """Processor milliseconds of every task of the page's main thread while ``act`` runs."""
    client = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    client.on("Tracing.dataCollected", lambda told: events.extend(told["value"]))
    done: list[bool] = []
    client.on("Tracing.tracingComplete", lambda _: done.append(True))
    categories = "devtools.timeline,disabled-by-default-devtools.timeline,toplevel,blink.user_timing"
    client.send("Tracing.start", {"categories": categories, "transferMode": "ReportEvents"})
    act()
    client.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    client.detach()
    begun = next(event for event in events if event["name"] == "begin")
    tasks = [
        event
        for event in events
        if event["name"] == "RunTask"
        and "dur" in event
        and (event["pid"], event["tid"]) == (begun["pid"], begun["tid"])
        and event["ts"] >= begun["ts"]
    ]
    return [event.get("tdur", event["dur"]) / 1000 for event in tasks]


def measure(page: "Page", kilobytes: int, size: int, pause: int) -> dict[str, float]:
    """Tasks while one answer is drawn."""
    text, frames = answer_of(kilobytes)
    drawn: list[int] = []
    tasks = trace_tasks(page, lambda: drawn.extend(page.evaluate(DRAW, [text, frames, size, pause])))
    if drawn[0] < 10 * frames or not drawn[1]:
        raise AssertionError(f"little was drawn: {drawn}")
    ordered = sorted(tasks)
    return {
        "characters": len(text),
        "total_ms": round(sum(tasks), 1),
        "longest_ms": round(ordered[-1], 2),
        "p99_ms": round(ordered[int(0.99 * (len(ordered) - 1))], 2),
        "over_16_ms": sum(task > 16 for task in tasks),
        "tasks": len(tasks),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kilobytes", type=int, default=100)
    kilobytes = parser.parse_args().kilobytes
    with opened_page() as page:
        page.evaluate(DRAW, [*answer_of(5), CHUNK, 0])  # modules are loaded and compiled
        quarter = measure(page, kilobytes // 4, CHUNK, PAUSE_MS)
        whole = measure(page, kilobytes, CHUNK, PAUSE_MS)
        at_once = measure(page, kilobytes, 1 << 30, 0)
    print(json.dumps({"quarter": quarter, "whole": whole, "at_once": at_once}))
    growth = whole["total_ms"] / quarter["total_ms"]
    size = whole["characters"] / quarter["characters"]
    print(f"a chunk        longest {whole['longest_ms']} ms, 99 % within {whole['p99_ms']} ms (aim: under 16 ms)")
    print(f"growth         {growth:.2f} times the time for {size:.2f} times the text")
    print(f"at once        longest task {at_once['longest_ms']} ms (aim: under 16 ms)")


if __name__ == "__main__":
    main()
