from pathlib import Path

import pytest
from starlette.testclient import TestClient

from schemas.errors import ConfigError
from tests.viewer.conftest import PORT, OpenClient
from viewer import routes_library, server
from viewer.server import STATIC, make_app, route_modules
from viewer.state import Endpoint, ViewerState


def test_the_page_and_all_it_asks_for(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in sorted(path.name for path in STATIC.iterdir()):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200, name
        kind = {"js": "text/javascript", "css": "text/css", "html": "text/html", "svg": "image/svg+xml"}[
            name.rsplit(".")[-1]
        ]
        assert answer.headers["content-type"].startswith(kind), name


def test_the_page_asks_for_nothing_elsewhere_and_holds_nothing_inline() -> None:
    import re

    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)|<style|\sstyle=|\son\w+=", page)
    for path in STATIC.iterdir():
        text = path.read_text()
        text = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text), path.name
        assert not re.search(
            r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function)", text
        ), path.name


def test_every_file_that_a_module_imports_is_there() -> None:
    import re

    for path in STATIC.glob("*.js"):
        for name in re.findall(r"(?:from|import\() ?\"\./([\w.]+)\"", path.read_text()):
            assert (STATIC / name).is_file(), f"{path.name} imports {name}"


def test_routes_are_found_by_the_names_of_their_modules() -> None:
    assert routes_library in list(route_modules())


def app_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> TestClient:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(server, "_index", fail)
    return TestClient(
        make_app(ViewerState(None, PORT)), base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False
    )


def test_an_error_for_people_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = app_with(monkeypatch, ConfigError("do this")).get("/")
    assert (answer.status_code, answer.json()) == (400, {"error": "do this"})


def test_any_other_error_is_told_without_its_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = app_with(monkeypatch, RuntimeError("secret path")).get("/")
    assert answer.status_code == 500
    assert "secret path" not in answer.text and "RuntimeError" in answer.json()["error"]
    assert "content-security-policy" in answer.headers and answer.headers["x-content-type-options"] == "nosniff"


def test_state_of_a_server_without_stories(client_for: OpenClient) -> None:
    client = client_for(None, (Endpoint("http://127.0.0.1:9/v1", "m", "sk-secret"),))
    answer = client.get("/api/state")
    assert answer.json() == {
        "place": "",
        "stories": 0,
        "opened": False,
        "films": [],
        "splits": [],
        "workspace": False,
        "endpoints": [{"url": "http://127.0.0.1:9/v1", "model": "m"}],
    }
    assert "sk-secret" not in answer.text
    missing = client.get("/api/stories")
    assert missing.status_code == 404 and "storyreasoning view WORKSPACE" in missing.json()["error"]


def test_everything_ships_with_the_package() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert "viewer*" in project["packages"]["find"]["include"]
    assert project["package-data"]["*"] == ["**/*"]


def test_wrong_methods_are_told(client: TestClient) -> None:
    answer = client.post("/api/stories")
    assert answer.status_code == 405 and "error" in answer.json()
