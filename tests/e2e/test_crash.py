"""Builds that die, meet each other, or may not write: what stood is never lost, never made twice, never half there."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.building import STAGES, build, changed_at, digests, manifests, temporaries
from tests.painted_films import write_film

ROOT = Path(__file__).parents[2]
FILMS = 10
SEED = 7

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ten_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten small films."""
    root = tmp_path_factory.mktemp("ten") / "films"
    for number in range(FILMS):
        write_film(root, f"film{number}", {1: 3}, cast=(number % 4, (number + 1) % 4))
    return root


def run_module(module: str, *arguments: object, timeout: int = 180) -> "subprocess.CompletedProcess[str]":
    """Run a module of ours in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout)


@pytest.fixture
def quick_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a killed process loses nothing that it has written, synced or not."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_build_killed_at_twenty_points_comes_to_the_same_bytes(ten_films: Path, quick_disk: Path) -> None:
    """Points drawn from all file operations of a build of ten films: see ``crash_points.py``."""
    done = run_module("tests.e2e.crash_points", ten_films, quick_disk, SEED)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    kills = [one for one in told if one["where"] != "finish"]
    ends = [one for one in told if one["where"] == "finish"]
    assert len(kills) == 20
    assert len(ends) == 7
    assert [one["made_again"] for one in told if one["made_again"]] == []
    for one in kills:
        assert one["killed"] == -signal.SIGKILL, (one, done.stderr)
    for one in ends:
        assert (one["finished"], one["same"], one["temporaries"]) == (0, True, []), (one, done.stderr)
    stood = [one["stood"] for one in kills if one["where"] == "along"]
    assert stood == sorted(stood), "every attempt goes on where the one before was killed"
    assert stood[0] < FILMS * 2
    assert stood[-1] > FILMS * (len(STAGES) - 3), "points from the first stages to the last"
    assert {one["stood"] for one in kills if one["where"] == "end"} == {FILMS * len(STAGES)}


WAITING = """
import sys, time
from pathlib import Path
from tasks.runtime.progress import listening
from tests import fakes
from tests.e2e.building import build
fakes.install()
films, workspace, sign = map(Path, sys.argv[1:4])
def wait(event):
    if event.kind == "shard_done" and event.stage == "detect" and not sign.with_suffix(".go").exists():
        sign.touch()
        while not sign.with_suffix(".go").exists():
            time.sleep(0.01)
with listening(wait):
    build(films, workspace)
"""

AT_ONCE = """
import sys
from tests import fakes
from cli.main import main
fakes.install()
sys.exit(main(sys.argv[1:]))
"""


def test_of_two_builds_at_once_one_wins_and_the_other_says_so(ten_films: Path, tmp_path: Path) -> None:
    build(ten_films, tmp_path / "alone")
    sign = tmp_path / "sign"
    command = [sys.executable, "-c", WAITING, str(ten_films), str(tmp_path / "w"), str(sign)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as first:
        try:
            while not sign.exists():
                assert first.poll() is None, first.communicate()[1]
            words = ["build", str(ten_films), "--workspace", str(tmp_path / "w")]
            second = subprocess.run(
                [sys.executable, "-c", AT_ONCE, *words], cwd=ROOT, capture_output=True, text=True, timeout=60
            )
            standing = changed_at(tmp_path / "w" / "shards")
        finally:
            sign.with_suffix(".go").touch()
        _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert second.returncode == 1
    assert second.stderr.splitlines() == [
        f"error: another build is at work in {tmp_path / 'w'}: wait for it, or use another --workspace"
    ]
    after = changed_at(tmp_path / "w" / "shards")
    assert standing
    assert standing.items() <= after.items(), "the second touched nothing, and nothing was made twice"
    assert digests(tmp_path / "w" / "dataset") == digests(tmp_path / "alone" / "dataset")
    assert temporaries(tmp_path / "w") == []


READ_ONLY = """
import json, subprocess, sys
from pathlib import Path
from schemas.errors import StoryReasoningError
from tests import fakes
from tests.e2e.building import build
fakes.install()
films, workspace = map(Path, sys.argv[1:3])
subprocess.run(["mount", "--bind", workspace, workspace], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", workspace], check=True)
told = []
for seed in (0, 1):
    try:
        build(films, workspace, draft={"seed": seed})
        told.append("done")
    except StoryReasoningError as error:
        told.append(f"{error.exit_code} {error}")
print(json.dumps(told))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to make a folder read-only for root")
def test_a_read_only_workspace_is_said_in_one_line_and_stays_as_it_is(workspace: Path, films: Path) -> None:
    before = changed_at(workspace)
    command = ["unshare", "-rm", sys.executable, "-c", READ_ONLY, str(films), str(workspace)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"may not mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told) == 2
    for line in told:
        assert line.startswith("1 cannot write"), line
        assert "Read-only file system" in line
    assert changed_at(workspace) == before


def test_a_workspace_with_every_shard_truncated_is_made_anew_to_the_same_bytes(films: Path, workspace: Path) -> None:
    """Each file loses its end, as after a power cut without the syncs: every one is found, and nothing is believed."""
    expected = digests(workspace / "dataset")
    made = {(m.stage, m.shard) for m in manifests(workspace)}
    for path in (workspace / "shards").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-7])
    again = build(films, workspace)
    assert set(again.fresh) == made
    assert digests(workspace / "dataset") == expected
    assert temporaries(workspace) == []
