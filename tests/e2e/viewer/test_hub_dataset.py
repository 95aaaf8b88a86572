"""A dataset named ``owner/name``: fetched from the Hub, shown, and shown again without it."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.viewer.conftest import ROOT, Server, StartServer
from tests.hub_stand_in import running_hub
from tests.hub_state import Hub
from tests.viewer.datasets import Sample, write_dataset

pytestmark = pytest.mark.slow

UPLOAD = """
import sys
from huggingface_hub import HfApi
api = HfApi()
api.create_repo("ann/stories", repo_type="dataset", exist_ok=True)
api.upload_folder(repo_id="ann/stories", folder_path=sys.argv[1], repo_type="dataset")
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        yield running


def environment(hub: Hub, home: Path) -> dict[str, str]:
    return {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "hf_writer",
        "PYTHONPATH": str(ROOT),
    }


def fetch(server: Server, path: str) -> Any:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://").rstrip("/"), timeout=20)
    try:
        connection.request("GET", path)
        return json.load(connection.getresponse())
    finally:
        connection.close()


def ids(server: Server) -> list[str]:
    return [story["story_id"] for story in fetch(server, "/api/stories")["stories"]]


def stop(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(10) == 0


def test_a_dataset_of_the_hub(start_server: StartServer, hub: Hub, tmp_path: Path) -> None:
    env = environment(hub, tmp_path / "home")
    folder = write_dataset(tmp_path / "d", [Sample("1"), Sample("2")], [Sample("3")])
    subprocess.run([sys.executable, "-c", UPLOAD, str(folder)], env={**os.environ, **env}, check=True, timeout=120)
    server = start_server("ann/stories", env=env)
    assert ids(server) == ["1", "2", "3"]
    assert fetch(server, "/api/stories/3")["film"] == "harbour", "the grounding came too"
    stop(server)
    # What was fetched is enough: the Hub may be gone.
    away = {**env, "HF_ENDPOINT": "http://127.0.0.1:9"}
    server = start_server("ann/stories", "--offline", env=away)
    assert ids(server) == ["1", "2", "3"]
    stop(server)


def test_a_name_that_the_hub_does_not_have(hub: Hub, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "view", "ann/nothing", "--no-browser", "--port", "0"],
        env={**os.environ, **environment(hub, tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ann/nothing is no local path and cannot be fetched from the Hub")
    assert len(done.stderr.splitlines()) == 1
