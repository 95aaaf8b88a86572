"""What people say of stories, applied by a real build: what they asked for changes, everything else stays byte for byte."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.reviews import BAD
from tasks.runtime.reviews import Review, remove_review, save_review
from tests.e2e.building import Built, build, digests, rows

pytestmark = pytest.mark.slow


@pytest.fixture
def rebuilt(films: Path, workspace: Path) -> Callable[..., Built]:
    """Says something and builds again."""

    def rebuild(*said: Review) -> Built:
        for review in said:
            save_review(workspace, review)
        return build(films, workspace)

    return rebuild


def by_key(workspace: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """The two rows of each story by its key."""
    default = {row["story_id"]: row for row in rows(workspace, "default")}
    return {row["story_key"]: (default[row["story_id"]], row) for row in rows(workspace)}


def pick(workspace: Path, people: int = 2) -> dict[str, Any]:
    """The grounding of the first story with so many people of at least two views."""
    for _, row in by_key(workspace).values():
        if sum(one["kind"] == "char" and len(one["members"]) > 1 for one in row["entities"]) >= people:
            return row
    raise AssertionError("no such story")


def sightings(story: dict[str, Any], entity_id: str, frames: set[int] | None = None) -> tuple[tuple[str, str], ...]:
    names = {frame["number"]: frame["frame_id"] for frame in story["frames"]}
    members = next(one["members"] for one in story["entities"] if one["entity_id"] == entity_id)
    return tuple((names[m["frame"]], m["det_id"]) for m in members if frames is None or m["frame"] in frames)


def test_a_bad_story_is_left_out_and_nothing_else_changes(workspace: Path, rebuilt: Callable[..., Built]) -> None:
    before = by_key(workspace)
    original = digests(workspace / "dataset")
    story = pick(workspace)
    bad = Review(story["story_key"], story["film"], "verdict", value="bad", note="the end gives it away")
    built = rebuilt(bad, Review(next(key for key in before if key != story["story_key"]), "", "verdict", value="good"))
    after = by_key(workspace)
    assert after == {key: value for key, value in before.items() if key != story["story_key"]}
    assert built.fresh_stages == {"ground"}
    assert len(built.fresh) == 1
    dead = [row for row in pq.read_table(workspace / "dead_letters.parquet").to_pylist() if row["reason"] == BAD]
    assert [(row["stage"], row["item"], row["detail"]) for row in dead] == [
        ("ground", story["story_key"], "the end gives it away")
    ]
    remove_review(workspace, bad.place)
    again = rebuilt()
    assert again.fresh == [], "the story's shard still stood"
    assert digests(workspace / "dataset") == original


def test_a_name_goes_into_tables_and_story_and_into_no_other(workspace: Path, rebuilt: Callable[..., Built]) -> None:
    before = by_key(workspace)
    story = pick(workspace)
    key = story["story_key"]
    built = rebuilt(Review(key, story["film"], "name", "char1", "Zenobia", sightings=sightings(story, "char1")))
    after = by_key(workspace)
    text, tables = after[key][0]["story"], after[key][0]["chain_of_thought"]
    assert ">Zenobia</gdo>" in text
    assert "| char1 | Zenobia |" in tables
    assert "Zenobia" not in before[key][0]["story"]
    assert {k: v for k, v in after.items() if k != key} == {k: v for k, v in before.items() if k != key}
    assert built.fresh_stages == {"draft_analysis", "draft_story", "ground"}
    assert len({shard for _, shard in built.fresh}) == 1
    assert after[key][1]["entities"] == story["entities"], "who is who stays"


def test_a_split_and_a_merge_change_who_is_who(workspace: Path, rebuilt: Callable[..., Built]) -> None:
    before = by_key(workspace)
    original = digests(workspace / "dataset")
    story = pick(workspace)
    key = story["story_key"]
    members = next(one["members"] for one in story["entities"] if one["entity_id"] == "char1")
    last = members[-1]["frame"]
    away = sightings(story, "char1", {last})
    split = Review(key, story["film"], "split", f"char1 {last}", sightings=away)
    built = rebuilt(split)
    assert built.fresh_stages == {"reidentify", "draft_analysis", "draft_story", "ground"}
    changed = by_key(workspace)[key][1]
    assert len(changed["entities"]) == len(story["entities"]) + 1
    lone = next(
        one
        for one in changed["entities"]
        if [(m["frame"], m["det_id"]) for m in one["members"]] == [(last, away[0][1])]
    )
    assert lone["confidence"] == 1.0
    assert lone["gallery_id"] != next(one for one in changed["entities"] if one["entity_id"] == "char1")["gallery_id"]
    ids = [one["entity_id"] for one in changed["entities"] if one["kind"] == "char"]
    assert ids == [f"char{n}" for n in range(1, len(ids) + 1)], "counted by first appearance, without gaps"
    others = {k: v for k, v in by_key(workspace).items() if v[1]["film"] != story["film"]}
    assert others == {k: v for k, v in before.items() if v[1]["film"] != story["film"]}
    # Merged again, they are one as before, and the texts are the texts of before.
    rebuilt(Review(key, story["film"], "merge", "char1 char9", sightings=(sightings(story, "char1")[0], away[0])))
    merged = by_key(workspace)[key]
    assert [[(m["frame"], m["det_id"]) for m in one["members"]] for one in merged[1]["entities"]] == [
        [(m["frame"], m["det_id"]) for m in one["members"]] for one in story["entities"]
    ]
    assert merged[0]["story"] == before[key][0]["story"]
    for place in ((key, "split", split.target), (key, "merge", "char1 char9")):
        remove_review(workspace, place)
    assert rebuilt().fresh == []
    assert digests(workspace / "dataset") == original


def test_what_cannot_be_done_any_more_is_told_and_left(workspace: Path, rebuilt: Callable[..., Built]) -> None:
    before = by_key(workspace)
    story = pick(workspace)
    frames = {frame["number"]: frame["frame_id"] for frame in story["frames"]}
    both = [one for one in story["entities"] if one["kind"] == "char"][:2]
    anchors = tuple((frames[one["members"][0]["frame"]], one["members"][0]["det_id"]) for one in both)
    together = {m["frame"] for m in both[0]["members"]} & {m["frame"] for m in both[1]["members"]}
    assert together, "the two stand side by side"
    built = rebuilt(
        Review(story["story_key"], story["film"], "merge", "char1 char2", sightings=anchors),
        Review(story["story_key"], story["film"], "split", "char1 9", sightings=(("no such frame", "d1"),)),
        Review("0" * 32, "gone", "verdict", value="bad"),
    )
    told = [event.text for event in built.events if event.kind == "message"]
    assert sum("cannot be done any more" in text for text in told) == 2
    assert sum("film gone was passed over" in text for text in told) == 1
    assert by_key(workspace) == before
