"""Two Dask workers against one on the embedded vision stages: ``python -m tests.perf.scale --dask [--films 8] [--frames 30]``.

The same films go through ingest to appearance with the real models, by the runner of engine ``dask`` inside a Prefect flow, once
with one worker and once with two, a process each, pinned to a core and working with one thread. Workers have loaded their models
on other films before the clock starts. What Prefect, the scheduler and the flow need is in it, on the same cores.

Beside the ratio (aim 1.7) stand how much of the workers' time went into stages, and how much of a core the stages got while they
were at it: less than 1 says that the machine was shared.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.perf.frames import ROOT, make_films

STAGES = ("ingest", "select", "detect", "landmarks", "faces", "sequence", "appearance")
WARMING = (4, 6)
"""Films and their frames on which workers warm up: enough for each of them to get one."""

CHILD = "import sys; from tests.perf.scale_dask import time_workers; time_workers(int(sys.argv[1]), sys.argv[2])"


@dataclass(frozen=True, slots=True)
class Measured:
    """What so many workers needed for all frames; ``stage_s`` and ``cpu_s`` are those of the stages' own work, summed."""

    workers: int
    seconds: float
    frames: int
    stage_s: float
    cpu_s: float

    @property
    def share_in_stages(self) -> float:
        """How much of the workers' time went into stages; the rest is orchestration and waiting for the last shard."""
        return self.stage_s / (self.workers * self.seconds)


def time_workers(workers: int, folder: str) -> None:
    """Build in this process with so many workers, and print what it took; run by :func:`measure`."""
    import time

    from prefect import flow

    from flows.runners import open_runner
    from schemas.config import BuildConfig
    from tasks.plan import plan
    from tasks.runtime.engine import stage_task
    from tasks.runtime.record import total_stages
    from tasks.runtime.stage import RunSpec

    tasks = [stage_task(name) for name in STAGES]

    @flow
    def through() -> tuple[float, int, float, float]:
        with open_runner("dask", workers) as runner:
            seconds = 0.0
            for source in ("warming", "films"):
                run = RunSpec(str(Path(folder) / f"w-{workers}-{source}"), str(Path(folder) / source), BuildConfig())
                shards = plan(run)
                begun = time.perf_counter()
                done = runner.through(tasks, shards, run)
                seconds = time.perf_counter() - begun
        totals = total_stages(run, done, STAGES)
        spent = sum(total.seconds for total in totals), sum(total.cpu_s for total in totals)
        return seconds, sum(ref.frames for ref in done), *spent

    print(json.dumps(through()))


def measure(workers: int, folder: Path) -> Measured:
    """The films below ``folder`` with so many workers, in a process with a Prefect of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_PROFILES_PATH": str(folder / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "tests.perf.one_core",
        "DO_NOT_TRACK": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-c", CHILD, str(workers), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise SystemExit(f"with {workers} workers it broke:\n{done.stderr[-3000:]}")
    return Measured(workers, *json.loads(done.stdout.splitlines()[-1]))


def compare_workers(films: int, frames: int) -> dict[str, float]:
    """Measure with one worker and with two, and print; returns the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_films(folder / "warming", *WARMING, seed=1)
        make_films(folder / "films", films, frames)
        one, two = measure(1, folder), measure(2, folder)
    assert one.frames == two.frames == films * frames
    figures = {
        "one worker s": one.seconds,
        "two workers s": two.seconds,
        "one worker frames/s": one.frames / one.seconds,
        "two workers frames/s": two.frames / two.seconds,
        "one in stages": one.share_in_stages,
        "two in stages": two.share_in_stages,
        "one got of its core": one.cpu_s / one.stage_s,
        "two got of theirs": two.cpu_s / two.stage_s,
        "two over one": one.seconds / two.seconds,
    }
    print(f"{films} films of {frames} frames through {', '.join(STAGES)}; load before: {os.getloadavg()[2]:.1f}")
    for name, value in figures.items():
        print(f"{name:<22} {value:10.4f}")
    return figures
