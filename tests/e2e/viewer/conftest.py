"""The viewer as a user has it: the command in a process of its own, and Chromium looking at it."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.viewer.datasets import Sample, many, write_dataset

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[3]
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium; no longer than it is needed, as Playwright keeps an event loop running in the thread of the tests."""
    chromium = shutil.which("chromium") or CHROMIUM
    if not Path(chromium).is_file():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()


@dataclass
class Watch:
    """What a page did that it should not: dialogs, errors, and requests to anywhere but its server."""

    wrong: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def attach(self, page: "Page", origin: str) -> None:
        """Watch a page."""

        def dialog(box: object) -> None:
            self.wrong.append(f"dialog {box}")
            box.dismiss()  # type: ignore[attr-defined]

        page.on("dialog", dialog)
        page.on("pageerror", lambda error: self.wrong.append(f"exception {error}"))
        page.on("console", lambda told: self.wrong.append(f"{told.type} {told.text}") if told.type != "debug" else None)
        page.on("request", lambda asked: self._check(asked.url, origin))
        page.on("popup", lambda opened: self.wrong.append(f"window {opened.url}"))

    def _check(self, url: str, origin: str) -> None:
        if not url.startswith((origin, "data:", "blob:")):
            self.wrong.append(f"request {url}")

    def found(self) -> list[str]:
        """What was wrong, less what the test said it expects."""
        return [told for told in self.wrong if not any(part in told for part in self.expected)]


@dataclass
class Server:
    """A running viewer."""

    url: str
    process: subprocess.Popen[str]


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Starts ``storyreasoning view`` with arguments; all are ended as by Ctrl-C."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, env: dict[str, str] | None = None) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "view", *map(str, arguments), "--port", "0", "--no-browser"],
            cwd=tmp_path_factory.mktemp("empty"),
            env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        if found is None:
            process.kill()
            pytest.fail(f"the viewer did not start: {line}{process.communicate()[1]}")
        return Server(found[0], process)

    yield start
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Watches pages; the test fails when one did what it should not."""
    watching = Watch()
    yield watching
    assert watching.found() == []


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(browser: "Browser", watch: Watch) -> Iterator[OpenPage]:
    """Opens an address in a window of a size."""
    contexts = []

    def go(
        url: str, width: int = 1280, height: int = 900, theme: str = "light", touch: bool = False, settle: bool = True
    ) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            has_touch=touch,
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page, url.split("#")[0])
        page.goto(url)
        if settle:
            page.wait_for_load_state("networkidle")
        else:
            page.wait_for_selector("main .view:not(:has([aria-busy])) > *")
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 stories over five films, and three that want something."""
    folder = tmp_path_factory.mktemp("shelf") / "set"
    tests = [
        Sample("mute", film="odd", story=""),
        Sample("blind", film="odd", images=()),
        Sample(
            "stranger", film="odd", story="<gdi image1>\n<gdo char1>Ines</gdo> met <gdo char7>Nobody</gdo>.\n</gdi>"
        ),
    ]
    return write_dataset(folder, list(many(60)), tests)


@pytest.fixture(scope="session")
def server(start_server: StartServer, shelf: Path) -> Server:
    """A viewer of the shelf."""
    return start_server(shelf)
