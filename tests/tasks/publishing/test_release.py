import hashlib
import subprocess
from pathlib import Path

import pytest

from schemas.errors import PublishError
from tasks.publishing.changes import complete_card, describe_changes, extend_changelog
from tasks.publishing.release import Record, ReleaseFile, dataset_key, make_file, read_file


def record(release: int = 1, **values: object) -> Record:
    fields: dict[str, object] = {
        "dataset": "k",
        "licence": "mit",
        "stories": {"train": 3, "test": 1},
        "films": {"a": "train", "b": "test"},
        "models": ("detect: x 12",),
        "software": "0.1",
        "files": (ReleaseFile("README.md", 2, "aa", "bb"),),
    }
    return Record(release=release, **(fields | values))  # type: ignore[arg-type]


def test_a_file_is_known_by_sha256_and_by_its_id_in_git(tmp_path: Path) -> None:
    content = b"some\ntext\x00" * 200_000
    (tmp_path / "a").write_bytes(content)
    found = read_file(tmp_path, "a")
    git = subprocess.run(["git", "hash-object", str(tmp_path / "a")], capture_output=True, text=True, check=True)
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert found.blob == git.stdout.strip()
    made = make_file("a", content)
    assert (made.sha256, made.blob, made.content) == (found.sha256, found.blob, content)


def test_a_record_reads_back() -> None:
    assert Record.from_bytes(record().to_bytes()) == record()
    assert record().to_bytes() == record().to_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": 2}', record().to_bytes().replace(b'"models"', b'"x"')]
)
def test_another_record_is_an_error(content: bytes) -> None:
    with pytest.raises(PublishError, match="cannot be read by this version"):
        Record.from_bytes(content)


def test_the_key_is_of_files_and_licence() -> None:
    assert dataset_key({"a": "1", "b": "2"}, "") == dataset_key({"b": "2", "a": "1"}, "")
    assert len({dataset_key({"a": "1"}, ""), dataset_key({"a": "2"}, ""), dataset_key({"a": "1"}, "mit")}) == 3


def test_changes_are_what_differs() -> None:
    assert describe_changes(record(), None) == ["first release: 4 stories (3 train, 1 test) of 2 films"]
    assert describe_changes(record(2), record()) == ["4 stories (3 train, 1 test)"]
    now = record(
        2,
        stories={"train": 9, "test": 0},
        films={"a": "test", "c*": "train"},
        licence="cc0-1.0",
        software="0.2",
        models=(),
    )
    assert describe_changes(now, record()) == [
        "9 stories (9 train, 0 test) (+5)",
        "1 film new: c\\*",
        "1 film gone: b",
        "1 film in the other split now: a",
        "model no longer: `detect: x 12`",
        "licence: `cc0-1.0`, before `mit`",
        "made with storyreasoning 0.2, before 0.1",
    ]


def test_the_newest_changes_stand_first() -> None:
    first = extend_changelog("", 1, ["one"])
    assert first == "# Changelog\n\n## v1\n\n- one\n"
    assert extend_changelog(first, 2, ["two"]) == "# Changelog\n\n## v2\n\n- two\n\n## v1\n\n- one\n"


def test_the_card_gets_its_name_and_licence() -> None:
    card = b'---\nlicense: other\n---\n\n# T\n\nlicense: of the films\n\nload_dataset("<folder or repository>")\n'
    done = complete_card(card, "mit", "ann/s", 2, ["two"])
    assert done.startswith(b"---\nlicense: mit\n---\n")
    assert b"license: of the films" in done
    assert b'load_dataset("ann/s")' in done
    assert done.endswith(
        b"\n\n## Changes in v2\n\n- two\n\nEarlier ones are in `CHANGELOG.md`; every release has a tag.\n"
    )
    assert b"license: other" in complete_card(card, "", "ann/s", 2, [])
