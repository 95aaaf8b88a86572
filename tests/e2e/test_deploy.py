"""``storyreasoning deploy`` against a real Prefect server, and a deployment that a worker runs to a finished dataset."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.building import CONFIG, digests, temporaries

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prefect")]

PAINTED = """
from tests import fakes
fakes.install()
"""
"""Imported by every Python of the worker when it starts: its runs use the models that find what was painted."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(url: str, method: str = "GET", body: Any = None) -> Any:
    """One request to the server's API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read() or b"null")


def wait_for(what: str, ready: Any, seconds: float, process: subprocess.Popen[bytes]) -> Any:
    """Ask until there is an answer that is true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert process.poll() is None, f"{what}: the process ended with {process.returncode}"
        try:
            found = ready()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {seconds} s")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A Prefect of our own that calls nobody."""
    home = tmp_path_factory.mktemp("prefect")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return kept | {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[str]:
    """The API's address of a running server."""
    url = environment["PREFECT_API_URL"]
    port = url.split(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("server", lambda: call(f"{url}/health"), 120, process)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def deploy(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cli.main", "deploy", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def snapshot(server: str) -> dict[str, Any]:
    """What the server holds of ours, without times and ids."""
    pools = call(f"{server}/work_pools/filter", "POST", {})
    queues = call(f"{server}/work_queues/filter", "POST", {})
    deployments = call(f"{server}/deployments/filter", "POST", {})
    names = (
        "name",
        "entrypoint",
        "parameters",
        "tags",
        "work_pool_name",
        "work_queue_name",
        "pull_steps",
        "description",
    )
    return {
        "pools": sorted((pool["name"], pool["type"]) for pool in pools),
        "queues": sorted((q["name"], q["concurrency_limit"], q["priority"]) for q in queues if q["name"] != "default"),
        "deployments": {
            one["name"]: {
                **{name: one[name] for name in names},
                "limit": one["global_concurrency_limit"]["limit"],
                "collision": one["concurrency_options"]["collision_strategy"],
                "schedules": [
                    (s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in one["schedules"]
                ],
                "form": sorted(one["parameter_openapi_schema"]["properties"]),
            }
            for one in deployments
        },
    }


def test_deploying_makes_everything_once(server: str, environment: dict[str, str]) -> None:
    first = deploy(environment)
    assert first.returncode == 0, first.stderr
    made = snapshot(server)
    assert made["pools"] == [("storyreasoning", "process")]
    assert made["queues"] == [("cpu", 2, 2), ("gpu", 1, 1)]
    assert set(made["deployments"]) == {"nightly", "nightly-gpu", "release", "evaluate", "finetune"}
    nightly = made["deployments"]["nightly"]
    assert (nightly["limit"], nightly["collision"]) == (1, "CANCEL_NEW")
    assert nightly["schedules"] == [("0 3 * * *", "Europe/Lisbon", True)]
    assert made["deployments"]["nightly-gpu"]["work_queue_name"] == "gpu"
    assert made["deployments"]["nightly-gpu"]["schedules"][0][2] is False
    assert nightly["pull_steps"] == [{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}]
    assert {"source", "workspace", "config", "engine", "preset"} <= set(nightly["form"])
    again = deploy(environment)
    assert again.returncode == 0, again.stderr
    assert snapshot(server) == made
    wrong = deploy(environment, "--type", "docker")
    assert wrong.returncode == 2
    assert "work pool storyreasoning is of type process" in wrong.stderr


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_pools_of_containers_take_our_templates(server: str, environment: dict[str, str], kind: str) -> None:
    done = deploy(environment, "--type", kind, "--pool", f"our-{kind}")
    assert done.returncode == 0, done.stderr
    pool = call(f"{server}/work_pools/our-{kind}")
    assert pool["type"] == kind
    assert pool["base_job_template"]["variables"]["properties"]["image"]["default"].startswith("storyreasoning")


def test_a_deployment_runs_on_a_worker_to_the_same_dataset(
    server: str, environment: dict[str, str], finished: tuple[Path, Path], films: Path, tmp_path: Path
) -> None:
    """Deploy, start a process worker, ask for a run, wait, read the dataset, and look at what Prefect shows of it."""
    assert deploy(environment, "--pool", "painted").returncode == 0
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "sitecustomize.py").write_text(PAINTED)
    inherited = {**environment, "PYTHONPATH": f"{tmp_path / 'start'}:{ROOT}"}
    found = call(f"{server}/deployments/name/build-dataset/nightly")
    assert found["work_pool_name"] == "painted"
    parameters = {"source": str(films), "workspace": str(tmp_path / "w"), "config": CONFIG, "engine": "threads"}
    run = call(f"{server}/deployments/{found['id']}/create_flow_run", "POST", {"parameters": parameters})
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "painted", "--type", "process"]
    with (
        (tmp_path / "worker.log").open("wb") as log,
        subprocess.Popen(command, env=inherited, stdout=log, stderr=log) as worker,
    ):
        try:

            def ended() -> str:
                state: str = call(f"{server}/flow_runs/{run['id']}")["state_type"]
                return state if state in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else ""

            state = wait_for("run", ended, 150, worker)
        finally:
            worker.terminate()
            worker.wait(60)
    assert state == "COMPLETED", (tmp_path / "worker.log").read_text()
    assert digests(tmp_path / "w" / "dataset") == digests(finished[1] / "dataset")
    assert temporaries(tmp_path / "w") == []
    artifacts = {
        one["key"]: one for one in call(f"{server}/artifacts/filter", "POST", {}) if one["flow_run_id"] == run["id"]
    }
    assert set(artifacts) == {"build-progress", "w-counts", "w-left-out", "w-frames", "w-report"}
    assert artifacts["build-progress"]["data"] == 100.0
    counts = json.loads(artifacts["w-counts"]["data"])
    record = json.loads((tmp_path / "w" / "latest.json").read_text())
    assert [(row["stage"], row["in"], row["out"]) for row in counts] == [
        (stage["name"], stage["items_in"], stage["items_out"]) for stage in record["stages"]
    ]
    assert artifacts["w-frames"]["data"].startswith("![First frames of the first stories](data:image/jpeg;base64,")
    assert str(tmp_path / "w" / "report.html") in artifacts["w-report"]["data"]
