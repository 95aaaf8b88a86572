"""Prefect task runners for the engines that use one."""

from typing import Any

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from schemas.config import Engine
from schemas.errors import ConfigError


def make_task_runner(engine: Engine, workers: int) -> TaskRunner[Any]:
    """Threads of this process, or a Dask cluster of one process a worker on this machine.

    Raises:
        ConfigError: the engine's extra is not installed.
    """
    if engine == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise ConfigError("engine dask needs the extra: pip install 'storyreasoning[dask]'") from error
    # Everything stays on loopback: a local cluster is nobody else's business.
    options = {
        "n_workers": workers,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": None,
    }
    return DaskTaskRunner(cluster_kwargs=options)
