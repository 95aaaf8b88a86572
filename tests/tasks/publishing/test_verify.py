import pytest

from schemas.errors import PublishError
from tasks.publishing.hub import Head, RemoteFile, differing
from tasks.publishing.release import make_file
from tasks.publishing.verify import verify_tree

FILE, LARGE = make_file("a.md", b"text"), make_file("b.parquet", b"PAR1")
GIT, LFS = RemoteFile(4, "", FILE.blob), RemoteFile(4, LARGE.sha256, "of the pointer")


def test_a_tree_that_holds_every_file_verifies() -> None:
    verify_tree(Head("c", {"a.md": GIT, "b.parquet": LFS, ".gitattributes": GIT}), [FILE, LARGE], [".gitattributes"])


@pytest.mark.parametrize(
    ("tree", "wrong"),
    [
        ({"a.md": GIT}, "b.parquet"),
        ({"a.md": GIT, "b.parquet": RemoteFile(4, FILE.sha256, "")}, "b.parquet"),
        ({"a.md": RemoteFile(4, "", LARGE.blob), "b.parquet": LFS}, "a.md"),
        ({"a.md": GIT, "b.parquet": RemoteFile(5, LARGE.sha256, "")}, "b.parquet"),
        ({"a.md": GIT, "b.parquet": LFS, "c.txt": GIT}, "c.txt"),
    ],
)
def test_what_is_missing_different_or_too_many_is_named(tree: dict[str, RemoteFile], wrong: str) -> None:
    with pytest.raises(PublishError, match=rf"does not hold what was sent \({wrong}\)"):
        verify_tree(Head("c", tree), [FILE, LARGE], [])


def test_a_file_kept_as_lfs_object_is_held_against_its_sha256() -> None:
    assert differing([FILE], {"a.md": RemoteFile(4, FILE.sha256, "of the pointer")}) == []
