"""How long it takes to plan many frames, and how much memory: ``python -m tests.perf.planning --frames 1000000``.

The source is made up, so that what is measured is the plan: ordering, cutting, and the files that are written. A second plan
of the same finds everything standing. Each runs in a process of its own, so that peaks of memory do not mix.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from schemas.config import BuildConfig, IngestConfig
from tasks.plan import plan_shards
from tasks.runtime.keys import content_key
from tasks.runtime.stage import RunSpec
from tasks.sources.source import SourceItem
from tasks.sources.tree import Read

SCENES, PER_SCENE = 40, 125


class MadeUp:
    """Films of 40 scenes of 125 frames, listed in the order of a bucket: as text, scene 10 before scene 2."""

    title = "made up"
    names_hold_film = False

    def __init__(self, frames: int) -> None:
        """So many frames, rounded down to whole films."""
        self._films = max(1, frames // (SCENES * PER_SCENE))

    def scan(self) -> Iterator[SourceItem]:
        """Every frame."""
        for film in range(self._films):
            for scene in sorted(range(SCENES), key=str):
                for k in sorted(range(PER_SCENE), key=str):
                    address = f"film {film}/scene {scene}/{k}.jpg"
                    yield SourceItem(
                        address, str(k), f"film {film}", f"scene {scene}", content_key(address) * 2, 100_000
                    )

    def reader(self, items: Sequence[str]) -> Read:
        """Nothing is read."""
        raise AssertionError

    def ignored(self) -> dict[str, int]:
        """Nothing is passed over."""
        return {}


def measure(frames: int, workspace: str) -> None:
    """Plan once and print figures as JSON."""
    source = MadeUp(frames)
    cpu = time.process_time()
    scanned = sum(1 for _ in source.scan())
    listing = time.process_time() - cpu
    begun, cpu = time.monotonic(), time.process_time()
    refs = plan_shards(RunSpec(workspace, "made up", BuildConfig()), source, IngestConfig())
    print(
        json.dumps(
            {
                "frames": scanned,
                "shards": len(refs),
                "wall_s": round(time.monotonic() - begun, 2),
                "cpu_s": round(time.process_time() - cpu, 2),
                "listing_cpu_s": round(listing, 2),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


def main() -> None:
    """Plan twice, in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--workspace", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.workspace:
        measure(args.frames, args.workspace)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first plan", "the same again"):
            command = [sys.executable, "-m", "tests.perf.planning", "--frames", str(args.frames), "--workspace", folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            print(f"{name}: {done.stdout.strip()}", flush=True)
    print("aims at 1,000,000 frames: 60 s, 1000 MB")


if __name__ == "__main__":
    main()
