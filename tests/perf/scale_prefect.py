"""Simulated stages through a real flow run on the engine ``threads``: what Prefect adds, and its task runs as counted.

The flow brings the shards through two chains of stages, as ``flows/build_dataset.py`` does; each stage copies rows.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from flows.build_dataset import SEEING, TELLING

ROOT = Path(__file__).parents[2]
CHILD = "from tests.perf.scale_prefect import run_flow; import sys; run_flow(*map(int, sys.argv[1:3]), sys.argv[3])"


def run_flow(count: int, frames: int, folder: str) -> None:
    """Run in a process with a Prefect of its own; prints seconds and task runs as JSON."""
    from prefect import flow
    from prefect.client.orchestration import get_client

    from flows.runners import open_runner
    from schemas.config import BuildConfig
    from tasks.runtime.stage import RunSpec, ShardRef
    from tests.perf.scale import simulate

    run = RunSpec(folder, "nowhere", BuildConfig(), run_id="simulated")
    stages = [simulate(index, frames) for index in range(len(SEEING) + len(TELLING))]
    shards = [ShardRef(f"film{k:05d}", f"film{k}", frames) for k in range(count)]

    @flow(name="simulated", persist_result=False)
    def build() -> float:
        with open_runner("threads") as runner:
            begun = time.perf_counter()
            seen = runner.through(stages[: len(SEEING)], shards, run)
            told = runner.through(stages[len(SEEING) :], seen, run)
            assert len(told) == count
            return time.perf_counter() - begun

    seconds = build()
    with get_client(sync_client=True) as client:
        recorded = -1
        # The server writes task runs down some time after they ended.
        for _ in range(30):
            before, recorded = recorded, 0
            while page := client.read_task_runs(offset=recorded, limit=200):
                recorded += len(page)
            if recorded == before:
                break
            time.sleep(2)
    print(json.dumps([seconds, recorded]))


def measure_flow(count: int, frames: int, rate: float) -> dict[str, float]:
    """Measure and print; returns the figures.

    Args:
        count: shards.
        frames: of each.
        rate: frames a second of the real stages.
    """
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PREFECT_HOME": f"{scratch}/prefect",
            "PREFECT_PROFILES_PATH": f"{scratch}/prefect/profiles.toml",
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "CRITICAL",
            "DO_NOT_TRACK": "1",
        }
        environment.pop("PREFECT_API_URL", None)
        command = [sys.executable, "-c", CHILD, str(count), str(frames), f"{scratch}/workspace"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False
        )
        if done.returncode:
            raise SystemExit(f"it broke:\n{done.stderr[-3000:]}")
    seconds, recorded = json.loads(done.stdout.splitlines()[-1])
    figures = {
        "flow run s": seconds,
        "task runs on the server": recorded,
        "overhead": seconds / (count * frames / rate),
    }
    for name, value in figures.items():
        print(f"{name:<24} {value:10.4f}")
    return figures
