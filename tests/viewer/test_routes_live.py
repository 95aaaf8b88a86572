"""Live mode at the server: what is sent on and where to, what comes back from sound and rude endpoints, saving."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from schemas.arrow import STORYREASONING
from tests.viewer.conftest import PORT, OpenClient
from tests.viewer.datasets import many, picture, write_dataset
from tests.viewer.scripted_endpoint import (
    HOLD,
    ScriptedEndpoint,
    Step,
    chunk,
    finish,
    head,
    scripted_endpoint,
    whole,
    words,
)
from viewer import routes_live
from viewer.endpoints import Limits
from viewer.library import Library
from viewer.places import find_place
from viewer.state import Endpoint

KEY = "sk-very-secret"
ANSWER = "<think>\n## Image 1\n</think>\n<gdi image1>\n<gdo char1>Zo\u00eb</gdo> \U0001f600\n</gdi>"


def say(*steps: Step) -> Callable[[Mapping[str, Any]], list[Step]]:
    return lambda _: list(steps)


SCRIPTS = {
    "sound": lambda _: whole(ANSWER, 5),
    "bytes": lambda _: whole(ANSWER, 5, cut=1),
    "whole": say(
        head("application/json"),
        json.dumps({"choices": [{"message": {"content": "Once"}, "finish_reason": "stop"}]}).encode(),
    ),
    "html": say(head("text/html"), b"<!doctype html><h1>It works</h1>"),
    "html as stream": say(head(), b"<!doctype html>\n<h1>It works</h1>\n"),
    "not json": say(head(), words("Once"), b"data: {oops\n\n"),
    "no finish": say(head(), words("Once"), b"data: [DONE]\n\n"),
    "cut": say(head(), words("Once"), b'data: {"choices": [{"del'),
    "length": say(head(), words("Once"), finish("length")),
    "error in stream": say(head(), words("Once"), b'data: {"error": {"message": "CUDA out of memory"}}\n\n'),
    "huge line": say(head(), b"data: ", *[b"9" * 100_000] * 20),
    "never ends": say(head(), *[words("again and again ")] * 3_000, HOLD),
    "silent": say(head(), HOLD),
    "stalls": say(head(), words("Once"), HOLD),
    "no head": say(HOLD),
    "drips": say(head(), *[step for _ in range(200) for step in (words("a"), 0.05)]),
    "refuses": say(
        head("application/json", "401 Unauthorized"), f'{{"error": {{"message": "bad key {KEY}"}}}}'.encode()
    ),
    "missing": say(head("application/json", "404 Not Found"), b'{"detail": "model not found"}'),
    "too long": say(head("application/json", "400 Bad Request"), b'{"message": "maximum context length is 4096"}'),
    "busy": say(head("text/plain", "429 Too Many Requests"), b"slow down"),
    "fails": say(head("text/html", "500 Internal Server Error"), b"<html>" + b"x" * 1_000_000),
    "redirects": say(head("text/plain", "307 Temporary Redirect", "location: http://127.0.0.1:9/elsewhere")),
    "garbage": say(b"\x00\x01 this is not HTTP\r\n\r\n"),
    "gzip": say(head("text/event-stream", "200 OK", "content-encoding: gzip"), b"\x1f\x8b"),
    "thinks apart": say(head(), chunk({"reasoning_content": "## Image 1"}), words("<gdi image1>a</gdi>"), finish()),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedEndpoint]:
    with scripted_endpoint(SCRIPTS) as running:
        yield running


@pytest.fixture
def client(client_for: OpenClient, server: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    limits = Limits(connect_s=2, first_s=0.6, idle_s=0.4, total_s=2.5, line_bytes=100_000, answer_characters=20_000)
    monkeypatch.setattr(routes_live, "LIMITS", limits)
    server.asked.clear()
    server.paths.clear()
    return client_for(None, (Endpoint(server.url, "sound", KEY), Endpoint("http://127.0.0.1:9/v1", "nobody")))


def request(model: str = "sound", **changes: Any) -> dict[str, Any]:
    image = {"name": "a.jpg", "data": base64.b64encode(picture(1)).decode()}
    value = {"endpoint": 0, "model": model, "system": "Be brief.", "prompt": "Tell.", "images": [image]}
    return {**value, "temperature": 0.5, "top_p": 0.8, "max_tokens": 300, "seed": 4, **changes}


def events(client: TestClient, value: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/api/live/generate", json=value)
    assert answer.status_code == 200, answer.text
    return [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]


def text_of(told: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in told if event["type"] == "words")


@pytest.mark.parametrize("model", ["sound", "bytes"])
def test_an_answer_comes_through_whole(client: TestClient, server: ScriptedEndpoint, model: str) -> None:
    told = events(client, request(model))
    assert told[0] == {"type": "start", "model": model, "sizes": [[426, 240]]}
    assert text_of(told) == ANSWER
    assert told[-1]["type"] == "end"
    assert told[-1]["reason"] == "stop"
    assert [event["output_tokens"] for event in told if event["type"] == "usage"] == [-(-len(ANSWER) // 5)]
    assert sum(event["deltas"] for event in told if event["type"] == "words") == -(-len(ANSWER) // 5)


def test_what_is_sent_on(client: TestClient, server: ScriptedEndpoint) -> None:
    events(client, request())
    asked = server.asked[0]
    image = f"data:image/jpeg;base64,{base64.b64encode(picture(1)).decode()}"
    assert asked == {
        "model": "sound",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": "Tell."}],
            },
        ],
        "temperature": 0.5,
        "top_p": 0.8,
        "max_tokens": 300,
        "seed": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert f"authorization: bearer {KEY}" in server.headers[-1].lower()
    events(client, request(seed=None, system=""))
    assert "seed" not in server.asked[1]
    assert [message["role"] for message in server.asked[1]["messages"]] == ["user"]


def test_nothing_in_a_request_changes_where_it_goes(client: TestClient, server: ScriptedEndpoint) -> None:
    elsewhere = "http://127.0.0.1:9/v1"
    extra: dict[str, Any] = {
        "url": elsewhere,
        "base_url": elsewhere,
        "host": "127.0.0.1:9",
        "path": "/x",
        "api_key": "other",
        "stream": False,
    }
    answer = client.post(
        "/api/live/generate?endpoint=1&url=" + elsewhere,
        json=request(**extra),
        headers={"x-forwarded-host": "127.0.0.1:9"},
    )
    assert '"end"' in answer.text
    assert server.paths == ["/v1/chat/completions"]
    assert set(server.asked[0]) <= set(server.asked[0]) - {"url", "base_url", "host", "path", "api_key"}
    for endpoint in (2, -1, True, 0.0, "0", elsewhere, [0], None, {"url": elsewhere}):
        answer = client.post("/api/live/generate", json=request(endpoint=endpoint))
        assert answer.status_code == 400
        assert "choose one from the list" in answer.json()["error"]
    assert len(server.paths) == 1


def test_a_redirect_is_not_followed(client: TestClient, server: ScriptedEndpoint) -> None:
    with scripted_endpoint({"x": say(head())}) as other:
        told = events(client, request("redirects"))
        assert "not followed" in told[-1]["message"]
        assert other.paths == []
    assert len(server.paths) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_used(
    client: TestClient, server: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert text_of(events(client, request())) == ANSWER


@pytest.mark.parametrize(
    ("model", "told", "kept"),
    [
        ("html", "web page", ""),
        ("html as stream", "web page", ""),
        ("not json", "not JSON", "Once"),
        ("cut", "not JSON", "Once"),
        ("error in stream", "CUDA out of memory", "Once"),
        ("huge line", "more than 100,000 bytes", ""),
        ("never ends", "lower max tokens", None),
        ("silent", "no word for 1 s", ""),
        ("no head", "no word for 1 s", ""),
        ("stalls", "went silent", "Once"),
        ("drips", "still writing after", None),
        ("refuses", "refuses the key (401)", ""),
        ("missing", "does not know the model or the path (404)", ""),
        ("too long", "maximum context length is 4096", ""),
        ("busy", "slow down", ""),
        ("fails", "failed (500)", ""),
        ("garbage", "broke off the connection", ""),
        ("gzip", "compresses", ""),
    ],
)
def test_rude_endpoints(client: TestClient, server: ScriptedEndpoint, model: str, told: str, kept: str | None) -> None:
    found = events(client, request(model))
    assert found[-1]["type"] == "error"
    assert told in found[-1]["message"]
    assert server.url in found[-1]["message"], "it says who"
    assert "\n" not in found[-1]["message"]
    assert len(found[-1]["message"]) < 700
    assert kept is None or text_of(found) == kept


def test_nobody_there(client: TestClient) -> None:
    told = events(client, request(endpoint=1))
    assert told[-1]["message"].startswith("nothing answers at http://127.0.0.1:9/v1: start the server")


def test_the_key_is_in_no_answer(client: TestClient, server: ScriptedEndpoint) -> None:
    for model in ("refuses", "sound", "html"):
        assert KEY not in client.post("/api/live/generate", json=request(model)).text
    for path in ("/api/live/defaults", "/api/live/models", "/api/state"):
        assert KEY not in client.get(path).text


def test_no_reason_is_told_as_none(client: TestClient) -> None:
    assert events(client, request("no finish"))[-1]["reason"] == ""
    assert events(client, request("length"))[-1]["reason"] == "length"
    assert text_of(events(client, request("whole"))) == "Once"
    assert text_of(events(client, request("thinks apart"))) == "<think>\n## Image 1\n</think>\n<gdi image1>a</gdi>"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"images": []}, "no image was given"),
        ({"images": [{"name": "a", "data": base64.b64encode(b"no image").decode()}]}, "not an image"),
        ({"images": [{"data": ""}] * 200}, "200 images"),
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "x" * 30_000}, "prompt has 30,000 characters"),
        ({"prompt": 3}, "prompt must be text"),
        ({"temperature": 2.5}, "temperature is a number from 0 to 2"),
        ({"temperature": None}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"max_tokens": 0.5}, "max_tokens is a whole number"),
        ({"max_tokens": 10**9}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"model": 5}, "model must be text"),
    ],
)
def test_wrong_requests_go_nowhere(
    client: TestClient, server: ScriptedEndpoint, changes: dict[str, Any], told: str
) -> None:
    answer = client.post("/api/live/generate", json=request(**changes))
    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert server.paths == []


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"null", b"[" * 100_000])
def test_bodies_that_are_no_request(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/live/generate", content=body)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]


def test_without_an_endpoint(client_for: OpenClient) -> None:
    answer = client_for(None).post("/api/live/generate", json=request())
    assert "--endpoint" in answer.json()["error"]


def test_models_are_listed_or_it_is_said_why_not(client: TestClient, client_for: OpenClient) -> None:
    assert client.get("/api/live/models?endpoint=0").json() == {"models": list(SCRIPTS)}
    assert "nothing answers" in client.get("/api/live/models?endpoint=1").json()["problem"]
    for wrong in ("2", "x", "-1", "http://127.0.0.1:9"):
        assert client.get("/api/live/models", params={"endpoint": wrong}).status_code == 400
    for reply, told in [
        (head("text/html") + b"<html>", "a web page"),
        (head("application/json") + b'{"data": 3}', "no list of models"),
        (head("application/json", "403 Forbidden") + b"{}", "refuses the key"),
    ]:
        with scripted_endpoint({"/models": say(reply)}) as other:
            shown = client_for(None, (Endpoint(other.url),)).get("/api/live/models").json()
            assert told in shown["problem"]


def test_only_so_many_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_live, "MOST_AT_ONCE", 0)
    answer = client.post("/api/live/generate", json=request())
    assert answer.status_code == 429
    assert "wait for one" in answer.json()["error"]


def test_a_large_body_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/api/live/generate", content=b"x", headers={"content-length": str(10**9)})
    assert answer.status_code == 413


# ---------------------------------------------------------------------- saving


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder that opens as a workspace because a story was saved in it before."""
    root = tmp_path / "w"
    (root / "live").mkdir(parents=True)
    (root / "workspace.json").write_text('{"format": 1}')
    import pyarrow as pa

    row = {"story_id": "first", "images": [], "frame_count": 0, "chain_of_thought": "", "story": ""}
    pq.write_table(pa.Table.from_pylist([row], schema=STORYREASONING), root / "live" / "first.parquet")
    return root


def result(**changes: Any) -> dict[str, Any]:
    return {
        "title": "A / live ../story",
        "output": ANSWER,
        "images": request()["images"],
        "made": {"model": "m"},
        **changes,
    }


def test_a_saved_result_is_a_story_of_the_workspace(client_for: OpenClient, workspace: Path) -> None:
    answer = client_for(workspace).post("/api/live/save", json=result())
    saved = answer.json()["story_id"]
    assert saved.startswith("live-")
    assert saved.replace("-", "").isalnum()
    files = sorted(path.name for path in (workspace / "live").iterdir())
    assert files == ["first.parquet", f"{saved}.json", f"{saved}.parquet"]
    table = pq.read_table(workspace / "live" / f"{saved}.parquet")
    assert table.schema.equals(STORYREASONING)
    row = table.to_pylist()[0]
    assert row["chain_of_thought"] == "## Image 1"
    assert row["story"].startswith("<gdi image1>")
    assert row["images"][0]["bytes"] == picture(1)
    assert json.loads((workspace / "live" / f"{saved}.json").read_text())["model"] == "m"
    with Library(find_place(str(workspace))) as library:
        assert [entry.story_id for entry in library.entries] == ["first", saved]


@pytest.mark.parametrize("first", ["state", "list", "story", "frame", "search"])
def test_a_saved_result_is_in_the_library_at_once(client_for: OpenClient, workspace: Path, first: str) -> None:
    """Whatever is asked for first after saving, and without a restart."""
    write_dataset(workspace / "dataset", list(many(3)))
    client = client_for(workspace)
    assert client.get("/api/state").json()["stories"] == 4
    saved = client.post("/api/live/save", json=result()).json()["story_id"]
    asked = {
        "state": lambda: client.get("/api/state").json()["stories"] == 5,
        "list": lambda: saved in [one["key"] for one in client.get("/api/stories?split=live").json()["stories"]],
        "story": lambda: client.get(f"/api/stories/{saved}").json()["before"] == "first",
        "frame": lambda: client.get(f"/api/frames/{saved}/1").content == picture(1),
        "search": lambda: [one["key"] for one in client.get(f"/api/stories?q={saved}").json()["stories"]] == [saved],
    }
    assert asked.pop(first)()
    assert [name for name, holds in asked.items() if not holds()] == []
    assert client.get("/api/state").json()["splits"] == [
        {"name": "live", "stories": 2},
        {"name": "train", "stories": 3},
    ]
    assert client.get("/api/stories/live-of-nobody").status_code == 404


def test_what_cannot_be_saved(client_for: OpenClient, workspace: Path, dataset: Path) -> None:
    assert "no workspace is open" in client_for(dataset).post("/api/live/save", json=result()).json()["error"]
    answer = client_for(workspace).post("/api/live/save", json=result(output="  "))
    assert "nothing to save" in answer.json()["error"]
    answer = client_for(workspace).post("/api/live/save", json=result(made=[1]))
    assert answer.status_code == 400
    assert [path.name for path in (workspace / "live").iterdir()] == ["first.parquet"]


def test_nothing_half_written_when_the_disk_is_full(
    client_for: OpenClient, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        if self.name.split(".tmp")[0].endswith(".parquet"):
            self.touch()
            raise OSError(28, "No space left on device")
        return Path.open(self, "wb").write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = client_for(workspace).post("/api/live/save", json=result())
    assert answer.status_code == 400
    assert "no space left" in answer.json()["error"]
    assert [path.suffix for path in (workspace / "live").iterdir() if path.name != "first.parquet"] == [".json"]


def test_prompts_and_bounds_come_with_the_page(client: TestClient) -> None:
    told = client.get("/api/live/defaults").json()
    assert told["system"].startswith("You are an AI storyteller that can analyze sequences of images")
    assert told["endpoints"][1] == {"url": "http://127.0.0.1:9/v1", "model": "nobody"}
    assert told["sampling"] == {"temperature": 0.7, "top_p": 0.9, "max_tokens": 4096}
    assert not told["can_save"]
    assert PORT
