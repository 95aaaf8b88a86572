"""Task runners of the engines that use one."""

import os
import sys
import time
from typing import Any

import pytest

from flows.runners import make_task_runner
from schemas.errors import ConfigError
from tasks.runtime.cards import VISIBLE
from tasks.runtime.progress import Event, listening
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


def test_without_gpus_workers_are_plain_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("prefect_dask")
    monkeypatch.setenv(VISIBLE, "")
    told: list[Event] = []
    with listening(told.append):
        runner: Any = make_task_runner("dask", 2)
    assert "worker_class" not in runner.cluster_kwargs
    assert told == []


@pytest.mark.parametrize(
    ("workers", "told"), [(2, []), (3, ["3 workers share 2 GPUs"]), (1, ["1 of 2 GPUs are given to workers"])]
)
def test_each_worker_is_started_with_one_gpu(workers: int, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the cluster starts them, but for the processes."""
    pytest.importorskip("prefect_dask")
    from distributed import Nanny

    monkeypatch.setenv(VISIBLE, "GPU-5,GPU-3")
    heard: list[Event] = []
    with listening(heard.append):
        runner: Any = make_task_runner("dask", workers)
    assert [(event.kind, event.text.partition(":")[0]) for event in heard] == [("message", text) for text in told]
    started: list[dict[str, Any]] = []
    monkeypatch.setattr(Nanny, "__init__", lambda self, *args, **options: started.append(options))
    for name in range(workers):
        runner.cluster_kwargs["worker_class"](name=name, env={"OTHER": "kept"}, nthreads=1)
    assert [options["env"] for options in started] == [
        {"OTHER": "kept", VISIBLE: card} for card in ("GPU-5", "GPU-3", "GPU-5")[:workers]
    ]
    assert [(options["name"], options["nthreads"]) for options in started] == [(name, 1) for name in range(workers)]


@pytest.mark.slow
def test_two_workers_see_two_gpus_and_keep_them_when_they_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real worker processes on a machine that claims to have two cards; a task asks for its environment."""
    pytest.importorskip("prefect_dask")
    import distributed

    monkeypatch.setenv(VISIBLE, "6,7")
    options: Any = make_task_runner("dask", 2)
    parts: Any = distributed
    with parts.LocalCluster(**options.cluster_kwargs) as cluster, parts.Client(cluster) as client:

        def seen() -> dict[str, str | None]:
            return dict(client.run(os.getenv, VISIBLE))

        first = seen()
        assert sorted(map(str, first.values())) == ["6", "7"]
        by_task = client.submit(os.getenv, VISIBLE, resources={"GPU": 1}, pure=False).result(timeout=30)
        assert by_task in ("6", "7")
        doomed = next(address for address, card in first.items() if card == "7")
        before = client.run(os.getpid, workers=[doomed])[doomed]
        client.submit(os._exit, 1, workers=[doomed], retries=0, pure=False)
        for _ in range(300):
            time.sleep(0.1)
            pids = set(client.run(os.getpid, on_error="ignore").values())
            if len(pids) == 2 and before not in pids:
                break
        assert sorted(map(str, seen().values())) == ["6", "7"]
