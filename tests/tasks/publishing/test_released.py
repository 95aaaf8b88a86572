"""The record of the last release in a workspace."""

from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.publishing.released import PATH, Released, last_release, remember_release

RELEASED = Released("ann/stories", "v3", "c0ffee", {"stories": 12, "losses": 0.25, "labels": {"person": 1.0}})


def test_a_release_is_remembered_in_place_of_the_one_before(tmp_path: Path) -> None:
    assert last_release(tmp_path) is None
    remember_release(tmp_path, Released("ann/stories", "v2", "0", {}))
    remember_release(tmp_path, RELEASED)
    assert last_release(tmp_path) == RELEASED
    assert RELEASED.title == "v3 of ann/stories"
    assert [path.name for path in tmp_path.iterdir()] == [PATH]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '{"repo_id": "a", "tag": "v1", "commit": "c"}'])
def test_a_record_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / PATH).write_text(content)
    assert last_release(tmp_path) is None


def test_a_place_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(WorkspaceError):
        remember_release(tmp_path / "file", RELEASED)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
