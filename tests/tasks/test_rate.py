"""Ratings of several people in one file, whole at every moment."""

import os
from pathlib import Path

import pytest

from schemas.errors import SourceError, WorkspaceError
from tasks.evaluation.judged import read_ratings
from tasks.judge import Item
from tasks.rate import keep_ratings, order_for, rated_by

GOOD = {"description_accuracy": 4, "creativity": 2, "hallucinations": 3, "remark": "<b>fine</b>"}


def test_raters_share_a_file_and_have_orders_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "ratings.parquet"
    keep_ratings(out, "ann", {"11": GOOD})
    keep_ratings(out, "bob", {"11": GOOD | {"creativity": 5}})
    keep_ratings(out, "ann", {"11": GOOD | {"creativity": 1}, "12": GOOD})
    found = {(one.rater, one.story_id): one.values["creativity"] for one in read_ratings(out)}
    assert found == {("ann", "11"): 1, ("ann", "12"): 2, ("bob", "11"): 5}
    assert rated_by(out, "bob") == {"11": GOOD | {"creativity": 5}}
    many = [Item(str(number), "film", "", ()) for number in range(20)]
    ann, bob = (order_for(rater, many) for rater in ("ann", "bob"))
    assert ann != bob
    assert ann == order_for("ann", many[::-1])
    (tmp_path / "other.parquet").write_text("no table")
    with pytest.raises(SourceError, match="holds no ratings"):
        rated_by(tmp_path / "other.parquet", "ann")


def test_ratings_that_stand_survive_a_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "ratings.parquet"
    keep_ratings(out, "ann", {"11": GOOD})
    before = out.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="no space left"):
        keep_ratings(out, "ann", {"11": GOOD, "12": GOOD})
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.parquet"]


def test_a_table_with_what_is_no_rating_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "ratings.parquet"
    keep_ratings(out, "ann", {"11": GOOD | {"creativity": 9}})
    with pytest.raises(SourceError, match="ann rated story 11 with what is no rating"):
        read_ratings(out)
