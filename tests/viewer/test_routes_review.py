"""What may be said of a story through the page, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tasks.runtime.reviews import read_reviews
from tests.viewer.conftest import OpenClient
from tests.viewer.datasets import Sample, write_dataset


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "dataset", [Sample("s1"), Sample("s2", film="mill")], [])
    (tmp_path / "workspace.json").write_text('{"format": 1}')
    return tmp_path


@pytest.fixture
def client(client_for: OpenClient, workspace: Path) -> TestClient:
    return client_for(workspace)


@pytest.fixture
def key(client: TestClient) -> str:
    return str(client.get("/api/stories").json()["stories"][0]["key"])


def say(client: TestClient, key: str, **value: Any) -> Any:
    return client.post(f"/api/reviews/{key}", json=value)


def test_statements_are_kept_listed_and_taken_back(client: TestClient, workspace: Path, key: str) -> None:
    told = client.get(f"/api/reviews/{key}").json()
    assert told["can_review"]
    assert {one["id"]: one["frames"] for one in told["entities"]}["char1"] == [1, 2, 3, 4, 5]
    say(client, key, action="verdict", value="good")
    say(client, key, action="verdict", value="bad", note="  too \n dull ")
    kept = say(client, key, action="name", ids=["char1"], value="Ada  Lovelace").json()["reviews"]
    assert [(one["action"], one["target"], one["value"], one["note"]) for one in kept] == [
        ("name", "char1", "Ada Lovelace", ""),
        ("verdict", "", "bad", "too dull"),
    ]
    assert (
        kept
        == client.get(f"/api/reviews/{key}").json()["reviews"]
        == client.get("/api/statements").json()["statements"]
    )
    named = next(one for one in read_reviews(workspace) if one.action == "name")
    assert (named.story_key, named.film) == ("key of s1", "harbour")
    assert [frame_id for frame_id, _ in named.sightings] == [f"harbour_{number}" for number in range(1, 6)]
    gone = {name: kept[0][name] for name in ("story_key", "action", "target")}
    left = client.post("/api/statements/remove", json=gone).json()["statements"]
    assert [one["action"] for one in left] == ["verdict"]


def test_a_split_keeps_the_views_that_go(client: TestClient, workspace: Path, key: str) -> None:
    answer = say(client, key, action="split", ids=["char1"], frames=[4, 2, 4])
    assert answer.json()["reviews"][0]["target"] == "char1 2,4"
    (split,) = read_reviews(workspace)
    assert [frame.rpartition("_")[2] for frame, _ in split.sightings] == ["2", "4"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({}, "list of entity ids"),
        ({"action": "verdict", "value": "so-so"}, "good or bad"),
        ({"action": "verdict", "value": "bad", "note": "x" * 501}, "note is text"),
        ({"action": "name", "ids": ["char1"], "value": " "}, "a name has letters"),
        ({"action": "name", "ids": ["char1"], "value": "<b>Ada</b>"}, "a name has letters"),
        ({"action": "name", "ids": ["char1"], "value": "A|B"}, "a name has letters"),
        ({"action": "name", "ids": ["char1"], "value": "A\u202eB"}, "a name has letters"),
        ({"action": "name", "ids": ["char1"], "value": "x" * 61}, "at most 60"),
        ({"action": "name", "ids": ["obj1"], "value": "Rock"}, "one person at a time"),
        ({"action": "name", "ids": ["char9"], "value": "Ada"}, "no entity char9"),
        ({"action": "name", "ids": ["../../x"], "value": "Ada"}, "list of entity ids"),
        ({"action": "merge", "ids": ["char1", "char2"]}, "both stand in image 1"),
        ({"action": "merge", "ids": ["char1", "obj1"]}, "different kinds"),
        ({"action": "merge", "ids": ["char1"]}, "two entities at a time"),
        ({"action": "merge", "ids": ["char1", "char1"]}, "each once"),
        ({"action": "split", "ids": ["char1"], "frames": [1, 2, 3, 4, 5]}, "all images of char1 would go"),
        ({"action": "split", "ids": ["char1"], "frames": [9]}, "char1 stands in images 1, 2, 3, 4, 5"),
        ({"action": "split", "ids": ["char1"], "frames": []}, "choose among these"),
        ({"action": "split", "ids": ["char1"], "frames": [True]}, "names one entity"),
        ({"action": "burn", "ids": ["char1"]}, "action is one of"),
    ],
)
def test_what_makes_no_sense_is_refused(
    client: TestClient, workspace: Path, key: str, value: dict[str, Any], told: str
) -> None:
    answer = say(client, key, **value)
    assert answer.status_code == 400
    assert told in answer.json()["error"]
    assert read_reviews(workspace) == ()


def test_what_cannot_be_taken_back(client: TestClient) -> None:
    for value in (
        {},
        {"story_key": "k", "action": "burn", "target": ""},
        {"story_key": 3, "action": "name", "target": ""},
    ):
        assert client.post("/api/statements/remove", json=value).status_code == 400


def test_unknown_stories_and_datasets_that_are_no_workspace(
    client: TestClient, client_for: OpenClient, dataset: Path
) -> None:
    assert say(client, "nobody", action="verdict", value="bad").status_code == 404
    plain = client_for(dataset)
    key = plain.get("/api/stories").json()["stories"][0]["key"]
    assert "only stories of a workspace" in plain.get(f"/api/reviews/{key}").json()["why"]
    assert say(plain, key, action="verdict", value="bad").status_code == 400
    assert plain.get("/api/statements").json() == {"can_review": False, "statements": []}
