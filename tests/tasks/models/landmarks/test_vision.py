"""Google Cloud Vision against a stand-in on loopback."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from schemas.config import make_config
from schemas.errors import ConfigError, ShardError
from schemas.geometry import Box
from schemas.landmarks_config import LandmarksConfig
from tasks.models.landmarks.landmark import RawLandmark
from tasks.models.landmarks.vision import VisionLandmarks

IMAGE = np.full((90, 160, 3), 127, np.uint8)
KEY = "a-key-of-a-test"


@dataclass
class Service:
    """What the stand-in answers, one after the other, and what it was asked."""

    answers: list[tuple[int, Any, dict[str, str]]]
    asked: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    url: str = ""


def annotation(name: str, score: float, *corners: dict[str, int]) -> dict[str, Any]:
    return {"mid": "/m/1", "description": name, "score": score, "boundingPoly": {"vertices": list(corners)}}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    state = Service([])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append((body, self.headers.get("X-Goog-Api-Key", "")))
            status, value, headers = state.answers.pop(0)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/v1/images:annotate"
    monkeypatch.setenv("GOOGLE_VISION_API_KEY", KEY)
    monkeypatch.setattr("tasks.models.landmarks.vision.LONGEST_WAIT_S", 0.01)
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)


def model(service: Service, **changes: Any) -> VisionLandmarks:
    return VisionLandmarks(LandmarksConfig(model="google-vision", endpoint=service.url, **changes))


def test_what_it_finds_comes_back_with_boxes_inside_the_image(service: Service) -> None:
    tower = annotation("Eiffel Tower", 0.9, {"x": 10}, {"x": 50}, {"x": 50, "y": 80}, {"x": 10, "y": 80})
    park = annotation("Champ de Mars", 0.95, {"y": 60}, {"x": 400, "y": 60}, {"x": 400, "y": 200}, {"y": 200})
    nowhere = annotation("Nowhere", 0.99, {"x": 5, "y": 5}, {"x": 5, "y": 5})
    service.answers = [(200, {"responses": [{"landmarkAnnotations": [tower, park, nowhere]}, {}]}, {})]
    found = model(service).recognise([IMAGE, IMAGE])
    assert found == [
        [RawLandmark("Champ de Mars", 0.95, Box(0, 60, 160, 90)), RawLandmark("Eiffel Tower", 0.9, Box(10, 0, 50, 80))],
        [],
    ]
    ((body, key),) = service.asked
    assert key == KEY
    assert [one["features"] for one in body["requests"]] == [[{"type": "LANDMARK_DETECTION", "maxResults": 3}]] * 2
    with Pictures.open(io.BytesIO(base64.b64decode(body["requests"][0]["image"]["content"]))) as sent:
        assert (sent.format, sent.size) == ("JPEG", (160, 90))


def test_an_image_that_it_cannot_take_has_no_landmarks(service: Service) -> None:
    service.answers = [(200, {"responses": [{"error": {"code": 3, "message": "Bad image data."}}]}, {})]
    assert model(service).recognise([IMAGE]) == [[]]


def test_a_busy_service_is_asked_again(service: Service) -> None:
    good = (200, {"responses": [{}]}, {})
    service.answers = [(429, {}, {"Retry-After": "0"}), (503, b"no", {}), (200, b"{", {}), good]
    assert model(service).recognise([IMAGE]) == [[]]
    assert len(service.asked) == 4


def test_a_service_that_stays_away_fails_the_shard(service: Service) -> None:
    service.answers = [(500, {}, {})] * 6
    with pytest.raises(ShardError, match=r"does not answer \(HTTP 500, 6 attempts\)"):
        model(service).recognise([IMAGE])


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_variable_only(service: Service, status: int) -> None:
    service.answers = [(status, {"error": KEY}, {})]
    with pytest.raises(ConfigError, match="refuses the key in GOOGLE_VISION_API_KEY") as caught:
        model(service).recognise([IMAGE])
    assert KEY not in str(caught.value)


def test_without_a_key_nothing_is_sent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_VISION_API_KEY")
    with pytest.raises(ConfigError, match="set the environment variable GOOGLE_VISION_API_KEY"):
        model(service).recognise([IMAGE])
    assert service.asked == []


@pytest.mark.parametrize(
    "answer", [{"responses": []}, {}, [], {"responses": [{"landmarkAnnotations": [{"score": 1}]}]}]
)
def test_an_answer_in_another_format_fails_the_shard(service: Service, answer: Any) -> None:
    service.answers = [(200, answer, {})]
    with pytest.raises(ShardError, match="answered in another format"):
        model(service).recognise([IMAGE])


def test_no_images_are_no_request(service: Service) -> None:
    assert model(service).recognise([]) == []
    assert service.asked == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"endpoint": "http://user:secret@127.0.0.1/"}, "without credentials"),
        ({"endpoint": "ftp://127.0.0.1/"}, "http"),
        ({"api_key_env": "AIzaSyD-key"}, "name of an environment variable"),
        ({"model": "classifier"}, "needs weights"),
    ],
)
def test_a_wrong_setting_is_refused(values: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        make_config({"landmarks": values}, "my.toml")
