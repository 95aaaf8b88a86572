"""The page for people's ratings: what it takes and refuses, that ratings are kept at once."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cli.main import main
from schemas.errors import WorkspaceError
from tasks.evaluation.judged import read_ratings
from tasks.judge import Item, read_items, read_rubric
from tasks.rate import keep_ratings, order_for, rated_by
from tests.tasks.test_score import STORIES, answers, write_answers, write_dataset
from viewer.rating.server import RatingState, make_app

GOOD = {"description_accuracy": 4, "creativity": 2, "hallucinations": 3, "remark": "<b>fine</b>"}


def items(tmp_path: Path) -> list[Item]:
    dataset = write_dataset(tmp_path / "dataset")
    return list(read_items(write_answers(tmp_path / "answers", answers(*STORIES)), dataset, "test", {}))


def make_state(tmp_path: Path, port: int = 8430, rater: str = "ann") -> RatingState:
    out = tmp_path / "ratings.parquet"

    def keep(ratings: Any) -> None:
        keep_ratings(out, rater, ratings)

    return RatingState(order_for(rater, items(tmp_path)), read_rubric(), rated_by(out, rater), keep, port)


def client_of(state: RatingState) -> TestClient:
    return TestClient(make_app(state), base_url="http://127.0.0.1:8430")


def test_a_rating_is_kept_before_the_next_story(tmp_path: Path) -> None:
    state = make_state(tmp_path)
    client = client_of(state)
    assert client.get("/api/overview").json()["rated"] == [False, False, False]
    assert "Hallucination:" in client.get("/api/overview").json()["rubric"]
    assert client.post("/api/stories/1", json=GOOD).json() == {"kept": 1}
    (kept,) = read_ratings(tmp_path / "ratings.parquet")
    assert (kept.rater, kept.story_id) == ("ann", state.items[1].story_id)
    assert kept.values == {"description_accuracy": 4, "creativity": 2, "hallucinations": 3}
    shown = client.get("/api/stories/1").json()
    assert shown["rating"] == GOOD
    assert state.items[1].story_id not in str(shown), "nothing tells which story it is"


def test_images_and_the_page_come_with_the_guards(tmp_path: Path) -> None:
    client = client_of(make_state(tmp_path))
    image = client.get("/api/stories/0/images/1")
    assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
    page = client.get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert client.get("/static/rate.js").status_code == 200
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    assert client.post("/api/stories/0", json=GOOD, headers={"origin": "http://evil.example"}).status_code == 403
    assert client.get("/api/stories/9").status_code == 404
    assert client.get("/api/stories/0/images/6").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        GOOD | {"creativity": 0},
        GOOD | {"creativity": 6},
        GOOD | {"creativity": True},
        GOOD | {"description_accuracy": "4"},
        GOOD | {"hallucinations": None},
        GOOD | {"hallucinations": -1},
        GOOD | {"remark": "x" * 2001},
    ],
)
def test_what_is_no_rating_is_refused_and_not_kept(tmp_path: Path, wrong: Any) -> None:
    client = client_of(make_state(tmp_path))
    assert client.post("/api/stories/0", json=wrong).status_code == 400
    assert client.post("/api/stories/0", content="creativity=4").status_code == 415
    assert not (tmp_path / "ratings.parquet").exists()


def test_a_full_disk_is_said_and_the_story_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = make_state(tmp_path)

    def full(_: Any) -> None:
        raise WorkspaceError("no space left while writing ratings.parquet")

    state.keep = full
    client = client_of(state)
    answer = client.post("/api/stories/0", json=GOOD)
    assert (answer.status_code, "no space left" in answer.json()["error"]) == (500, True)
    assert client.get("/api/overview").json()["rated"] == [False, False, False]


def test_wrong_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begun = ["rate", str(tmp_path), "--references", str(tmp_path)]
    for options, says in (
        (["--out", "r.csv"], "must end with .parquet"),
        (["--out", "r.parquet", "--stories", "-1"], "give 0 or more"),
        (["--out", "r.parquet", "--port", "99999"], "from 0 to 65535"),
        (["--out", "r.parquet", "--rater", " "], "--rater"),
    ):
        assert main([*begun, *options]) == 2
        assert says in capsys.readouterr().err
