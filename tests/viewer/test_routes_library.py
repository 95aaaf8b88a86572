import io
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.viewer.conftest import OpenClient
from tests.viewer.datasets import HEIGHT, WIDTH, Sample, box, picture, write_dataset


def test_a_page_of_stories(client: TestClient) -> None:
    page = client.get("/api/stories", params={"size": 2, "page": 2}).json()
    assert (page["total"], page["page"], page["size"], page["all"]) == (33, 2, 2, 33)
    assert [story["story_id"] for story in page["stories"]] == ["3", "4"]
    assert page["stories"][0] | {"opening": ""} == {
        "key": "3",
        "story_id": "3",
        "split": "train",
        "film": "film 3",
        "frames": 5,
        "people": 2,
        "things": 2,
        "words": page["stories"][0]["words"],
        "faults": 0,
        "breaking": 0,
        "names": ["Ansel", "Rhea"],
        "opening": "",
    }


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("q=number+9&sort=order-down", ["29", "19", "9"]),
        ("film=the+end&sort=frames-down", ["t2", "t1", "t0"]),
        ("split=test&size=1&page=3", ["t2"]),
        ("page=99", []),
    ],
)
def test_queries(client: TestClient, query: str, ids: list[str]) -> None:
    assert [story["story_id"] for story in client.get(f"/api/stories?{query}").json()["stories"]] == ids


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=1e3",
        "size=0",
        "size=97",
        "sort=price",
        "sort=film-up",
        "quality=fine",
        "page=٣",
    ],
)
def test_wrong_queries_are_told(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/stories?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]


def test_a_story(client: TestClient) -> None:
    story = client.get("/api/stories/t0").json()
    assert (story["film"], story["split"], story["before"], story["after"]) == ("the end", "test", "30", "t1")
    assert story["frames"][4] == {
        "number": 5,
        "src": "/api/frames/t0/5",
        "width": WIDTH,
        "height": HEIGHT,
        "frame_id": "the end_5",
        "scene": "1",
    }
    assert story["images"][2]["characters"][0]["box"] == list(box("char1", 3))
    assert story["faults"] == []
    assert story["made"] == {"drafter": "composer", "model": "", "prompt_version": "composer-1"}


def test_frames_are_the_stored_bytes(client: TestClient) -> None:
    answer = client.get("/api/frames/t0/2")
    assert answer.content == picture(2)
    assert answer.headers["content-type"] == "image/jpeg"
    again = client.get("/api/frames/t0/2", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/frames/t0/3", headers={"if-none-match": answer.headers["etag"]}).status_code == 200


def test_thumbnails(client: TestClient) -> None:
    answer = client.get("/api/frames/t0/2?w=150")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (160, round(HEIGHT * 160 / WIDTH))
    assert answer.content == client.get("/api/frames/t0/2?w=160").content
    assert answer.headers["etag"] != client.get("/api/frames/t0/2").headers["etag"]
    for wrong in ("0", "-5", "x", "99999999999", ""):
        assert client.get(f"/api/frames/t0/2?w={wrong}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/stories/none", "/api/frames/none/1", "/api/frames/t0/0", "/api/frames/t0/6", "/api/frames/t0/x"]
)
def test_what_is_not_there(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404 and answer.json()["error"]


def test_broken_and_missing_pictures_are_told(client_for: OpenClient, tmp_path: Path) -> None:
    sample = Sample("1", frames=4, images=(picture(1), b"no image", None, picture(2)[:3000]))
    client = client_for(write_dataset(tmp_path / "d", [sample]))
    story = client.get("/api/stories/1").json()
    assert [bool(frame["src"]) for frame in story["frames"]] == [True, False, False, True]
    assert client.get("/api/frames/1/2").status_code == 400
    assert client.get("/api/frames/1/3").status_code == 404
    assert "damaged" in client.get("/api/frames/1/4?w=96").json()["error"]


def test_a_story_with_nothing_in_it(client_for: OpenClient, tmp_path: Path) -> None:
    empty = Sample("1", frames=0, images=(), chain_of_thought="", story="")
    story = client_for(write_dataset(tmp_path / "d", [empty])).get("/api/stories/1").json()
    assert (story["frames"], story["blocks"], story["images"], story["entities"], story["faults"]) == (
        [],
        [],
        [],
        [],
        [],
    )
    page = client_for(tmp_path / "d").get("/api/stories").json()
    assert page["stories"][0]["opening"] == ""
