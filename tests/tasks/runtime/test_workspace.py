"""The workspace: who may build in it, and what is refused with one line."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.runtime.workspace import FORMAT, Workspace, locked_workspace, open_workspace

ROOT = Path(__file__).parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from tasks.runtime.workspace import locked_workspace
with locked_workspace(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds ``tmp_path / "w"``."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "w")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def refusal(root: Path) -> str:
    """The message with which a workspace is refused; one line."""
    with pytest.raises(WorkspaceError) as caught, locked_workspace(root):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_folder_becomes_a_workspace(tmp_path: Path) -> None:
    with locked_workspace(tmp_path / "deep" / "w") as workspace:
        assert json.loads(workspace.marker.read_text())["format"] == FORMAT
    assert sorted(p.name for p in workspace.root.iterdir()) == [".lock", "workspace.json"]
    assert open_workspace(workspace.root) == workspace


def test_a_workspace_can_be_built_in_again_and_again(tmp_path: Path) -> None:
    for _ in range(3):
        with locked_workspace(tmp_path) as workspace:
            (workspace.root / "shards").mkdir(exist_ok=True)


def test_the_lock_goes_when_the_build_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked_workspace(tmp_path):
        raise ZeroDivisionError
    with locked_workspace(tmp_path):
        pass


def test_one_process_builds_at_a_time(tmp_path: Path) -> None:
    with locked_workspace(tmp_path):
        assert "another build is at work" in refusal(tmp_path)


def test_two_builders_at_once(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    told = refusal(tmp_path / "w")
    assert told == f"another build is at work in {tmp_path / 'w'}: wait for it, or use another --workspace"
    assert holder.poll() is None


def test_the_lock_goes_with_the_process(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    with locked_workspace(tmp_path / "w"):
        pass


def test_the_loser_sweeps_nothing(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    half = tmp_path / "w" / "shard.parquet.tmp-01234567"
    half.write_text("the other build is writing this")
    refusal(tmp_path / "w")
    assert half.exists()


def test_opening_sweeps_what_a_killed_build_left(tmp_path: Path) -> None:
    with locked_workspace(tmp_path):
        pass
    (tmp_path / "export.json.tmp-01234567").write_text("half")
    with locked_workspace(tmp_path):
        assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "workspace.json"]


def test_a_build_killed_while_it_made_the_workspace(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / "workspace.json.tmp-01234567").write_text("{")
    with locked_workspace(tmp_path) as workspace:
        assert json.loads(workspace.marker.read_text())["format"] == FORMAT
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "workspace.json"]


def test_a_folder_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    assert "holds files but is no workspace" in refusal(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_a_folder_with_a_stray_temporary_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc.tmp-1").write_text("years of work")
    assert "holds files but is no workspace" in refusal(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc.tmp-1"]


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "w").write_text("a file")
    assert "is a file" in refusal(tmp_path / "w")
    assert "cannot write the workspace" in refusal(tmp_path / "w" / "below")


def test_a_place_that_cannot_be_written() -> None:
    # /proc takes no folder from anybody, root included.
    assert "cannot write the workspace" in refusal(Path("/proc/storyreasoning"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "Permission denied" in refusal(tmp_path)


@pytest.mark.parametrize("found", [FORMAT + 1, 0, "1", None])
def test_a_workspace_of_another_version(tmp_path: Path, found: object) -> None:
    (tmp_path / "workspace.json").write_text(json.dumps({"format": found}))
    told = refusal(tmp_path)
    assert f"has format {found!r} and this version reads {FORMAT}" in told
    assert "use the version that made it or a new --workspace" in told
    with pytest.raises(WorkspaceError, match="has format"):
        open_workspace(tmp_path)
    assert json.loads((tmp_path / "workspace.json").read_text()) == {"format": found}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"5"])
def test_a_damaged_marker(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "workspace.json").write_bytes(content)
    assert "is not readable as a workspace marker" in refusal(tmp_path)
    with pytest.raises(WorkspaceError, match="is not readable as a workspace marker"):
        open_workspace(tmp_path)


def test_a_folder_in_the_place_of_the_marker(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").mkdir()
    assert "workspace.json" in refusal(tmp_path)


def test_reading_needs_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="is not a workspace: build one with"):
        open_workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="is not a workspace"):
        open_workspace(tmp_path / "missing")


def test_layout() -> None:
    workspace = Workspace(Path("w"))
    paths = (
        workspace.shards,
        workspace.runs,
        workspace.dataset,
        workspace.report,
        workspace.dead_letters,
        workspace.marker,
    )
    assert [str(path) for path in paths] == [
        "w/shards",
        "w/runs",
        "w/dataset",
        "w/report.html",
        "w/dead_letters.parquet",
        "w/workspace.json",
    ]
