"""The file of reviews: replaced whole, one statement a place, safe among writers."""

import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.arrow import REVIEWS
from schemas.config import BuildConfig
from schemas.errors import WorkspaceError
from schemas.review_config import NameReview, StoryReview
from tasks.runtime.reviews import FILE, Review, gather_story, read_reviews, remove_review, save_review, with_reviews

BAD = Review("k1", "heat", "verdict", value="bad", note="dull")


def test_statements_are_kept_and_replaced(tmp_path: Path) -> None:
    assert read_reviews(tmp_path) == ()
    name = Review("k1", "heat", "name", "char1", "Ada", sightings=(("f1", "d1"), ("f2", "d7")))
    save_review(tmp_path, BAD)
    save_review(tmp_path, name)
    kept = save_review(tmp_path, Review("k1", "heat", "verdict", value="good"))
    assert kept == read_reviews(tmp_path)
    assert [(one.action, one.target, one.value, one.sightings) for one in kept] == [
        ("name", "char1", "Ada", (("f1", "d1"), ("f2", "d7"))),
        ("verdict", "", "good", ()),
    ]
    assert all(one.said.endswith("+00:00") for one in kept)
    assert pq.read_schema(tmp_path / FILE).metadata[b"storyreasoning"] == b"reviews/1"
    assert pq.read_schema(tmp_path / FILE).equals(REVIEWS)
    assert remove_review(tmp_path, name.place) == (kept[1],)
    assert remove_review(tmp_path, name.place) == (kept[1],), "twice is no harm"


def test_no_statement_of_many_writers_is_lost(tmp_path: Path) -> None:
    def say(number: int) -> None:
        for turn in range(5):
            save_review(tmp_path, Review(f"k{number}", "heat", "name", f"char{turn + 1}", f"N{number}{turn}"))

    threads = [threading.Thread(target=say, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(one.story_key, one.target) for one in read_reviews(tmp_path)} == {
        (f"k{number}", f"char{turn}") for number in range(8) for turn in range(1, 6)
    }


@pytest.mark.parametrize("damage", ["cut", "text", "other"])
def test_a_damaged_file_is_told_and_never_written_over(tmp_path: Path, damage: str) -> None:
    save_review(tmp_path, BAD)
    path = tmp_path / FILE
    content = path.read_bytes()
    if damage == "other":
        table = pq.read_table(path).replace_schema_metadata({"storyreasoning": "reviews/99"})
        pq.write_table(table, path)
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"not parquet")
    before = path.read_bytes()
    with pytest.raises(WorkspaceError, match="restore it, or move it away"):
        read_reviews(tmp_path)
    with pytest.raises(WorkspaceError, match="restore it, or move it away"):
        save_review(tmp_path, BAD)
    assert path.read_bytes() == before


def test_a_full_disk_leaves_what_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = save_review(tmp_path, BAD)

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WorkspaceError, match="no space left"):
        save_review(tmp_path, Review("k2", "heat", "verdict", value="bad"))
    monkeypatch.undo()
    assert read_reviews(tmp_path) == kept
    assert not list(tmp_path.glob("*.tmp-*"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot write reviews"):
        save_review(tmp_path / "nowhere", BAD)


def test_what_a_build_is_told_of_a_story() -> None:
    said = [
        BAD,
        Review("k1", "heat", "name", "char1", "Ada", sightings=(("f1", "d1"),)),
        Review("k1", "heat", "merge", "char1 char2", sightings=(("f1", "d1"), ("f2", "d2"))),
        Review("k1", "heat", "split", "char3 4", sightings=(("f4", "d5"),)),
    ]
    assert gather_story(said) == StoryReview(
        bad=True,
        note="dull",
        names=(NameReview(name="Ada", sightings=(("f1", "d1"),)),),
        merges=((("f1", "d1"), ("f2", "d2")),),
        splits=((("f4", "d5"),),),
    )
    assert gather_story([Review("k1", "heat", "verdict", value="good", note="fine")]) == StoryReview()


def test_without_a_word_the_configuration_stays_as_it_is(tmp_path: Path) -> None:
    config = BuildConfig()
    assert with_reviews(tmp_path, config) is config
    save_review(tmp_path, BAD)
    assert with_reviews(tmp_path, config).review.shards == {}, "no build has made that story"
