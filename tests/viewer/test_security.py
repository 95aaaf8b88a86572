import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.viewer.conftest import PORT
from viewer.security import CONTENT_SECURITY_POLICY, DEFAULT_BODY_BYTES, BodyLimit, allowed_hosts

HERE = f"http://127.0.0.1:{PORT}"
PATHS = ("/", "/api/state", "/api/stories", "/static/app.js", "/nowhere", "/api/stories/nowhere")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.nip.io:{PORT}",
        f"localhost.:{PORT}",
        "",
    ],
)
def test_another_host_is_refused(client: TestClient, path: str, host: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert answer.status_code == 403
    assert "127.0.0.1 and localhost only" in answer.json()["error"]
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("host", sorted(allowed_hosts(PORT)))
def test_loopback_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/state", headers={"host": host}).status_code == 200


def test_two_hosts_are_refused(client: TestClient) -> None:
    answer = client.get("/api/state", headers=[("host", f"127.0.0.1:{PORT}"), ("host", "evil.example")])
    assert answer.status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:1", HERE + ".evil"]
)
def test_another_origin_is_refused(client: TestClient, method: str, origin: str) -> None:
    assert client.request(method, "/api/state", headers={"origin": origin}).status_code == 403


def test_the_own_origin_is_answered(client: TestClient) -> None:
    assert client.get("/api/state", headers={"origin": HERE, "sec-fetch-site": "same-origin"}).status_code == 200
    assert client.get("/", headers={"sec-fetch-site": "none"}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_may_link_here_but_not_embed_or_call(client: TestClient, site: str) -> None:
    for mode, target in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("no-cors", "script")):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": target}
        assert client.get("/api/stories", headers=headers).status_code == 403, (mode, target)
    link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.post("/", headers=link).status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_headers_stand_on_every_answer(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: data:"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] in ("no-store", "no-cache") or path.startswith("/static")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/%2fetc/passwd",
        "/static//etc/passwd",
        "/static/..\\server.py",
        "/static/\x00",
        "/static/app.js%00.css",
        "/api/stories/..%2f..%2fetc%2fpasswd",
        "/api/frames/..%2f..%2fetc/1",
        "/api/frames/1/-1",
        "/api/frames/1/1e9",
        "/api/frames/1/99999999999999999999",
    ],
)
def test_traversal_is_refused(client: TestClient, path: str) -> None:
    answer = send_raw(client, path)
    assert answer.status_code == 404, answer.text
    assert "root:" not in answer.text and "import" not in answer.text


def send_raw(client: TestClient, path: str) -> Any:
    """A request whose path the client leaves as it is."""
    from urllib.parse import unquote

    found: dict[str, Any] = {}
    body: list[bytes] = []

    async def call() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(event: Any) -> None:
            if event["type"] == "http.response.start":
                found["status"] = event["status"]
            else:
                body.append(event.get("body", b""))

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", f"127.0.0.1:{PORT}".encode())],
            "client": ("127.0.0.1", 5),
            "server": ("127.0.0.1", PORT),
        }
        await client.app(scope, receive, send)

    asyncio.run(call())

    class Answer:
        status_code = found["status"]
        text = b"".join(body).decode(errors="replace")

    return Answer


def test_no_file_outside_of_the_static_folder_is_served(client: TestClient) -> None:
    for name in ("server.py", "security.py", "__init__.py", ""):
        assert client.get(f"/static/{name}").status_code == 404


def test_a_long_address_is_refused(client: TestClient) -> None:
    assert client.get("/api/stories", params={"q": "x" * 5000}).status_code == 414
    assert client.get("/" + "x" * 5000).status_code == 414


async def _swallow(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def _tell(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def limited(limits: dict[str, int]) -> TestClient:
    routes = [Route(path, _swallow, methods=["POST"]) for path in ("/a", "/big/b")]
    handlers = {HTTPException: _tell}
    return TestClient(BodyLimit(Starlette(routes=routes, exception_handlers=handlers), limits))


def test_bodies_are_bounded_whether_announced_or_not() -> None:
    client = limited({"/big": 3_000_000})
    assert client.post("/a", content=b"x" * DEFAULT_BODY_BYTES).text == str(DEFAULT_BODY_BYTES)
    assert client.post("/a", content=b"x" * (DEFAULT_BODY_BYTES + 1)).status_code == 413
    chunks = (b"x" * 100_000 for _ in range(20))
    refused = client.post("/a", content=chunks)
    assert refused.status_code == 413
    assert "1,048,576" in refused.json()["error"]
    assert client.post("/big/b", content=b"x" * 3_000_000).text == "3000000"
    assert client.post("/big/b", content=b"x" * 3_000_001).status_code == 413
    assert client.post("/a", content=b"", headers={"content-length": "-1"}).status_code == 413


@given(st.lists(st.integers(0, 40), max_size=12))
def test_whatever_the_chunks_no_more_than_the_limit_is_taken(sizes: list[int]) -> None:
    client = limited({"/a": 100})
    answer = client.post("/a", content=(b"x" * size for size in sizes))
    assert answer.status_code == (200 if sum(sizes) <= 100 else 413)


def test_nothing_secret_is_told(client: TestClient) -> None:
    from viewer.state import Endpoint

    assert "sk-secret" not in repr(Endpoint("http://127.0.0.1:1/v1", "m", "sk-secret"))
    assert "server" not in client.get("/").headers
