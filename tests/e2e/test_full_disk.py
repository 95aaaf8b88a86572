"""A disk that is really full, at one point of a build after the other."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.building import digests

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, subprocess, sys
from pathlib import Path
from schemas.errors import WorkspaceError
from tests import fakes
from tests.e2e.building import build, temporaries
fakes.install()
films, disk = Path(sys.argv[1]), Path(sys.argv[2])
told = []
for size in (*range(60, 900, 40), 20_000):
    subprocess.run(["mount", "-o", f"remount,size={size}k", str(disk)], check=True)
    try:
        build(films, disk / "w")
        told.append("done")
    except WorkspaceError as error:
        told.append(str(error))
    assert temporaries(disk) == [], (size, told, temporaries(disk))
    if told[-1] == "done":
        break
subprocess.run(["cp", "-r", str(disk / "w" / "dataset"), sys.argv[3]], check=True)
print(json.dumps(told))
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare to mount a small disk")
def test_a_disk_that_is_full_at_every_point_loses_nothing(
    films: Path, finished: tuple[Path, Path], tmp_path: Path
) -> None:
    """Give a little more space each time: every build ends with one line, and the last one has the undisturbed bytes."""
    (tmp_path / "disk").mkdir()
    mount = 'mount -t tmpfs -o size=60k none "$1" && exec "$2" -c "$3" "$4" "$1" "$5"'
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", tmp_path / "disk", sys.executable, SCRIPT]
    done = subprocess.run(
        [str(word) for word in (*command, films, tmp_path / "dataset")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"may not mount here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    *failed, last = json.loads(done.stdout.splitlines()[-1])
    assert last == "done"
    assert len(failed) >= 4
    assert len({line.split(" in ")[0] for line in failed}) >= 3, "it was full while different files were written"
    for line in failed:
        assert line.startswith("no space left while writing ")
        assert line.endswith(": free space and run again")
    assert digests(tmp_path / "dataset") == digests(finished[1] / "dataset")
