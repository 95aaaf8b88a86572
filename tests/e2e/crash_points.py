"""Builds that are killed at one file operation after the other: run as a program by ``test_crash.py``.

``python -m tests.e2e.crash_points FILMS FOLDER SEED`` counts the operations with which Python changes files below the workspace
of an undisturbed build (opening for writing, renaming, removing, making folders: audit events of the interpreter), and draws
points among them by ``SEED``. One workspace is then built with a SIGKILL at each of the points, every attempt going on where
the one before was killed. The end of a build, which the next attempt does as a whole, is killed at points of its own, each in
a copy of a workspace whose shards stand. It prints a JSON line for each kill.

Attempts run in forked children, so that imports are paid once.
"""

import json
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import fakes
from tests.e2e.building import build, digests, manifests, temporaries

ALONG, AT_THE_END = 14, 6
"""Kills along the whole way, and kills from the export on."""
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree")
ENDINGS = ("dataset", "export.json", "report.html", "latest.json", "dead_letters.parquet", "runs")
"""What a build writes when all its shards stand."""


def in_child(action: Callable[[], object]) -> int:
    """Run something in a forked child; returns how it ended: 0, or minus the signal that killed it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        action()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def changes(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event is one of changing a file."""
    if event == "open":
        return bool(isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in CHANGES


def watch(workspace: Path, tell: Callable[[int], None]) -> None:
    """Have the number of every change below a workspace told, from 1, before it is made; records of runs do not count."""
    place, runs, count = f"{workspace}/", f"{workspace}/runs", 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if arguments and isinstance(arguments[0], str | os.PathLike) and changes(event, arguments):
            path = str(arguments[0])
            if path.startswith(place) and not path.startswith(runs):
                count += 1
                tell(count)

    sys.addaudithook(hook)


def count_changes(films: Path, workspace: Path) -> int:
    """Build undisturbed; returns how many changes it took."""
    seen = workspace.with_suffix(".count")

    def run() -> None:
        last = 0

        def note(number: int) -> None:
            nonlocal last
            last = number

        watch(workspace, note)
        build(films, workspace)
        seen.write_text(str(last))

    assert in_child(run) == 0
    return int(seen.read_text())


def kill_at(films: Path, workspace: Path, point: int) -> int:
    """Build until the change ``point``, and be killed before it."""

    def die(number: int) -> None:
        if number == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        watch(workspace, die)
        build(films, workspace)

    return in_child(run)


def standing(workspace: Path) -> dict[str, str]:
    """Stage and shard of everything that stands, with the run that made it and when it said so."""
    return {f"{m.stage} {m.shard}": f"{m.run} {m.finished}" for m in manifests(workspace)}


def tell(where: str, killed: int, before: dict[str, str], after: dict[str, str]) -> None:
    """A line on one kill: what stood before it and after it, and whether any of that was made twice."""
    again = sorted(name for name, made in before.items() if after.get(name) != made)
    print(json.dumps({"where": where, "killed": killed, "stood": len(after), "made_again": again}), flush=True)


def conclude(films: Path, workspace: Path, expected: dict[str, str]) -> None:
    """Let a build finish, and say what it came to."""
    before = standing(workspace)
    finished = in_child(lambda: build(films, workspace))
    after = standing(workspace)
    told = {
        "where": "finish",
        "finished": finished,
        "made_again": sorted(name for name, made in before.items() if after.get(name) != made),
        "same": digests(workspace / "dataset") == expected,
        "temporaries": temporaries(workspace),
    }
    print(json.dumps(told), flush=True)


def main(films: Path, folder: Path, seed: int) -> None:
    """Kill and finish, and say what was found."""
    fakes.install()
    rng = random.Random(seed)
    whole = folder / "undisturbed"
    every = count_changes(films, whole)
    expected = digests(whole / "dataset")
    ready = folder / "ready"
    shutil.copytree(whole, ready, ignore=shutil.ignore_patterns(*ENDINGS))
    ending = count_changes(films, Path(shutil.copytree(ready, folder / "ending")))

    workspace, last = folder / "along", 0
    before: dict[str, str] = {}
    for point in sorted(rng.sample(range(1, every - ending), ALONG)):
        killed = kill_at(films, workspace, point - last)
        after = standing(workspace)
        tell("along", killed, before, after)
        before, last = after, point
    conclude(films, workspace, expected)

    for number, point in enumerate(rng.sample(range(1, ending + 1), AT_THE_END)):
        copy = Path(shutil.copytree(ready, folder / f"end{number}"))
        before = standing(copy)
        killed = kill_at(films, copy, point)
        tell("end", killed, before, standing(copy))
        conclude(films, copy, expected)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
