"""The page for people's ratings in a real browser."""

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from tasks.evaluation.judged import read_ratings
from tests.viewer.rating.test_server import make_state
from viewer.rating.server import make_app

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_a_person_rates_stories_in_a_browser(browser: "Browser", tmp_path: Path) -> None:
    from playwright.sync_api import expect

    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(make_app(make_state(tmp_path, port)), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        with browser.new_context() as context:
            page = context.new_page()
            said: list[str] = []
            page.on("console", lambda message: said.append(message.text))
            page.goto(f"http://127.0.0.1:{port}/")
            expect(page.locator("#progress")).to_have_text("Story 1 of 3; 0 rated")
            assert page.locator("article img").count() == 5
            page.click("#next")
            expect(page.locator("#error")).to_contain_text("description accuracy: give a whole number")
            for _ in range(3):
                place = page.locator("#progress").inner_text()
                page.fill("#hallucinations", "2")
                page.locator("#description_accuracy label").nth(3).click()
                page.locator("#creativity label").nth(1).click()
                page.click("#next")
                expect(page.locator("#progress")).not_to_have_text(place)
            expect(page.locator("#progress")).to_contain_text("3 rated: all done")
            page.reload()
            expect(page.locator("#hallucinations")).to_have_value("2")
            assert [line for line in said if "400" not in line] == []
    finally:
        server.should_exit = True
        thread.join(10)
    assert {one.values["description_accuracy"] for one in read_ratings(tmp_path / "ratings.parquet")} == {4}
