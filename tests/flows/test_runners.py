"""Task runners of the engines that use one."""

import sys

import pytest

from flows.runners import make_task_runner
from schemas.errors import ConfigError
from tasks.runtime.stage import MOST_WAITING


def test_threads() -> None:
    from prefect.task_runners import ThreadPoolTaskRunner

    runner = make_task_runner("threads", 3)
    assert isinstance(runner, ThreadPoolTaskRunner)
    assert runner._max_workers == 3 + MOST_WAITING


def test_dask_stays_on_loopback() -> None:
    pytest.importorskip("prefect_dask")
    runner = make_task_runner("dask", 2)
    options = runner.cluster_kwargs  # type: ignore[attr-defined]
    assert options["host"] == "127.0.0.1"
    assert options["n_workers"] == 2
    assert options["dashboard_address"] is None


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with pytest.raises(ConfigError, match=r"engine dask needs the extra: pip install 'storyreasoning\[dask\]'"):
        make_task_runner("dask", 2)
