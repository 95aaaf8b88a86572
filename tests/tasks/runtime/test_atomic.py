"""Files appear whole or not at all, whatever goes wrong in the middle."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime.atomic import (
    TEMPORARY_MARK,
    atomic_directory,
    atomic_path,
    sweep_temporaries,
    write_bytes,
    write_json,
)

ROOT = Path(__file__).parents[3]


class Boom(Exception):
    """An error that no library raises."""


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Path]:
    """A folder that stands."""
    folder = tmp_path / "dataset"
    (folder / "default").mkdir(parents=True)
    (folder / "README.md").write_text("old")
    (folder / "default" / "train.parquet").write_text("old rows")
    yield folder


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "file"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert TEMPORARY_MARK in temporary.name
        temporary.write_text("whole")
        assert not target.exists()
    assert contents(tmp_path) == {"new/folder/file": b"whole"}


@pytest.mark.parametrize("old", [None, b"old"])
@pytest.mark.parametrize("error", [Boom(), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path, old: bytes | None, error: BaseException) -> None:
    target = tmp_path / "file"
    if old is not None:
        target.write_bytes(old)
    before = contents(tmp_path)
    expected = WorkspaceError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert contents(tmp_path) == before


def test_a_block_that_writes_nothing_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="cannot write"), atomic_path(tmp_path / "file"):
        pass
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "no space left while writing file in"),
        (errno.EDQUOT, "no space left while writing file in"),
        (errno.EACCES, "choose another --workspace"),
        (errno.EPERM, "choose another --workspace"),
        (errno.EROFS, "choose another --workspace"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_errors_say_in_a_line_what_to_do(tmp_path: Path, number: int, told: str) -> None:
    with pytest.raises(WorkspaceError, match=told) as caught, atomic_path(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert "\n" not in str(caught.value)


def test_a_file_in_the_place_of_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(WorkspaceError, match="cannot write"):
        write_bytes(tmp_path / "folder" / "file", b"x")
    assert contents(tmp_path) == {"folder": b"a file"}


def test_a_name_that_is_too_long_is_explained(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="File name too long"):
        write_bytes(tmp_path / ("x" * 250), b"x")


def test_a_failing_rename_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    target.write_text("old")

    def fail(*paths: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(WorkspaceError):
        write_bytes(target, b"new")
    assert contents(tmp_path) == {"file": b"old"}


def test_write_json_is_readable_sorted_and_utf8(tmp_path: Path) -> None:
    write_json(tmp_path / "value.json", {"b": 1, "a": "Amélie"})
    text = (tmp_path / "value.json").read_text(encoding="utf-8")
    assert text == '{\n "a": "Amélie",\n "b": 1\n}\n'
    assert json.loads(text) == {"a": "Amélie", "b": 1}


@pytest.mark.parametrize("value", [object(), {1, 2}])
def test_write_json_of_what_is_no_json_keeps_the_old_file(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "value.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "value.json", value)
    assert contents(tmp_path) == {"value.json": b"1\n"}


def test_a_folder_is_replaced_whole(dataset: Path) -> None:
    with atomic_directory(dataset) as folder:
        (folder / "new").mkdir()
        (folder / "new" / "file").write_text("new")
        assert contents(dataset)["README.md"] == b"old"
    assert contents(dataset.parent) == {"dataset/new/file": b"new"}
    assert [p.name for p in dataset.parent.iterdir()] == ["dataset"]


@pytest.mark.parametrize("error", [Boom(), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_error_leaves_the_old_folder(dataset: Path, error: BaseException) -> None:
    before = contents(dataset.parent)
    expected = WorkspaceError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), atomic_directory(dataset) as folder:
        (folder / "half").write_text("half")
        raise error
    assert contents(dataset.parent) == before
    assert [p.name for p in dataset.parent.iterdir()] == ["dataset"]


def test_a_failing_last_rename_puts_the_old_folder_back(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name.startswith("dataset.tmp-") and not self.name.endswith("old") and target == dataset:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    before = contents(dataset)
    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(WorkspaceError), atomic_directory(dataset) as folder:
        (folder / "README.md").write_text("new")
    assert contents(dataset) == before
    assert [p.name for p in dataset.parent.iterdir()] == ["dataset"]


def test_a_folder_that_an_earlier_replacement_left_aside_is_in_nobodys_way(dataset: Path) -> None:
    aside = dataset.with_name("dataset.tmp-old")
    aside.mkdir()
    (aside / "file").write_text("could not be removed then")
    with atomic_directory(dataset) as folder:
        (folder / "README.md").write_text("new")
    assert contents(dataset.parent) == {"dataset/README.md": b"new"}


def test_sweep_removes_what_is_half_written_and_nothing_else(tmp_path: Path) -> None:
    kept = {"shards/a/k.parquet": b"1", "dataset/README.md": b"2", "tmp-mine": b"3", "my.tmp": b"4"}
    for name, content in kept.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "shards" / "a" / "k.parquet.tmp-0123abcd").write_text("half")
    (tmp_path / "dataset.tmp-0123abcd" / "default").mkdir(parents=True)
    (tmp_path / "dataset.tmp-0123abcd" / "default" / "x.tmp-00000000").write_text("half")
    (tmp_path / "dataset.tmp-old").mkdir()
    (tmp_path / "dataset.tmp-old" / "README.md").write_text("older")
    assert sweep_temporaries(tmp_path) == 3
    assert contents(tmp_path) == kept
    assert sweep_temporaries(tmp_path) == 0


def test_sweep_puts_the_old_folder_back_when_the_new_one_never_came(tmp_path: Path) -> None:
    (tmp_path / "dataset.tmp-old").mkdir()
    (tmp_path / "dataset.tmp-old" / "README.md").write_text("old")
    (tmp_path / "dataset.tmp-0123abcd").mkdir()
    sweep_temporaries(tmp_path)
    assert contents(tmp_path) == {"dataset/README.md": b"old"}


KILL_AT = {
    "in a file": "with atomic_path(root / 'dataset' / 'README.md') as t: t.write_text('half'); die()",
    "in a folder": "with atomic_directory(root / 'dataset') as t: (t / 'README.md').write_text('half'); die()",
    "between the renames": (
        "rename = Path.rename\n"
        "Path.rename = lambda self, to: (rename(self, to), die())\n"
        "with atomic_directory(root / 'dataset') as t: (t / 'README.md').write_text('new')"
    ),
}


@pytest.mark.parametrize("moment", KILL_AT)
def test_after_sigkill_the_sweep_finds_the_old_state(dataset: Path, moment: str) -> None:
    before = contents(dataset.parent)
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from tasks.runtime.atomic import atomic_directory, atomic_path\n"
        "root = Path(sys.argv[1])\ndef die(): os.kill(os.getpid(), signal.SIGKILL)\n" + KILL_AT[moment]
    )
    done = subprocess.run([sys.executable, "-c", script, str(dataset.parent)], cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert contents(dataset.parent) != before
    sweep_temporaries(dataset.parent)
    assert contents(dataset.parent) == before
    assert [p.name for p in dataset.parent.iterdir()] == ["dataset"]
