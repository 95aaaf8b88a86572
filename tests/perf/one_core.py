"""Preloaded by Dask workers in a benchmark: each keeps to a core of its own, so that a worker is worth one core."""

import os
from pathlib import Path
from typing import Any


def dask_setup(worker: Any) -> None:
    """Called by a worker when it starts; threads that it starts later keep to the core too."""
    cores = sorted(os.sched_getaffinity(0))
    core = cores[int(worker.name) % len(cores)]
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})
